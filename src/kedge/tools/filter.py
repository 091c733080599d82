"""Filter: records for which a condition holds, and the others."""

from __future__ import annotations

__all__ = ["TOOL"]

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool, select_from
from kedge.tools.expressions import condition, holds
from kedge.tools.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.formula.typed import Typed
    from kedge.tools.element import Element
    from kedge.tools.schema import Field, Schema

COMPARISONS = frozenset({"=", "!=", ">", "<", ">=", "<="})
PREDICATES = {
    "IsNull": "IsNull({field})",
    "IsNotNull": "!IsNull({field})",
    "IsEmpty": "IsEmpty({field})",
    "IsNotEmpty": "!IsEmpty({field})",
    "IsTrue": "{field}",
    "IsFalse": "!{field}",
}
CONTAINS = {
    "Contains": "Contains({field}, {operand})",
    "NotContains": "!Contains({field}, {operand})",
    "DoesNotContain": "!Contains({field}, {operand})",
}
RANGES = frozenset({"DateRange", "Between", "Range"})


@dataclass(frozen=True)
class Operands:
    """What a simple condition compares with: a value, or a moment or a span of time."""

    operand: str = ""
    ignore_time: bool = True
    date_type: str = "fixed"
    period_date: str = ""
    period_type: str = ""
    period_count: int = 0
    start: str = ""
    end: str = ""


@dataclass(frozen=True)
class Config:
    """A custom ``expression``, or a simple condition of field, operator and operands."""

    expression: str = ""
    field: str = ""
    operator: str = ""
    operands: Operands = Operands()


def parse(xml: Element) -> Config:
    """Read the section that ``Mode`` names; the other one may be there as well and says nothing."""
    options = Options(xml)
    simple = options.choice("Mode", {"Simple": True, "Custom": False}, "Custom")
    if not simple:
        options.ignore("Simple")
        config = Config(expression=options.text("Expression"))
    else:
        options.ignore("Expression")
        config = _parse_simple(options.section("Simple"))
    options.finish()
    return config


def _parse_simple(section: Options) -> Config:
    operands = section.child("Operands")
    found = Operands()
    if operands:
        found = Operands(
            operand=operands.text("Operand", "").strip("\r\n"),
            ignore_time=operands.flag("IgnoreTimeInDateTime", True),
            date_type=operands.name("DateType", "fixed"),
            period_date=operands.name("PeriodDate", ""),
            period_type=operands.name("PeriodType", ""),
            period_count=operands.integer("PeriodCount", 0),
            start=operands.name("StartDate", ""),
            end=operands.name("EndDate", ""),
        )
    operator = section.name("Operator")
    known = [*COMPARISONS, *PREDICATES, *CONTAINS, *RANGES]
    if operator not in known:
        raise section.fault("Operator", f"{operator!r} is not known; known are {', '.join(sorted(known))}")
    return Config(field=section.text("Field"), operator=operator, operands=found)


def _condition(config: Config, schema: Schema, context: Context) -> Typed:
    if not config.operator:
        return condition(config.expression, schema, context, "Configuration/Expression")
    field = schema.need(config.field, "Configuration/Simple/Field")
    text = simple_expression(config, field, context.started)
    return condition(text, schema, context, "Configuration/Simple")


def simple_expression(config: Config, field: Field, now: datetime.datetime) -> str:
    """Write a simple condition in the expression language."""
    name = f"[{field.name}]"
    if field.type.name == "DateTime" and config.operands.ignore_time and config.operator in COMPARISONS | RANGES:
        name = f"ToDate({name})"
    if config.operator in PREDICATES:
        return PREDICATES[config.operator].format(field=name)
    if config.operator in CONTAINS:
        return CONTAINS[config.operator].format(field=name, operand=quoted(config.operands.operand))
    if config.operator in RANGES:
        start, end = _span(config.operands)
        return f"{name} >= {quoted(start)} AND {name} <= {quoted(end)}"
    return f"{name} {config.operator} {_literal(config, field, now)}"


def _literal(config: Config, field: Field, now: datetime.datetime) -> str:
    operand = config.operands.operand
    if field.type.is_bool:
        return operand if operand in ("True", "False") else f"({operand} != 0)"
    if field.type.is_numeric:
        try:
            float(operand)
        except ValueError:
            place = "Configuration/Simple/Operands/Operand"
            text = f"{place}: {operand!r} is not a number, the field {field.name!r} is {field.type}"
            raise WorkflowError(text) from None
        return operand
    if field.type.is_temporal:
        return quoted(_moment(config.operands, now, field.type.name))
    return quoted(operand)


def _moment(operands: Operands, now: datetime.datetime, type_name: str) -> str:
    if operands.date_type == "today":
        return now.date().isoformat()
    if operands.date_type == "yesterday":
        return (now.date() - datetime.timedelta(days=1)).isoformat()
    if operands.date_type == "tomorrow":
        return (now.date() + datetime.timedelta(days=1)).isoformat()
    if operands.date_type != "fixed":
        raise WorkflowError(f"Configuration/Simple/Operands/DateType: {operands.date_type!r} is not known")
    try:
        kind = datetime.time if type_name == "Time" else datetime.datetime
        kind.fromisoformat(operands.operand)
    except ValueError:
        place = "Configuration/Simple/Operands/Operand"
        raise WorkflowError(f"{place}: {operands.operand!r} is not written as 2024-12-31 or 23:59:59") from None
    cut = operands.ignore_time and type_name != "Time"
    return operands.operand[:10] if cut else operands.operand


def _span(operands: Operands) -> tuple[str, str]:
    if operands.date_type != "fixed" or not (operands.start and operands.end):
        place = "Configuration/Simple/Operands"
        raise WorkflowError(f"{place}: a range of dates needs DateType fixed, StartDate and EndDate")
    width = 10 if operands.ignore_time else 19
    return operands.start[:width], operands.end[:width]


def quoted(text: str) -> str:
    """Write a text literal of the expression language; one with both kinds of quotes is put together from parts."""
    if '"' not in text:
        return f'"{text}"'
    if "'" not in text:
        return f"'{text}'"
    return " + '\"' + ".join(f'"{part}"' for part in text.split('"'))


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Type the condition; the schema stays."""
    schema = inputs.one("Input")
    _condition(config, schema, context)
    return {"True": schema, "False": schema}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """WHERE the condition holds, and WHERE it does not; null does not hold."""
    source = inputs.one("Input")
    decided = _condition(config, source.schema, context)

    def kept(condition: exp.Expr) -> Query:
        columns = [*source.columns, *source.hidden]
        return Query(select_from(columns, source.table).where(condition, copy=False), source.order, source.natural)

    told = holds(decided, context)
    other = holds(decided) if "True" in context.used else holds(decided, context)
    no = exp.Not(this=exp.Coalesce(this=exp.Paren(this=other), expressions=[exp.false()]))
    return {"True": kept(told), "False": kept(no)}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Filter.Filter",),
    inputs=(Input("Input"),),
    outputs=("True", "False"),
    parse=parse,
    bind=bind,
    build=build,
    shares="Input",
)
