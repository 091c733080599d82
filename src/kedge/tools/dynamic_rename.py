"""DynamicRename: rename fields by the first row, an expression, a second input, or a prefix or suffix."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.binder import Current
from kedge.formula.types import V_WSTRING
from kedge.tools.contract import Context, Input, Inputs, Order, Query, Source, Tool, column
from kedge.tools.conversion import Converter
from kedge.tools.expressions import compiled
from kedge.tools.field_expressions import evaluate
from kedge.tools.listed_fields import ListedFields, parse_listed
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema, distinct
from kedge.tools.sql import aliased, number, over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from kedge.tools.element import Element

MODES = {
    "FirstRow": "first row",
    "Formula": "formula",
    "RightInputRows": "rows",
    "RightInputMetadata": "metadata",
    "AddPrefixSuffix": "add",
    "Add": "add",
    "RemovePrefixSuffix": "remove",
    "Remove": "remove",
}
NUMBERED = "_"
ON_ERROR = {name: name for name in ("Warn", "Ignore", "Error")}


@dataclass(frozen=True)
class Config:
    """How names come about, for which fields; the rest belongs to single modes."""

    mode: str
    fields: ListedFields
    expression: str = ""
    mapped: bool = False
    old_name: str = ""
    new_name: str = ""
    missing: str = "Warn"
    affix: str = ""
    prefix: bool = True


def parse(xml: Element) -> Config:
    """Read the options; the sections of other modes may be there and say nothing."""
    options = Options(xml)
    mode = options.choice("RenameMode", MODES)
    config = Config(mode, parse_listed(options), expression=options.text("Expression", ""))
    rows, first = options.child("NamesFromRows"), options.child("FirstRow")
    metadata, affix = (
        options.child("NamesFromMetadata"),
        options.child("AddPrefixSuffix") or options.child("PrefixSuffix"),
    )
    if rows:
        config = _with_rows(config, rows)
    if first and mode == "first row":
        config = replace(config, missing=first.choice("OnError", ON_ERROR, "Warn"))
    elif first:
        first.ignore("OnError")
    if metadata:
        metadata.ignore("OnError", "InputMode", "OldName", "NewName")
    if affix:
        kind = affix.choice("Type", {"Prefix": True, "Suffix": False}, "Prefix")
        config = replace(config, affix=affix.text("Text", ""), prefix=kind)
    options.finish()
    return config


def _with_rows(config: Config, rows: Options) -> Config:
    return replace(
        config,
        mapped=rows.choice("InputMode", {"Mapped": True, "Positional": False}, "Positional"),
        old_name=rows.text("OldName", ""),
        new_name=rows.text("NewName", ""),
        missing=rows.choice("OnError", ON_ERROR, "Warn"),
    )


def probe(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, exp.Query]:
    """Ask for the first row, or for the names in the second input."""
    converter = Converter(context.tool_id)
    if config.mode == "first row":
        source = inputs.one("Targets")
        cells = aliased(
            (converter.as_text(column(field.name), field.type), f"c{place}")
            for place, field in enumerate(source.schema)
        )
        select = exp.select(*(cells or [number(1)])).from_(source.table)
        return {"names": (select.order_by(*source.ordering) if source.order else select).limit(1)}
    if config.mode != "rows":
        return {}
    source = inputs.one("Source")
    wanted = [source.schema.need(config.new_name, "Configuration/NamesFromRows/NewName")]
    if config.mapped:
        wanted.append(source.schema.need(config.old_name, "Configuration/NamesFromRows/OldName"))
    cells = aliased(
        (converter.as_text(column(field.name), field.type), f"c{place}") for place, field in enumerate(wanted)
    )
    select = exp.select(*cells).from_(source.table)
    return {"names": select.order_by(*source.ordering) if source.order else select}


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Rename; where names come from records, before the run, as the file declares."""
    schema = inputs.one("Targets")
    chosen = config.fields.of(schema, context.warn)
    names = context.facts.get("names")
    if config.mode in ("first row", "rows") and names is None:
        return {"Output": _declared(schema, context.declared["Output"])} if "Output" in context.declared else {}
    renamed = _new_names(config, schema, chosen, inputs, names, context)
    fields = distinct((field.named(renamed.get(field.name, field.name)) for field in schema), NUMBERED)
    return {"Output": Schema(tuple(fields))}


def _declared(schema: Schema, declared: Schema) -> Schema:
    """Take the declared names where their number is right, with the types that come in."""
    if len(schema) != len(declared):
        return declared
    return Schema(tuple(old.named(new.name) for old, new in zip(schema, declared, strict=True)))


