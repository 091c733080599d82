"""Types for values that a file holds as text: which type a column suggests, and the exact conversion to it.

Everything is vectorised (pyarrow.compute); Python sees a single value only to name it in an error.
"""

from __future__ import annotations

__all__ = [
    "MOMENTS",
    "NULL_WORDS",
    "NUMBERS",
    "BadValue",
    "as_text",
    "convert",
    "shown",
    "suggested_type",
    "type_hint",
]

import shlex
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = (pa.int64(), pa.float64(), pa.bool_())
"""Types to try for a text that could be a number or a truth value, in order."""
MOMENTS = (
    pa.date32(),
    pa.time32("s"),
    pa.time64("us"),
    *(pa.timestamp(unit, zone) for zone in (None, "UTC") for unit in ("s", "us", "ns")),
)
"""Types to try for a text that could be a date, a time or both (ISO 8601), in order."""
NULL_WORDS = ("", "#N/A", "N/A", "NA", "NULL", "n/a", "null")
"""Texts that stand for null in a column of any type but text. In a text column they are text."""

_NULL_WORDS = pa.array(NULL_WORDS)
_NO_TEXT = pa.scalar(None, pa.string())
# From 16 digits on a double does not hold every whole number.
_SAFE_DIGITS = 15
_SHOWN_CHARACTERS = 60
_FEW_VALUES = 100


def type_hint(column: str, example: str) -> str:
    """How to give a column its type, from Python and on the command line."""
    return f"types={{{column!r}: {example!r}}} (or --type ANCHOR.{column}={shlex.quote(example)})"


class BadValue(ValueError):
    """A value does not fit the type of its column. ``row`` counts from 0 within the converted array."""

    def __init__(self, row: int, problem: str) -> None:
        super().__init__(problem)
        self.row = row
        self.problem = problem


def suggested_type(column: pa.ChunkedArray, candidates: tuple[pa.DataType, ...]) -> pa.DataType:
    """Return the first of ``candidates`` that holds every value of a text column without loss, else text.

    A column without any value is text. So is one whose digits are a code rather than a number (see ``convert``).
    """
    values = _without_null_words(column).drop_null()
    if not len(values):
        return pa.string()
    # A cast that fails takes 0.5 µs a value, wherever it fails, so most candidates are ruled out by a few values.
    few = values.slice(0, _FEW_VALUES)
    return next((type_ for type_ in candidates if _holds(few, type_) and _holds(values, type_)), pa.string())


def convert(column: pa.Array, type_: pa.DataType, *, suggested: bool) -> pa.Array:
    """Convert a text column to ``type_``: numbers, truth values, ISO 8601 dates, times and timestamps, decimals, text.

    The words of ``NULL_WORDS`` become null, and spaces around a value are ignored, except in text. With ``suggested``
    the type was only suggested by other values, so digits that a number would not give back are refused: a leading
    zero (``007``, ``0x1f``) and more than 15 digits in a double.

    Raises BadValue for the first value that does not fit.
    """
    if type_ == column.type:
        return column
    try:
        converted = _parse(column, type_)
    except pa.ArrowInvalid:
        column = _without_null_words(column)
        converted = _refused_at_first(column, lambda part: _parse(part, type_), f"does not fit {type_}")
    if suggested:
        _refuse_codes(column, type_)
    return converted


def as_text(column: pa.Array) -> pa.Array:
    """Convert a column of bytes to text. Raises BadValue for the first value that is not UTF-8."""
    return _refused_at_first(column, lambda part: part.cast(pa.string()), "is not UTF-8 text")


def shown(value: object) -> str:
    """Return ``value`` as an error shows it, shortened to some 60 characters."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _parse(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if not pa.types.is_time(type_):
        return column.cast(type_)
    # pyarrow parses no times alone, but times of a day.
    moments = pc.binary_join_element_wise("1970-01-01T", column, "").cast(pa.timestamp("us"))
    return moments.cast(type_)


def _holds(values: pa.ChunkedArray, type_: pa.DataType) -> bool:
    try:
        _parse(values, type_)
    except pa.ArrowInvalid:
        return False
    codes = _codes(values, type_)
    return codes is None or not pc.any(codes).as_py()


def _without_null_words(column: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(trimmed, _NULL_WORDS), _NO_TEXT, trimmed)


def _refuse_codes(column: pa.Array, type_: pa.DataType) -> None:
    codes = _codes(column, type_)
    if codes is not None and pc.any(codes).as_py():
        row = pc.index(codes, True).as_py()
        raise BadValue(row, f"{shown(column[row].as_py())} would lose digits as {type_}")


def _codes(column: pa.Array, type_: pa.DataType) -> pa.Array | None:
    """Return which values have digits that a number of this type would not give back; None if the type is no number."""
    if type_ not in (pa.int64(), pa.float64()):
        return None
    length = pc.binary_length(column)
    fraction = pc.match_substring(column, ".")
    zeros = pc.and_(pc.starts_with(column, "0"), pc.greater(length, 1))
    codes = pc.and_not(zeros, pc.starts_with(column, "0."))
    if type_ == pa.float64():
        codes = pc.or_(codes, pc.and_not(pc.greater(length, _SAFE_DIGITS), fraction))
    return codes


def _refused_at_first(column: pa.Array, attempt: Callable[[pa.Array], pa.Array], problem: str) -> pa.Array:
    """Return ``attempt(column)``; if Arrow refuses, halve the column down to the first value that it refuses."""
    try:
        return attempt(column)
    except pa.ArrowInvalid:
        good, bad = 0, len(column)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            attempt(column.slice(good, middle - good))
        except pa.ArrowInvalid:
            bad = middle
        else:
            good = middle
    raise BadValue(good, f"{shown(column[good].as_py())} {problem}")
