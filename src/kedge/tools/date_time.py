"""DateTime: text to dates and dates to text, by a pattern."""

from __future__ import annotations

__all__ = ["TOOL"]

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.translate import to_sql
from kedge.formula.types import DATE, DATETIME, TIME, DesignerType
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool, column
from kedge.tools.expressions import compiled, stored_sql
from kedge.tools.filter import quoted
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import call, case, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
SEPARATORS = "[^0-9A-Za-z]+"
FIRST_DAY = "1400-01-01"
MOST_SHOWN = 100


@dataclass(frozen=True)
class Config:
    """Which way, the field, the pattern in ``%`` form and as written, and the new field's name."""

    to_text: bool
    field: str
    pattern: str
    written: str
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
        options.text("Format"),
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


def _values(config: Config, schema: Schema, context: Context) -> list[Typed]:
    """Return the new value, and for text what other readings of it give, in the order in which they count."""
    field = schema.need(config.field, "Configuration/InputFieldName")
    if config.to_text != field.type.is_temporal or (not config.to_text and not field.type.is_string):
        wanted = "a date" if config.to_text else "text"
        raise WorkflowError(f"Configuration/InputFieldName: {field.name!r} is {field.type}, {wanted} is needed")
    function = "DateTimeFormat" if config.to_text else "DateTimeParse"
    expressions = [f"{function}([{field.name}], {quoted(config.pattern)})"]
    if not config.to_text:
        loose = f"REGEX_Replace([{field.name}], {quoted(SEPARATORS)}, {quoted('-')})"
        expressions += [f"DateTimeParse({loose}, {quoted(pattern)})" for pattern in loose_patterns(config.pattern)]
    return [compiled(each, schema, context, "Configuration/Format") for each in expressions]


def loose_patterns(pattern: str) -> list[str]:
    """Return the patterns that count as well: any separators, a year of two digits, and no seconds."""
    plain = re.sub(r"[^0-9A-Za-z%]+", "-", pattern).replace("%Y", "%y")
    shorter = re.sub(r"-?%S", "", plain)
    return list(dict.fromkeys([plain, shorter]))


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Append the new field."""
    schema = inputs.one("Input")
    _values(config, schema, context)
    way = "From" if config.to_text else "To"
    return {
        "Output": Schema.of([*schema, Field(config.name, _result_type(config), f"DateTime: {way} {config.pattern}")])
    }


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Append the parsed or written value; text that is no date by the pattern is null, and told."""
    source = inputs.one("Input")
    new = bind(config, Inputs({"Input": [source.schema]}), context)["Output"].fields[-1]
    values = _values(config, source.schema, context)
    found = [stored_sql(to_sql(value), value, new.type, context, new.name) for value in values]
    value = found[0] if config.to_text else _read(config, found, source, new, context)
    query = source.select([*source.columns, exp.alias_(value, new.name, quoted=True)])
    return {"Output": replace(query, same_count="Input")}


def _read(config: Config, found: Sequence[exp.Expr], source: Source, new: Field, context: Context) -> exp.Expr:
    """Take the first reading that there is; a text that has none is told."""
    name = source.schema.need(config.field, "Configuration/InputFieldName").name
    if "%Y" in config.pattern:
        era = exp.GTE(this=found[0].copy(), expression=exp.cast(text(FIRST_DAY), new.type.sql))
        found = [case([(era, found[0])], exp.Null()), *found[1:]]
    shown = call("left", column(name), number(MOST_SHOWN))
    message = call("concat", text(f"{name}: "), shown, text(f" is not written as {config.written}"))
    noted = exp.TryCast(this=call("kedge_note", number(context.tool_id), message, text("")), to=new.type.sql)
    blank = exp.EQ(this=call("trim", call("coalesce", column(name), text(""))), expression=text(""))
    return call("coalesce", *found, case([(blank, exp.Null())], noted))


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.DateTime.DateTime",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