def _new_names(
    config: Config,
    schema: Schema,
    chosen: Sequence[Field],
    inputs: Inputs[Schema],
    names: pa.Table | None,
    context: Context,
) -> dict[str, str]:
    if config.mode == "first row":
        return _from_first_row(config, schema, chosen, names, context)
    if config.mode == "rows":
        return _from_rows(config, chosen, names, context)
    if config.mode == "metadata":
        return {old.name: new.name for old, new in zip(chosen, inputs.one("Source"), strict=False)}
    if config.mode == "formula":
        return {field.name: _by_formula(config, field, context) for field in chosen}
    if config.mode == "add":
        return {
            field.name: f"{config.affix}{field.name}" if config.prefix else f"{field.name}{config.affix}"
            for field in chosen
        }
    return {field.name: _without(config, field.name) for field in chosen}


def _without(config: Config, name: str) -> str:
    return name.removeprefix(config.affix) if config.prefix else name.removesuffix(config.affix)


def _from_first_row(
    config: Config, schema: Schema, chosen: Sequence[Field], names: pa.Table, context: Context
) -> dict[str, str]:
    if not len(names):
        _complain(config, "there is no first row to take names from", context)
        return {}
    row = dict(zip(schema.names, (names[place][0].as_py() for place in range(len(schema))), strict=True))
    renamed = {field.name: row[field.name] for field in chosen}
    empty = [name for name, new in renamed.items() if not new]
    if empty:
        _complain(config, f"the first row has no name for {', '.join(empty)}", context)
    blank = f"Field_{len(schema) + 1}"
    return {name: new or blank for name, new in renamed.items()}


def _from_rows(config: Config, chosen: Sequence[Field], names: pa.Table, context: Context) -> dict[str, str]:
    new_names = names["c0"].to_pylist()
    if not config.mapped:
        if len(new_names) < len(chosen):
            _complain(config, f"{len(new_names)} names for {len(chosen)} fields", context)
        return {field.name: new for field, new in zip(chosen, new_names, strict=False) if new}
    wanted = {(old or "").casefold(): new for old, new in zip(names["c1"].to_pylist(), new_names, strict=True)}
    missing = [field.name for field in chosen if not wanted.get(field.name.casefold())]
    if missing:
        _complain(config, f"there is no new name for {', '.join(missing)}", context)
    return {field.name: wanted[field.name.casefold()] for field in chosen if wanted.get(field.name.casefold())}


def _by_formula(config: Config, field: Field, context: Context) -> str:
    holder = Schema((Field(field.name, V_WSTRING),))
    current = Current(field.name, V_WSTRING)
    value = compiled(config.expression, holder, context, "Configuration/Expression", current=current)
    name = evaluate(value, {field.name: field.name})
    if not isinstance(name, str) or not name:
        raise WorkflowError(f"Configuration/Expression: it makes no name of {field.name!r}")
    return name


def _complain(config: Config, text: str, context: Context) -> None:
    if config.missing == "Error":
        raise WorkflowError(f"Configuration/OnError: {text}")
    if config.missing == "Warn":
        context.warn(text)


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Project; the first row goes where it gave the names."""
    source = inputs.one("Targets")
    first = config.mode == "first row"
    if first:
        source = source.numbered(context.hidden(0))
    schemas = {"Targets": [source.schema], "Source": [item.schema for item in inputs.many("Source")]}
    schema = bind(config, Inputs(schemas), context.quiet())["Output"]
    columns = [
        exp.alias_(column(old.name), new.name, quoted=True) for old, new in zip(source.schema, schema, strict=True)
    ]
    if not first:
        return {"Output": replace(source.select(columns), same_count="Targets")}
    rank = context.hidden(1)
    ranked = exp.alias_(over(exp.RowNumber(), (), source.ordering), rank, quoted=True)
    query = source.select([*columns, ranked])
    names = [column(field.name) for field in schema]
    rest = exp.select(*names, *source.hidden).from_(query.select.subquery("ranked"))
    select = rest.where(exp.GT(this=column(rank), expression=number(1)))
    return {"Output": Query(select, query.order, rows=lambda rows: max(rows.one("Targets") - 1, 0))}


def _order(config: Config) -> Mapping[str, Order]:
    return {
        "Targets": Order.USED if config.mode == "first row" else Order.KEPT,
        "Source": Order.USED if config.mode == "rows" else Order.LOST,
    }


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.DynamicRename.DynamicRename",),
    inputs=(Input("Targets"), Input("Source", optional=True)),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    probe=probe,
    probes=("Targets", "Source"),
    order=_order,
)
