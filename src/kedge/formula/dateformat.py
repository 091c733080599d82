"""Dates as text by a format with ``%`` signs: writing, lenient reading, and the same format for DuckDB.

Reading skips white space where either side has it, takes numbers of fewer digits, names of months and days
long or short, and a year of four digits where two are expected.
"""

from __future__ import annotations

__all__ = ["engine_format", "problem_with", "read", "write"]

import datetime as dt
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_PIVOT: Final = 69
"""Two-digit years from here on are of the 20th century, as POSIX has it."""

_LONG: Final = {
    "D": "%m/%d/%y",
    "T": "%H:%M:%S",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "c": "%m/%d/%Y %H:%M:%S",
    "x": "%m/%d/%Y",
    "X": "%I:%M:%S %p",
    "h": "%b",
    "n": "\n",
    "t": "\t",
}
"""Signs that stand for several others."""

_WRITERS: Final[dict[str, Callable[[dt.datetime], str]]] = {
    "a": lambda when: _DAYS[when.weekday()][:3],
    "A": lambda when: _DAYS[when.weekday()],
    "b": lambda when: _MONTHS[when.month - 1][:3],
    "B": lambda when: _MONTHS[when.month - 1],
    "C": lambda when: f"{when.year // 100:02}",
    "d": lambda when: f"{when.day:02}",
    "e": lambda when: f"{when.day:2}",
    "H": lambda when: f"{when.hour:02}",
    "I": lambda when: f"{(when.hour - 1) % 12 + 1:02}",
    "j": lambda when: f"{when.timetuple().tm_yday:03}",
    "k": lambda when: f"{when.hour:2}",
    "l": lambda when: f"{(when.hour - 1) % 12 + 1:2}",
    "m": lambda when: f"{when.month:02}",
    "M": lambda when: f"{when.minute:02}",
    "p": lambda when: "AM" if when.hour < 12 else "PM",
    "P": lambda when: "am" if when.hour < 12 else "pm",
    "S": lambda when: f"{when.second:02}",
    "u": lambda when: str(when.isoweekday()),
    "U": lambda when: f"{(when.timetuple().tm_yday + 6 - when.isoweekday() % 7) // 7:02}",
    "w": lambda when: str(when.isoweekday() % 7),
    "W": lambda when: f"{(when.timetuple().tm_yday + 6 - when.weekday()) // 7:02}",
    "y": lambda when: f"{when.year % 100:02}",
    "Y": lambda when: f"{when.year:04}",
    "%": lambda _: "%",
}

_ONE_OR_TWO: Final = r"\d{1,2}"
_READERS: Final = {
    "a": "[^\\W\\d_]+",
    "A": "[^\\W\\d_]+",
    "b": r"(?P<month>[^\W\d_]+)\.?",
    "B": r"(?P<month>[^\W\d_]+)\.?",
    "d": rf"(?P<d>{_ONE_OR_TWO})",
    "e": rf"(?P<d>{_ONE_OR_TWO})",
    "H": rf"(?P<H>{_ONE_OR_TWO})",
    "k": rf"(?P<H>{_ONE_OR_TWO})",
    "I": rf"(?P<I>{_ONE_OR_TWO})",
    "l": rf"(?P<I>{_ONE_OR_TWO})",
    "j": r"(?P<j>\d{1,3})",
    "m": rf"(?P<m>{_ONE_OR_TWO})",
    "M": rf"(?P<M>{_ONE_OR_TWO})",
    "p": r"(?P<p>[AaPp])\.?[Mm]\.?",
    "P": r"(?P<p>[AaPp])\.?[Mm]\.?",
    "S": rf"(?P<S>{_ONE_OR_TWO})",
    "u": "[1-7]",
    "w": "[0-6]",
    "y": r"(?P<y>\d{4}|\d{2})",
    "Y": r"(?P<Y>\d{1,4})",
    "%": "%",
}
_WIDTHS: Final = {**dict.fromkeys("dHImMS", r"\d{2}"), "y": r"\d{2}", "Y": r"\d{4}", "j": r"\d{3}"}
_WRITTEN_BY_ENGINE: Final = frozenset("aAbBdHIjmMpSuUwWyY%")
_READ_BY_ENGINE: Final = frozenset("bBdHmMSyY%")
_SIGN: Final = re.compile(r"%(.)", re.DOTALL)
_PIECE: Final = re.compile(r"%(?P<sign>.)|(?P<space>\s+)|(?P<text>.)", re.DOTALL)


