"""AlteryxSelect: choose, rename, retype and reorder fields."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool, Wanted, aliased, column, select_from
from kedge.tools.conversion import Converter
from kedge.tools.options import Options
from kedge.tools.schema import Schema
from kedge.tools.selection import Chosen, Selection, choose, parse_selection, plain_candidates, project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element


@dataclass(frozen=True)
class Config:
    """The selection."""

    selection: Selection


def parse(xml: Element) -> Config:
    """Read the selection."""
    options = Options(xml)
    options.ignore("LastLoadedFile")
    config = Config(parse_selection(options))
    options.finish()
    return config


def _chosen(config: Config, schema: Schema, context: Context | None) -> list[Chosen]:
    warn = context.warn if context else lambda text: None
    return choose(config.selection, plain_candidates(schema), warn)


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Say the selected fields."""
    chosen = _chosen(config, inputs.one("Input"), context)
    if not chosen:
        raise WorkflowError("Configuration/SelectFields: no field is selected; select at least one")
    return {"Output": Schema(tuple(item.field for item in chosen))}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Project; texts are cast in a SELECT of their own, since a conversion reads the result more than once."""
    source = inputs.one("Input")
    chosen = _chosen(config, source.schema, None)
    casts: dict[exp.Expr, str] = {}

    def hoisted(node: exp.Expr, item: Chosen) -> exp.Expr:
        if isinstance(node, exp.TryCast) and isinstance(node.this, exp.Column) and node.to == item.field.type.sql:
            return column(casts.setdefault(node, context.hidden(len(casts))))
        return node

    def made(item: Chosen) -> exp.Expr:
        if item.candidate.field.name in source.typed:
            return exp.alias_(column(source.typed[item.candidate.field.name]), item.field.name, quoted=True)
        return project([item], config.selection, context)[0].transform(hoisted, item, copy=False)

    projections = [made(item) for item in chosen]
    inner = source.table
    if casts:
        read = [*source.columns, *source.hidden, *map(column, source.typed.values()), *aliased(casts.items())]
        inner = select_from(read, source.table).subquery("read", copy=False)
    select = select_from([*projections, *source.hidden], inner)
    return {"Output": Query(select, source.order, source.natural, same_count="Input")}


def wants(config: Config, schema: Schema, tool_id: int) -> Mapping[str, Wanted]:
    """Say how texts are converted to other types."""
    if config.selection.comma_decimal:
        return {}
    converter = Converter(tool_id)

    def wanted(item: Chosen) -> Wanted:
        source, field = item.candidate.field.type, item.field
        return Wanted(field.type, lambda: converter.convert(column("value"), source, field.type, field.name))

    pairs = ((item.candidate.field, item) for item in _chosen(config, schema, None))
    return {field.name: wanted(it) for field, it in pairs if field.type.is_string and field.type != it.field.type}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.AlteryxSelect.AlteryxSelect",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    wants=wants,
)
