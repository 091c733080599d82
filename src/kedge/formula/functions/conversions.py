"""Conversions of single values between kinds of types, as functions: implicit ones, and those of storing.

Text is read as DuckDB reads it where DuckDB reads the same; a text that starts with a number counts as that
number.
"""

from __future__ import annotations

__all__ = [
    "BOOL_AS_NUMBER",
    "BOOL_TO_TEXT",
    "DATE_TO_MOMENT",
    "DECIMAL_TO_DOUBLE",
    "DECIMAL_TO_TEXT",
    "DOUBLE_TO_TEXT",
    "FLOAT_TO_DOUBLE",
    "FLOAT_TO_TEXT",
    "INTEGER_TO_DOUBLE",
    "INTEGER_TO_TEXT",
    "MOMENT_TO_DATE",
    "MOMENT_TO_TIME",
    "NUMBER",
    "NUMBER_TO_BOOL",
    "NUMBER_TO_CONDITION",
    "ROUND_TO_INTEGER",
    "TEMPORAL_TO_TEXT",
    "TEXT_TO_DATE",
    "TEXT_TO_MOMENT",
    "TEXT_TO_NUMBER",
    "TEXT_TO_TIME",
    "TIME_TO_MOMENT",
    "TRUNCATE_TO_INTEGER",
    "TRUTH",
    "WIDEN",
    "double_text",
    "half_away",
    "leading_number",
    "read_moment",
]

import datetime as dt
import re
import struct
from decimal import Decimal
from math import copysign, isfinite, trunc
from typing import Final

from sqlglot import exp

from kedge.formula import sql
from kedge.formula.typed import Apply, Function, Nulls, takes
from kedge.formula.types import (
    BOOL,
    DATE,
    DATETIME,
    DOUBLE,
    INT64,
    TIME,
    V_WSTRING,
    DesignerType,
    v_wstring,
)

_EXACT: Final = 2.0**63
NUMBER: Final = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_LEADING: Final = re.compile(rf"[ \t\n\v\f\r]*({NUMBER})", re.ASCII)
_CLOCK: Final = r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?"
_ZONE: Final = r"(?: ?UTC|Z|[+-]\d\d(?::?\d\d)?)?"
_MOMENT: Final = re.compile(rf"(\d{{1,4}})([-/\\ ])(\d{{1,2}})\2(\d{{1,2}})(?:(?: +|T){_CLOCK}{_ZONE})?", re.ASCII)
_TIME: Final = re.compile(rf"(?:\d{{4}}-\d{{1,2}}-\d{{1,2}}[ T])?{_CLOCK}", re.ASCII)
_EPOCH: Final = dt.date(1970, 1, 1)


def half_away(value: float) -> float:
    """Round to a whole number, halves away from zero, as C's ``round`` does."""
    if not isfinite(value):
        return value
    whole = trunc(value)
    return copysign(whole + (1 if value > 0 else -1) * (abs(value - whole) >= 0.5), value)


def _whole(value: float) -> int | None:
    return int(value) if -_EXACT <= value < _EXACT else None


def double_text(value: float) -> str:
    """Write a number with the fewest digits that read back as the same, never with an exponent."""
    if isfinite(value) and value == int(value):
        return str(int(value)) if abs(value) < 1e18 else format(Decimal(repr(value)), "f")
    return format(Decimal(repr(value)), "f") if isfinite(value) else repr(value)