def _spelled(form: str) -> str:
    return _SIGN.sub(lambda sign: _LONG.get(sign[1], sign[0]), form)


def problem_with(form: str, *, reading: bool) -> str | None:
    """Return what is wrong with a format: a sign that cannot be written, or read; None when nothing is."""
    signs = _READERS if reading else _WRITERS
    for sign in _SIGN.findall(_spelled(form)):
        if sign not in signs:
            able = " ".join(f"%{each}" for each in sorted({*signs, *_LONG}))
            return f"the date format has %{sign}, which cannot be {'read' if reading else 'written'}; use {able}"
    return None


def engine_format(form: str, *, reading: bool) -> str | None:
    """Return the format for DuckDB, or None when DuckDB would read or write it otherwise."""
    spelled = _spelled(form)
    signs = set(_SIGN.findall(spelled))
    return spelled if signs <= (_READ_BY_ENGINE if reading else _WRITTEN_BY_ENGINE) else None


def write(when: dt.datetime, form: str) -> str:
    """Return a date and time as text; a sign that cannot be written stays as it is."""
    return _SIGN.sub(lambda sign: _WRITERS[sign[1]](when) if sign[1] in _WRITERS else sign[0], _spelled(form))


@lru_cache(maxsize=512)
def _reader(form: str) -> re.Pattern[str] | None:
    pieces = list(_PIECE.finditer(_spelled(form)))
    following = [*pieces[1:], None]
    try:
        pattern = "".join(_read_piece(*pair) for pair in zip(pieces, following, strict=True))
        return re.compile(rf"\s*{pattern}\s*", re.IGNORECASE | re.ASCII)
    except (KeyError, re.error):
        return None


def _read_piece(piece: re.Match[str], following: re.Match[str] | None) -> str:
    """A number that is followed by another has its full width, else it could take digits of the other."""
    if piece["space"]:
        return r"\s*"
    if piece["text"]:
        return rf"\s*{re.escape(piece['text'])}"
    sign, pattern = piece["sign"], _READERS[piece["sign"]]
    if following and following["sign"] in _WIDTHS and sign in _WIDTHS:
        pattern = f"(?P<{sign}>{_WIDTHS[sign]})"
    return rf"\s*{pattern}"


def read(text: str, form: str) -> dt.datetime | None:
    """Return the date and time that a text writes in a format; None when it does not.

    What the format leaves out is that of 1900-01-01 00:00:00.
    """
    pattern = _reader(form)
    match = pattern.fullmatch(text) if pattern else None
    if not match:
        return None
    try:
        return _moment({name: part for name, part in match.groupdict().items() if part})
    except (ValueError, OverflowError):
        return None


def _moment(parts: dict[str, str]) -> dt.datetime:
    year = int(parts["Y"]) if "Y" in parts else _year(parts.get("y", "1900"))
    clock = dt.time(_hour(parts), int(parts.get("M", 0)), int(parts.get("S", 0)))
    if "j" in parts:
        day = dt.date(year, 1, 1) + dt.timedelta(int(parts["j"]) - 1)
        if day.year != year:
            raise ValueError(f"the year {year} has no day {parts['j']}")
        return dt.datetime.combine(day, clock)
    month = _month(parts["month"]) if "month" in parts else int(parts.get("m", 1))
    return dt.datetime.combine(dt.date(year, month, int(parts.get("d", 1))), clock)


def _year(digits: str) -> int:
    if len(digits) > 2:
        return int(digits)
    return int(digits) + (1900 if int(digits) >= _PIVOT else 2000)


def _hour(parts: dict[str, str]) -> int:
    hour = int(parts.get("H") or parts.get("I") or 0)
    if "I" in parts and not 1 <= hour <= 12:
        raise ValueError(f"there is no hour {hour} in half a day")
    if "p" not in parts or hour > 12:
        return hour
    return hour % 12 + (12 if parts["p"] in "pP" else 0)


def _month(name: str) -> int:
    """Find a month by its name or the first three letters of it."""
    for number, each in enumerate(_MONTHS, 1):
        if name.lower() in (each.lower(), each.lower()[:3]):
            return number
    if name.lower() == "sept":
        return 9
    raise ValueError(f"there is no month {name}")
