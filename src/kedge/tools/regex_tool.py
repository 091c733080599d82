"""RegEx: replace, tokenize, parse or match text with a regular expression."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import regex
from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.options import FormulaOptions
from kedge.formula.regexes import describe, pattern_of
from kedge.formula.types import BOOL, V_STRING, V_WSTRING, DesignerType
from kedge.tools.contract import Context, Input, Inputs, OrderKey, Query, Source, Tool, column
from kedge.tools.conversion import Converter
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import aliased, call, case, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.tools.element import Element

METHODS = ("Replace", "ParseSimple", "ParseComplex", "Match")
ERRORS = ("Warn", "Ignore", "Error")


@dataclass(frozen=True)
class Config:
    """The field, the pattern, and what the method takes: a replacement, parts, groups or the name of a flag."""

    field: str
    pattern: str
    ignore_case: bool
    method: str
    replacement: str = ""
    copy_unmatched: bool = True
    to_rows: bool = False
    root: str = ""
    columns: int = 1
    extra: str = "Warn"
    groups: tuple[tuple[str, DesignerType], ...] = ()
    flag: str = ""
    report_unmatched: bool = False


def parse(xml: Element) -> Config:
    """Read the section of the method; the others may be there and say nothing."""
    options = Options(xml)
    config = Config(
        options.text("Field"),
        options.value("RegExExpression"),
        options.flag("CaseInsensitve", True),
        options.choice("Method", {name: name for name in METHODS}),
    )
    try:
        pattern_of(config.pattern, config.ignore_case, FormulaOptions())
    except regex.error as fault:
        raise options.fault("RegExExpression", describe(fault)) from fault
    for name, read in (
        ("Replace", _replace),
        ("ParseSimple", _tokens),
        ("ParseComplex", _groups),
        ("Match", _match),
    ):
        section = options.child(name)
        if section is not None:
            changed = read(section, config)
            config = changed if name == config.method else config
    options.finish()
    if config.method == "ParseComplex" and not config.groups:
        raise options.fault("ParseComplex", "name at least one field")
    return config


def _replace(section: Options, config: Config) -> Config:
    copy = section.flag("CopyUnmatched", True)
    return replace(config, replacement=section.attribute("expression", ""), copy_unmatched=copy)


def _tokens(section: Options, config: Config) -> Config:
    return replace(
        config,
        to_rows=section.flag("SplitToRows", False),
        root=section.name("RootName", ""),
        columns=section.integer("NumFields", 1, least=1),
        extra=section.choice("ErrorHandling", {name: name for name in (*ERRORS, "Last")}, "Warn"),
    )


def _groups(section: Options, config: Config) -> Config:
    groups = tuple(
        (
            item.attribute("field"),
            item.field_type("@type", item.attribute("type"), item.attribute("size", "")),
        )
        for item in section.each("Field")
    )
    return replace(config, groups=groups)


def _match(section: Options, config: Config) -> Config:
    return replace(config, flag=section.name("Field", ""), report_unmatched=section.flag("ErrorUnmatched", False))


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Replacing and rows keep the schema; the other methods append fields."""
    schema = inputs.one("Input")
    field = schema.need(config.field, "Configuration/Field")
    if not field.type.is_string:
        raise WorkflowError(f"Configuration/Field: {field.name!r} is {field.type}, only text has regular expressions")
    source = f"RegEx: {config.pattern}"
    if config.method == "Match":
        return {"Output": Schema.of([*schema, Field(config.flag or f"{field.name}_Matched", BOOL, source)])}
    if config.method == "ParseComplex":
        return {"Output": Schema.of([*schema, *(Field(name, type_, source) for name, type_ in config.groups)])}
    if config.method == "ParseSimple" and not config.to_rows:
        names = [f"{config.root or field.name}{place}" for place in range(1, config.columns + 1)]
        return {"Output": Schema.of([*schema, *(Field(name, field.type, source) for name in names)])}
    return {"Output": schema}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Call the functions that the engine has for regular expressions."""
    source = inputs.one("Input")
    name = source.schema.need(config.field, "Configuration/Field").name
    fixed = [column(name), text(config.pattern), exp.Boolean(this=config.ignore_case)]
    if config.method == "ParseSimple" and config.to_rows:
        return {"Output": _rows(source, name, call("kedge_pattern_tokens", *fixed), context)}
    if config.method == "Replace":
        return {"Output": _replaced(config, source, name, fixed, context)}
    schema = bind(config, Inputs({"Input": [source.schema]}), context)["Output"]
    new = schema.fields[len(source.schema) :]
    if config.method == "Match":
        return {"Output": _matched(config, source, new[0], fixed, context)}
    function = "kedge_pattern_groups" if config.method == "ParseComplex" else "kedge_pattern_tokens"
    return {"Output": _columns(config, source, name, new, call(function, *fixed), context)}


def _replaced(config: Config, source: Source, name: str, fixed: Sequence[exp.Expr], context: Context) -> Query:
    value: exp.Expr = call(
        "kedge_pattern_replace", *fixed, text(config.replacement), exp.Boolean(this=config.copy_unmatched)
    )
    type_ = source.schema.need(name, "").type
    unbounded = V_WSTRING if type_.is_wide else V_STRING
    value = Converter(context.tool_id).convert(value, unbounded, type_, name)
    new = exp.alias_(value, name, quoted=True)
    query = source.select([new if field.name == name else column(field.name) for field in source.schema])
    return replace(query, same_count="Input")


def _matched(config: Config, source: Source, new: Field, fixed: Sequence[exp.Expr], context: Context) -> Query:
    matches: exp.Expr = call("coalesce", call("kedge_pattern_matches", *fixed), exp.false())
    if config.report_unmatched:
        message = call("concat", text(f"{config.field}: "), column(config.field), text(" does not match"))
        noted = call("kedge_note", number(context.tool_id), message, text("false"))
        matches = case([(matches, exp.true())], exp.cast(noted, "boolean"))
    query = source.select([*source.columns, exp.alias_(matches, new.name, quoted=True)])
    return replace(query, same_count="Input")


def _rows(source: Source, name: str, tokens: exp.Expr, context: Context) -> Query:
    source = source.numbered(context.hidden(0))
    place = context.hidden(1)
    part = exp.alias_(call("unnest", tokens), name, quoted=True)
    columns = [part if field.name == name else column(field.name) for field in source.schema]
    if not source.order:
        return source.select(columns)
    position = exp.alias_(call("generate_subscripts", tokens.copy(), number(1)), place, quoted=True)
    return Query(source.select([*columns, position]).select, (*source.order, OrderKey(place)))


def _columns(
    config: Config, source: Source, name: str, new: tuple[Field, ...], parts: exp.Expr, context: Context
) -> Query:
    listed = context.hidden(0)
    inner = source.select([*source.columns, exp.alias_(parts, listed, quoted=True)])
    cells: list[exp.Expr] = [call("list_extract", column(listed), number(place)) for place in range(1, len(new) + 1)]
    if config.method == "ParseSimple" and config.extra in ("Warn", "Error"):
        cells[-1] = _checked(config, name, listed, cells[-1], context)
    found = [(cell, context.hidden(place)) for place, cell in enumerate(cells, 1)]
    single = exp.select(*source.columns, *aliased(found), *source.hidden).from_(inner.select.subquery("parts"))
    converter = Converter(context.tool_id)
    made = [
        (exp.cast(converter.convert(column(cell), V_WSTRING, field.type, field.name), field.type.sql), field.name)
        for (_, cell), field in zip(found, new, strict=True)
    ]
    select = exp.select(*source.columns, *aliased(made), *source.hidden).from_(single.subquery("cells"))
    return Query(select, inner.order, inner.natural, same_count="Input")


def _checked(config: Config, name: str, listed: str, cell: exp.Expr, context: Context) -> exp.Expr:
    many = exp.GT(this=call("len", column(listed)), expression=number(config.columns))
    message = call("concat", text(f"{name}: more than {config.columns} parts: "), column(name))
    if config.extra == "Error":
        return case([(many, exp.cast(call("error", message), "text"))], cell)
    return case([(many, call("kedge_note", number(context.tool_id), message, cell.copy()))], cell)


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.RegEx.RegEx",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
