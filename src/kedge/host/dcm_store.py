"""A connection manager for development: connections and their secrets in a JSON file.

The file maps connection ids to connections. A connection holds whatever its tools want to know; what the store looks
at are the credentials, each with a role, and their secrets::

    {
      "d3b0": {
        "dataSource": {"host": "db.example.org", "port": 5432},
        "credentials": [
          {
            "credRole": "main",
            "parameters": {"username": "ada"},
            "secrets": {
              "oauth-token": {"value": "abc", "expiresOn": "2030-01-01T00:00:00Z", "parameters": {"scope": "read"}}
            }
          }
        ]
      }
    }

A secret has a ``value``, and may have ``expiresOn`` (text or null), ``parameters`` (object) and, while somebody holds
it, ``lock``. The store writes the file anew for every lock and update; other readers see the old file or the new one.
Several processes may use one file: a lock file beside it (``NAME.lock``) lets one in at a time.
"""

from __future__ import annotations

__all__ = ["DEFAULT_LOCK", "DcmStore"]

import copy
import json
import uuid
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from kedge.exceptions import DcmEError, UsageError
from kedge.host.atomic_file import AtomicFile
from kedge.host.file_lock import locked
from kedge.host.json_file import JsonObject, expect, read_json_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DEFAULT_LOCK = timedelta(minutes=5)
"""How long a lock holds that was asked for without an expiry."""


def _now() -> datetime:
    return datetime.now(timezone.utc)


