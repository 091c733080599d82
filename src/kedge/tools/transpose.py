"""Transpose: columns become rows of name and value."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import DOUBLE, V_STRING, V_WSTRING, DesignerType
from kedge.tools.contract import Context, Input, Inputs, OrderKey, Query, Source, Tool, column
from kedge.tools.conversion import Converter
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import NULL, call, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.tools.element import Element

UNKNOWN = "*Unknown"


@dataclass(frozen=True)
class Config:
    """Key fields, data fields with whether each is selected, and whether fields that are not listed are."""

    keys: tuple[str, ...]
    data: Mapping[str, bool]
    unknown: bool
    missing: str


def parse(xml: Element) -> Config:
    """Read key and data fields."""
    options = Options(xml)
    missing = options.choice("ErrorWarn", {name: name for name in ("Warn", "Error", "Ignore")}, "Warn")
    keys = tuple(item.attribute("field") for item in options.listed("KeyFields", "Field"))
    data = {item.attribute("field"): item.switch("selected", True) for item in options.listed("DataFields", "Field")}
    options.finish()
    return Config(keys, data, data.pop(UNKNOWN, True), missing)


def _data_fields(config: Config, schema: Schema) -> list[Field]:
    keys = {name.casefold() for name in config.keys}
    listed = {name.casefold(): selected for name, selected in config.data.items()}
    return [
        field
        for field in schema
        if field.name.casefold() not in keys and listed.get(field.name.casefold(), config.unknown)
    ]


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Keys, ``Name`` and ``Value``: Double where all data fields are numbers, text otherwise."""
    schema = inputs.one("Input")
    for name, selected in config.data.items():
        if selected and name not in schema:
            _complain(config, f"Configuration/DataFields: there is no field {name!r}", context)
    keys = [schema.need(name, "Configuration/KeyFields/Field/@field") for name in config.keys]
    data = _data_fields(config, schema)
    return {"Output": Schema.of([*keys, Field("Name", _name_type(data)), Field("Value", _value_type(data))])}


def _complain(config: Config, text_: str, context: Context) -> None:
    if config.missing == "Error":
        raise WorkflowError(text_)
    if config.missing == "Warn":
        context.warn(text_)


def _name_type(data: Sequence[Field]) -> DesignerType:
    return DesignerType("V_WString", 255) if data else V_WSTRING


def _value_type(data: Sequence[Field]) -> DesignerType:
    if data and all(field.type.is_numeric or field.type.is_bool for field in data):
        return DOUBLE
    size = max((field.type.text_width for field in data), default=1)
    wide = any(field.type.is_wide for field in data)
    return (
        DesignerType("V_WString", min(size, V_WSTRING.size))
        if wide
        else DesignerType("V_String", min(size, V_STRING.size))
    )


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Unnest lists of names and values, one element for each data field."""
    source = inputs.one("Input").numbered(context.hidden(0))
    data = _data_fields(config, source.schema)
    value_type = _value_type(data)
    converter = Converter(context.tool_id)
    cells = [
        exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier("p"), expression=number(place)),
                exp.PropertyEQ(this=exp.to_identifier("n"), expression=text(field.name)),
                exp.PropertyEQ(
                    this=exp.to_identifier("v"),
                    expression=exp.cast(
                        converter.convert(column(field.name), field.type, value_type, field.name),
                        value_type.sql,
                    ),
                ),
            ]
        )
        for place, field in enumerate(data)
    ]
    return {"Output": _unnested(config, source, cells, context)}


def _unnested(config: Config, source: Source, cells: Sequence[exp.Expr], context: Context) -> Query:
    keys = [column(source.schema.need(name, "Configuration/KeyFields").name) for name in config.keys]
    if not cells:
        empty = [exp.cast(NULL.copy(), "text").as_(name) for name in ("Name", "Value")]
        return Query(exp.select(*keys, *empty, *source.hidden).from_(source.table).where(exp.false()), source.order)
    cell = exp.alias_(call("unnest", exp.Array(expressions=list(cells))), "cell")
    inner = exp.select(*keys, *source.hidden, cell).from_(source.table).subquery("cells")
    place = context.hidden(1)

    def part(name: str) -> exp.Expr:
        return exp.Dot(this=exp.column("cell"), expression=exp.to_identifier(name))

    names = [exp.alias_(part("n"), "Name", quoted=True), exp.alias_(part("v"), "Value", quoted=True)]
    hidden = [*source.hidden, *([exp.alias_(part("p"), place, quoted=True)] if source.order else [])]
    select = exp.select(*[item.copy() for item in keys], *names, *hidden).from_(inner)
    order = (*source.order, OrderKey(place)) if source.order else ()
    return Query(select, order, rows=lambda rows: rows.one("Input") * len(cells))


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Transpose.Transpose",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
