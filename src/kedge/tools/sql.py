"""Short words for the sqlglot nodes that tools build their SELECTs from."""

from __future__ import annotations

__all__ = [
    "NULL",
    "aliased",
    "all_of",
    "any_of",
    "call",
    "case",
    "column",
    "is_null",
    "not_null",
    "number",
    "over",
    "text",
]


from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.contract import aliased, column

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Condition = exp.Expr


def text(value: str) -> exp.Literal:
    """Return a text literal."""
    return exp.Literal.string(value)


def number(value: float) -> exp.Expr:
    """Return a number literal."""
    return exp.Neg(this=exp.Literal.number(-value)) if value < 0 else exp.Literal.number(value)


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """Return a call of the engine's function of exactly this name."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def is_null(value: exp.Expr) -> exp.Is:
    """Return ``value IS NULL``."""
    return exp.Is(this=value.copy(), expression=exp.Null())


def not_null(value: exp.Expr) -> exp.Not:
    """Return ``NOT value IS NULL``."""
    return exp.Not(this=is_null(value))


def case(branches: Iterable[tuple[exp.Expr, exp.Expr]], default: exp.Expr) -> exp.Case:
    """Return CASE WHEN … THEN … ELSE default END, of copies: sqlglot's own builder copies all of it at each step."""
    whens = [exp.If(this=condition.copy(), true=value.copy()) for condition, value in branches]
    return exp.Case(ifs=whens, default=default.copy())


def all_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """Return the conjunction, TRUE where there are none."""
    return exp.and_(*conditions) if conditions else exp.true()


def any_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """Return the disjunction, FALSE where there are none."""
    return exp.or_(*conditions) if conditions else exp.false()


def over(
    function: exp.Expr,
    partition: Sequence[exp.Expr] = (),
    order: Sequence[exp.Expr] = (),
    frame: exp.WindowSpec | None = None,
) -> exp.Window:
    """Return ``function OVER (PARTITION BY … ORDER BY …)``."""
    return exp.Window(
        this=function,
        partition_by=[item.copy() for item in partition],
        order=exp.Order(expressions=[item.copy() for item in order]) if order else None,
        spec=frame,
    )


NULL = exp.Null()
