"""DynamicSelect: choose fields by their types or by an expression over their descriptions."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kedge.exceptions import WorkflowError
from kedge.formula.types import TYPE_NAMES
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool, column
from kedge.tools.field_expressions import evaluate_on_field
from kedge.tools.options import Options
from kedge.tools.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element


@dataclass(frozen=True)
class Config:
    """Type names, or an expression."""

    types: frozenset[str]
    expression: str


def parse(xml: Element) -> Config:
    """Read the part that ``Mode`` names."""
    options = Options(xml)
    by_type = options.choice("Mode", {"FieldTypes": True, "Formula": False})
    types = options.text("FieldTypes", "" if not by_type else None)
    expression = options.text("Expression", "" if by_type else None)
    options.finish()
    names = frozenset(name.strip() for name in types.split(",") if name.strip()) if by_type else frozenset()
    for name in sorted(names - set(TYPE_NAMES)):
        raise options.fault("FieldTypes", f"there is no field type {name!r}; the types are {', '.join(TYPE_NAMES)}")
    return Config(names, "" if by_type else expression)


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Keep the fields that are chosen."""
    place = "Configuration/Expression" if config.expression else "Configuration/FieldTypes"
    chosen = [
        field
        for number, field in enumerate(inputs.one("Input"), 1)
        if field.type.name in config.types
        or (config.expression and evaluate_on_field(config.expression, field, number, context, place))
    ]
    if not chosen:
        raise WorkflowError(f"{place}: no field is selected; choose so that at least one is")
    return {"Output": Schema(tuple(chosen))}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Project."""
    source = inputs.one("Input")
    chosen = bind(config, Inputs({"Input": [source.schema]}), context)["Output"]
    return {"Output": replace(source.select([column(field.name) for field in chosen]), same_count="Input")}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.DynamicSelect.DynamicSelect",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
