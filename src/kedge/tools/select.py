"""AlteryxSelect: choose, rename, retype and reorder fields."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool, aliased, column, select_from
from kedge.tools.conversion import Converter
from kedge.tools.options import Options
from kedge.tools.schema import Schema
from kedge.tools.selection import Chosen, Selection, choose, parse_selection, plain_candidates, project
from kedge.tools.sql import NULL, case, is_null, not_null

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kedge.formula.types import DesignerType
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
    done = {name: source.typed[name] for name in _conversions(config, chosen) if name in source.typed}
    casts: dict[exp.Expr, str] = {}

    def hoisted(node: exp.Expr, item: Chosen) -> exp.Expr:
        if isinstance(node, exp.TryCast) and isinstance(node.this, exp.Column) and node.to == item.field.type.sql:
            return column(casts.setdefault(node, context.hidden(len(casts))))
        return node

    made: list[exp.Expr] = []
    for item in chosen:
        name = item.candidate.field.name
        if name in done:
            converted, result = _where_null(column(done[name]), item, context)
            kept = context.hidden(len(casts))
            casts[result] = kept
            made.append(exp.alias_(converted(column(kept)), item.field.name, quoted=True, copy=False))
        else:
            made += [it.transform(hoisted, item, copy=False) for it in project([item], config.selection, context)]
    inner = source.table
    if casts:
        read = [*source.columns, *source.hidden, *map(column, done.values()), *aliased(casts.items())]
        inner = select_from(read, source.table).subquery("read", copy=False)
    select = select_from([*made, *source.hidden], inner)
    return {"Output": Query(select, source.order, source.natural, same_count="Input")}


def _where_null(value: exp.Expr, item: Chosen, context: Context) -> tuple[Callable[[exp.Expr], exp.Expr], exp.Expr]:
    """Convert a text where there is no value yet.

    Returns what makes the conversion of its result, and that result, which it mentions several times: as a column of
    its own it is planned once.
    """
    field = item.candidate.field
    converter = Converter(context.tool_id, seldom=True)
    whole = converter.convert(item.candidate.column.copy(), field.type, item.field.type, item.field.name)
    result = whole.args.get("default") or whole

    def replaced(node: exp.Expr, by: exp.Expr) -> exp.Expr:
        return by.copy() if type(node) is type(result) and node == result else node

    def convert(by: exp.Expr) -> exp.Expr:
        return case([(not_null(value), value)], whole.transform(replaced, by))

    return convert, case([(is_null(value), result)], NULL)


def wants(config: Config, schema: Schema) -> Mapping[str, DesignerType]:
    """Say the types that texts are converted to."""
    return _conversions(config, _chosen(config, schema, None))


def _conversions(config: Config, chosen: Sequence[Chosen]) -> dict[str, DesignerType]:
    if config.selection.comma_decimal:
        return {}
    pairs = ((item.candidate.field, item.field.type) for item in chosen)
    return {field.name: type_ for field, type_ in pairs if field.type.is_string and field.type != type_}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.AlteryxSelect.AlteryxSelect",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    wants=wants,
)
