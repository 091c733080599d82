"""Builds the errors of the expression language: where, what, and which names are near."""

from __future__ import annotations

__all__ = ["error_at", "near_names"]

from difflib import get_close_matches
from typing import TYPE_CHECKING

from kedge.exceptions import FormulaError

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_NAMES = 4
_LEAST_LIKENESS = 0.6


def error_at(problem: str, text: str, offset: int) -> FormulaError:
    """Return the error for the character at ``offset`` of ``text``."""
    line_start = text.rfind("\n", 0, offset) + 1
    return FormulaError(problem, text, text.count("\n", 0, offset) + 1, offset - line_start + 1)


def near_names(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'A' or 'B'?"`` for the known names that look like ``name``, else nothing."""
    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), by_lower, _MOST_NAMES, _LEAST_LIKENESS)
    return f"; did you mean {' or '.join(repr(by_lower[each]) for each in near)}?" if near else ""
