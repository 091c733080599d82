"""The connection manager (DCM): ``provider.dcm``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from kedge.exceptions import DcmEError, DcmEException
from kedge.sdk.constants import MessageType
from kedge.sdk.outlet import DcmAnswer, DcmRequest, Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from kedge.sdk.outlet import DcmVerb, Outlet

    DcmCallback: TypeAlias = Callable[[dict[str, Any]], None]

__all__ = ["AMPDCMV2", "dcm_result"]


class AMPDCMV2:
    """Connections and their secrets. Calls return at once; a callback gets the answer as one dict.

    When a call fails, the dict carries ``dcme_exception``, a :class:`~kedge.exceptions.DcmEException`, beside the
    ``message``, ``errorCode`` and ``detail`` of the answer. Callbacks run on the main thread,
    between two of the tool's. The failure of a call without a callback is a warning to the engine's user.
    """

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def get_connection(self, connection_id: str, callback: DcmCallback) -> None:
        """Fetch a connection with its parameters and secrets."""
        self._call("get_connection", {"connection_id": connection_id}, callback)

    def get_write_lock(
        self,
        connection_id: str,
        role: str,
        secret_type: str,
        expires_in: datetime | float | str | None,
        callback: DcmCallback,
    ) -> None:
        """Lock a secret for writing; the answer's ``secretLockId`` is the key to the lock."""
        lock = _secret(connection_id, role, secret_type) | {"expires_in": _moment(expires_in)}
        self._call("lock_secret", lock, callback)

    def free_write_lock(
        self,
        connection_id: str,
        role: str,
        secret_type: str,
        lock_id: str,
        callback: DcmCallback | None = None,
    ) -> None:
        """Release the lock on a secret."""
        self._call("unlock_secret", _secret(connection_id, role, secret_type) | {"lock_id": lock_id}, callback)

    def update_connection_secret(
        self,
        connection_id: str,
        role: str,
        secret_type: str,
        value: str,
        expires_on: datetime | float | str | None,
        parameters: dict[str, Any] | None,
        lock_id: str,
        callback: DcmCallback | None = None,
    ) -> None:
        """Store a new value for a secret that this tool holds the lock of."""
        update = _secret(connection_id, role, secret_type) | {
            "lock_id": lock_id,
            "expires_on": _moment(expires_on),
            "value": value,
            "parameters": dict(parameters or {}),
        }
        self._call("update_secret", update, callback)

    def get_lock_and_update_secret(
        self,
        connection_id: str,
        role: str,
        secret_type: str,
        value: str,
        expires_on: datetime | float | str | None,
        parameters: dict[str, Any] | None,
        on_complete: DcmCallback | None = None,
    ) -> None:
        """Lock a secret, update it and unlock it again, also where the update fails.

        ``on_complete`` gets the answer of the update, or of the lock where that failed. An unlocking that fails is a
        warning to the engine's user.
        """
        finish = on_complete or self._warn_of_failure

        def locked(answer: dict[str, Any]) -> None:
            lock = _with_lock_id(answer)
            if "dcme_exception" in lock:
                finish(lock)
                return
            lock_id = str(lock["secretLockId"])

            def updated(answer: dict[str, Any]) -> None:
                def unlocked(unlocking: dict[str, Any]) -> None:
                    self._warn_of_failure(unlocking)
                    finish(answer)

                self.free_write_lock(connection_id, role, secret_type, lock_id, unlocked)

            self.update_connection_secret(
                connection_id, role, secret_type, value, expires_on, parameters, lock_id, updated
            )

        self.get_write_lock(connection_id, role, secret_type, None, locked)

    def _call(self, verb: DcmVerb, arguments: dict[str, Any], callback: DcmCallback | None) -> None:
        def answered(answer: Any) -> None:
            (callback or self._warn_of_failure)(dcm_result(verb, cast("DcmAnswer", answer)))

        self._outlet.request(DcmRequest(verb, arguments), answered)

    def _warn_of_failure(self, result: dict[str, Any]) -> None:
        if "dcme_exception" in result:
            self._outlet.message(Message(MessageType.WARN, str(result["dcme_exception"])))


def dcm_result(verb: DcmVerb, answer: DcmAnswer) -> dict[str, Any]:
    """The dict that tools get for an answer; a failure's holds ``dcme_exception``."""
    result = dict(answer.response)
    if not answer.success:
        error = DcmEError(
            str(result.get("message") or "the connection manager gave no reason"),
            str(result.get("errorCode") or ""),
            str(result.get("detail") or ""),
        )
        result["dcme_exception"] = DcmEException(f"DCM {verb} failed: {error.message}", error)
    return result


def _secret(connection_id: str, role: str, secret_type: str) -> dict[str, Any]:
    return {"connection_id": connection_id, "credential_role": role, "secret_type": secret_type}


def _moment(value: datetime | float | str | None) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _with_lock_id(lock: dict[str, Any]) -> dict[str, Any]:
    """The answer to a lock, as a failure where it names no lock."""
    if "dcme_exception" in lock or lock.get("secretLockId"):
        return lock
    reason = "the answer to the lock has no secretLockId"
    return dcm_result("lock_secret", DcmAnswer(success=False, response={**lock, "message": reason}))
