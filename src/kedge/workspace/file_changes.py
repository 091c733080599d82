"""Several files written as one change: all of them, or none."""

from __future__ import annotations

__all__ = ["demand_absent", "write_files"]

import contextlib
from typing import TYPE_CHECKING

from kedge.exceptions import UsageError
from kedge.host.atomic_file import AtomicFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def demand_absent(paths: Iterable[Path], folder: Path) -> None:
    """Raise UsageError that names those of the paths that exist, as seen from ``folder``."""
    there = [str(path.relative_to(folder)) for path in paths if path.exists() or path.is_symlink()]
    if there:
        raise UsageError(f"{folder} has {', '.join(sorted(there))} already: move it away, or choose another name")


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write all files, with the folders that they need; after an error everything is as it was before.

    Raises UsageError that names the file which could not be written.
    """
    undo = contextlib.ExitStack()
    with undo:
        for path, data in files.items():
            _make_folder(path.parent, undo)
            before = path.read_bytes() if path.is_file() else None
            _write(path, data)
            undo.callback(path.unlink) if before is None else undo.callback(_write, path, before)
        undo.pop_all()


def _make_folder(folder: Path, undo: contextlib.ExitStack) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        try:
            each.mkdir()
        except OSError as error:
            raise UsageError(f"{each} cannot be made: {error.strerror}") from None
        undo.callback(each.rmdir)


def _write(path: Path, data: bytes) -> None:
    file = AtomicFile(path)
    try:
        file.stream.write(data)
        file.commit()
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        file.discard()
