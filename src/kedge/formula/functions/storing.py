"""Functions that bring a value into the type of the field that stores it; what does not fit becomes null."""

from __future__ import annotations

__all__ = [
    "CLEAN_NUMBER",
    "TEXT_TO_BOOL",
    "TEXT_TO_INTEGER",
    "TO_FLOAT",
    "decimal_of_decimal",
    "decimal_of_number",
    "decimal_of_text",
    "integer_of_decimal",
    "integer_of_double",
    "narrowed",
    "widened",
]

import re
import struct
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache
from math import isfinite, trunc
from typing import Final

from sqlglot import exp

from kedge.formula import sql
from kedge.formula.functions.conversions import NUMBER, clean_number_sql, half_away, leading_number
from kedge.formula.typed import Apply, Function, Nulls, takes
from kedge.formula.types import BOOL, FLOAT, INT64, INTEGER_LIMITS, DesignerType

_EXACT: Final = 2.0**53
_CLEAN: Final = re.compile(rf"[ \t\n\v\f\r]*{NUMBER}[ \t\n\v\f\r]*", re.ASCII)
_WHOLE: Final = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)[ \t\n\v\f\r]*")
_WIDE: Final = Context(prec=80)
_TRUE_WORDS: Final = ("true", "t", "yes", "y", "1")
_FALSE_WORDS: Final = ("false", "f", "no", "n", "0")


def _try_cast(call: Apply, value: exp.Expr) -> exp.Expr:
    return sql.try_cast(value, call.type)


@cache
def widened(target: DesignerType) -> Function:
    """Return the conversion of a number to a type that holds every value of its own."""
    return Function(
        name=f"widened to {target}",
        parameters=takes("any n"),
        result=target,
        python=lambda n: n,
        inline="{0}",
        sql=lambda _, n: sql.cast(n, target),
    )


@cache
def narrowed(target: DesignerType) -> Function:
    """Return the conversion of an integer to an integer type that may be too small for it."""
    low, high = INTEGER_LIMITS[target.name]
    return Function(
        name=f"narrowed to {target}",
        parameters=takes("any n"),
        result=target,
        python=lambda n: n if low <= n <= high else None,
        inline=f"({{0}} if {low} <= {{0}} <= {high} else None)",
        sql=_try_cast,
        partial=True,
    )


@cache
def integer_of_double(target: DesignerType, rounding: bool) -> Function:
    """Return the conversion of a Double to an integer type, rounding or cutting the fraction off."""
    low, high = INTEGER_LIMITS[target.name]
    whole, name = (half_away, "round") if rounding else (trunc, "trunc")

    def convert(number: float) -> int | None:
        if not isfinite(number):
            return None
        value = int(whole(number))
        return value if low <= value <= high else None

    return Function(
        name=f"Double {name}ed to {target}",
        parameters=takes("double n"),
        result=target,
        python=convert,
        sql=lambda _, n: sql.try_cast(sql.call(name, n), target),
        partial=True,
    )


@cache
def integer_of_decimal(target: DesignerType, rounding: bool) -> Function:
    """Return the conversion of a FixedDecimal to an integer type, rounding or cutting the fraction off."""
    low, high = INTEGER_LIMITS[target.name]
    mode, name = (ROUND_HALF_UP, "round") if rounding else (ROUND_DOWN, "trunc")

    def convert(number: Decimal) -> int | None:
        value = int(number.to_integral_value(mode, _WIDE))
        return value if low <= value <= high else None

    return Function(
        name=f"FixedDecimal {name}ed to {target}",
        parameters=takes("any n"),
        result=target,
        python=convert,
        sql=lambda _, n: sql.try_cast(sql.call(name, n), target),
        partial=True,
    )


def _single(number: float) -> float | None:
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return None


TO_FLOAT: Final = Function(
    name="Double to Float",
    parameters=takes("double n"),
    result=FLOAT,
    python=_single,
    sql=_try_cast,
    partial=True,
)


def _precision(target: DesignerType) -> int:
    return min(target.size, 38)


@cache
def decimal_of_number(target: DesignerType) -> Function:
    """Return the conversion of an integer or a Double to a FixedDecimal type."""
    factor, most = 10**target.scale, 10 ** _precision(target)

    def convert(number: float) -> Decimal | None:
        if not abs(number) < most:
            return None
        units = number * factor if isinstance(number, int) else int(half_away(number * float(factor)))
        return Decimal(f"{units}e-{target.scale}") if abs(units) < most else None

    def build(call: Apply, number: exp.Expr) -> exp.Expr:
        """Round first: versions of DuckDB differ in how the cast of a DOUBLE rounds."""
        exact = call.arguments[0].type.is_integer
        return sql.try_cast(number if exact else sql.call("round", number, sql.integer(target.scale)), target)

    return Function(
        name=f"number to {target}",
        parameters=takes("any n"),
        result=target,
        python=convert,
        sql=build,
        partial=True,
    )


