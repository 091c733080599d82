"""CrossTab: rows become columns, one for each header value."""

from __future__ import annotations

__all__ = ["TOOL"]

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import DOUBLE, INT64, V_WSTRING, DesignerType
from kedge.tools.contract import Context, Input, Inputs, Order, OrderKey, Query, Source, Tool, column
from kedge.tools.conversion import Converter
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sorting import dictionary_key
from kedge.tools.sql import aliased, call, is_null, number, text
from kedge.tools.summarize import aggregate, ordered_aggregate, unescape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from kedge.tools.element import Element

SUPPORTED = frozenset({"Sum", "Avg", "Count", "First", "Last", "Concat"})
BARE = frozenset({"Sum", "First", "Last", "Concat"})
ORDERED = frozenset({"First", "Last", "Concat"})
NULL_HEADER, EMPTY_HEADER = "_Null_", "_Empty_"
HEADER, WRITTEN, COUNTED = 101, 102, 103
NOT_A_NAME = re.compile(r"[^0-9A-Za-z_]")


@dataclass(frozen=True)
class Config:
    """Group fields, the field that names the columns, the field of the values, and what is done with them."""

    groups: tuple[str, ...]
    header: str
    data: str
    methods: tuple[str, ...]
    separator: str
    size: int


def parse(xml: Element) -> Config:
    """Read the fields and methods."""
    options = Options(xml)
    groups = tuple(item.attribute("field") for item in options.listed("GroupFields", "Field"))
    header = options.section("HeaderField").attribute("field")
    data = options.section("DataField").attribute("field")
    holder = options.section("Methods")
    methods: list[str] = []
    for item in holder.each("Method"):
        method = item.attribute("method")
        if method not in SUPPORTED:
            raise item.fault("@method", f"{method!r} is not supported; supported are {', '.join(sorted(SUPPORTED))}")
        methods.append(method)
    if not methods:
        raise holder.fault("Method", "choose at least one method")
    separator = unescape(holder.text("Separator", ","))
    size = holder.integer("FieldSize", 2048)
    options.finish()
    return Config(groups, header, data, tuple(methods), separator, size)


def probe(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, exp.Query]:
    """Ask for the header values."""
    source = inputs.one("Input")
    header = source.schema.need(config.header, "Configuration/HeaderField/@field")
    value = exp.alias_(Converter(context.tool_id).as_text(column(header.name), header.type), "header")
    return {"headers": exp.select(value).from_(source.table).distinct()}


def _headers(facts: pa.Table) -> list[str | None]:
    """Return the header values in column order: as in a dictionary, digits as numbers; null last."""
    values: list[str | None] = facts["header"].to_pylist()
    return sorted(values, key=lambda value: (value is None, dictionary_key(value or "")))


def column_names(headers: Sequence[str | None], methods: Sequence[str]) -> list[tuple[str, str | None, str]]:
    """Return name, header value and method of every column that is made, in order.

    Raises ``WorkflowError`` for header values that differ only in case, or that make the same name.
    """
    bare = len(methods) == 1 and methods[0] in BARE
    made: list[tuple[str, str | None, str]] = []
    seen: dict[str, str | None] = {}
    for method in methods:
        for header in headers:
            name = NULL_HEADER if header is None else NOT_A_NAME.sub("_", header) or EMPTY_HEADER
            name = name if bare else f"{method}_{name}"
            if name.casefold() in seen:
                raise WorkflowError(
                    f"the header values {seen[name.casefold()]!r} and {header!r} both make the field {name!r}"
                )
            seen[name.casefold()] = header
            made.append((name, header, method))
    return made


