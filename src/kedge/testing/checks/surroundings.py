"""What a run may leave behind in its process and on its machine."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kedge.testing.checks.check import ViolationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["demand_nothing_left"]

_GRACE = 1.0
"""Seconds in which a thread may still end."""


@contextlib.contextmanager
def demand_nothing_left() -> Iterator[None]:
    """Raise ViolationError at the end for threads, files and descriptors that are there and were not at the beginning.

    Files are looked for in the working folder, and in a temporary folder that is the only one while this lasts.
    """
    with tempfile.TemporaryDirectory(prefix="kedge-check-", ignore_cleanup_errors=True) as folder, _temporary(folder):
        threads, files, descriptors = _threads(), _files(Path.cwd()), _descriptors()
        yield
        gc.collect()
        left = [f"thread {thread.name}" for thread in _alive(_threads() - threads)]
        left += [f"file {path}" for path in sorted((_files(Path.cwd()) - files) | _files(Path(folder)))]
        left += [f"open {target}" for _, target in sorted(_descriptors() - descriptors)]
        if left:
            raise ViolationError(f"left behind: {', '.join(left)}")


@contextlib.contextmanager
def _temporary(folder: str) -> Iterator[None]:
    names = ("TMPDIR", "TEMP", "TMP")
    before, before_default = {name: os.environ.get(name) for name in names}, tempfile.tempdir
    os.environ.update(dict.fromkeys(names, folder))
    tempfile.tempdir = folder
    try:
        yield
    finally:
        tempfile.tempdir = before_default
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def _alive(threads: set[threading.Thread]) -> list[threading.Thread]:
    """Those that are still there after their grace."""
    deadline = time.monotonic() + _GRACE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in threads if thread.is_alive()]


def _files(folder: Path) -> set[Path]:
    return set(folder.iterdir())


def _descriptors() -> set[tuple[int, str]]:
    """Open descriptors of files, where the system tells; sockets and pipes are a library's own affair."""
    if sys.platform != "linux":
        return set()
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists them
            found.add((int(link.name), str(link.readlink())))
    return {(number, target) for number, target in found if target.startswith("/") and not target.startswith("/dev/")}
