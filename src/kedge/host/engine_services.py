"""What a tool may ask its engine for: translations, decrypted passwords, connections and their secrets."""

from __future__ import annotations

__all__ = ["EngineServices", "LocalEngineServices", "failure_fields"]

from typing import TYPE_CHECKING, Protocol

from kedge.exceptions import DcmEError, UsageError
from kedge.host.dcm_store import DcmStore
from kedge.host.json_file import JsonObject, expect, read_json_object
from kedge.host.translation import Catalogue, translate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class EngineServices(Protocol):
    """Answers a tool's requests; a host is given one.

    The methods may block, so a host with an event loop calls them in a thread; it calls one at a time. The methods
    about connections return the fields of the answer, or raise DcmEError, whose ``failure_fields`` the tool then gets.
    """

    def translate(self, text: str, args: Sequence[str]) -> str:
        """Return ``text`` in the user's language, with ``{0}``, ``{1}``, … replaced by ``args``. Never raises."""

    def decrypt_password(self, text: str) -> str:
        """Return the password behind ``text``. Raises UsageError if there is none: the tool gets no answer then."""

    def get_connection(self, connection_id: str) -> JsonObject:
        """Return a connection with its data source and credentials."""

    def lock_secret(self, connection_id: str, credential_role: str, secret_type: str, expires_in: str) -> JsonObject:
        """Lock a secret to change it; return at least ``secretLockId``."""

    def unlock_secret(self, connection_id: str, credential_role: str, secret_type: str, lock_id: str) -> JsonObject:
        """Give a lock back."""

    def update_secret(
        self,
        connection_id: str,
        credential_role: str,
        secret_type: str,
        lock_id: str,
        expires_on: str,
        value: str,
        parameters: JsonObject,
    ) -> JsonObject:
        """Store a new value of a locked secret."""


def failure_fields(error: DcmEError) -> JsonObject:
    """Return the fields of the answer to a request that failed: ``message``, ``errorCode``, perhaps ``detail``."""
    fields = {"message": error.message, "errorCode": error.error_code}
    return {**fields, "detail": error.detail} if error.detail else fields


class LocalEngineServices:
    """``EngineServices`` for development, from files that people write.

    * ``translations``: a catalogue by locale and text, ``{"de": {"{0} rows": "{0} Zeilen"}}``;
    * ``passwords``: what stands for a password in a configuration, and the password, ``{"ENC(1)": "secret"}``;
    * ``connections``: see ``kedge.host.dcm_store``.

    Without translations every text stays as it is; without passwords or connections there are none. ``locale`` is the
    user's, such as ``de``. ``load`` reads the files.
    """

    def __init__(
        self,
        translations: Catalogue | None = None,
        passwords: Mapping[str, str] | None = None,
        connections: DcmStore | None = None,
        locale: str = "en",
    ) -> None:
        self._translations = translations or {}
        self._passwords = passwords or {}
        self._connections = connections
        self._locale = locale

    @classmethod
    def load(cls, directory: Path, locale: str = "en") -> LocalEngineServices:
        """Read ``translations.json``, ``passwords.json`` and ``connections.json`` in ``directory``, those that exist.

        Raises UsageError if there is none of them, and for one that is wrong.
        """
        translations, passwords, connections = (
            path if (path := directory / f"{name}.json").exists() else None
            for name in ("translations", "passwords", "connections")
        )
        if not (translations or passwords or connections):
            raise UsageError(f"{directory} has no translations.json, passwords.json or connections.json")
        return cls(
            _read_catalogue(translations) if translations else None,
            _texts(read_json_object(passwords), passwords, "") if passwords else None,
            DcmStore(connections) if connections else None,
            locale,
        )

    def translate(self, text: str, args: Sequence[str]) -> str:
        """Return ``text`` in the user's language, with ``{0}``, ``{1}``, … replaced by ``args``."""
        return translate(text, args, self._translations, self._locale)

    def decrypt_password(self, text: str) -> str:
        """Return the password that the file has for ``text``."""
        try:
            return self._passwords[text]
        except KeyError:
            raise UsageError(f"no password is known for {text!r}; add it to passwords.json") from None

    def get_connection(self, connection_id: str) -> JsonObject:
        """Return a connection from the file."""
        return self._store(connection_id).get_connection(connection_id)

    def lock_secret(self, connection_id: str, credential_role: str, secret_type: str, expires_in: str) -> JsonObject:
        """Lock a secret in the file."""
        return self._store(connection_id).lock_secret(connection_id, credential_role, secret_type, expires_in)

    def unlock_secret(self, connection_id: str, credential_role: str, secret_type: str, lock_id: str) -> JsonObject:
        """Give a lock back."""
        return self._store(connection_id).unlock_secret(connection_id, credential_role, secret_type, lock_id)

    def update_secret(
        self,
        connection_id: str,
        credential_role: str,
        secret_type: str,
        lock_id: str,
        expires_on: str,
        value: str,
        parameters: JsonObject,
    ) -> JsonObject:
        """Write a new value of a locked secret to the file."""
        store = self._store(connection_id)
        return store.update_secret(connection_id, credential_role, secret_type, lock_id, expires_on, value, parameters)

    def _store(self, connection_id: str) -> DcmStore:
        if self._connections is None:
            raise DcmEError(
                f"There is no connection {connection_id!r}.", "CONNECTION_NOT_FOUND", "There is no connections.json."
            )
        return self._connections


def _read_catalogue(path: Path) -> Catalogue:
    catalogue = read_json_object(path)
    return {
        locale: _texts(expect(texts, dict, str(path), locale), path, f"{locale}.")
        for locale, texts in catalogue.items()
    }


def _texts(texts: JsonObject, path: Path, place: str) -> dict[str, str]:
    return {key: expect(text, str, str(path), f"{place}{key}") for key, text in texts.items()}
