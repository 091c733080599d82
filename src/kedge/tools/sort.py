"""Sort: order the records by fields; stable."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.contract import Context, Input, Inputs, OrderKey, Query, Source, Tool, column
from kedge.tools.options import Options
from kedge.tools.sorting import sort_terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element
    from kedge.tools.schema import Schema

DIRECTIONS = {"Ascending": False, "Ascend": False, "Descending": True, "Descend": True}


@dataclass(frozen=True)
class Config:
    """Field names with whether each sorts downwards, and whether text compares as in a dictionary (locale not 0)."""

    fields: tuple[tuple[str, bool], ...]
    dictionary: bool


def parse(xml: Element) -> Config:
    """Read ``SortInfo``."""
    options = Options(xml)
    info = options.section("SortInfo")
    dictionary = info.number_attribute("locale", 0) != 0
    fields: list[tuple[str, bool]] = []
    for item in info.each("Field"):
        direction = item.attribute("order", "Ascending")
        if direction not in DIRECTIONS:
            raise item.fault("@order", f"{direction!r} is not known; known are {', '.join(DIRECTIONS)}")
        fields.append((item.attribute("field"), DIRECTIONS[direction]))
    options.finish()
    return Config(tuple(fields), dictionary)


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Check the fields; the schema stays."""
    schema = inputs.one("Input")
    for number, (name, _) in enumerate(config.fields, 1):
        schema.need(name, f"Configuration/SortInfo/Field[{number}]/@field")
    return {"Output": schema}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Add what to sort by as hidden columns; they are sorted by where somebody looks at the order."""
    source = inputs.one("Input")
    if not source.order and not source.natural:
        return {"Output": source.select()}
    source = source.numbered(context.hidden(0))
    keys: list[OrderKey] = []
    hidden: list[exp.Expr] = []
    for name, descending in config.fields:
        field = source.schema.need(name, "Configuration/SortInfo")
        for term in sort_terms(column(field.name), field.type, config.dictionary):
            label = context.hidden(len(keys) + 1)
            hidden.append(exp.alias_(term, label, quoted=True))
            keys.append(OrderKey(label, descending, context.settings.nulls_first != descending))
    query = source.select([*source.columns, *hidden])
    return {"Output": Query(query.select, (*keys, *source.order), same_count="Input")}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Sort.Sort",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