def value_type(config: Config, method: str, type_: DesignerType) -> DesignerType:
    """Return the type of the values that a method makes of a field."""
    if method == "Concat":
        return DesignerType("V_WString" if type_.is_wide else "V_String", config.size)
    if method == "Count":
        return INT64
    if method in ("First", "Last"):
        return type_
    if not (type_.is_numeric or type_.is_bool or type_.is_string):
        raise WorkflowError(f"Configuration/DataField: {method} needs numbers, the field is {type_}")
    if method == "Avg" or type_.is_string or type_.name in ("Float", "Double"):
        return DOUBLE
    return type_ if type_.name == "FixedDecimal" else INT64


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Group fields, then a column for each header value; before the run, the declared columns where there are some."""
    schema = inputs.one("Input")
    groups = [schema.need(name, "Configuration/GroupFields/Field/@field") for name in config.groups]
    schema.need(config.header, "Configuration/HeaderField/@field")
    data = schema.need(config.data, "Configuration/DataField/@field")
    types = {method: value_type(config, method, data.type) for method in config.methods}
    if context.facts:
        names = column_names(_headers(context.facts["headers"]), config.methods)
        made = [
            Field(name, types[method], f"CrossTab:Header:{config.header}:{header}:{method}:")
            for name, header, method in names
        ]
    elif "Output" in context.declared:
        new = [field for field in context.declared["Output"] if field.name not in Schema.of(groups)]
        made = [field.typed(types[_method_of(config, field)]) for field in new]
    else:
        return {}
    grouped = [Field(field.name, field.type, f"CrossTab:Group:{config.methods[0]}:") for field in groups]
    return {"Output": Schema.of([*grouped, *made])}


def _method_of(config: Config, field: Field) -> str:
    if len(config.methods) == 1:
        return config.methods[0]
    return next((method for method in config.methods if field.name.startswith(f"{method}_")), config.methods[0])


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Emit one aggregate with a filter for each column, ordered by group."""
    source = inputs.one("Input").numbered(context.hidden(0))
    schema = bind(config, Inputs({"Input": [source.schema]}), context)["Output"]
    names = column_names(_headers(context.facts["headers"]), config.methods)
    groups = [column(source.schema.need(name, "").name) for name in config.groups]
    keys = [OrderKey(context.hidden(place), False, context.settings.nulls_first) for place in range(1, len(groups) + 1)]
    hidden = [exp.alias_(group.copy(), key.column, quoted=True) for group, key in zip(groups, keys, strict=True)]
    cells = [_cell(config, schema.need(name, ""), value, method, source, context) for name, value, method in names]
    select = exp.select(*groups, *cells, *hidden).from_(_prepared(config, source, context).subquery("prepared"))
    if groups:
        return {"Output": Query(select.group_by(*[group.copy() for group in groups]), tuple(keys))}
    some = exp.GT(this=exp.Count(this=exp.Star()), expression=number(0))
    return {"Output": Query(select.having(some), natural=True)}


def _prepared(config: Config, source: Source, context: Context) -> exp.Select:
    """Convert headers and values once, below the aggregates of all columns."""
    header, data = source.schema.need(config.header, ""), source.schema.need(config.data, "")
    converter = Converter(context.tool_id)
    made = [(converter.as_text(column(header.name), header.type), context.hidden(HEADER))]
    if "Concat" in config.methods:
        made.append((converter.as_text(column(data.name), data.type), context.hidden(WRITTEN)))
    if {"Sum", "Avg"} & set(config.methods):
        counted = data.type.is_string or data.type.is_bool
        value = column(data.name)
        converted = converter.convert(value, data.type, DOUBLE, data.name) if counted else value
        made.append((converted, context.hidden(COUNTED)))
    return exp.select(*source.columns, *source.hidden, *aliased(made)).from_(source.table)


def _cell(config: Config, new: Field, header: str | None, method: str, source: Source, context: Context) -> exp.Expr:
    data = source.schema.need(config.data, "")
    value: exp.Expr = _value(config, method, data, source, context)
    name = column(context.hidden(HEADER))
    same = is_null(name) if header is None else exp.EQ(this=name, expression=text(header))
    value = exp.Filter(this=value, expression=exp.Where(this=same))
    if method == "Count":  # where a group has no such header, there is nothing, not a count of 0
        value = call("nullif", value, number(0))
    if method == "Concat":
        value = Converter(context.tool_id).convert(value, V_WSTRING, new.type, new.name)
    return exp.alias_(exp.cast(value, new.type.sql), new.name, quoted=True)


def _value(config: Config, method: str, data: Field, source: Source, context: Context) -> exp.Expr:
    if method == "Concat":
        parts = [column(context.hidden(WRITTEN)), text(config.separator)]
        return ordered_aggregate("string_agg", parts, source.ordering)
    if method in ("First", "Last"):
        return ordered_aggregate(method.lower(), [column(data.name)], source.ordering)
    return aggregate(method, column(data.name if method == "Count" else context.hidden(COUNTED)), data.type)


def _order(config: Config) -> Mapping[str, Order]:
    return {"Input": Order.USED if set(config.methods) & ORDERED else Order.LOST}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.CrossTab.CrossTab",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    probe=probe,
    probes=("Input",),
    order=_order,
)
