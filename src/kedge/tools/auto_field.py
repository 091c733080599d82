"""AutoField: give every text field the narrowest type that holds its values."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.formula.types import BYTE, DATE, DATETIME, DOUBLE, INT16, INT32, INT64, DesignerType
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool, column
from kedge.tools.conversion import Converter
from kedge.tools.listed_fields import ListedFields, parse_listed
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import aliased, call, case, not_null, number, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    from kedge.tools.element import Element

WHOLE = r"-?(0|[1-9][0-9]*)"
DECIMAL = r"-?(0|[1-9][0-9]*)?(\.[0-9]+)?([eE][-+]?[0-9]+)?"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
MOMENT = DAY + r" [0-9]{2}:[0-9]{2}:[0-9]{2}"
INTEGERS = (
    (BYTE, 0, 255),
    (INT16, -(2**15), 2**15 - 1),
    (INT32, -(2**31), 2**31 - 1),
    (INT64, -(2**63), 2**63 - 1),
)
FACTS = ("filled", "whole", "low", "high", "decimal", "day", "moment", "longest", "total", "latin")


@dataclass(frozen=True)
class Config:
    """The fields to look at; only text fields are changed."""

    fields: ListedFields


def parse(xml: Element) -> Config:
    """Read the fields."""
    options = Options(xml)
    config = Config(parse_listed(options, unknown=True))
    options.finish()
    return config


def _fields(config: Config, schema: Schema, warn: Callable[[str], None] = lambda text: None) -> list[Field]:
    return [field for field in config.fields.of(schema, warn) if field.type.is_string]


def probe(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, exp.Query]:
    """Ask what the values of each text field look like."""
    source = inputs.one("Input")
    facts = [
        (value, f"{place}_{name}")
        for place, field in enumerate(_fields(config, source.schema))
        for name, value in zip(FACTS, _facts(column(field.name)), strict=True)
    ]
    return {"facts": exp.select(*(aliased(facts) or [number(1)])).from_(source.table)}


def _facts(value: exp.Expr) -> list[exp.Expr]:
    """Return the aggregates of `FACTS`. An empty text says nothing against a number or a date: it becomes null."""
    written = call("nullif", value.copy(), text(""))
    whole = exp.TryCast(this=written.copy(), to=exp.DataType.build("hugeint"))

    def all_match(pattern: str, cast_to: str) -> exp.Expr:
        matches = call("regexp_full_match", written.copy(), text(pattern))
        casts = not_null(exp.TryCast(this=written.copy(), to=exp.DataType.build(cast_to)))
        return call("bool_and", case([(not_null(written), exp.and_(matches, casts))], exp.Null()))

    return [
        exp.Count(this=value.copy()),
        all_match(WHOLE, "hugeint"),
        call("min", whole),
        call("max", whole.copy()),
        all_match(DECIMAL, "double"),
        all_match(DAY, "date"),
        all_match(MOMENT, "timestamp"),
        call("max", call("length", value.copy())),
        call("sum", call("length", value.copy())),
        call("bool_and", call("regexp_full_match", value.copy(), text(r"[\x00-\xff]*"))),
    ]


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Narrow the text fields; before the run, as the file declares."""
    schema = inputs.one("Input")
    fields = _fields(config, schema, context.warn)
    if context.facts:
        row = context.facts["facts"]
        types = {
            field.name: _narrowest({name: _value(row, f"{place}_{name}") for name in FACTS})
            for place, field in enumerate(fields)
        }
        return {"Output": Schema(tuple(field.typed(types.get(field.name, field.type)) for field in schema))}
    if "Output" in context.declared:
        declared = context.declared["Output"]
        return {"Output": Schema(tuple(field.typed((declared.find(field.name) or field).type) for field in schema))}
    return {} if fields else {"Output": schema}


def _value(row: pa.Table, name: str) -> int:
    found = row[name][0].as_py()
    return int(found) if found is not None else 0


def _narrowest(facts: Mapping[str, int]) -> DesignerType:
    if not facts["filled"]:
        return BYTE
    if facts["whole"]:
        return next((type_ for type_, low, high in INTEGERS if low <= facts["low"] and facts["high"] <= high), DOUBLE)
    for name, type_ in (("decimal", DOUBLE), ("day", DATE), ("moment", DATETIME)):
        if facts[name]:
            return type_
    size = max(facts["longest"], 1)
    variable = facts["total"] + 5 * facts["filled"] < (size + 1) * facts["filled"]
    wide = "" if facts["latin"] else "W"
    return DesignerType(f"{'V_' if variable else ''}{wide}String", size)


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Cast."""
    source = inputs.one("Input")
    schema = bind(config, Inputs({"Input": [source.schema]}), context.quiet())["Output"]
    converter = Converter(context.tool_id)
    columns = [
        exp.alias_(converter.convert(column(old.name), old.type, new.type, old.name), old.name, quoted=True)
        for old, new in zip(source.schema, schema, strict=True)
    ]
    return {"Output": replace(source.select(columns), same_count="Input")}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.AutoField.AutoField",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    probe=probe,
    probes=("Input",),
)