def _fitted(number: Decimal, target: DesignerType) -> Decimal | None:
    unit = Decimal((0, (1,), -target.scale))
    try:
        fitted = number.quantize(unit, ROUND_HALF_UP, _WIDE)
    except InvalidOperation:
        return None
    return fitted if abs(fitted) < Decimal(10) ** (_precision(target) - target.scale) else None


@cache
def decimal_of_decimal(target: DesignerType) -> Function:
    """Return the conversion of a FixedDecimal to another FixedDecimal type."""
    return Function(
        name=f"FixedDecimal to {target}",
        parameters=takes("any n"),
        result=target,
        python=lambda number: _fitted(number, target),
        sql=_try_cast,
        partial=True,
    )


def is_clean(text: str) -> bool:
    """Whether a text is a finite number and nothing else, but for white space around it."""
    return _CLEAN.fullmatch(text) is not None and isfinite(float(text))


CLEAN_NUMBER: Final = Function(
    name="is a number and nothing else",
    parameters=takes("text s"),
    result=BOOL,
    python=is_clean,
    sql=lambda _, text: clean_number_sql(text),
    nulls=Nulls.FALSE,
)


@cache
def decimal_of_text(target: DesignerType) -> Function:
    """Return the conversion of a text to a FixedDecimal type, exact where the text is a number alone."""

    def convert(text: str) -> Decimal | None:
        if is_clean(text):
            return _fitted(Decimal(text.strip()), target)
        number = leading_number(text)
        return None if number is None else decimal_of_number(target).python(number)  # type: ignore[misc]

    def build(_: Apply, text: exp.Expr, number: exp.Expr) -> exp.Expr:
        exact = sql.try_cast(text, target)
        rounded = sql.try_cast(sql.call("round", number, sql.integer(target.scale)), target)
        return sql.case([(clean_number_sql(text), exact)], rounded)

    return Function(
        name=f"text to {target}",
        parameters=takes("text s, double n"),
        result=target,
        python=lambda text, _: convert(text),
        sql=build,
        nulls=Nulls.NULL,
        partial=True,
    )


def _whole_number(text: str, number: float) -> int | None:
    if abs(number) >= _EXACT and (match := _WHOLE.fullmatch(text)):
        exact = int(match[1])
        return exact if -(2**63) <= exact < 2**63 else None
    return integer_of_double(INT64, True).python(number)  # type: ignore[misc, no-any-return]


def _whole_number_sql(_: Apply, text: exp.Expr, number: exp.Expr) -> exp.Expr:
    small = sql.binary(exp.LT, sql.call("abs", number), sql.double(_EXACT))
    rounded = sql.try_cast(sql.call("round", number), INT64)
    whole = sql.call("regexp_full_match", text, sql.text(r"\s*[+-]?[0-9]+\s*"))
    return sql.case([(small, rounded), (whole, sql.try_cast(text, INT64))], rounded)


TEXT_TO_INTEGER: Final = Function(
    name="text to Int64",
    parameters=takes("text s, double n"),
    result=INT64,
    python=_whole_number,
    sql=_whole_number_sql,
    partial=True,
)
"""Takes the text and the number at its start; digits alone are exact beyond the reach of a Double."""


def _truth(text: str, number: float | None) -> bool | None:
    word = text.strip(" ").lower()
    if word in _TRUE_WORDS or word in _FALSE_WORDS:
        return word in _TRUE_WORDS
    return None if number is None else number != 0


def _truth_sql(_: Apply, text: exp.Expr, number: exp.Expr) -> exp.Expr:
    word = sql.call("lower", sql.call("trim", text))
    true, false = [
        exp.In(this=sql.free(word), expressions=[sql.text(each) for each in words])
        for words in (_TRUE_WORDS, _FALSE_WORDS)
    ]
    return sql.case([(true, exp.true()), (false, exp.false())], sql.binary(exp.NEQ, number, sql.integer(0)))


TEXT_TO_BOOL: Final = Function(
    name="text to Bool",
    parameters=takes("text s, double n"),
    result=BOOL,
    python=lambda text, number: None if text is None else _truth(text, number),
    sql=_truth_sql,
    nulls=Nulls.OWN,
    partial=True,
)
