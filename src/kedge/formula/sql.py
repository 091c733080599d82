"""Builds sqlglot nodes whose text means what the tree means.

sqlglot writes a tree without adding parentheses, so every operand that is an operation itself is wrapped
here. A node that already hangs in a tree is copied before it is used again. Functions are anonymous nodes,
written by name as they stand: for some of DuckDB's names sqlglot's own nodes are written back as something
else (``concat`` as ``||``).
"""

from __future__ import annotations

__all__ = [
    "binary",
    "call",
    "case",
    "cast",
    "coalesce",
    "double",
    "either",
    "equal",
    "false",
    "free",
    "integer",
    "is_null",
    "literal",
    "negate",
    "not_null",
    "null",
    "operand",
    "text",
    "try_cast",
    "unary",
]

import datetime as dt
from decimal import Decimal
from functools import reduce
from math import isfinite
from typing import TYPE_CHECKING, Final

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kedge.formula.types import DesignerType

_OPERATIONS: Final = (exp.Binary, exp.Unary, exp.In, exp.Between)
_WRITTEN_AS_CALLS: Final = (exp.Paren, exp.BitwiseXor)


_CHAINED: Final = (exp.And, exp.Or, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.DPipe)
"""Operators of which ``(a . b) . c`` may be written ``a . b . c``."""


def free(node: exp.Expr) -> exp.Expr:
    """Return the node itself, or a copy when it already belongs to a tree."""
    return node if node.parent is None else node.copy()


def operand(node: exp.Expr) -> exp.Expr:
    """Return the node as an operand: in parentheses when it is an operation itself."""
    wrap = isinstance(node, _OPERATIONS) and not isinstance(node, _WRITTEN_AS_CALLS)
    return exp.Paren(this=free(node)) if wrap else free(node)


def binary(operator: type[exp.Binary], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Return ``left operator right``; a chain of one operator is written without inner parentheses."""
    chained = operator in _CHAINED and type(left) is operator
    return operator(this=free(left) if chained else operand(left), expression=operand(right))


def unary(operator: type[exp.Unary], node: exp.Expr) -> exp.Expr:
    """Return the operator before its operand."""
    return operator(this=operand(node))


def equal(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Return ``left = right``."""
    return binary(exp.EQ, left, right)


def negate(condition: exp.Expr) -> exp.Expr:
    """Return ``NOT condition``."""
    return unary(exp.Not, condition)


def either(conditions: Iterable[exp.Expr]) -> exp.Expr:
    """Return the conditions joined by OR."""
    return reduce(lambda left, right: binary(exp.Or, left, right), conditions)


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """Return a call of the engine's function ``name``."""
    return exp.Anonymous(this=name, expressions=[free(each) for each in arguments])


def coalesce(*arguments: exp.Expr) -> exp.Expr:
    """Return the first argument that is not null."""
    first, *rest = [free(each) for each in arguments]
    return exp.Coalesce(this=first, expressions=rest)


def cast(node: exp.Expr, to: DesignerType) -> exp.Expr:
    """Return the value in the column type of ``to``; the engine raises when it does not fit."""
    return exp.Cast(this=free(node), to=to.sql)


def try_cast(node: exp.Expr, to: DesignerType) -> exp.Expr:
    """Return the value in the column type of ``to``, or null when it does not fit."""
    return exp.TryCast(this=free(node), to=to.sql)


def case(branches: Iterable[tuple[exp.Expr, exp.Expr]], otherwise: exp.Expr | None = None) -> exp.Expr:
    """Return ``CASE WHEN … THEN … ELSE … END``; without ``otherwise`` the rest is null."""
    ifs = [exp.If(this=free(test), true=free(value)) for test, value in branches]
    return exp.Case(ifs=ifs, default=None if otherwise is None else free(otherwise))


def is_null(node: exp.Expr) -> exp.Expr:
    """Return ``node IS NULL``."""
    return binary(exp.Is, node, exp.null())


def not_null(node: exp.Expr) -> exp.Expr:
    """Return ``node IS NOT NULL``."""
    return negate(is_null(node))


def false() -> exp.Expr:
    """Return ``FALSE``."""
    return exp.false()


def null(of: DesignerType) -> exp.Expr:
    """Return the null of a column type."""
    return exp.Cast(this=exp.null(), to=of.sql)


def text(value: str) -> exp.Expr:
    """Return a string literal."""
    return exp.Literal.string(value)


def integer(value: int) -> exp.Expr:
    """Return a whole number."""
    return exp.Literal.number(value)


def double(value: float) -> exp.Expr:
    """Return a number that the engine reads as DOUBLE, exactly (``0.1`` alone would be a DECIMAL)."""
    if not isfinite(value):
        return exp.Cast(this=text(str(value)), to=exp.DataType(this=exp.DataType.Type.DOUBLE))
    written = repr(abs(value))
    written = written if "e" in written else f"{written}e0"
    number = exp.Literal.number(written)
    return exp.Neg(this=number) if value < 0 else number


def _temporal(kind: str) -> Callable[[object], exp.Expr]:
    return lambda value: exp.Cast(this=text(str(value)), to=exp.DataType.build(kind, dialect="duckdb"))


_LITERALS: Final[dict[type, Callable[..., exp.Expr]]] = {
    bool: lambda value: exp.true() if value else exp.false(),
    int: integer,
    float: double,
    str: text,
    dt.date: _temporal("DATE"),
    dt.time: _temporal("TIME"),
    dt.datetime: _temporal("TIMESTAMP"),
}


def literal(value: object, of: DesignerType) -> exp.Expr:
    """Return a Python value (the null of ``of`` for None) as a literal."""
    if value is None:
        return null(of)
    if isinstance(value, Decimal):
        return exp.Cast(this=text(str(value)), to=of.sql)
    return _LITERALS[type(value)](value)
