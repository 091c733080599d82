"""The peer: bytes echoed over a pipe of ``multiprocessing``."""

from __future__ import annotations

import multiprocessing
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["PipeEcho"]


class PipeEcho:
    """An echo in a process of its own, and a pipe to it. :meth:`close` it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_echo, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def send(self, data: bytes) -> None:
        """Send; blocks while the pipe is full, so only one item may be on its way."""
        self._pipe.send_bytes(data)

    def receive(self) -> bytes:
        """The next reply; blocks until it is there."""
        return self._pipe.recv_bytes()

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()
        self._process.close()


def _echo(pipe: Connection[bytes, bytes]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that is for who started this
    try:
        while True:
            pipe.send_bytes(pipe.recv_bytes())
    except (EOFError, OSError):
        pipe.close()
