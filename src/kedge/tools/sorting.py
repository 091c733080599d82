"""Comparing values as Designer's sorts do: by code point, or as a dictionary does."""

from __future__ import annotations

__all__ = ["dictionary_key", "sort_terms"]

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.sql import call, number, text

if TYPE_CHECKING:
    from kedge.formula.types import DesignerType

DIGITS = re.compile(r"([0-9]+)")
NUMBER_WIDTH = 24


def sort_terms(value: exp.Expr, type_: DesignerType, dictionary: bool) -> list[exp.Expr]:
    """Return the expressions to sort a column by, most important first.

    A dictionary sort of text compares letters without case and digits as numbers, then lower case before upper.
    """
    if not type_.is_string or not dictionary:
        return [value]
    return [_folded(value), _cased(value)]


def _folded(value: exp.Expr) -> exp.Expr:
    """Lower-case the text and pad every run of digits to one width, so that digits compare as numbers."""
    lowered = call("lower", value.copy())
    runs = call("regexp_extract_all", lowered.copy(), text("[0-9]+|[^0-9]+"))
    run = exp.column("run")
    padded = exp.case().when(
        call("regexp_full_match", run, text("[0-9]+")),
        call("lpad", call("ltrim", run.copy(), text("0")), number(NUMBER_WIDTH), text("0")),
    )
    each = exp.Lambda(this=padded.else_(run.copy()), expressions=[exp.to_identifier("run")])
    joined = call("array_to_string", call("list_transform", runs, each), text(""))
    has_digits = call("regexp_matches", value.copy(), text("[0-9]"))
    return exp.case().when(has_digits, joined).else_(lowered)


def _cased(value: exp.Expr) -> exp.Expr:
    """Swap the case, so that lower case sorts before upper among texts that are the same but for case."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return call("translate", value.copy(), text(letters + letters.upper()), text(letters.upper() + letters))


def dictionary_key(name: str) -> tuple[str, str]:
    """Return the same sort key for a Python string."""
    folded = "".join(
        run.lstrip("0").rjust(NUMBER_WIDTH, "0") if run.isdigit() else run for run in DIGITS.split(name.lower())
    )
    return folded, name.swapcase()
