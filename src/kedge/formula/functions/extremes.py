"""Functions of several values: least, greatest, middle, and which of them it is."""

from __future__ import annotations

__all__ = ["COALESCE", "FUNCTIONS"]

from statistics import median
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from kedge.formula import sql
from kedge.formula.functions.family import engine, known, widest
from kedge.formula.typed import Apply, Example, Function, Nulls, takes
from kedge.formula.types import DOUBLE, INT64

if TYPE_CHECKING:
    from collections.abc import Callable


def _present(values: tuple[Any, ...]) -> list[Any]:
    return [each for each in values if each is not None]


def _pick(choose: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: choose(_present(values), default=None)


def _place(choose: Callable[..., Any]) -> Callable[..., int | None]:
    return lambda *values: values.index(choose(_present(values))) if _present(values) else None


def _place_sql(name: str) -> Callable[..., exp.Expr]:
    def build(call: Apply, *values: exp.Expr) -> exp.Expr:
        listed = sql.call("list_value", *values)
        found = sql.call("list_position", listed, sql.call(name, listed))
        place = sql.binary(exp.Sub, found, sql.integer(1))
        return sql.case([(sql.not_null(sql.coalesce(*values)), place)]) if call.nullable else place

    return build


def _average(*values: float | None) -> float:
    return sum(each or 0.0 for each in values) / len(values)


def _average_sql(call: Apply, *values: exp.Expr) -> exp.Expr:
    """Add one by one, as Python does, so that both round the same."""
    known_values = [
        sql.coalesce(value, sql.double(0.0)) if argument.nullable else value
        for value, argument in zip(values, call.arguments, strict=True)
    ]
    total = known_values[0]
    for each in known_values[1:]:
        total = sql.binary(exp.Add, total, each)
    return sql.binary(exp.Div, total, sql.integer(len(values)))


def _average_present(*values: float | None) -> float | None:
    present = _present(values)
    return sum(present) / len(present) if present else None


def _median(*values: float | None) -> float | None:
    present = _present(values)
    return median(present) if present else None


def _listed(name: str) -> Callable[..., exp.Expr]:
    return lambda _, *values: sql.call(name, sql.call("list_value", *values))


def _bound_sql(call: Apply, value: exp.Expr, low: exp.Expr, high: exp.Expr) -> exp.Expr:
    """Least and greatest leave nulls out, so nulls are asked for where there can be any."""
    bounded = sql.call("least", sql.call("greatest", value, low), high)
    pairs = zip(call.arguments, (value, low, high), strict=True)
    nullable = [sql.is_null(each) for argument, each in pairs if argument.nullable]
    return sql.case([(sql.negate(sql.either(nullable)), bounded)]) if nullable else bounded


def _nth_greatest(count: int | None, *values: float | None) -> int | None:
    if count is None:
        return None
    order = sorted(range(len(values)), key=lambda each: (values[each] is None, -(values[each] or 0)))
    return order[count] if 0 <= count < len(order) else None


def _chosen(number: int | None, *values: Any) -> Any:
    return values[number] if number is not None and 0 <= number < len(values) else None


def _chosen_sql(call: Apply, number: exp.Expr, *values: exp.Expr) -> exp.Expr:
    place = known(call, 0)
    if isinstance(place, int) and 0 <= place < len(values):
        return values[place]
    return sql.case([(sql.equal(number, sql.integer(at)), value) for at, value in enumerate(values)])


def _after_first(arguments: Any) -> Any:
    return widest(arguments[1:])


COALESCE: Final = Function(
    name="Coalesce",
    parameters=takes("same values..."),
    result=widest,
    python=lambda *values: next(iter(_present(values)), None),
    sql=lambda _, *values: sql.coalesce(*values),
    nulls=Nulls.ALL,
    summary="The first value that is not null.",
    examples=(
        Example("Coalesce(NULL(), 2, 3)", 2),
        Example("Coalesce(NULL(), 'a')", "a"),
        Example("Coalesce(NULL(), NULL())", None),
    ),
)

FUNCTIONS: Final = (
    Function(
        name="Min",
        parameters=takes("same values..."),
        result=widest,
        python=_pick(min),
        sql=engine("least"),
        nulls=Nulls.ALL,
        summary="The least value; nulls are left out.",
        examples=(
            Example("Min(3, 1, 2)", 1),
            Example("Min(3, NULL(), 2)", 2),
            Example("Min(1, 2.5)", 1.0),
            Example("Min('b', 'a')", "a"),
            Example("Min(NULL(), NULL())", None),
        ),
    ),
    Function(
        name="Max",
        parameters=takes("same values..."),
        result=widest,
        python=_pick(max),
        sql=engine("greatest"),
        nulls=Nulls.ALL,
        summary="The greatest value; nulls are left out.",
        examples=(
            Example("Max(3, 1, 2)", 3),
            Example("Max(NULL(), -2)", -2),
            Example("Max('2020-01-01', ToDate('2021-01-01'))", "2021-01-01"),
        ),
    ),
    Function(
        name="MinIDX",
        parameters=takes("same values..."),
        result=INT64,
        python=_place(min),
        sql=_place_sql("list_min"),
        nulls=Nulls.ALL,
        summary="The place of the least value among the arguments, from 0.",
        examples=(
            Example("MinIDX(10, 6, 8, 6)", 1),
            Example("MinIDX(NULL(), 5)", 1),
            Example("MinIDX(NULL())", None),
        ),
    ),
    Function(
        name="MaxIDX",
        parameters=takes("same values..."),
        result=INT64,
        python=_place(max),
        sql=_place_sql("list_max"),
        nulls=Nulls.ALL,
        summary="The place of the greatest value among the arguments, from 0.",
        examples=(Example("MaxIDX(10, 60, 8, 60)", 1), Example("MaxIDX(NULL(), 5)", 1)),
    ),
    Function(
        name="Bound",
        parameters=takes("same x, same least, same most"),
        result=widest,
        python=lambda x, least, most: min(max(x, least), most),
        inline="min(max({0}, {1}), {2})",
        sql=_bound_sql,
        summary="`x`, but not below `least` and not above `most`.",
        examples=(
            Example("Bound(6, 2, 5)", 5),
            Example("Bound(1, 2, 5)", 2),
            Example("Bound(3.5, 2, 5)", 3.5),
            Example("Bound(NULL(), 2, 5)", None),
        ),
    ),
    Function(
        name="Average",
        parameters=takes("double values..."),
        result=DOUBLE,
        python=_average,
        sql=_average_sql,
        nulls=Nulls.OWN,
        summary="The mean of the values; a null counts as 0.",
        examples=(
            Example("Average(1, 2, 6)", 3.0),
            Example("Average(4, NULL())", 2.0),
            Example("Average(NULL())", 0.0),
        ),
    ),
    Function(
        name="AverageNonNull",
        parameters=takes("double values..."),
        result=DOUBLE,
        python=_average_present,
        sql=_listed("list_avg"),
        nulls=Nulls.ALL,
        summary="The mean of the values that are not null.",
        examples=(Example("AverageNonNull(4, NULL(), 6)", 5.0), Example("AverageNonNull(NULL())", None)),
    ),
    Function(
        name="Median",
        parameters=takes("double values..."),
        result=DOUBLE,
        python=_median,
        sql=_listed("list_median"),
        nulls=Nulls.ALL,
        summary="The middle value, or the mean of the two in the middle.",
        note="That nulls are left out is not documented.",
        examples=(
            Example("Median(5, 4, 3, 7, 6)", 5.0),
            Example("Median(1, 2)", 1.5),
            Example("Median(1, NULL(), 3)", 2.0),
            Example("Median(NULL())", None),
        ),
    ),
    COALESCE,
    Function(
        name="GetVal",
        parameters=takes("integer number, same values..."),
        result=_after_first,
        python=_chosen,
        sql=_chosen_sql,
        nulls=Nulls.OWN,
        partial=True,
        summary="The value of a number (from 0) among the values; null when there is no such one.",
        examples=(
            Example("GetVal(1, 'a', 'b')", "b"),
            Example("GetVal(2, 'a', 'b')", None),
            Example("GetVal(NULL(), 1, 2)", None),
        ),
    ),
    Function(
        name="TOPNIDX",
        parameters=takes("integer n, double values..."),
        result=INT64,
        python=_nth_greatest,
        nulls=Nulls.OWN,
        partial=True,
        summary="The place of the n-th greatest value (0 is the greatest), from 0.",
        note="Equal values keep their order, nulls come last; neither is documented.",
        examples=(
            Example("TOPNIDX(0, 5, 9, 7)", 1),
            Example("TOPNIDX(1, 5, 9, 7)", 2),
            Example("TOPNIDX(3, 5, 9, 7)", None),
        ),
    ),
)
