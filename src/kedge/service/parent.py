"""A tool process does not outlive the host that started it.

The host hands its child the read end of a pipe whose write end it keeps open, as ``KEDGE_PARENT_FD``. The pipe ends
with the host, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["remove_with_parent", "watch_parent"]

_doomed: list[Path] = []


def watch_parent(run_directory: Path | None) -> None:
    """End this process, with all that it started, when the host is gone; its run directory goes too.

    Does nothing where the engine handed down no pipe.
    """
    descriptor = os.environ.pop("KEDGE_PARENT_FD", None)
    if descriptor is None:
        return
    os.set_inheritable(int(descriptor), False)
    threading.Thread(target=_watch, args=(int(descriptor), run_directory), name="kedge-parent", daemon=True).start()


def remove_with_parent(folder: Path) -> None:
    """Let a folder of the host's go with the host, should it end without removing it."""
    _doomed.append(folder)


def _watch(descriptor: int, run_directory: Path | None) -> None:
    with contextlib.suppress(OSError):
        while os.read(descriptor, 1):
            """The host writes nothing; only the end of the pipe speaks."""
    import shutil

    for folder in (run_directory, *_doomed):
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
