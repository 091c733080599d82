"""The connection manager as V1 tools call it: each call waits and returns the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from kedge.compat.bases import DcmBase
from kedge.sdk.dcm import AMPDCMV2

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kedge.sdk.outlet import AnswerCallback, Outlet, Request

__all__ = ["AMPDCM"]


class AMPDCM(DcmBase):
    """Connections and their secrets.

    Every call waits for the engine's answer, returns it as a dict, and raises
    :class:`~kedge.exceptions.DcmEException` where the engine refuses.
    """

    def __init__(self, outlet: Outlet) -> None:
        self._calls = AMPDCMV2(cast("Outlet", _WaitingOutlet(outlet)))

    def get_connection(self, connection_id: str) -> dict[str, Any]:
        """Fetch a connection with its parameters and secrets."""
        return _answer(lambda take: self._calls.get_connection(connection_id, take))

    def get_write_lock(
        self, connection_id: str, role: str, secret_type: str, expires_in: datetime | float | str | None = None
    ) -> dict[str, Any]:
        """Lock a secret for writing; the answer's ``secretLockId`` is the key to the lock."""
        return _answer(lambda take: self._calls.get_write_lock(connection_id, role, secret_type, expires_in, take))

    def free_write_lock(self, connection_id: str, role: str, secret_type: str, lock_id: str) -> dict[str, Any]:
        """Release the lock on a secret."""
        return _answer(lambda take: self._calls.free_write_lock(connection_id, role, secret_type, lock_id, take))

    def update_connection_secret(
        self,
        connection_id: str,
        role: str,
        secret_type: str,
        value: str,
        expires_on: datetime | float | str | None,
        parameters: dict[str, Any] | None,
        lock_id: str,
    ) -> dict[str, Any]:
        """Store a new value for a secret that this tool holds the lock of."""
        given = (connection_id, role, secret_type, value, expires_on, parameters, lock_id)
        return _answer(lambda take: self._calls.update_connection_secret(*given, take))

    def get_lock_and_update_secret(
        self,
        connection_id: str,
        role: str,
        secret_type: str,
        value: str,
        expires_on: datetime | float | str | None,
        parameters: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """Lock a secret, update it and unlock it again, also where the update fails."""
        given = (connection_id, role, secret_type, value, expires_on, parameters)
        return _answer(lambda take: self._calls.get_lock_and_update_secret(*given, take))


class _WaitingOutlet:
    """Answers a request before it returns: the V2 calls, with their chains, become synchronous on it."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def request(self, request: Request, callback: AnswerCallback) -> None:
        """Send a request, wait, and hand the answer over."""
        callback(self._outlet.ask(request))


def _answer(call: Callable[[Callable[[dict[str, Any]], None]], None]) -> dict[str, Any]:
    answers: list[dict[str, Any]] = []
    call(answers.append)
    answer = answers[0]
    if "dcme_exception" in answer:
        raise answer["dcme_exception"]
    return answer
