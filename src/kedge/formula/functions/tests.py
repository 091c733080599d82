"""Functions that test a value; they are never null."""

from __future__ import annotations

__all__ = ["EMPTY_TEXT", "FUNCTIONS", "IS_NULL"]

import re
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from kedge.formula import sql
from kedge.formula.typed import Apply, Example, Function, Literal, Nulls, Services, Typed, apply, takes
from kedge.formula.types import BOOL

if TYPE_CHECKING:
    from collections.abc import Callable

    from kedge.formula.types import DesignerType

_WHOLE: Final = re.compile(r"[ \t\n\f\r]*[+-]?[0-9]+[ \t\n\f\r]*")
_WHOLE_RE2: Final = r"\s*[+-]?[0-9]+\s*"


def _full_match(pattern: str) -> Callable[..., exp.Expr]:
    return lambda _, text: sql.call("regexp_full_match", text, sql.text(pattern))


IS_NULL: Final = Function(
    name="IsNull",
    parameters=takes("any v"),
    result=BOOL,
    python=lambda v: v is None,
    inline="({0} is None)",
    inline_nulls=True,
    sql=lambda _, v: sql.is_null(v),
    nulls=Nulls.OWN,
    summary="Whether the value is null; an empty text is not.",
    examples=(Example("IsNull(NULL())", True), Example("IsNull('')", False), Example("IsNull(0)", False)),
)
EMPTY_TEXT: Final = Function(
    name="is empty text",
    parameters=takes("text s"),
    result=BOOL,
    python=lambda s: not s,
    inline="(not {0})",
    inline_nulls=True,
    sql=lambda _, s: sql.equal(sql.coalesce(s, sql.text("")), sql.text("")),
    nulls=Nulls.OWN,
)
_WHOLE_TEXT: Final = Function(
    name="is integer text",
    parameters=takes("text s"),
    result=BOOL,
    python=lambda s: _WHOLE.fullmatch(s) is not None,
    sql=_full_match(_WHOLE_RE2),
    nulls=Nulls.FALSE,
)
_WHOLE_NUMBER: Final = Function(
    name="is integer number",
    parameters=takes("any n"),
    result=BOOL,
    python=lambda n: n == n // 1,
    sql=lambda _, n: sql.equal(n, sql.call("trunc", n)),
    nulls=Nulls.FALSE,
)


def _is_empty(_: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
    value = arguments[0]
    return apply(EMPTY_TEXT if value.type.is_string else IS_NULL, value, span=span)


def _is_integer(_: Services, arguments: tuple[Typed, ...], span: int) -> Typed:
    value = arguments[0]
    if value.type.is_string:
        return apply(_WHOLE_TEXT, value, span=span)
    if value.type.is_numeric:
        return apply(_WHOLE_NUMBER, value, span=span)
    return Literal(False, BOOL, span)


def _of_type(test: Callable[[DesignerType], bool]) -> Callable[[Services, tuple[Typed, ...], int], Typed]:
    return lambda _, arguments, span: Literal(test(arguments[0].type), BOOL, span)


def _close_sql(_: Apply, a: exp.Expr, b: exp.Expr, limit: exp.Expr) -> exp.Expr:
    return sql.binary(exp.LT, sql.call("abs", sql.binary(exp.Sub, a, b)), limit)


FUNCTIONS: Final = (
    IS_NULL,
    Function(
        name="IsEmpty",
        parameters=takes("any v"),
        result=BOOL,
        expand=_is_empty,
        summary="Whether the value is null or an empty text.",
        examples=(
            Example("IsEmpty('')", True),
            Example("IsEmpty(NULL())", True),
            Example("IsEmpty(' ')", False),
            Example("IsEmpty(0)", False),
        ),
    ),
    Function(
        name="IsInteger",
        parameters=takes("any v"),
        result=BOOL,
        expand=_is_integer,
        summary="Whether the value is a whole number, or a text that writes one.",
        examples=(
            Example("IsInteger('12')", True),
            Example("IsInteger('-1')", True),
            Example("IsInteger('1.5')", False),
            Example("IsInteger(2.0)", True),
            Example("IsInteger(2.5)", False),
            Example("IsInteger(NULL())", False),
        ),
    ),
    Function(
        name="IsNumber",
        parameters=takes("any v"),
        result=BOOL,
        expand=_of_type(lambda kind: kind.is_numeric),
        summary="Whether the type of the value is a number.",
        examples=(Example("IsNumber(1)", True), Example("IsNumber('1')", False)),
    ),
    Function(
        name="IsString",
        parameters=takes("any v"),
        result=BOOL,
        expand=_of_type(lambda kind: kind.is_string),
        summary="Whether the type of the value is text.",
        examples=(Example("IsString('1')", True), Example("IsString(1)", False)),
    ),
    Function(
        name="IsSpatialObj",
        parameters=takes("any v"),
        result=BOOL,
        expand=_of_type(lambda kind: kind.name == "SpatialObj"),
        summary="Whether the type of the value is a spatial object.",
        examples=(Example("IsSpatialObj(1)", False),),
    ),
    Function(
        name="IsLowerCase",
        parameters=takes("text s"),
        result=BOOL,
        python=lambda s: s.isalpha() and s.islower(),
        nulls=Nulls.FALSE,
        summary="Whether the text is made of lower case letters alone.",
        note="Whether digits and signs are allowed is not documented.",
        examples=(
            Example("IsLowerCase('abc')", True),
            Example("IsLowerCase('aBc')", False),
            Example("IsLowerCase('a c')", False),
            Example("IsLowerCase('')", False),
            Example("IsLowerCase(NULL())", False),
        ),
    ),
    Function(
        name="IsUpperCase",
        parameters=takes("text s"),
        result=BOOL,
        python=lambda s: s.isalpha() and s.isupper(),
        nulls=Nulls.FALSE,
        summary="Whether the text is made of upper case letters alone.",
        note="Whether digits and signs are allowed is not documented.",
        examples=(
            Example("IsUpperCase('ABC')", True),
            Example("IsUpperCase('aBc')", False),
            Example("IsUpperCase(NULL())", False),
        ),
    ),
    Function(
        name="CompareEpsilon",
        parameters=takes("double a, double b, double epsilon"),
        result=BOOL,
        python=lambda a, b, epsilon: abs(a - b) < epsilon,
        sql=_close_sql,
        nulls=Nulls.FALSE,
        summary="Whether the numbers differ by less than `epsilon`.",
        examples=(
            Example("CompareEpsilon(1.01, 1.02, 0.1)", True),
            Example("CompareEpsilon(1, 2, 0.5)", False),
            Example("CompareEpsilon(NULL(), 2, 0.5)", False),
        ),
    ),
    Function(
        name="CompareDigits",
        parameters=takes("double a, double b, integer digits"),
        result=BOOL,
        python=lambda a, b, digits: f"{a:.{max(digits - 1, 0)}e}" == f"{b:.{max(digits - 1, 0)}e}",
        nulls=Nulls.FALSE,
        summary="Whether the numbers are equal to the given number of leading digits.",
        note="Documented as equal to a number of digits; that these are the leading ones is an assumption.",
        examples=(
            Example("CompareDigits(1.2345, 1.2349, 4)", False),
            Example("CompareDigits(1.2345, 1.2349, 3)", True),
            Example("CompareDigits(NULL(), 1, 3)", False),
        ),
    ),
)