class DcmStore:
    """Answers the four requests of a tool from a file; see the module for its format.

    Every method returns the answer's fields, or raises DcmEError with one of the codes CONNECTION_NOT_FOUND,
    CREDENTIAL_NOT_FOUND, SECRET_NOT_FOUND, SECRET_LOCKED, LOCK_NOT_HELD, LOCK_EXPIRED and INVALID_ARGUMENT; UsageError
    if the file cannot be read or written. They block on the disk, and on other processes that use the file.

    ``clock`` returns the current moment, with a zone.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime] = _now) -> None:
        self._path = path
        self._clock = clock
        self._read()

    def __repr__(self) -> str:
        return f"<DcmStore {self._path}>"

    def get_connection(self, connection_id: str) -> JsonObject:
        """Return the connection as the file has it, with its ``connectionId`` and without the locks."""
        connection = copy.deepcopy(_connection(self._read(), connection_id))
        for credential in connection["credentials"]:
            for secret in credential["secrets"].values():
                secret.pop("lock", None)
        return {"connectionId": connection_id, **connection}

    def lock_secret(
        self, connection_id: str, credential_role: str, secret_type: str, expires_in: str = ""
    ) -> JsonObject:
        """Lock a secret; return ``secretLockId`` and ``expiresOn``.

        ``expires_in`` is a number of seconds or an ISO 8601 moment (UTC where it has no zone), empty for 5 minutes.
        """
        with self._secret(connection_id, credential_role, secret_type) as secret:
            now = self._clock()
            lock = secret.get("lock")
            if lock is not None and _moment(lock["expiresOn"]) > now:
                raise DcmEError(
                    f"The secret {secret_type!r} is locked by another user until {lock['expiresOn']}.", "SECRET_LOCKED"
                )
            secret["lock"] = {"secretLockId": uuid.uuid4().hex, "expiresOn": _expiry(expires_in, now).isoformat()}
            return dict(secret["lock"])

    def unlock_secret(self, connection_id: str, credential_role: str, secret_type: str, lock_id: str) -> JsonObject:
        """Give a lock back; the answer has no fields."""
        with self._secret(connection_id, credential_role, secret_type) as secret:
            self._check_held(secret, secret_type, lock_id)
            del secret["lock"]
            return {}

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
        """Store a new value of a locked secret, its expiry (any text, empty for none) and its parameters.

        The answer has no fields. The lock stays.
        """
        with self._secret(connection_id, credential_role, secret_type) as secret:
            self._check_held(secret, secret_type, lock_id)
            secret.update(value=value, expiresOn=expires_on or None, parameters=parameters)
            return {}

    def _check_held(self, secret: JsonObject, secret_type: str, lock_id: str) -> None:
        lock = secret.get("lock")
        if lock is None or lock["secretLockId"] != lock_id:
            raise DcmEError(f"The lock {lock_id!r} does not hold the secret {secret_type!r}.", "LOCK_NOT_HELD")
        if _moment(lock["expiresOn"]) <= self._clock():
            raise DcmEError(f"The lock on the secret {secret_type!r} expired at {lock['expiresOn']}.", "LOCK_EXPIRED")

    @contextmanager
    def _secret(self, connection_id: str, credential_role: str, secret_type: str) -> Iterator[JsonObject]:
        """Yield a secret to be changed, and write the file if nothing was raised."""
        with locked(self._path.with_name(f"{self._path.name}.lock")):
            document = self._read()
            yield _secret(_connection(document, connection_id), credential_role, secret_type)
            file = AtomicFile(self._path)
            file.stream.write(json.dumps(document, indent=2, ensure_ascii=False).encode())
            file.commit()

    def _read(self) -> JsonObject:
        document = read_json_object(self._path)
        for connection_id, connection in document.items():
            _check_connection(connection, str(self._path), connection_id)
        return document


def _connection(document: JsonObject, connection_id: str) -> JsonObject:
    if connection_id not in document:
        raise DcmEError(
            f"There is no connection {connection_id!r}.", "CONNECTION_NOT_FOUND", f"Known are: {', '.join(document)}"
        )
    connection: JsonObject = document[connection_id]
    return connection


def _secret(connection: JsonObject, credential_role: str, secret_type: str) -> JsonObject:
    credentials = {credential["credRole"]: credential for credential in connection["credentials"]}
    if credential_role not in credentials:
        raise DcmEError(
            f"The connection has no credential of the role {credential_role!r}.",
            "CREDENTIAL_NOT_FOUND",
            f"Its roles are: {', '.join(credentials)}",
        )
    secrets = credentials[credential_role]["secrets"]
    if secret_type not in secrets:
        raise DcmEError(
            f"The credential {credential_role!r} has no secret of the type {secret_type!r}.",
            "SECRET_NOT_FOUND",
            f"Its types are: {', '.join(secrets)}",
        )
    secret: JsonObject = secrets[secret_type]
    return secret


def _expiry(expires_in: str, now: datetime) -> datetime:
    try:
        expiry = now + DEFAULT_LOCK if not expires_in else _seconds_or_moment(expires_in, now)
    except (ValueError, OverflowError):
        raise DcmEError(
            f"The expiry {expires_in!r} is neither a number of seconds nor an ISO 8601 moment.", "INVALID_ARGUMENT"
        ) from None
    if expiry <= now:
        raise DcmEError(f"The expiry {expires_in!r} is not in the future.", "INVALID_ARGUMENT")
    return expiry


def _seconds_or_moment(text: str, now: datetime) -> datetime:
    try:
        return now + timedelta(seconds=float(text))
    except ValueError:
        return _moment(text)


def _moment(text: str) -> datetime:
    # Python 3.10 does not read the Z.
    moment = datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _check_connection(connection: object, path: str, connection_id: str) -> None:
    """Check what the store relies on; fill in the lists and objects that a connection may leave out."""
    credentials = expect(connection, dict, path, connection_id).setdefault("credentials", [])
    for index, credential in enumerate(expect(credentials, list, path, f"{connection_id}.credentials")):
        place = f"{connection_id}.credentials[{index}]"
        secrets = expect(credential, dict, path, place).setdefault("secrets", {})
        expect(credential.get("credRole"), str, path, f"{place}.credRole")
        for secret_type, secret in expect(secrets, dict, path, f"{place}.secrets").items():
            _check_secret(secret, path, f"{place}.secrets.{secret_type}")


def _check_secret(secret: object, path: str, place: str) -> None:
    lock = expect(secret, dict, path, place).get("lock")
    if lock is None:
        return
    expect(expect(lock, dict, path, f"{place}.lock").get("secretLockId"), str, path, f"{place}.lock.secretLockId")
    expires_on = expect(lock.get("expiresOn"), str, path, f"{place}.lock.expiresOn")
    try:
        _moment(expires_on)
    except ValueError:
        raise UsageError(f"{path}: {place}.lock.expiresOn must be an ISO 8601 moment, but is {expires_on!r}") from None
