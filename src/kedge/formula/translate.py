"""Translates a typed expression to a sqlglot expression for DuckDB."""

from __future__ import annotations

__all__ = ["Context", "Resolver", "column", "to_sql"]

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

from sqlglot import exp

from kedge.formula import sql, typed
from kedge.formula.functions.family import udf_name
from kedge.formula.typed import Apply, Case, FieldRef, Nulls, Typed
from kedge.formula.udfs import has_udf

if TYPE_CHECKING:
    from collections.abc import Callable

    Resolver = Callable[[FieldRef], exp.Expr]

Context = Literal["value", "filter"]


def column(ref: FieldRef) -> exp.Expr:
    """Return the field as a quoted column of the same name; raises `ValueError` for another row's field."""
    if ref.offset:
        raise ValueError(f"[Row{ref.offset:+d}:{ref.name}] needs a resolver that looks at other rows")
    return exp.column(ref.name, quoted=True)


def to_sql(
    expression: Typed,
    resolve: Resolver = column,
    *,
    context: Context = "value",
    force_udfs: bool = False,
) -> exp.Expr:
    """Return the expression as a new sqlglot tree, in parentheses wherever an operand is an operation.

    ``resolve`` gives the column of a field. In a ``filter`` (a WHERE, a condition of CASE) a condition may
    be null where it means False, which is cheaper. ``force_udfs`` runs every function as a UDF that can run
    as one.

    What DuckDB lacks is written as a call of a ``kedge_…`` function, which `udfs.register` adds to a
    connection.
    """
    return _Translator(resolve, force_udfs).translate(expression, filtering=context == "filter")


_MOST_NODES: Final = 300
"""How large the SQL of one function may grow; some write an argument several times, those within them too."""


def _is_large(built: exp.Expr) -> bool:
    return next(islice(built.walk(), _MOST_NODES, None), None) is not None


@dataclass(frozen=True)
class _Translator:
    resolve: Resolver
    force_udfs: bool

    def translate(self, node: Typed, *, filtering: bool = False) -> exp.Expr:
        if isinstance(node, typed.Literal):
            return sql.literal(node.value, node.type)
        if isinstance(node, FieldRef):
            return self.resolve(node)
        return self._case(node) if isinstance(node, Case) else self._apply(node, filtering=filtering)

    def _case(self, node: Case) -> exp.Expr:
        branches = [(self.translate(test, filtering=True), self.translate(value)) for test, value in node.branches]
        last = node.otherwise
        known_null = isinstance(last, typed.Literal) and last.value is None
        return sql.case(branches, None if known_null else self.translate(last))

    def _apply(self, node: Apply, *, filtering: bool) -> exp.Expr:
        function = node.function
        passing = filtering and function.is_logic
        arguments = [self.translate(each, filtering=passing) for each in node.arguments]
        build = (filtering and function.filter_sql) or function.sql
        built = build(node, *arguments) if build and not self._forced(node) else None
        if built is None or (has_udf(function) and _is_large(built)):
            return sql.call(udf_name(function), *arguments)
        maybe_null = function.nulls is Nulls.FALSE and any(each.nullable for each in node.arguments)
        return sql.coalesce(built, sql.false()) if maybe_null and not filtering else built

    def _forced(self, node: Apply) -> bool:
        return self.force_udfs and has_udf(node.function)
