"""The process of a peer: a module of this package that serves at an address until whoever started it is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

__all__ = ["PeerProcess", "end_with_parent"]


class PeerProcess:
    """A process that runs a module, once it has printed that it serves. :meth:`close` it."""

    def __init__(self, module: str, address: str) -> None:
        command = [sys.executable, "-m", module, address]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ours
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def close(self) -> None:
        """End the process. Blocks until it is gone."""
        self._process.communicate()


def end_with_parent() -> None:
    """End this process when its input does, however its parent ends; it is the parent that Ctrl-C is for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, name="kedge-parent", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1):
        """Only the end of the input speaks."""
    os._exit(0)
