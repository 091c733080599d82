"""Formula: compute fields, one after another."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.formula.typed import FieldRef, Typed, walk
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool, aliased, column, select_from
from kedge.tools.expressions import compiled, stored_sql, told_sql
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.formula.types import DesignerType
    from kedge.tools.element import Element


@dataclass(frozen=True)
class Assignment:
    """One field to compute; ``type`` is that of a new field, an existing one keeps its own."""

    field: str
    expression: str
    type: DesignerType


@dataclass(frozen=True)
class Config:
    """The fields to compute in order; later ones see earlier ones."""

    assignments: tuple[Assignment, ...]


def parse(xml: Element) -> Config:
    """Read ``FormulaFields``; fields that are switched off are left out."""
    options = Options(xml)
    assignments: list[Assignment] = []
    for item in options.listed("FormulaFields", "FormulaField"):
        type_ = item.field_type("@type", item.attribute("type"), item.attribute("size", ""))
        found = Assignment(item.attribute("field"), item.attribute("expression"), type_)
        if item.switch("enabled", True):
            assignments.append(found)
    options.finish()
    return Config(tuple(assignments))


@dataclass(frozen=True)
class _Computed:
    field: Field
    value: Typed


def _compute(config: Config, schema: Schema, context: Context) -> tuple[Schema, list[_Computed]]:
    computed: list[_Computed] = []
    for number, item in enumerate(config.assignments, 1):
        place = f"Configuration/FormulaFields/FormulaField[{number}]/@expression ({item.field})"
        value = compiled(item.expression, schema, context, place)
        old = schema.find(item.field)
        source = f"Formula: {item.expression}"
        field = replace(old, source=source) if old else Field(item.field, item.type, source)
        schema = schema.with_field(field)
        computed.append(_Computed(field, value))
    return schema, computed


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Replace and append fields."""
    return {"Output": _compute(config, inputs.one("Input"), context)[0]}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Project; a field that reads one computed before it takes another SELECT around."""
    source = inputs.one("Input")
    _, computed = _compute(config, source.schema, context)
    query = source.select()
    waiting: dict[str, _Computed] = {}
    done = source.schema
    for item in computed:
        reads = {node.name.casefold() for node in walk(item.value) if isinstance(node, FieldRef)}
        key = item.field.name.casefold()
        if key in waiting or reads & set(waiting):
            query, done, waiting = _stage(query, done, waiting, source, context)
        waiting[key] = item
    query, _, _ = _stage(query, done, waiting, source, context)
    return {"Output": replace(query, same_count="Input")}


Waiting = dict[str, _Computed]


def _stage(
    query: Query, schema: Schema, waiting: Waiting, source: Source, context: Context
) -> tuple[Query, Schema, Waiting]:
    """Put a SELECT around that computes what is waiting; values whose conversion reads them twice in one below it."""
    if not waiting:
        return query, schema, {}
    after = schema
    for item in waiting.values():
        after = after.with_field(item.field)
    inner = source.table if schema is source.schema else query.select.subquery("computed", copy=False)
    raw: list[tuple[exp.Expr, str]] = []
    columns = [
        exp.alias_(_stored(waiting[field.name.casefold()], raw, context), field.name, quoted=True, copy=False)
        if field.name.casefold() in waiting
        else column(field.name)
        for field in after
    ]
    if raw:
        known = [column(field.name) for field in schema]
        inner = select_from([*known, *source.hidden, *aliased(raw)], inner).subquery("raw", copy=False)
    select = select_from([*columns, *source.hidden], inner)
    return replace(query, select=select), after, {}


def _stored(item: _Computed, raw: list[tuple[exp.Expr, str]], context: Context) -> exp.Expr:
    """Return the value as it is stored; one that is read more than once goes to ``raw`` under a hidden name."""
    name = context.hidden(len(raw))
    value = told_sql(item.value, context)
    converted = stored_sql(column(name), item.value, item.field.type, context, item.field.name)
    readers = [node for node in converted.find_all(exp.Column) if node.name == name]
    if len(readers) > 1 and not isinstance(value, exp.Column):
        raw.append((value, name))
        return converted
    return stored_sql(value, item.value, item.field.type, context, item.field.name)


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Formula.Formula",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
