"""RunningTotal: the sum so far, of everything or of each group."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import DOUBLE, INT64, DesignerType
from kedge.tools.contract import Context, Input, Inputs, Order, Query, Source, Tool, column
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import call, number, over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element


@dataclass(frozen=True)
class Config:
    """The fields to group by and the fields to add up."""

    groups: tuple[str, ...]
    fields: tuple[str, ...]


def parse(xml: Element) -> Config:
    """Read both lists."""
    options = Options(xml)
    groups = tuple(item.attribute("field") for item in options.listed("GroupByFields", "Field"))
    fields = tuple(item.attribute("field") for item in options.listed("RunningTotalFields", "Field"))
    options.finish()
    return Config(groups, fields)


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Append ``RunTot_<field>``."""
    schema = inputs.one("Input")
    for name in config.groups:
        schema.need(name, "Configuration/GroupByFields/Field/@field")
    fields = [schema.need(name, "Configuration/RunningTotalFields/Field/@field") for name in config.fields]
    return {"Output": Schema.of([*schema, *(Field(f"RunTot_{field.name}", _type(field)) for field in fields)])}


def _type(field: Field) -> DesignerType:
    if not field.type.is_numeric:
        raise WorkflowError(f"Configuration/RunningTotalFields: {field.name!r} is {field.type}, only numbers add up")
    if field.type.is_integer:
        return INT64
    return field.type if field.type.name == "FixedDecimal" else DOUBLE


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Sum over a window that ends at the record; null counts as 0."""
    source = inputs.one("Input").numbered(context.hidden(0))
    schema = bind(config, Inputs({"Input": [source.schema]}), context)["Output"]
    groups = [column(source.schema.need(name, "").name) for name in config.groups]
    frame = exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")
    new: list[exp.Expr] = []
    for name, target in zip(config.fields, schema.fields[len(source.schema) :], strict=True):
        value = call("coalesce", column(source.schema.need(name, "").name), number(0))
        total = over(call("sum", value), groups, source.ordering, frame)
        new.append(exp.alias_(exp.cast(total, target.type.sql), target.name, quoted=True))
    query = source.select([*source.columns, *new])
    return {"Output": Query(query.select, query.order, same_count="Input")}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.RunningTotal.RunningTotal",),
    inputs=(Input("Input", Order.USED),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
