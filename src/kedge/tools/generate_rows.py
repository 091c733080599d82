"""GenerateRows: count a field up, or otherwise on, as long as a condition holds; for every input row, or once."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.formula.functions import operators as op
from kedge.formula.functions.conversions import DECIMAL_TO_DOUBLE, INTEGER_TO_DOUBLE, WIDEN
from kedge.formula.translate import to_sql
from kedge.formula.typed import Apply, FieldRef, Literal, Typed, walk
from kedge.tools.contract import FEW, Built, Context, Input, Inputs, Order, OrderKey, Query, Source, Tool, column
from kedge.tools.expressions import compiled, condition, stored
from kedge.tools.generation import generation
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import call, number
from kedge.tools.target_field import parse_target_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.formula.types import DesignerType
    from kedge.tools.element import Element

CONVERSIONS = (WIDEN, INTEGER_TO_DOUBLE, DECIMAL_TO_DOUBLE)
BOUNDS = {
    op.AT_MOST: ("floor", 0, 1),
    op.LESS: ("ceil", -1, 1),
    op.AT_LEAST: ("ceil", 0, -1),
    op.GREATER: ("floor", 1, -1),
}


@dataclass(frozen=True)
class Config:
    """The field, its type where it is new, and the three expressions."""

    name: str
    type: DesignerType | None
    first: str
    condition: str
    step: str


def parse(xml: Element) -> Config:
    """Read the options."""
    options = Options(xml)
    name, type_ = parse_target_field(options, "Int32")
    config = Config(
        name,
        type_,
        options.text("Expression_Init"),
        options.text("Expression_Cond"),
        options.text("Expression_Loop"),
    )
    options.finish()
    return config


@dataclass(frozen=True)
class Generator:
    """The generated field and the typed expressions: its first value, whether it goes on, its next value."""

    field: Field
    first: Typed
    holds: Typed
    step: Typed


def _generator(config: Config, schema: Schema, context: Context) -> Generator:
    old = schema.find(config.name) if config.type else schema.need(config.name, "Configuration/UpdateField_Name")
    type_ = old.type if old else config.type
    assert type_ is not None
    field = Field(old.name if old else config.name, type_, "GenerateRows:")
    seen = schema.with_field(field)
    return Generator(
        field,
        compiled(config.first, schema, context, "Configuration/Expression_Init"),
        condition(config.condition, seen, context, "Configuration/Expression_Cond"),
        compiled(config.step, seen, context, "Configuration/Expression_Loop"),
    )


def _schema(inputs: Inputs[Schema]) -> Schema:
    return inputs.optional("Input") or Schema()


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Append the field, or change it."""
    schema = _schema(inputs)
    return {"Output": schema.with_field(_generator(config, schema, context).field)}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Built:
    """Counting whole numbers is one series; everything else runs step by step."""
    source = inputs.optional("Input")
    schema = source.schema if source else Schema()
    generator = _generator(config, schema, context)
    series = _series(generator, context)
    if series is None:
        return generation(generator.field, schema, (generator.first, generator.holds, generator.step), context)
    value = exp.alias_(exp.cast(call("unnest", series), generator.field.type.sql), generator.field.name, quoted=True)
    if source is None:
        query = _counted(generator.field, series)
        rows = _length(generator)
        return {"Output": query if rows is None else replace(query, rows=lambda _: rows, few=rows <= FEW)}
    return {"Output": _expanded(source, generator.field, value, series, context)}


def _length(generator: Generator) -> int | None:
    """Return how many rows a series has, where its ends are literals that the field's type holds as they are."""
    bound, step, first = _bound(generator), _constant_step(generator), _plain(generator.first)
    last = _plain(bound[0]) if bound else None
    if not (bound and step and isinstance(first, Literal) and isinstance(last, Literal)):
        return None
    most = 2**31 if generator.field.type.name in ("Int32", "Int64") else 2**8
    if not all(isinstance(value, int) and 0 <= value < most for value in (first.value, last.value)):
        return None
    assert isinstance(first.value, int)
    assert isinstance(last.value, int)
    end = last.value + bound[1][1]
    return max((end - first.value) // step + 1, 0)


def _counted(field: Field, series: exp.Anonymous) -> Query:
    """Return a series as a table of its own, which the engine yields piece by piece."""
    names = exp.TableAlias(this=exp.to_identifier("series"), columns=[exp.to_identifier("value")])
    table = exp.Table(this=series.copy(), alias=names)
    value = exp.alias_(exp.cast(exp.column("value"), field.type.sql), field.name, quoted=True)
    return Query(exp.select(value).from_(table), natural=True)


def _expanded(source: Source, field: Field, value: exp.Expr, series: exp.Expr, context: Context) -> Query:
    source = source.numbered(context.hidden(0))
    columns = [value if item.name == field.name else column(item.name) for item in source.schema]
    if field.name not in source.schema:
        columns.append(value)
    if not source.order:
        return source.select(columns)
    place = context.hidden(1)
    position = exp.alias_(call("generate_subscripts", series.copy(), number(1)), place, quoted=True)
    query = source.select([*columns, position])
    return Query(query.select, (*source.order, OrderKey(place)))


def _series(generator: Generator, context: Context) -> exp.Anonymous | None:
    """Return the list of values where an integer counts by a constant up to a bound that stays, else ``None``."""
    step = _constant_step(generator)
    bound = _bound(generator)
    if not generator.field.type.is_integer or step is None or bound is None:
        return None
    limit, (rounding, shift, direction) = bound
    if step * direction <= 0:
        return None
    first = exp.cast(stored(generator.first, generator.field.type, context, generator.field.name), "bigint")
    last = exp.cast(call(rounding, exp.cast(to_sql(limit), "double")), "bigint")
    end = exp.Add(this=last, expression=number(shift)) if shift else last
    return call("generate_series", first, end, number(step))


def _plain(node: Typed) -> Typed:
    while isinstance(node, Apply) and node.function in CONVERSIONS:
        node = node.arguments[0]
    return node


def _is_field(node: Typed, field: Field) -> bool:
    return isinstance(node, FieldRef) and node.name.casefold() == field.name.casefold()


def _constant_step(generator: Generator) -> int | None:
    step = generator.step
    if not isinstance(step, Apply) or step.function not in (op.ADD, op.SUBTRACT):
        return None
    left, right = (_plain(node) for node in step.arguments)
    if step.function is op.ADD and isinstance(left, Literal):
        left, right = right, left
    if not _is_field(left, generator.field) or not isinstance(right, Literal) or not isinstance(right.value, int):
        return None
    return right.value if step.function is op.ADD else -right.value


def _bound(generator: Generator) -> tuple[Typed, tuple[str, int, int]] | None:
    holds = generator.holds
    if not isinstance(holds, Apply) or holds.function not in BOUNDS:
        return None
    left, right = (_plain(node) for node in holds.arguments)
    if not _is_field(left, generator.field) or not right.type.is_numeric:
        return None
    if any(_is_field(node, generator.field) for node in walk(right)):
        return None
    return right, BOUNDS[holds.function]


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.GenerateRows.GenerateRows",),
    inputs=(Input("Input", Order.KEPT, optional=True),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
