"""The ways in which records travel, each of which a run of this process can be made to take."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

from kedge.host import process, session
from kedge.wire.shared_memory import make_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["GRPC", "RECORD_SOCKET", "SHARED_MEMORY", "TRANSPORTS", "choosable", "command_over", "on_each", "over"]

GRPC, RECORD_SOCKET, SHARED_MEMORY = "gRPC alone", "record socket", "shared memory"
TRANSPORTS = (GRPC, RECORD_SOCKET, SHARED_MEMORY)
"""Over nothing but gRPC, over a record socket with the records inline, and over both with records in shared memory."""

_CLI_OVER_GRPC = "from kedge.host import session; session.SOCKETS_SUPPORTED = False; from kedge.cli import main; main()"
_chosen: ContextVar[str] = ContextVar("transport", default=SHARED_MEMORY)

T = TypeVar("T")


@contextmanager
def choosable() -> Iterator[None]:
    """Meanwhile hosts of this process offer a tool process no more than :func:`over` lets them."""
    listener = session._listener

    def folder() -> Any:
        return make_folder() if _chosen.get() == SHARED_MEMORY else None

    def listener_of(*arguments: Any) -> Any:
        return None if _chosen.get() == GRPC else listener(*arguments)

    with patch.object(process, "make_folder", folder), patch.object(session, "_listener", listener_of):
        yield


def over(transport: str, run: Callable[[], T]) -> T:
    """Do a run over a transport."""

    def chosen() -> T:
        _chosen.set(transport)
        return run()

    return copy_context().run(chosen)


def on_each(run: Callable[[], T]) -> dict[str, T]:
    """Do a run over every transport at the same time: what it gave on each."""
    with ThreadPoolExecutor(len(TRANSPORTS)) as pool:
        given = {transport: pool.submit(over, transport, run) for transport in TRANSPORTS}
    return {transport: future.result() for transport, future in given.items()}


def command_over(transport: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The program that is the ``kedge`` command over a transport, and its environment."""
    program = ("-c", _CLI_OVER_GRPC) if transport == GRPC else ("-m", "kedge.cli")
    return program, {} if transport == SHARED_MEMORY else {"KEDGE_SHARED_MEMORY": ""}
