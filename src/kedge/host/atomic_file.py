"""A file that appears under its name only when it is whole."""

from __future__ import annotations

__all__ = ["AtomicFile"]

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

from kedge.exceptions import UsageError


class AtomicFile:
    """Writes beside ``path`` and takes its place at ``commit``; until then, and after ``discard``, nothing changes.

    On Linux the file has no name while it is written, so that even a killed process leaves nothing behind. Elsewhere it
    is called ``.NAME.partial-RANDOM``, in the same directory. ``commit`` waits until the data are on the disk, so that
    a power cut does not leave a short file under the final name either.

    Write to ``stream``. Raises UsageError, naming the path, if the directory is missing or not writable, if ``path`` is
    a directory, a device or read-only, and if the disk is full at ``commit``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # A link stays a link: what it points to is replaced.
        self._target = Path(os.path.realpath(path))
        _check_writable(path, self._target)
        self._partial = self._target.with_name(f".{self._target.name}.partial-{secrets.token_hex(4)}")
        try:
            self.stream, self._is_nameless = self._open()
            # Writers may close the stream; the file is needed a little longer.
            self._descriptor: int | None = os.dup(self.stream.fileno())
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None

    def __repr__(self) -> str:
        return f"<AtomicFile {self.path}, {'closed' if self.stream.closed else 'being written'}>"

    def commit(self) -> None:
        """Let the file take its place, with the permissions of a file that was there before."""
        try:
            self.stream.close()
            assert self._descriptor is not None, "a file is committed once"
            os.fsync(self._descriptor)
            if self._is_nameless:
                # Only with a directory descriptor, whose value does not matter, does Python follow the link in /proc.
                os.link(_proc_name(self._descriptor), self._partial, src_dir_fd=0)
            self._release()
            if self._target.exists():
                shutil.copymode(self._target, self._partial)
            self._partial.replace(self._target)
        except OSError as error:
            self.discard()
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None

    def discard(self) -> None:
        """Remove what was written. Harmless after ``commit`` and when repeated."""
        with contextlib.suppress(OSError):  # what a full disk could not take is not wanted any more
            self.stream.close()
        self._release()
        self._partial.unlink(missing_ok=True)

    def _release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> tuple[BinaryIO, bool]:
        """Return the stream, and whether the file has no name yet."""
        if hasattr(os, "O_TMPFILE") and Path(_proc_name(0)).parent.is_dir():
            with contextlib.suppress(OSError):  # a file system without nameless files
                descriptor = os.open(self._target.parent, os.O_TMPFILE | os.O_WRONLY, 0o666)
                return open(descriptor, "wb"), True  # noqa: PTH123 - a descriptor is no path
        return self._partial.open("xb"), False


def _proc_name(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _check_writable(path: Path, target: Path) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"{path} cannot be written: there is no directory {path.parent}")
    if target.is_dir():
        raise UsageError(f"{path} is a directory; name a file in it")
    if target.exists() and not target.is_file():
        raise UsageError(f"{path} is no regular file; name one")
    if target.exists() and not os.access(target, os.W_OK):
        raise UsageError(f"{path} is read-only")
