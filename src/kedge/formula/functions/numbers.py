"""Functions of numbers. A result that is no finite number is null."""

from __future__ import annotations

__all__ = ["FUNCTIONS"]

import math
import random
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from kedge.formula import sql
from kedge.formula.functions.conversions import half_away
from kedge.formula.functions.family import engine, known, like
from kedge.formula.typed import Apply, Example, Function, takes
from kedge.formula.types import DOUBLE, INT64

if TYPE_CHECKING:
    from collections.abc import Callable

_EARTH_RADIUS_MILES: Final = 3958.7613
_MOST_FACTORIAL: Final = 170


def _finite(compute: Callable[..., float]) -> Callable[..., float | None]:
    def safe(*arguments: float) -> float | None:
        try:
            value = compute(*arguments)
        except (ArithmeticError, ValueError):
            return None
        return value if math.isfinite(value) else None

    return safe


def _finite_sql(name: str) -> Callable[..., exp.Expr]:
    def build(_: Apply, *arguments: exp.Expr) -> exp.Expr:
        value = sql.call(name, *arguments)
        return sql.case([(sql.call("isfinite", value), value)])

    return build


def _within(low: float, high: float, name: str) -> Callable[..., exp.Expr]:
    def build(_: Apply, number: exp.Expr) -> exp.Expr:
        test = exp.Between(this=sql.free(number), low=sql.double(low), high=sql.double(high))
        return sql.case([(test, sql.call(name, number))])

    return build


def _positive(name: str, node: type[exp.Binary] = exp.GT) -> Callable[..., exp.Expr]:
    def build(_: Apply, number: exp.Expr) -> exp.Expr:
        return sql.case([(sql.binary(node, number, sql.integer(0)), sql.call(name, number))])

    return build


