"""Functions that convert between text, numbers, dates, characters and code pages."""

from __future__ import annotations

__all__ = ["FUNCTIONS", "WRITTEN", "as_text"]

import codecs
import datetime as dt
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from kedge.formula import sql
from kedge.formula.coerce import category, coerce
from kedge.formula.functions import conversions as to
from kedge.formula.functions.extremes import COALESCE
from kedge.formula.functions.family import known
from kedge.formula.functions.operators import AND, EQUAL
from kedge.formula.functions.strings import REPLACE
from kedge.formula.functions.tests import IS_NULL
from kedge.formula.typed import (
    Apply,
    Case,
    Example,
    Function,
    Kind,
    Literal,
    Nulls,
    Services,
    Typed,
    apply,
    takes,
)
from kedge.formula.types import DATE, DATETIME, DOUBLE, INT64, V_WSTRING, v_wstring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SERIAL_ZERO: Final = dt.datetime(1899, 12, 30)
_DAY_IN_MICROSECONDS: Final = 86_400_000_000
_MOST_DECIMALS: Final = 50
_LARGEST_CODE: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)

_TO_TEXT: Final[Mapping[str, Function]] = {
    "bool": to.BOOL_TO_TEXT,
    "integer": to.INTEGER_TO_TEXT,
    "decimal": to.DECIMAL_TO_TEXT,
    "float": to.FLOAT_TO_TEXT,
    "double": to.DOUBLE_TO_TEXT,
    "date": to.TEMPORAL_TO_TEXT,
    "time": to.TEMPORAL_TO_TEXT,
    "moment": to.TEMPORAL_TO_TEXT,
}


def as_text(value: Typed) -> Typed:
    """Return any value but a Blob as text, the way that ``ToString`` writes it without further arguments."""
    steps = _TO_TEXT.get(category(value.type))
    return apply(steps, value, span=value.span) if steps else value


def _written(number: float, decimals: int, thousands: bool, point: str) -> str | None:
    if not isfinite(number):
        return None
    text = f"{number:{',' if thousands else ''}.{min(max(decimals, 0), _MOST_DECIMALS)}f}"
    return text if point == "." else text.translate({ord("."): point, ord(","): "."})


def _written_sql(call: Apply, number: exp.Expr, *_: exp.Expr) -> exp.Expr | None:
    decimals, thousands, point = known(call, 1), known(call, 2), known(call, 3)
    if not isinstance(decimals, int) or not isinstance(thousands, bool) or point != ".":
        return None
    form = f"{{:{',' if thousands else ''}.{min(max(decimals, 0), _MOST_DECIMALS)}f}}"
    written = sql.call("format", sql.text(form), number)
    return sql.case([(sql.call("isfinite", number), written)])


WRITTEN: Final = Function(
    name="number with decimals",
    parameters=takes("double n, integer decimals, condition thousands, text point"),
    result=V_WSTRING,
    python=_written,
    sql=_written_sql,
    partial=True,
)


