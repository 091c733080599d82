"""The operators as functions: arithmetic, joining of texts, comparisons, logic and membership."""

from __future__ import annotations

__all__ = [
    "ADD",
    "AND",
    "AT_LEAST",
    "AT_MOST",
    "CONCAT",
    "DIVIDE",
    "DIVIDE_BY_CONSTANT",
    "EQUAL",
    "GREATER",
    "IN",
    "LESS",
    "MULTIPLY",
    "NEGATE",
    "NOT",
    "OR",
    "SUBTRACT",
    "UNEQUAL",
]

import operator
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from kedge.formula import sql
from kedge.formula.typed import Apply, Function, Literal, Nulls, Typed, takes
from kedge.formula.types import BOOL, DOUBLE, INT64, DesignerType, v_wstring

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_FEW: Final = 20


def _sum_type(arguments: Sequence[Typed]) -> DesignerType:
    return INT64 if all(each.type.is_integer for each in arguments) else DOUBLE


def joined_type(arguments: Sequence[Typed]) -> DesignerType:
    """Return the type of texts that are joined: as long as all of them together."""
    return v_wstring(sum(each.type.size for each in arguments))


def _operator(
    name: str,
    node: type[exp.Binary],
    python: Callable[[Any, Any], Any],
    result: DesignerType | Callable[..., DesignerType],
) -> Function:
    return Function(
        name=name,
        parameters=takes("number a, number b"),
        result=result,
        python=python,
        inline=f"({{0}} {name[0]} {{1}})",
        sql=lambda _, left, right: sql.binary(node, left, right),
    )


ADD: Final = _operator("+", exp.Add, operator.add, _sum_type)
SUBTRACT: Final = _operator("-", exp.Sub, operator.sub, _sum_type)
MULTIPLY: Final = _operator("*", exp.Mul, operator.mul, _sum_type)
DIVIDE_BY_CONSTANT: Final = _operator("/ constant", exp.Div, operator.truediv, DOUBLE)
DIVIDE: Final = Function(
    name="/",
    parameters=takes("double a, double b"),
    result=DOUBLE,
    python=lambda a, b: a / b if b else None,
    sql=lambda _, a, b: sql.binary(exp.Div, a, sql.call("nullif", b, sql.integer(0))),
    partial=True,
)
NEGATE: Final = Function(
    name="unary -",
    parameters=takes("number a"),
    result=_sum_type,
    python=operator.neg,
    inline="(-{0})",
    sql=lambda _, a: sql.unary(exp.Neg, a),
)


def _concat_sql(call: Apply, *texts: exp.Expr) -> exp.Expr:
    if not call.nullable:
        return sql.call("concat", *texts)
    if len(texts) == 2:
        return sql.coalesce(sql.binary(exp.DPipe, *texts), *texts)
    return sql.case([(sql.not_null(sql.coalesce(*texts)), sql.call("concat", *texts))])


def _concat(*texts: str | None) -> str | None:
    present = [each for each in texts if each is not None]
    return "".join(present) if present else None


def _concat_inline(count: int) -> str:
    places = " + ".join(f"{{{number}}}" for number in range(count))
    return f"({places})" if count <= _FEW else ""


CONCAT: Final = Function(
    name="+ of texts",
    parameters=takes("text texts..."),
    result=joined_type,
    python=_concat,
    inline=_concat_inline,
    sql=_concat_sql,
    nulls=Nulls.ALL,
)


