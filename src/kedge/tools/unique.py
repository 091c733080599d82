"""Unique: the first record of each key, and the others."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.contract import Context, Input, Inputs, Order, Query, Source, Tool, column
from kedge.tools.options import Options
from kedge.tools.sql import number, over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element
    from kedge.tools.schema import Schema


@dataclass(frozen=True)
class Config:
    """The key fields."""

    fields: tuple[str, ...]


def parse(xml: Element) -> Config:
    """Read ``UniqueFields``."""
    options = Options(xml)
    fields = tuple(item.attribute("field") for item in options.listed("UniqueFields", "Field"))
    if not fields:
        raise options.fault("UniqueFields", "choose at least one field")
    options.finish()
    return Config(fields)


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Check the fields; the schema stays."""
    schema = inputs.one("Input")
    for name in config.fields:
        schema.need(name, "Configuration/UniqueFields/Field/@field")
    return {"Unique": schema, "Duplicates": schema}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Number the records of each key in order: 1 is unique."""
    source = inputs.one("Input").numbered(context.hidden(0))
    keys = [column(source.schema.need(name, "Configuration/UniqueFields").name) for name in config.fields]
    rank = context.hidden(1)
    ranked = exp.alias_(over(exp.RowNumber(), keys, source.ordering), rank, quoted=True)
    inner = source.select([*source.columns, ranked]).select.subquery("ranked")
    every = exp.select(*source.columns, *source.hidden).from_(inner)
    return {
        "Unique": Query(every.where(exp.EQ(this=column(rank), expression=number(1))), source.order),
        "Duplicates": Query(every.where(exp.GT(this=column(rank), expression=number(1))), source.order),
    }


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Unique.Unique",),
    inputs=(Input("Input", Order.USED),),
    outputs=("Unique", "Duplicates"),
    parse=parse,
    bind=bind,
    build=build,
    shares="Input",
)
