r"""Paths as workflows write them: ``\`` or ``/``, relative to the workflow, found without regard to case.

Designer runs on Windows, so a file that it found as ``..\Data\Sales.csv`` may be ``../data/sales.csv`` here.
"""

from __future__ import annotations

__all__ = ["resolve_path", "resolve_pattern", "split_source"]

import fnmatch
import os
import re
from pathlib import Path

from kedge.exceptions import WorkflowError

WILDCARDS = "*?"
ELSEWHERE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
"""A drive, or a server."""


def split_source(text: str) -> tuple[str, str]:
    """Split ``file|||table`` into file and table; the table is empty where there is none."""
    path, _, table = text.partition("|||")
    return path, table


def resolve_path(text: str, directory: Path) -> Path:
    """Return the path that ``text`` means; parts that do not exist stay as they are written.

    Raises ``WorkflowError`` for a path of another machine: with a drive or a server where there are none.
    """
    _refuse_elsewhere(text)
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    place = Path("/") if text.startswith("/") else directory
    for part in parts:
        place = place.parent if part == ".." and _is_plain(place) else _child(place, part)
    return Path(os.path.normpath(place))


def _refuse_elsewhere(text: str) -> None:
    if os.name != "nt" and ELSEWHERE.match(text):
        advice = "write a path that starts in the workflow's folder, or a constant and --set"
        raise WorkflowError(f"{text}: a drive or a server is there on Windows only; {advice}")


def _is_plain(place: Path) -> bool:
    return not place.is_symlink() and place.name not in ("", "..")


def _child(place: Path, name: str) -> Path:
    exact = place / name
    if exact.exists() or not place.is_dir():
        return exact
    folded = name.casefold()
    return next((item for item in sorted(place.iterdir()) if item.name.casefold() == folded), exact)


def resolve_pattern(text: str, directory: Path, deep: bool) -> list[Path]:
    """Return the files that a path with wildcards means, by name without regard to case.

    With ``deep`` those in folders below come after. Raises ``WorkflowError`` as ``resolve_path`` does.
    """
    _refuse_elsewhere(text)
    folder, _, pattern = text.replace("\\", "/").rpartition("/")
    place = resolve_path(folder or ".", directory) if folder else directory
    if text.startswith("/") and not folder:
        place = Path("/")
    found = place.rglob("*") if deep else place.glob("*")
    wanted = pattern.casefold()
    files = [item for item in found if item.is_file() and fnmatch.fnmatchcase(item.name.casefold(), wanted)]
    return sorted(files, key=lambda item: (len(item.parts), str(item).casefold(), item))