def _both_null(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return sql.binary(exp.And, sql.is_null(left), sql.is_null(right))


def _both_nullable(call: Apply) -> bool:
    return all(each.nullable for each in call.arguments)


def _equal_sql(call: Apply, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    exact = not any(each.nullable for each in call.arguments)
    return sql.binary(exp.EQ if exact else exp.NullSafeEQ, left, right)


def _equal_filter(call: Apply, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return sql.binary(exp.NullSafeEQ if _both_nullable(call) else exp.EQ, left, right)


def _unequal_sql(call: Apply, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    exact = not any(each.nullable for each in call.arguments)
    return sql.binary(exp.NEQ if exact else exp.NullSafeNEQ, left, right)


def _bound_sql(node: type[exp.Binary]) -> Callable[..., exp.Expr]:
    def build(call: Apply, left: exp.Expr, right: exp.Expr) -> exp.Expr:
        plain = sql.binary(node, left, right)
        if not any(each.nullable for each in call.arguments):
            return plain
        return sql.coalesce(plain, _both_null(left, right) if _both_nullable(call) else sql.false())

    return build


def _bound_filter(node: type[exp.Binary]) -> Callable[..., exp.Expr]:
    def build(call: Apply, left: exp.Expr, right: exp.Expr) -> exp.Expr:
        plain = sql.binary(node, left, right)
        return sql.either([plain, _both_null(left, right)]) if _both_nullable(call) else plain

    return build


EQUAL: Final = Function(
    name="=",
    parameters=takes("any a, any b"),
    result=BOOL,
    python=operator.eq,
    inline="({0} == {1})",
    inline_nulls=True,
    sql=_equal_sql,
    filter_sql=_equal_filter,
    nulls=Nulls.OWN,
)
UNEQUAL: Final = Function(
    name="!=",
    parameters=takes("any a, any b"),
    result=BOOL,
    python=operator.ne,
    inline="({0} != {1})",
    inline_nulls=True,
    sql=_unequal_sql,
    nulls=Nulls.OWN,
)
LESS: Final = Function(
    name="<",
    parameters=takes("any a, any b"),
    result=BOOL,
    python=operator.lt,
    inline="({0} < {1})",
    sql=lambda _, a, b: sql.binary(exp.LT, a, b),
    nulls=Nulls.FALSE,
)
GREATER: Final = Function(
    name=">",
    parameters=takes("any a, any b"),
    result=BOOL,
    python=operator.gt,
    inline="({0} > {1})",
    sql=lambda _, a, b: sql.binary(exp.GT, a, b),
    nulls=Nulls.FALSE,
)
AT_MOST: Final = Function(
    name="<=",
    parameters=takes("any a, any b"),
    result=BOOL,
    python=lambda a, b: a is b is None if a is None or b is None else a <= b,
    inline="({0} <= {1})",
    sql=_bound_sql(exp.LTE),
    filter_sql=_bound_filter(exp.LTE),
    nulls=Nulls.OWN,
)
AT_LEAST: Final = Function(
    name=">=",
    parameters=takes("any a, any b"),
    result=BOOL,
    python=lambda a, b: a is b is None if a is None or b is None else a >= b,
    inline="({0} >= {1})",
    sql=_bound_sql(exp.GTE),
    filter_sql=_bound_filter(exp.GTE),
    nulls=Nulls.OWN,
)

AND: Final = Function(
    name="AND",
    parameters=takes("condition a, condition b"),
    result=BOOL,
    python=lambda a, b: a and b,
    inline="({0} and {1})",
    sql=lambda _, a, b: sql.binary(exp.And, a, b),
    is_logic=True,
)
OR: Final = Function(
    name="OR",
    parameters=takes("condition a, condition b"),
    result=BOOL,
    python=lambda a, b: a or b,
    inline="({0} or {1})",
    sql=lambda _, a, b: sql.binary(exp.Or, a, b),
    is_logic=True,
)
NOT: Final = Function(
    name="NOT",
    parameters=takes("condition a"),
    result=BOOL,
    python=operator.not_,
    inline="(not {0})",
    sql=lambda _, a: sql.negate(a),
)


def _in_sql(_: Apply, value: exp.Expr, *items: exp.Expr) -> exp.Expr:
    return exp.In(this=sql.operand(value), expressions=[sql.free(each) for each in items])


def _in_inline(count: int) -> str:
    return f"({{0}} in ({''.join(f'{{{number}}}, ' for number in range(1, count))}))"


IN: Final = Function(
    name="IN",
    parameters=takes("any value, any items..."),
    result=BOOL,
    python=lambda value, *items: value in items,
    inline=_in_inline,
    sql=_in_sql,
    nulls=Nulls.FALSE,
)
"""Membership in literals that are not null; other lists are written as comparisons joined by OR."""


def divide(right: Typed) -> Function:
    """Return the division for a divisor: dividing by a literal other than zero needs no guard."""
    return DIVIDE_BY_CONSTANT if isinstance(right, Literal) and right.value else DIVIDE
