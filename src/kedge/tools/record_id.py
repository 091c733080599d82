"""RecordID: number the records."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import INT64, DesignerType
from kedge.tools.contract import Context, Input, Inputs, Order, Query, Source, Tool
from kedge.tools.conversion import Converter
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import call, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element


@dataclass(frozen=True)
class Config:
    """The new field's name and type, the first number, and whether it stands last."""

    name: str
    start: int
    type: DesignerType
    last: bool


def parse(xml: Element) -> Config:
    """Read the options."""
    options = Options(xml)
    type_ = options.field_type("FieldType", options.name("FieldType", "Int32"), options.name("FieldSize", "6"))
    if not type_.is_string and not type_.is_numeric:
        raise options.fault("FieldType", f"{type_} cannot number records")
    config = Config(
        options.name("FieldName", "RecordID"),
        options.integer("StartValue", 1),
        type_,
        options.choice("Position", {"0": False, "1": True}, "0"),
    )
    options.finish()
    return config


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Put the new field first or last."""
    schema = inputs.one("Input")
    if config.name in schema:
        raise WorkflowError(
            f"Configuration/FieldName: the input has a field {config.name!r} already; choose another name"
        )
    new = Field(config.name, config.type, "RecordID:")
    return {"Output": Schema((*schema, new) if config.last else (new, *schema))}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Number the rows in order."""
    source = inputs.one("Input")
    position = exp.Add(this=source.ordinal(), expression=number(config.start - 1))
    if config.type.is_string:
        value = _padded(exp.cast(position, config.type.sql), config.type.size)
    else:
        value = Converter(context.tool_id).convert(exp.paren(position), INT64, config.type, config.name)
    new = exp.alias_(value, config.name, quoted=True)
    columns = [*source.columns, new] if config.last else [new, *source.columns]
    query = source.select(columns)
    return {"Output": Query(query.select, query.order, query.natural, same_count="Input")}


def _padded(value: exp.Expr, size: int) -> exp.Expr:
    width = call("greatest", number(size), call("length", value.copy()))
    return call("lpad", value, exp.cast(width, "int"), text("0"))


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.RecordID.RecordID",),
    inputs=(Input("Input", Order.USED),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
