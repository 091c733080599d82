"""TextToColumns: split text at delimiters into columns or rows."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.tools.contract import Context, Input, Inputs, OrderKey, Query, Source, Tool, column
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import call, case, is_null, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element

ESCAPES = {"s": " ", "t": "\t", "n": "\n", "r": "\r", "0": ""}
QUOTED, SINGLE_QUOTED, PARENTHESES, BRACKETS, SKIP_EMPTY = 1, 2, 4, 8, 16
ENCLOSED = {QUOTED: '"[^"]*"', SINGLE_QUOTED: "'[^']*'", PARENTHESES: r"\([^)]*\)", BRACKETS: r"\[[^\]]*\]"}
KNOWN_FLAGS = sum(ENCLOSED) + SKIP_EMPTY


@dataclass(frozen=True)
class Config:
    """The field, the set of delimiter characters, the number of columns (0 for rows), and what extra parts do."""

    field: str
    delimiters: str
    columns: int
    root: str
    extra: str
    flags: int


def parse(xml: Element) -> Config:
    """Read the options; one column without a root name means rows."""
    options = Options(xml)
    columns = options.integer("NumFields", 1, least=1)
    root = options.name("RootName", "")
    flags = options.integer("Flags", 0)
    if flags & ~KNOWN_FLAGS:
        raise options.fault("Flags", f"{flags} has unknown bits; known are {KNOWN_FLAGS} in all")
    extra = options.choice("ErrorHandling", {name: name for name in ("Last", "Warn", "Ignore", "Error")}, "Last")
    delimiters = unescape(options.value("Delimeters"))
    if not delimiters:
        raise options.fault("Delimeters", "name at least one delimiter")
    config = Config(options.text("Field"), delimiters, 0 if columns == 1 and not root else columns, root, extra, flags)
    options.finish()
    return config


def unescape(delimiters: str) -> str:
    r"""Turn ``\s``, ``\t``, ``\n`` and the like into characters; others after a backslash stand for themselves."""
    result, rest = "", iter(delimiters)
    for character in rest:
        if character == "\\":
            following = next(rest, "\\")
            result += ESCAPES.get(following, following)
        else:
            result += character
    return result


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Rows keep the schema; columns are appended with the field's own type."""
    schema = inputs.one("Input")
    field = schema.need(config.field, "Configuration/Field")
    if not field.type.is_string:
        raise WorkflowError(f"Configuration/Field: {field.name!r} is {field.type}, only text can be split")
    new = [Field(f"{config.root}{place}", field.type, field.source) for place in range(1, config.columns + 1)]
    return {"Output": Schema.of([*schema, *new])}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Split into a list; unnest it or take its elements."""
    source = inputs.one("Input")
    field = source.schema.need(config.field, "Configuration/Field")
    parts = _parts(config, column(field.name))
    if not config.columns:
        return {"Output": _rows(source, field.name, parts, context)}
    return {"Output": _columns(config, source, field, parts, context)}


def _set(characters: str) -> str:
    return "".join(f"\\{character}" if character in r"\]^-[" else character for character in characters)


def _token(config: Config, repeat: str = "*") -> str:
    enclosed = [pattern for flag, pattern in ENCLOSED.items() if config.flags & flag]
    return f"(?s:(?:{'|'.join([*enclosed, f'[^{_set(config.delimiters)}]'])}){repeat})"


def _parts(config: Config, value: exp.Expr) -> exp.Expr:
    """Return the list of parts; a delimiter is added behind, so that every part ends with one."""
    closed = call("concat", value, text(config.delimiters[0]))
    pattern = f"({_token(config)})[{_set(config.delimiters)}]"
    parts = call("regexp_extract_all", closed, text(pattern), number(1))
    if config.flags & SKIP_EMPTY:
        part = exp.to_identifier("part")
        parts = call(
            "list_filter",
            parts,
            exp.Lambda(this=exp.NEQ(this=exp.column("part"), expression=text("")), expressions=[part]),
        )
    return parts


def _rows(source: Source, name: str, parts: exp.Expr, context: Context) -> Query:
    source = source.numbered(context.hidden(0))
    place = context.hidden(1)
    empty = exp.Array(expressions=[exp.cast(exp.Null(), "text")])
    listed = case([(is_null(column(name)), empty)], parts)
    part = exp.alias_(call("unnest", listed), name, quoted=True)
    columns = [part if item.name == name else column(item.name) for item in source.schema]
    if not source.order:
        return source.select(columns)
    position = exp.alias_(call("generate_subscripts", listed.copy(), number(1)), place, quoted=True)
    query = source.select([*columns, position])
    return Query(query.select, (*source.order, OrderKey(place)))


def _columns(config: Config, source: Source, field: Field, parts: exp.Expr, context: Context) -> Query:
    names = [item.name for item in bind(config, Inputs({"Input": [source.schema]}), context)["Output"]][
        -config.columns :
    ]
    listed = context.hidden(0)
    inner = source.select([*source.columns, exp.alias_(parts, listed, quoted=True)])
    cells: list[exp.Expr] = [
        call("list_extract", column(listed), number(place)) for place in range(1, config.columns + 1)
    ]
    many = exp.GT(this=call("len", column(listed)), expression=number(config.columns))
    if config.extra == "Last":
        cells[-1] = case([(many, _rest(config, column(field.name)))], cells[-1])
    elif config.extra == "Error":
        complaint = call(
            "error",
            call("concat", text(f"{field.name}: more than {config.columns} parts: "), column(field.name)),
        )
        cells[-1] = case([(many, exp.cast(complaint, "text"))], cells[-1])
    elif config.extra == "Warn":
        message = call("concat", text(f"{field.name}: more than {config.columns} parts: "), column(field.name))
        cells[-1] = case([(many, call("kedge_note", number(context.tool_id), message, cells[-1].copy()))], cells[-1])
    cells = [case([(is_null(column(field.name)), exp.Null())], cell) for cell in cells]
    new = [exp.alias_(cell, name, quoted=True) for cell, name in zip(cells, names, strict=True)]
    outer = exp.select(*source.columns, *new, *source.hidden).from_(inner.select.subquery("split"))
    return Query(outer, inner.order, inner.natural, same_count="Input")


def _rest(config: Config, value: exp.Expr) -> exp.Expr:
    """Return what is left of the text from the last column on, delimiters and all."""
    ends = f"[{_set(config.delimiters)}]"
    pattern = f"^(?:{_token(config)}{ends}){{{config.columns - 1}}}"
    if config.flags & SKIP_EMPTY:
        pattern = f"^{ends}*(?:{_token(config, '+')}{ends}+){{{config.columns - 1}}}"
    return call("regexp_replace", value, text(pattern), text(""))


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.TextToColumns.TextToColumns",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
