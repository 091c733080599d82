"""What the tools of a workspace need to run, read from its requirement files, and what Kedge itself needs in them.

The files are those of pip. The other SDK and its command line, which existing files name, are left out: Kedge answers
to their names. Kedge is left out as well, since a package gets the one that builds it.
"""

from __future__ import annotations

__all__ = ["Needs", "kedge_needs", "read_needs"]

import importlib.metadata
import re
from typing import TYPE_CHECKING, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from kedge.exceptions import UsageError
from kedge.sdk.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from kedge.workspace.project import Workspace

_ANSWERED_BY_KEDGE = ("ayx-python-sdk", "ayx-plugin-sdk", "ayx-plugin-cli")
_OF_THE_COMMAND_LINE = ("platformdirs", "rich", "typer")
_INCLUDES = re.compile(r"(?:-r|--requirement)[ =]*(.+)")
_EDITABLE = re.compile(r"(?:-e|--editable)[ =]+(.+)")
_COMMENT = re.compile(r"(^|\s)#.*$")
_PATH = re.compile(r"^\.|^[^\s;]*[/\\]")
_FILE = re.compile(r"\.(whl|zip|tar\.gz)$", re.IGNORECASE)


class Needs(NamedTuple):
    """``packages`` from an index, ``local`` folders and files, ``options`` of the resolver, in pip's words.

    ``notes`` say what was left out.
    """

    packages: tuple[str, ...] = ()
    local: tuple[Path, ...] = ()
    options: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _Line(NamedTuple):
    text: str
    file: Path
    number: int

    @property
    def where(self) -> str:
        return f"{self.file}:{self.number}"


def read_needs(workspace: Workspace, environment: Mapping[str, str] | None = None, *, with_kedge: bool = True) -> Needs:
    """Read both requirement files of a workspace; one that is missing is empty.

    ``with_kedge`` adds what Kedge needs in a tool process. ``environment`` is that of the markers, this interpreter's
    where it is None. Raises UsageError, with file and line, for what is no requirement, and for a version of Kedge that
    this one is not.
    """
    packages: list[str] = []
    local: list[Path] = []
    options: list[str] = []
    notes: list[str] = []
    extras: set[str] = set()
    for line in (*_lines(workspace.requirements_thirdparty), *_lines(workspace.requirements_local)):
        if path := _local(line):
            local += [] if path in local else [path]
        elif line.text.startswith("-"):
            options.append(line.text)
        elif note := _left_out(line, extras):
            notes.append(note)
        elif line.text not in packages:
            packages.append(line.text)
    own = [str(needed) for needed in kedge_needs(extras, environment)] if with_kedge else []
    backend = workspace.backend.resolve()
    return Needs(
        (*own, *packages), tuple(path for path in local if path.resolve() != backend), tuple(options), tuple(notes)
    )


def kedge_needs(extras: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> list[Requirement]:
    """What Kedge needs in a tool process, which has no command line, with what the given extras of it add."""
    found = []
    for text in importlib.metadata.requires("kedge") or ():
        needed = Requirement(text)
        if needed.name in _OF_THE_COMMAND_LINE:
            continue
        if needed.marker is None or any(
            needed.marker.evaluate({**(environment or {}), "extra": extra}) for extra in ("", *extras)
        ):
            needed.marker = None
            found.append(needed)
    return found


def _lines(file: Path, seen: frozenset[Path] = frozenset()) -> Iterator[_Line]:
    """The lines of a file that say something, those of the files that it includes in their place."""
    if not file.is_file():
        return
    if file in seen:
        raise UsageError(f"{file} includes itself; take the line -r {file.name} out")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not in UTF-8: {error}") from None
    joined = ""
    for number, raw in enumerate(text.splitlines(), 1):
        if raw.endswith("\\"):
            joined += raw[:-1] + " "
            continue
        line = _Line(_COMMENT.sub("", joined + raw).strip(), file, number)
        joined = ""
        if included := _INCLUDES.fullmatch(line.text):
            other = file.parent / included[1]
            if not other.is_file():
                raise UsageError(f"{line.where} includes {other}, which is not there")
            yield from _lines(other, seen | {file})
        elif line.text:
            yield line


def _local(line: _Line) -> Path | None:
    """The folder or the file that a line names; None for one that names a package."""
    editable = _EDITABLE.fullmatch(line.text)
    text = editable[1].strip() if editable else line.text
    if not editable and (
        text.startswith("-") or "@" in text or "://" in text or not (_PATH.search(text) or _FILE.search(text))
    ):
        return None
    path = line.file.parent / text
    if not path.exists():
        raise UsageError(f"{line.where} needs {path}, which is not there")
    return path


def _left_out(line: _Line, extras: set[str]) -> str:
    """Why a requirement is not resolved; empty for one that is. Extras of Kedge are collected."""
    try:
        needed = Requirement(re.split(r"\s+--hash[=\s]", line.text)[0])
    except InvalidRequirement as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"{line.where}: {line.text!r} is no requirement: {first}") from None
    name = canonicalize_name(needed.name)
    if name in _ANSWERED_BY_KEDGE:
        return f"{line.text} is left out: Kedge answers to its names, but does not bring what it needs itself"
    if name != "kedge":
        return ""
    if not needed.specifier.contains(__version__, prereleases=True):
        raise UsageError(f"{line.where}: {line.text} is not the Kedge that builds, {__version__}; change one of them")
    known = importlib.metadata.metadata("kedge").get_all("Provides-Extra") or []
    if unknown := sorted(needed.extras - set(known)):
        raise UsageError(f"{line.where}: kedge has no extra {unknown[0]!r}; it has {', '.join(sorted(known))}")
    extras |= needed.extras
    return f"{line.text}: the Kedge that builds is in the package, {__version__}"