def _to_string(services: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
    value, decimals, thousands, point = arguments
    number = coerce(value, Kind.DOUBLE, services.options)
    if isinstance(decimals, Literal) and decimals.value == -1 and not is_given(thousands):
        return as_text(value)
    if number is None or value.type.is_bool:
        return as_text(value)
    if isinstance(decimals, Literal) and decimals.value == -1:
        decimals = Literal(0, INT64)
    return apply(WRITTEN, number, decimals, thousands, point, span=span)


def is_given(flag: Typed) -> bool:
    """Whether a flag is anything but a literal False."""
    return not (isinstance(flag, Literal) and flag.value is False)


_QUIET_NUMBER: Final = replace(to.TEXT_TO_NUMBER, name="text to number, without a word where it is none")


def _number_of(services: Services, value: Typed, point: Typed, *, ignoring: bool) -> Typed | None:
    """Return the number that a value is or that its text starts with; None for values that write none."""
    if not value.type.is_string:
        return coerce(value, Kind.NUMBER, services.options)
    text = value if isinstance(point, Literal) and point.value == "." else _with_point(value, point)
    return apply(_QUIET_NUMBER if ignoring else to.TEXT_TO_NUMBER, text, span=value.span)


def _with_point(text: Typed, point: Typed) -> Typed:
    """Where ``point`` is a comma, take the signs between thousands away and write a point for the comma."""
    grouped = apply(REPLACE, text, Literal(".", V_WSTRING), Literal("", V_WSTRING))
    pointed = apply(REPLACE, grouped, Literal(",", V_WSTRING), Literal(".", V_WSTRING))
    return Case(((apply(EQUAL, point, Literal(",", V_WSTRING)), pointed),), text, text.type, text.span)


def _to_number(services: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
    value, ignore_errors, keep_nulls, point = arguments
    number = _number_of(services, value, point, ignoring=is_given(ignore_errors))
    if number is None:
        raise services.refuse(f"{value.type.name} cannot be read as a number", value.span)
    zero = Literal(0 if number.type == INT64 else 0.0, number.type)
    filled = apply(COALESCE, number, zero, span=span)
    if not is_given(keep_nulls):
        return filled
    missing = apply(AND, keep_nulls, apply(IS_NULL, value))
    return Case(((missing, Literal(None, filled.type)),), filled, filled.type, span)


def _to_integer(services: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
    number = _to_number(services, (*arguments, Literal(".", V_WSTRING)), span)
    return coerce(number, Kind.INTEGER, services.options) or number


def _moment_of_serial(days: float) -> dt.datetime | None:
    try:
        return _SERIAL_ZERO + dt.timedelta(microseconds=to.half_away(days * _DAY_IN_MICROSECONDS))
    except (OverflowError, ValueError):
        return None


def _serial_sql(_: Apply, days: exp.Expr) -> exp.Expr:
    """The engine's range is wider than that of dates with four digits, so the numbers are bounded."""
    micros = sql.try_cast(sql.call("round", sql.binary(exp.Mul, days, sql.double(_DAY_IN_MICROSECONDS))), INT64)
    moment = sql.binary(exp.Add, sql.literal(_SERIAL_ZERO, DATETIME), sql.call("to_microseconds", micros))
    within = exp.Between(this=sql.free(days), low=sql.double(-693593.0), high=sql.double(2958465.0))
    return sql.case([(within, moment)])


_SERIAL: Final = Function(
    name="day number as DateTime",
    parameters=takes("double days"),
    result=DATETIME,
    python=lambda days: _moment_of_serial(days) if -693593 <= days <= 2958465 else None,
    sql=_serial_sql,
    partial=True,
)


ASKED: Final[Mapping[Kind, Function]] = {
    Kind.DATE: replace(to.TEXT_TO_DATE, name="text to date, as asked for"),
    Kind.MOMENT: replace(to.TEXT_TO_MOMENT, name="text to date and time, as asked for"),
}
"""What ToDate and ToDateTime do with a text, as different from what a comparison with a date does."""


def _to_temporal(kind: Kind) -> Callable[[Services, tuple[Typed, ...], int], Typed]:
    def expand(services: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
        value = arguments[0]
        if value.type.is_numeric:
            days = coerce(value, Kind.DOUBLE, services.options) or value
            value = apply(_SERIAL, days, span=span)
        changed = coerce(value, kind, services.options)
        if changed is None:
            raise services.refuse(f"{value.type.name} cannot be read as a date", value.span)
        if value.type.is_string and isinstance(changed, Apply):
            return replace(changed, function=ASKED[kind])
        return changed

    return expand


def _character(code: int) -> str | None:
    return chr(code) if 0 < code <= _LARGEST_CODE and code not in _SURROGATES else None


def _code(text: str) -> int:
    return ord(text[0]) if text else 0


def _code_sql(_: Apply, text: exp.Expr) -> exp.Expr:
    empty = sql.equal(text, sql.text(""))
    return sql.case([(empty, sql.integer(0))], sql.cast(sql.call("unicode", text), INT64))


def _codec(page: int) -> str | None:
    name = {65001: "utf-8", 28591: "latin-1", 1200: "utf-16-le", 20127: "ascii"}.get(page, f"cp{page}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def _from_page(text: str, page: int) -> str | None:
    codec = _codec(page)
    return text.encode("latin-1", "replace").decode(codec, "replace") if codec else None


def _to_page(text: str, page: int) -> str | None:
    codec = _codec(page)
    return text.encode(codec, "replace").decode("latin-1") if codec else None


def _known_page(arguments: Any) -> tuple[int, str] | None:
    page = arguments[1]
    if isinstance(page, Literal) and isinstance(page.value, int) and _codec(page.value) is None:
        return (
            1,
            f"there is no code page {page.value}; 1252, 28591 (Latin-1) and 65001 (UTF-8) are common ones",
        )
    return None


FUNCTIONS: Final = (
    Function(
        name="ToString",
        parameters=takes("any x, integer decimals=-1, condition thousands=False, text point='.'"),
        result=V_WSTRING,
        expand=_to_string,
        nulls=Nulls.OWN,
        summary="The value as text: numbers with the fewest digits, or with the given number of decimals and "
        "a sign between thousands; dates in ISO form; True and False.",
        examples=(
            Example("ToString(10)", "10"),
            Example("ToString(0.1)", "0.1"),
            Example("ToString(2.0)", "2"),
            Example("ToString(0.00005)", "0.00005"),
            Example("ToString(123456789012345680000.0)", "123456789012345680000"),
            Example("ToString(1234.567, 2)", "1234.57"),
            Example("ToString(1234567.5, 1, 1)", "1,234,567.5"),
            Example("ToString(1234.5, 2, 1, ',')", "1.234,50"),
            Example("ToString(3, 2)", "3.00"),
            Example("ToString(1 = 1)", "True"),
            Example("ToString(ToDate('2020-02-01'))", "2020-02-01"),
            Example("ToString(ToDateTime('2020-02-01'))", "2020-02-01 00:00:00"),
            Example("ToString('a')", "a"),
            Example("ToString(NULL())", None),
        ),
    ),
    Function(
        name="ToNumber",
        parameters=takes("any x, condition ignore_errors=False, condition keep_nulls=False, text point='.'"),
        result=DOUBLE,
        expand=_to_number,
        nulls=Nulls.OWN,
        summary="The number at the start of a text; 0 when there is none, and for null unless `keep_nulls`.",
        note="With a comma for `point`, points are signs between thousands.",
        examples=(
            Example("ToNumber('878.5')", 878.5),
            Example("ToNumber('12abc')", 12.0),
            Example("ToNumber('abc')", 0.0),
            Example("ToNumber('1,234')", 1.0),
            Example("ToNumber('1_0')", 1.0),
            Example("ToNumber('nan')", 0.0),
            Example("ToNumber('4.256411411E9')", 4256411411.0),
            Example("ToNumber('123.456,789', 1, 1, ',')", 123456.789),
            Example("ToNumber(5)", 5),
            Example("ToNumber(NULL())", 0.0),
            Example("ToNumber(NULL(), 0, 1)", None),
            Example("ToNumber('', 0, 1)", 0.0),
        ),
    ),
    Function(
        name="ToInteger",
        parameters=takes("any x, condition ignore_errors=False, condition keep_nulls=False"),
        result=INT64,
        expand=_to_integer,
        nulls=Nulls.OWN,
        summary="The whole number at the start of a text, or a number without its fraction.",
        note="Whether a fraction is cut off or rounded is not documented.",
        examples=(
            Example("ToInteger('878')", 878),
            Example("ToInteger('4.256411411E9')", 4256411411),
            Example("ToInteger(2.9)", 2),
            Example("ToInteger('x')", 0),
            Example("ToInteger(NULL(), 0, 1)", None),
        ),
    ),
    Function(
        name="ToDate",
        parameters=takes("any x"),
        result=DATE,
        expand=_to_temporal(Kind.DATE),
        summary="The date of an ISO text, of a DateTime, or of a day number as Excel counts.",
        examples=(
            Example("ToDate('2020-02-29 10:00:00')", dt.date(2020, 2, 29)),
            Example("ToDate(42398)", dt.date(2016, 1, 29)),
            Example("ToDate('2020-02-30')", None),
            Example("ToDate('infinity')", None),
            Example("ToDate(NULL())", None),
        ),
    ),
    Function(
        name="ToDateTime",
        parameters=takes("any x"),
        result=DATETIME,
        expand=_to_temporal(Kind.MOMENT),
        summary="The date and time of an ISO text, of a Date, or of a day number with a fraction.",
        examples=(
            Example("ToDateTime('2020-02-29')", dt.datetime(2020, 2, 29)),
            Example("ToDateTime('2020-02-29 10:11:12')", dt.datetime(2020, 2, 29, 10, 11, 12)),
            Example("ToDateTime(42398.5)", dt.datetime(2016, 1, 29, 12)),
            Example("ToDateTime('x')", None),
            Example("ToDateTime(1e9)", None),
        ),
    ),
    Function(
        name="CharFromInt",
        parameters=takes("integer code"),
        result=v_wstring(1),
        python=_character,
        partial=True,
        summary="The character of a Unicode number; null when there is none.",
        examples=(
            Example("CharFromInt(66)", "B"),
            Example("CharFromInt(8364)", "€"),
            Example("CharFromInt(-1)", None),
            Example("CharFromInt(NULL())", None),
        ),
    ),
    Function(
        name="CharToInt",
        parameters=takes("text s"),
        result=INT64,
        python=_code,
        sql=_code_sql,
        summary="The Unicode number of the first character; 0 for an empty text.",
        examples=(
            Example("CharToInt('B')", 66),
            Example("CharToInt('€5')", 8364),
            Example("CharToInt('')", 0),
            Example("CharToInt(NULL())", None),
        ),
    ),
    Function(
        name="ConvertFromCodePage",
        parameters=takes("text s, integer page"),
        result=V_WSTRING,
        python=_from_page,
        check=_known_page,
        partial=True,
        summary="The text whose characters are the bytes of a code page, as Unicode.",
        examples=(
            Example("ConvertFromCodePage('Ã©', 65001)", "é"),
            Example("ConvertFromCodePage('abc', 1252)", "abc"),
            Example("ConvertFromCodePage(NULL(), 1252)", None),
        ),
    ),
    Function(
        name="ConvertToCodePage",
        parameters=takes("text s, integer page"),
        result=V_WSTRING,
        python=_to_page,
        check=_known_page,
        partial=True,
        summary="The bytes of the text in a code page, each byte as a character.",
        examples=(
            Example("ConvertToCodePage('é', 65001)", "Ã©"),
            Example("ConvertToCodePage(NULL(), 1252)", None),
        ),
    ),
)
