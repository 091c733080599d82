"""Expressions in tools: typed over a schema, with the run's constants, translated to columns of a relation."""

from __future__ import annotations

__all__ = ["compiled", "condition", "holds", "options_of", "stored", "stored_sql", "told_sql"]

from functools import lru_cache
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.binder import Current, bind
from kedge.formula.coerce import coerce
from kedge.formula.options import FormulaOptions
from kedge.formula.ranges import narrowest
from kedge.formula.translate import Context as Usage
from kedge.formula.translate import column, to_sql
from kedge.formula.typed import FieldRef, Kind, Literal, Typed
from kedge.formula.types import V_WSTRING, DesignerType
from kedge.tools.conversion import Converter
from kedge.tools.noting import count_noted, noted

if TYPE_CHECKING:
    from kedge.formula.translate import Resolver
    from kedge.tools.contract import Context
    from kedge.tools.schema import Schema


def options_of(context: Context) -> FormulaOptions:
    """Return the settings of the expression language for a run."""
    return FormulaOptions(ignore_case=context.settings.strings_ignore_case, started=context.started)


def compiled(
    text: str,
    schema: Schema,
    context: Context,
    place: str,
    *,
    current: Current | None = None,
    rows: bool = False,
) -> Typed:
    """Type an expression over a schema; ``place`` is its XML path for the error, a ``WorkflowError``.

    ``current`` is what ``[_CurrentField_]`` stands for, ``rows`` allows ``[Row-1:Field]``.
    """
    fields = tuple((field.name, field.type) for field in schema)
    constants = tuple(context.constants.items())
    try:
        return _bound(text, fields, options_of(context), constants, current, rows)
    except WorkflowError as fault:
        raise WorkflowError(f"{place}: {fault}") from fault


@lru_cache(maxsize=64)
def _bound(
    text: str,
    fields: tuple[tuple[str, DesignerType], ...],
    options: FormulaOptions,
    constants: tuple[tuple[str, str | float], ...],
    current: Current | None,
    rows: bool,
) -> Typed:
    """Type an expression; kept, since a tool asks for its schema and then for its SQL."""
    return bind(text, dict(fields), options=options, constants=dict(constants), current=current, rows=rows)


def condition(text: str, schema: Schema, context: Context, place: str) -> Typed:
    """Type an expression that decides: a Bool, or a number that is not 0. Null counts as False."""
    found = compiled(text, schema, context, place)
    decided = coerce(found, Kind.CONDITION, options_of(context))
    if decided is None:
        raise WorkflowError(f"{place}: the expression is {found.type}, a condition is needed; compare it with a value")
    return decided


def holds(decided: Typed, context: Context | None = None) -> exp.Expr:
    """Return a condition as SQL for a WHERE, which with a context tells the texts that it cannot read."""
    return to_sql(decided, context="filter") if context is None else told_sql(decided, context, usage="filter")


def told_sql(value: Typed, context: Context, resolve: Resolver = column, usage: Usage = "value") -> exp.Expr:
    """Return an expression as SQL that tells the texts that it cannot read as numbers or dates.

    One that would tell a text twice, since a function in it writes its argument twice, tells none.
    """
    told = noted(value, context)
    if told is value:
        return to_sql(value, resolve, context=usage)
    built = to_sql(told, resolve, context=usage)
    return built if _notes(built) <= count_noted(told) else to_sql(value, resolve, context=usage)


def _notes(built: exp.Expr) -> int:
    return sum(node.name == "kedge_note" for node in built.find_all(exp.Anonymous))


def stored(value: Typed, target: DesignerType, context: Context, field: str, resolve: Resolver = column) -> exp.Expr:
    """Return an expression's value as SQL, converted to the type of the field that it is stored in."""
    plain = stored_sql(to_sql(value, resolve), value, target, context, field)
    told = told_sql(value, context, resolve)
    if not (new := _notes(told)):
        return plain
    found = stored_sql(told, value, target, context, field)
    return found if _notes(found) <= _notes(plain) + new else plain


def stored_sql(translated: exp.Expr, value: Typed, target: DesignerType, context: Context, field: str) -> exp.Expr:
    """Return an already translated value, converted to the type of the field that it is stored in."""
    if isinstance(value, Literal) and value.value is None:
        return exp.cast(exp.Null(), target.sql)
    source = narrowest(value)
    if source.is_string and not isinstance(value, FieldRef | Literal):
        source = V_WSTRING  # the size of a computed text is an estimate, so its length is looked at
    converted = Converter(context.tool_id).convert(translated, source, target, field)
    return converted if value.type == target else exp.cast(converted, target.sql, copy=False)
