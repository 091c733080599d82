"""DateTime: text to dates and dates to text, by a pattern."""

from __future__ import annotations

__all__ = ["TOOL"]

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import DATE, DATETIME, TIME, DesignerType
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool
from kedge.tools.expressions import compiled, stored
from kedge.tools.filter import quoted
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.formula.typed import Typed
    from kedge.tools.element import Element

TOKENS = {
    "yyyy": "%Y",
    "yy": "%y",
    "Month": "%B",
    "Mon": "%b",
    "MM": "%m",
    "M": "%m",
    "day": "%A",
    "dy": "%a",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "hh": "%I",
    "h": "%I",
    "mm": "%M",
    "ss": "%S",
    "AM": "%p",
    "PM": "%p",
    "ahh": "%I %p",
}
TOKEN = re.compile("|".join(sorted(map(re.escape, TOKENS), key=len, reverse=True)))
DATES = ("%Y", "%y", "%B", "%b", "%m", "%d")
TIMES = ("%H", "%I", "%M", "%S")
TEXT_SIZE = 254


@dataclass(frozen=True)
class Config:
    """Which way, the field, the pattern in ``%`` form, and the new field's name."""

    to_text: bool
    field: str
    pattern: str
    name: str


def parse(xml: Element) -> Config:
    """Read the options; patterns in languages other than English are refused."""
    options = Options(xml)
    language = options.name("Language", "English")
    if language != "English":
        raise options.fault("Language", f"{language!r} is not supported; English is")
    options.ignore("CustomFormat")
    to_text = options.choice("IsFrom", {"True": True, "False": False}, "False")
    config = Config(
        to_text,
        options.text("InputFieldName"),
        percent_pattern(options.text("Format")),
        options.name("OutputFieldName"),
    )
    options.finish()
    return config


def percent_pattern(pattern: str) -> str:
    """Turn a pattern such as ``dd-Mon.-yy`` into ``%d-%b.-%y``; one that has ``%`` already stays."""
    return pattern if "%" in pattern else TOKEN.sub(lambda match: TOKENS[match.group()], pattern)


def _result_type(config: Config) -> DesignerType:
    if config.to_text:
        return DesignerType("V_String", TEXT_SIZE)
    has_date = any(part in config.pattern for part in DATES)
    has_time = any(part in config.pattern for part in TIMES)
    if has_date and has_time:
        return DATETIME
    return TIME if has_time else DATE


def _value(config: Config, schema: Schema, context: Context) -> Typed:
    field = schema.need(config.field, "Configuration/InputFieldName")
    if config.to_text != field.type.is_temporal or (not config.to_text and not field.type.is_string):
        wanted = "a date" if config.to_text else "text"
        raise WorkflowError(f"Configuration/InputFieldName: {field.name!r} is {field.type}, {wanted} is needed")
    function = "DateTimeFormat" if config.to_text else "DateTimeParse"
    text = f"{function}([{field.name}], {quoted(config.pattern)})"
    return compiled(text, schema, context, "Configuration/Format")


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Append the new field."""
    schema = inputs.one("Input")
    _value(config, schema, context)
    way = "From" if config.to_text else "To"
    return {
        "Output": Schema.of([*schema, Field(config.name, _result_type(config), f"DateTime: {way} {config.pattern}")])
    }


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Append the parsed or written value."""
    source = inputs.one("Input")
    new = bind(config, Inputs({"Input": [source.schema]}), context)["Output"].fields[-1]
    value = stored(_value(config, source.schema, context), new.type, context, new.name)
    query = source.select([*source.columns, exp.alias_(value, new.name, quoted=True)])
    return {"Output": replace(query, same_count="Input")}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.DateTime.DateTime",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