def _float_text(value: float) -> str:
    for digits in range(6, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("f", float(text)) == struct.pack("f", value):
            break
    return double_text(float(text))


def leading_number(text: str) -> float | None:
    """Read the number at the start of a text, after white space; None for none or one too large."""
    match = _LEADING.match(text)
    value = float(match[1]) if match else None
    return value if value is not None and isfinite(value) else None


def read_moment(text: str) -> dt.datetime | None:
    """Read an ISO date with or without a time of day; None for anything else."""
    match = _MOMENT.fullmatch(text)
    if not match:
        return None
    date = f"{match[1]:0>4}-{match[3]:0>2}-{match[4]:0>2}"
    clock = f"{match[5] or 0:0>2}:{match[6] or 0:0>2}:{match[7] or 0:0>2}.{(match[8] or '')[:6]:0<6}"
    try:
        return dt.datetime.fromisoformat(f"{date} {clock}")
    except ValueError:
        return None


def _read_date(text: str) -> dt.date | None:
    moment = read_moment(text)
    return moment and moment.date()


def _read_time(text: str) -> dt.time | None:
    match = _TIME.fullmatch(text)
    if not match:
        return None
    try:
        return dt.time.fromisoformat(f"{match[1]:0>2}:{match[2]:0>2}:{match[3] or 0:0>2}.{(match[4] or '')[:6]:0<6}")
    except ValueError:
        return None


def temporal_text(value: dt.date | dt.time | dt.datetime) -> str:
    """Write a date, a time or both as ISO text, a fraction of a second only when there is one."""
    text = value.isoformat(" ") if isinstance(value, dt.datetime) else value.isoformat()
    return text.rstrip("0") if "." in text else text


def _truncate_sql(_: Apply, value: exp.Expr) -> exp.Expr:
    return sql.try_cast(sql.call("trunc", value), INT64)


def _round_sql(_: Apply, value: exp.Expr) -> exp.Expr:
    return sql.try_cast(sql.call("round", value), INT64)


def _double_text_sql(_: Apply, value: exp.Expr) -> exp.Expr:
    """Whole numbers go through BIGINT, the plain middle range through the cast, the rest to the UDF."""
    size = sql.call("abs", value)
    whole = sql.binary(exp.EQ, value, sql.call("trunc", value))
    plain = sql.binary(exp.And, whole, sql.binary(exp.LT, size, sql.double(1e18)))
    middle = sql.binary(
        exp.And, sql.binary(exp.GTE, size, sql.double(1e-4)), sql.binary(exp.LT, size, sql.double(1e15))
    )
    return sql.case(
        [
            (plain, sql.cast(sql.cast(value, INT64), V_WSTRING)),
            (middle, sql.cast(value, V_WSTRING)),
        ],
        sql.call("kedge_double_to_text", value),
    )


def _float_text_sql(call: Apply, value: exp.Expr) -> exp.Expr:
    size = sql.call("abs", value)
    middle = sql.binary(exp.And, sql.binary(exp.GTE, size, sql.double(1e-4)), sql.binary(exp.LT, size, sql.double(1e6)))
    fraction = sql.binary(exp.NEQ, value, sql.call("trunc", value))
    whole = _double_text_sql(call, sql.cast(value, DOUBLE))
    shortest = sql.cast(sql.cast(value, V_WSTRING), DOUBLE)
    return sql.case(
        [(sql.binary(exp.And, fraction, middle), sql.cast(value, V_WSTRING))],
        sql.case([(sql.negate(fraction), whole)], sql.call("kedge_double_to_text", shortest)),
    )


def _leading_sql(_: Apply, text: exp.Expr) -> exp.Expr:
    """Cast what DuckDB casts and the rule agrees with; cut the number out of the rest."""
    number = sql.try_cast(text, DOUBLE)
    grouped = sql.call("contains", text, sql.text("_"))
    clean = sql.binary(exp.And, sql.call("isfinite", number), sql.negate(grouped))
    cut = sql.try_cast(sql.call("regexp_extract", text, sql.text(rf"^\s*({NUMBER})"), sql.integer(1)), DOUBLE)
    return sql.case([(clean, number)], sql.case([(sql.call("isfinite", cut), cut)]))


def _starts_with_digit(text: exp.Expr) -> exp.Expr:
    """DuckDB reads the words ``infinity`` and ``epoch`` as dates; no date of ours starts with a letter."""
    return exp.Between(this=sql.free(text), low=sql.text("0"), high=sql.text(":"))


def _moment_sql(call: Apply, text: exp.Expr) -> exp.Expr:
    return sql.case([(_starts_with_digit(text), sql.try_cast(text, call.type))])


def _cast_sql(call: Apply, value: exp.Expr) -> exp.Expr:
    return sql.cast(value, call.type)


def _same_sql(_: Apply, value: exp.Expr) -> exp.Expr:
    return value


def _bool_text_sql(_: Apply, value: exp.Expr) -> exp.Expr:
    return sql.case([(value, sql.text("True")), (sql.negate(value), sql.text("False"))])


def _bool_number_sql(_: Apply, value: exp.Expr, true: exp.Expr) -> exp.Expr:
    return sql.case([(value, true), (sql.negate(value), sql.integer(0))])


def _time_moment_sql(_: Apply, value: exp.Expr) -> exp.Expr:
    return sql.binary(exp.Add, sql.literal(_EPOCH, DATE), value)


WIDEN: Final = Function(
    name="integer to Int64",
    parameters=takes("any n"),
    result=INT64,
    python=int,
    inline="{0}",
    sql=_cast_sql,
)
INTEGER_TO_DOUBLE: Final = Function(
    name="integer to Double",
    parameters=takes("any n"),
    result=DOUBLE,
    python=float,
    inline="float({0})",
    sql=_cast_sql,
)
DECIMAL_TO_DOUBLE: Final = Function(
    name="FixedDecimal to Double",
    parameters=takes("any n"),
    result=DOUBLE,
    python=float,
    inline="float({0})",
    sql=_cast_sql,
)
FLOAT_TO_DOUBLE: Final = Function(
    name="Float to Double",
    parameters=takes("any n"),
    result=DOUBLE,
    python=float,
    inline="{0}",
    sql=_cast_sql,
)
TRUNCATE_TO_INTEGER: Final = Function(
    name="truncate to integer",
    parameters=takes("double n"),
    result=INT64,
    python=_whole,
    sql=_truncate_sql,
    partial=True,
)
ROUND_TO_INTEGER: Final = Function(
    name="round to integer",
    parameters=takes("double n"),
    result=INT64,
    python=lambda n: _whole(half_away(n)),
    sql=_round_sql,
    partial=True,
)
BOOL_AS_NUMBER: Final = Function(
    name="Bool as a number",
    parameters=takes("condition b, any true"),
    result=INT64,
    python=lambda b, true: true if b else 0,
    inline="({1} if {0} else 0)",
    sql=_bool_number_sql,
)
NUMBER_TO_CONDITION: Final = Function(
    name="number as a condition",
    parameters=takes("any n"),
    result=BOOL,
    python=bool,
    inline="({0} != 0)",
    sql=lambda _, n: sql.binary(exp.NEQ, n, sql.integer(0)),
    nulls=Nulls.FALSE,
)
NUMBER_TO_BOOL: Final = Function(
    name="number to Bool",
    parameters=takes("any n"),
    result=BOOL,
    python=bool,
    inline="({0} != 0)",
    sql=lambda _, n: sql.binary(exp.NEQ, n, sql.integer(0)),
)
TRUTH: Final = Function(
    name="Bool as a condition",
    parameters=takes("any b"),
    result=BOOL,
    python=bool,
    inline="{0}",
    sql=_same_sql,
    nulls=Nulls.FALSE,
)
DATE_TO_MOMENT: Final = Function(
    name="Date to DateTime",
    parameters=takes("date d"),
    result=DATETIME,
    python=lambda d: dt.datetime(d.year, d.month, d.day),
    sql=_cast_sql,
)
TIME_TO_MOMENT: Final = Function(
    name="Time to DateTime",
    parameters=takes("any t"),
    result=DATETIME,
    python=lambda t: dt.datetime.combine(_EPOCH, t),
    sql=_time_moment_sql,
)
MOMENT_TO_DATE: Final = Function(
    name="DateTime to Date",
    parameters=takes("moment m"),
    result=DATE,
    python=dt.datetime.date,
    sql=_cast_sql,
)
MOMENT_TO_TIME: Final = Function(
    name="DateTime to Time",
    parameters=takes("moment m"),
    result=TIME,
    python=dt.datetime.time,
    sql=_cast_sql,
)
TEXT_TO_MOMENT: Final = Function(
    name="text to DateTime",
    parameters=takes("text s"),
    result=DATETIME,
    python=read_moment,
    sql=_moment_sql,
    partial=True,
)
TEXT_TO_DATE: Final = Function(
    name="text to Date",
    parameters=takes("text s"),
    result=DATE,
    python=_read_date,
    sql=_moment_sql,
    partial=True,
)
TEXT_TO_TIME: Final = Function(
    name="text to Time",
    parameters=takes("text s"),
    result=TIME,
    python=_read_time,
    sql=_moment_sql,
    partial=True,
)
TEXT_TO_NUMBER: Final = Function(
    name="text to number",
    parameters=takes("text s"),
    result=DOUBLE,
    python=leading_number,
    sql=_leading_sql,
    partial=True,
)
TEMPORAL_TO_TEXT: Final = Function(
    name="date to text",
    parameters=takes("any d"),
    result=lambda arguments: v_wstring(arguments[0].type.size),
    python=temporal_text,
    sql=_cast_sql,
)
BOOL_TO_TEXT: Final = Function(
    name="Bool to text",
    parameters=takes("any b"),
    result=v_wstring(5),
    python=lambda b: "True" if b else "False",
    sql=_bool_text_sql,
)
INTEGER_TO_TEXT: Final = Function(
    name="integer to text",
    parameters=takes("any n"),
    result=lambda arguments: v_wstring(arguments[0].type.text_width),
    python=str,
    inline="str({0})",
    sql=_cast_sql,
)
DOUBLE_TO_TEXT: Final = Function(
    name="Double to text",
    parameters=takes("double n"),
    result=v_wstring(DOUBLE.text_width),
    python=double_text,
    sql=_double_text_sql,
)
FLOAT_TO_TEXT: Final = Function(
    name="Float to text",
    parameters=takes("any n"),
    result=v_wstring(DesignerType("Float").text_width),
    python=_float_text,
    sql=_float_text_sql,
)
DECIMAL_TO_TEXT: Final = Function(
    name="FixedDecimal to text",
    parameters=takes("any n"),
    result=lambda arguments: v_wstring(arguments[0].type.text_width),
    python=lambda n: format(n, "f"),
    sql=_cast_sql,
)
