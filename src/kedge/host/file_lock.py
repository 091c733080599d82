"""One process at a time: a lock that ends with the process that holds it."""

from __future__ import annotations

__all__ = ["locked"]

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on the file ``path``, which is created where it is missing and stays; wait for other holders.

    Not reentrant: the same thread would wait for itself. Raises UsageError if the file cannot be created.
    """
    try:
        file = path.open("a+b")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    with file:
        file.seek(0)
        _lock(file.fileno())
        try:
            yield
        finally:
            _unlock(file.fileno())


def _lock(descriptor: int) -> None:
    """Wait for the lock; on Windows no longer than 10 seconds, then OSError."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _unlock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)
