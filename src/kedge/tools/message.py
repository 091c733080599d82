"""Message: say something about the records that pass."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import V_WSTRING
from kedge.tools.contract import Context, Input, Inputs, Order, Query, Source, Tool
from kedge.tools.expressions import compiled, condition, holds, stored
from kedge.tools.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element
    from kedge.tools.schema import Schema

TYPES = {
    "Message": "info",
    "Info": "info",
    "Warning": "warning",
    "FieldConversionError": "conversion",
    "Error": "error",
    "ErrorStop": "stop",
    "FileInput": "info",
    "FileOutput": "info",
}
WHEN = {
    "First": "first",
    "Before": "first",
    "Last": "last",
    "After": "last",
    "Filter": "filter",
    "All": "all",
}


@dataclass(frozen=True)
class Config:
    """When to speak, the condition for ``filter``, the kind of message, and the expression that makes it."""

    when: str
    filter: str
    kind: str
    expression: str


def parse(xml: Element) -> Config:
    """Read the options."""
    options = Options(xml)
    options.ignore("Priority", "Transient")
    config = Config(
        options.choice("When", WHEN),
        options.text("Filter", ""),
        options.choice("Type", TYPES, "Message"),
        options.text("MessageExpression"),
    )
    options.finish()
    return config


def probe(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, exp.Query]:
    """Ask for the messages."""
    source = inputs.one("Input")
    value = compiled(config.expression, source.schema, context, "Configuration/MessageExpression")
    select = exp.select(exp.alias_(stored(value, V_WSTRING, context, "message"), "message")).from_(source.table)
    if config.when == "filter":
        select = select.where(holds(condition(config.filter, source.schema, context, "Configuration/Filter")))
    if config.when == "last":
        source = source.numbered(context.hidden(0))
        return {"messages": select.from_(source.table).order_by(*source.backwards).limit(1)}
    if source.order:
        select = select.order_by(*source.ordering)
    return {"messages": select.limit(1) if config.when == "first" else select}


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """The schema stays; in a run the messages are said. ``ErrorStop`` ends what comes after."""
    schema = inputs.one("Input")
    compiled(config.expression, schema, context, "Configuration/MessageExpression")
    if config.when == "filter":
        condition(config.filter, schema, context, "Configuration/Filter")
    for text in context.facts["messages"]["message"].to_pylist() if context.facts else ():
        if config.kind == "stop":
            raise WorkflowError(text or "")
        context.report(config.kind, text or "")
    return {"Output": schema}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Pass the records on."""
    return {"Output": replace(inputs.one("Input").select(), same_count="Input")}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Message.Message",),
    inputs=(Input("Input", Order.USED),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    probe=probe,
    probes=("Input",),
    sink=True,
)