def _power(base: float, exponent: float) -> float | None:
    try:
        value = math.pow(base, exponent)
    except (ArithmeticError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _inverse(multiple: float) -> float:
    """Return how many multiples make 1 when that is a whole number, else 0."""
    if not 0 < multiple < 1:
        return 0.0
    inverse = half_away(1 / multiple)
    return inverse if abs(inverse * multiple - 1) < 1e-9 else 0.0


def _round(number: float, multiple: float) -> float | None:
    """Dividing by 100 gives the double nearest to the result; multiplying by 0.01 does not."""
    if multiple == 0 or not math.isfinite(number):
        return None
    count, inverse = half_away(number / multiple), _inverse(multiple)
    return count / inverse if inverse else count * multiple


def _round_sql(call: Apply, number: exp.Expr, multiple: exp.Expr) -> exp.Expr | None:
    step = known(call, 1)
    if not isinstance(step, float) or step == 0:
        return None
    if step == 1:
        return sql.call("round", number)
    count = sql.call("round", sql.binary(exp.Div, number, multiple))
    inverse = _inverse(step)
    return sql.binary(exp.Div, count, sql.double(inverse)) if inverse else sql.binary(exp.Mul, count, multiple)


def _smart_round(number: float) -> float:
    if number == 0 or not math.isfinite(number):
        return number
    return _round(number, 10.0 ** (math.floor(math.log10(abs(number))) - 1)) or 0.0


def _mod(number: int, divisor: int) -> int | None:
    if divisor == 0:
        return None
    rest = abs(number) % abs(divisor)
    return -rest if number < 0 else rest


def _mod_sql(call: Apply, number: exp.Expr, divisor: exp.Expr) -> exp.Expr:
    safe = isinstance(known(call, 1), int) and known(call, 1) != 0
    return sql.binary(exp.Mod, number, divisor if safe else sql.call("nullif", divisor, sql.integer(0)))


def _factorial(number: int) -> float | None:
    return float(math.factorial(number)) if 0 <= number <= _MOST_FACTORIAL else None


def _distance(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    a, b, c, d = map(math.radians, (lat1, lon1, lat2, lon2))
    half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * _EARTH_RADIUS_MILES * math.asin(min(1.0, math.sqrt(half)))


def _random_integer(most: int) -> int:
    return math.floor(random.random() * (most + 1))  # noqa: S311 - nothing secret


def _random_integer_sql(_: Apply, most: exp.Expr) -> exp.Expr:
    scaled = sql.binary(exp.Mul, sql.call("random"), sql.binary(exp.Add, most, sql.integer(1)))
    return sql.cast(sql.call("floor", scaled), INT64)


def _curve(name: str, compute: Callable[[float], float], value: float) -> Function:
    """Return a trigonometric or hyperbolic function that is defined for every number."""
    return Function(
        name=name,
        parameters=takes("double x"),
        result=DOUBLE,
        python=_finite(compute),
        sql=_finite_sql(name.lower()),
        partial=True,
        summary=f"The {name.lower()} of `x`, angles in radians.",
        examples=(
            Example(f"{name}(0.5)", compute(0.5)),
            Example(f"{name}(0)", value),
            Example(f"{name}(NULL())", None),
        ),
    )


FUNCTIONS: Final = (
    Function(
        name="ABS",
        parameters=takes("number x"),
        result=like,
        python=abs,
        inline="abs({0})",
        sql=engine("abs"),
        summary="The number without its sign.",
        examples=(Example("ABS(-3)", 3), Example("ABS(-2.5)", 2.5), Example("ABS(NULL())", None)),
    ),
    Function(
        name="ACOS",
        parameters=takes("double x"),
        result=DOUBLE,
        python=_finite(math.acos),
        sql=_within(-1, 1, "acos"),
        partial=True,
        summary="The angle in radians of which `x` is the cosine.",
        examples=(Example("ACOS(1)", 0.0), Example("ACOS(2)", None), Example("ACOS(0)", math.pi / 2)),
    ),
    Function(
        name="ASIN",
        parameters=takes("double x"),
        result=DOUBLE,
        python=_finite(math.asin),
        sql=_within(-1, 1, "asin"),
        partial=True,
        summary="The angle in radians of which `x` is the sine.",
        examples=(Example("ASIN(1)", math.pi / 2), Example("ASIN(-1.5)", None)),
    ),
    _curve("ATAN", math.atan, 0.0),
    Function(
        name="ATAN2",
        parameters=takes("double y, double x"),
        result=DOUBLE,
        python=math.atan2,
        sql=engine("atan2"),
        summary="The angle in radians of the point (`x`, `y`).",
        examples=(Example("ATAN2(1, 1)", math.pi / 4), Example("ATAN2(4, -3)", 2.214297435588181)),
    ),
    _curve("COS", math.cos, 1.0),
    _curve("COSH", math.cosh, 1.0),
    _curve("SIN", math.sin, 0.0),
    _curve("SINH", math.sinh, 0.0),
    _curve("TAN", math.tan, 0.0),
    _curve("TANH", math.tanh, 0.0),
    Function(
        name="CEIL",
        parameters=takes("double x"),
        result=DOUBLE,
        python=lambda x: float(math.ceil(x)) if math.isfinite(x) else x,
        sql=engine("ceil"),
        summary="The smallest whole number that is not below `x`.",
        examples=(
            Example("CEIL(9.2)", 10.0),
            Example("CEIL(-9.2)", -9.0),
            Example("CEIL(5)", 5.0),
            Example("CEIL(NULL())", None),
        ),
    ),
    Function(
        name="FLOOR",
        parameters=takes("double x"),
        result=DOUBLE,
        python=lambda x: float(math.floor(x)) if math.isfinite(x) else x,
        sql=engine("floor"),
        summary="The largest whole number that is not above `x`.",
        examples=(Example("FLOOR(4.567)", 4.0), Example("FLOOR(-4.5)", -5.0), Example("FLOOR(NULL())", None)),
    ),
    Function(
        name="DISTANCE",
        parameters=takes("double lat1, double lon1, double lat2, double lon2"),
        result=DOUBLE,
        python=_distance,
        summary="The length in miles of the great circle between two places in degrees.",
        note="The radius of the earth (3958.7613 miles) is ours; spatial objects are not taken.",
        examples=(
            Example("DISTANCE(0, 0, 0, 90)", _EARTH_RADIUS_MILES * math.pi / 2),
            Example("DISTANCE(40, -105, 40, -105)", 0.0),
            Example("DISTANCE(40, -105, 40, NULL())", None),
        ),
    ),
    Function(
        name="EXP",
        parameters=takes("double x"),
        result=DOUBLE,
        python=_finite(math.exp),
        sql=_finite_sql("exp"),
        partial=True,
        summary="e to the power of `x`.",
        examples=(Example("EXP(0)", 1.0), Example("EXP(1)", math.e), Example("EXP(1000)", None)),
    ),
    Function(
        name="FACTORIAL",
        parameters=takes("integer n"),
        result=DOUBLE,
        python=_factorial,
        partial=True,
        summary="The product of the whole numbers up to `n`; null for a negative `n` and above 170.",
        examples=(
            Example("FACTORIAL(5)", 120.0),
            Example("FACTORIAL(0)", 1.0),
            Example("FACTORIAL(-1)", None),
            Example("FACTORIAL(NULL())", None),
        ),
    ),
    Function(
        name="LOG",
        parameters=takes("double x"),
        result=DOUBLE,
        python=_finite(math.log),
        sql=_positive("ln"),
        partial=True,
        summary="The natural logarithm; null for numbers that are not above 0.",
        examples=(Example("LOG(1)", 0.0), Example("LOG(10)", math.log(10)), Example("LOG(0)", None)),
    ),
    Function(
        name="LOG10",
        parameters=takes("double x"),
        result=DOUBLE,
        python=_finite(math.log10),
        sql=_positive("log10"),
        partial=True,
        summary="The logarithm to base 10; null for numbers that are not above 0.",
        examples=(Example("LOG10(1000)", 3.0), Example("LOG10(-1)", None)),
    ),
    Function(
        name="MOD",
        parameters=takes("integer n, integer divisor"),
        result=INT64,
        python=_mod,
        sql=_mod_sql,
        partial=True,
        summary="The rest of the whole division, with the sign of `n`; fractions are cut off first.",
        note="That a divisor of 0 gives null is not documented.",
        examples=(
            Example("MOD(7, 3)", 1),
            Example("MOD(-7, 3)", -1),
            Example("MOD(7, -3)", 1),
            Example("MOD(7.9, 3.9)", 1),
            Example("MOD(7, 0)", None),
            Example("MOD(NULL(), 3)", None),
        ),
    ),
    Function(
        name="PI",
        parameters=(),
        result=DOUBLE,
        python=lambda: math.pi,
        inline=repr(math.pi),
        sql=lambda _: sql.double(math.pi),
        summary="The number 3.14159…, half the radian measure of a circle.",
        examples=(Example("PI()", math.pi),),
    ),
    Function(
        name="POW",
        parameters=takes("double x, double exponent"),
        result=DOUBLE,
        python=_power,
        sql=_finite_sql("pow"),
        partial=True,
        summary="`x` to the power of `exponent`.",
        examples=(
            Example("POW(2, 10)", 1024.0),
            Example("POW(-8, 0.5)", None),
            Example("POW(0, -1)", None),
            Example("POW(10, 400)", None),
            Example("POW(NULL(), 2)", None),
        ),
    ),
    Function(
        name="RAND",
        parameters=(),
        result=DOUBLE,
        python=random.random,
        sql=engine("random"),
        pure=False,
        summary="A random number from 0 up to, but not including, 1.",
        examples=(Example("RAND() >= 0 AND RAND() < 1", True),),
    ),
    Function(
        name="RandInt",
        parameters=takes("integer n"),
        result=INT64,
        python=_random_integer,
        sql=_random_integer_sql,
        pure=False,
        summary="A random whole number from 0 to `n`.",
        examples=(
            Example("RandInt(0)", 0),
            Example("RandInt(5) <= 5", True),
            Example("RandInt(NULL())", None),
        ),
    ),
    Function(
        name="ROUND",
        parameters=takes("double x, double multiple=1.0"),
        result=DOUBLE,
        python=_round,
        sql=_round_sql,
        partial=True,
        summary="The multiple of `multiple` that is nearest to `x`, halves away from zero.",
        examples=(
            Example("ROUND(2.5)", 3.0),
            Example("ROUND(-2.5)", -3.0),
            Example("ROUND(55.34, 2)", 56.0),
            Example("ROUND(1.234, 0.01)", 1.23),
            Example("ROUND(0.3, 0.1)", 0.3),
            Example("ROUND(1234, 100)", 1200.0),
            Example("ROUND(39.88, 10)", 40.0),
            Example("ROUND(1, 0)", None),
            Example("ROUND(NULL(), 1)", None),
        ),
    ),
    Function(
        name="SmartRound",
        parameters=takes("double x"),
        result=DOUBLE,
        python=_smart_round,
        summary="The number rounded to two leading digits.",
        note="Documented only as rounding to a multiple that depends on the size of the number.",
        examples=(
            Example("SmartRound(123456.789)", 120000.0),
            Example("SmartRound(0.01264)", 0.013),
            Example("SmartRound(0)", 0.0),
            Example("SmartRound(NULL())", None),
        ),
    ),
    Function(
        name="SQRT",
        parameters=takes("double x"),
        result=DOUBLE,
        python=_finite(math.sqrt),
        sql=_positive("sqrt", exp.GTE),
        partial=True,
        summary="The square root; null for numbers below 0.",
        examples=(Example("SQRT(100)", 10.0), Example("SQRT(-1)", None), Example("SQRT(0)", 0.0)),
    ),
    Function(
        name="ToDegrees",
        parameters=takes("double x"),
        result=DOUBLE,
        python=math.degrees,
        sql=engine("degrees"),
        summary="An angle in radians as degrees.",
        examples=(Example("ToDegrees(PI())", 180.0), Example("ToDegrees(NULL())", None)),
    ),
    Function(
        name="ToRadians",
        parameters=takes("double x"),
        result=DOUBLE,
        python=math.radians,
        sql=engine("radians"),
        summary="An angle in degrees as radians.",
        examples=(Example("ToRadians(180)", math.pi),),
    ),
)
