"""MultiFieldFormula: one expression over many fields."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.formula.binder import Current
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool, column
from kedge.tools.expressions import compiled, stored
from kedge.tools.listed_fields import ListedFields, parse_listed
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kedge.formula.typed import Typed
    from kedge.formula.types import DesignerType
    from kedge.tools.element import Element

KINDS: dict[str, Callable[[DesignerType], bool]] = {
    "Text": lambda type_: type_.is_string,
    "Numeric": lambda type_: type_.is_numeric,
    "Date": lambda type_: type_.is_temporal,
    "DateTime": lambda type_: type_.is_temporal,
    "TextDate": lambda type_: type_.is_string or type_.is_temporal,
    "Bool": lambda type_: type_.is_bool,
    "All": lambda type_: True,
}


@dataclass(frozen=True)
class Config:
    """Which fields, the expression, whether the results are new fields and how they are called, and their type."""

    kind: str
    fields: ListedFields
    expression: str
    copy: bool
    affix: str
    prefix: bool
    type: DesignerType | None


def parse(xml: Element) -> Config:
    """Read the options."""
    options = Options(xml)
    kind = options.choice("FieldType", {name: name for name in KINDS}, "All")
    fields = parse_listed(options)
    copy = options.flag("CopyOutput", False)
    type_ = _parse_type(options)
    config = Config(
        kind,
        fields,
        options.text("Expression"),
        copy,
        options.text("NewFieldAddOn", "New_"),
        options.choice("NewFieldAddOnPos", {"Prefix": True, "Suffix": False}, "Prefix"),
        type_,
    )
    options.finish()
    return config


def _parse_type(options: Options) -> DesignerType | None:
    change = options.flag("ChangeFieldType", False)
    holder = options.child("OutputFieldType")
    if holder is None:
        return None
    found = [holder.attribute(name, "") for name in ("type", "size", "scale")]
    return holder.field_type("@type", *found) if change else None


@dataclass(frozen=True)
class _Result:
    old: Field
    new: Field
    value: Typed


def _results(config: Config, schema: Schema, context: Context) -> list[_Result]:
    fields = [field for field in config.fields.of(schema, context.warn) if KINDS[config.kind](field.type)]
    results: list[_Result] = []
    for field in fields:
        current = Current(field.name, field.type)
        value = compiled(
            config.expression, schema, context, f"Configuration/Expression ({field.name})", current=current
        )
        name = field.name
        if config.copy:
            name = f"{config.affix}{name}" if config.prefix else f"{name}{config.affix}"
        type_ = config.type or field.type
        results.append(_Result(field, Field(name, type_, f"Formula: {config.expression}"), value))
    return results


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Change the fields, or append the new ones."""
    schema = inputs.one("Input")
    results = _results(config, schema, context)
    if config.copy:
        return {"Output": Schema.of([*schema, *(result.new for result in results)])}
    changed = {result.old.name: result.new for result in results}
    return {"Output": Schema(tuple(changed.get(field.name, field) for field in schema))}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Project; every expression sees the fields as they came."""
    source = inputs.one("Input")
    schema = bind(config, Inputs({"Input": [source.schema]}), context.quiet())["Output"]
    results = _results(config, source.schema, context.quiet())
    values = {result.old.name: stored(result.value, result.new.type, context, result.new.name) for result in results}
    columns: list[exp.Expr] = []
    for field in source.schema:
        changed = field.name in values and not config.copy
        columns.append(exp.alias_(values[field.name], field.name, quoted=True) if changed else column(field.name))
    if config.copy:
        names = schema.names[len(source.schema) :]
        pairs = zip(names, values.values(), strict=True)
        columns += [exp.alias_(value, name, quoted=True) for name, value in pairs]
    return {"Output": replace(source.select(columns), same_count="Input")}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.MultiFieldFormula.MultiFieldFormula",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
