"""What a migration did, and what it leaves to do."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TODO", "FileMigration", "Migration", "Outcome", "Remark", "remarks_of"]

TODO = "TODO(kedge migrate):"
"""Begins every comment that a migration leaves."""


class Outcome(Enum):
    """What was found in a file, and so what became of it."""

    MIGRATED = "V1, rewritten for V2"
    SKELETON = "a tool of the engine SDK, given a V2 skeleton"
    ALREADY_V2 = "V2 already, unchanged"
    NO_TOOL = "no tool, unchanged"
    UNREADABLE = "not readable, unchanged"


class Remark(NamedTuple):
    """Something for the author to look at. ``line`` counts from 1 in the file after the migration."""

    line: int
    text: str


@dataclass(frozen=True)
class FileMigration:
    """One file: what it was, what it becomes.

    ``target`` is where ``after`` belongs: the file itself, or for a skeleton a new file beside it. ``before`` is the
    text that is at ``target`` now.
    """

    path: Path
    outcome: Outcome
    before: str = ""
    after: str = ""
    target: Path | None = None
    remarks: tuple[Remark, ...] = ()
    notes: tuple[str, ...] = ()
    """What else there is to say: how callbacks map, why a file cannot be read."""

    @property
    def changes(self) -> bool:
        """Whether there is something to write."""
        return self.target is not None and self.before != self.after

    def diff(self) -> str:
        """The change as a unified diff; empty where nothing changes."""
        if not self.changes:
            return ""
        names = str(self.path), str(self.target)
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), *names, lineterm="")
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class Migration:
    """A migration of a file, or of all files of a folder."""

    files: tuple[FileMigration, ...]
    written: bool

    def diff(self) -> str:
        """All changes as one unified diff."""
        return "".join(file.diff() for file in self.files)

    def lines(self) -> list[str]:
        """The report: a line for each file in which there is a tool or an error, its notes, and then what is left."""
        report: list[str] = []
        for file in self.files:
            if file.outcome is Outcome.NO_TOOL and len(self.files) > 1:
                continue
            where = f" -> {file.target}" if file.target not in (None, file.path) else ""
            report.append(f"{file.path}: {file.outcome.value}{where}")
            report += [f"    {note}" for note in file.notes]
        left = [f"{file.target}:{remark.line}: {remark.text}" for file in self.files for remark in file.remarks]
        return [*report, *([f"{len(left)} left for you to decide:", *left] if left else [])]


def remarks_of(text: str) -> tuple[Remark, ...]:
    """The comments that a migration left in a text."""
    found = ((number, line.partition(TODO)[2].strip()) for number, line in enumerate(text.splitlines(), 1))
    return tuple(Remark(number, remark) for number, remark in found if remark)
