"""MultiRowFormula: a field computed from the rows around each row, and from its own value in the rows before."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.formula.typed import FieldRef, Typed, walk
from kedge.tools.contract import Built, Context, Input, Inputs, Order, Query, Source, Tool, column
from kedge.tools.expressions import compiled, stored
from kedge.tools.options import Options
from kedge.tools.recurrence import recurrence
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import call, number, over, text
from kedge.tools.target_field import parse_target_field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.formula.folding import Edges
    from kedge.formula.types import DesignerType
    from kedge.tools.element import Element

OTHER_ROWS: dict[str, Edges] = {"Empty": "Empty", "NULL": "NULL", "Null": "NULL", "Nearest": "Nearest"}


@dataclass(frozen=True)
class Config:
    """The field, whether it is new and of which type, what rows beyond the edges hold, groups."""

    name: str
    type: DesignerType | None
    other_rows: Edges
    expression: str
    groups: tuple[str, ...]


def parse(xml: Element) -> Config:
    """Read the options."""
    options = Options(xml)
    options.integer("NumRows", 1, least=0)  # how far Designer's form looks; an expression may look farther
    name, type_ = parse_target_field(options, "Double")
    config = Config(
        name,
        type_,
        options.choice("OtherRows", OTHER_ROWS, "Empty"),
        options.text("Expression"),
        tuple(item.attribute("field") for item in options.listed("GroupByFields", "Field")),
    )
    options.finish()
    return config


@dataclass(frozen=True)
class _Bound:
    """The computed field, the schema that the expression sees, the typed expression."""

    field: Field
    seen: Schema
    value: Typed

    @property
    def is_recurrent(self) -> bool:
        """Whether the expression looks at the computed field in other rows."""
        return any(
            isinstance(node, FieldRef) and node.offset and node.name.casefold() == self.field.name.casefold()
            for node in walk(self.value)
        )


def _bound(config: Config, schema: Schema, context: Context) -> _Bound:
    old = schema.find(config.name)
    if config.type is None:
        old = schema.need(config.name, "Configuration/UpdateField_Name")
    source = f"MultiRowFormula: {config.expression}"
    field = (
        Field(old.name, old.type, source)
        if old
        else Field(config.name, config.type or schema.need(config.name, "").type, source)
    )
    seen = schema.with_field(field)
    for name in config.groups:
        schema.need(name, "Configuration/GroupByFields/Field/@field")
    return _Bound(field, seen, compiled(config.expression, seen, context, "Configuration/Expression", rows=True))


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Change the field, or append it."""
    schema = inputs.one("Input")
    return {"Output": schema.with_field(_bound(config, schema, context).field)}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Built:
    """Look at other rows with LAG and LEAD; a recurrence runs row by row."""
    source = inputs.one("Input")
    bound = _bound(config, source.schema, context)
    if bound.is_recurrent or (bound.field.name not in source.schema and _reads(bound)):
        return recurrence(config.groups, config.other_rows, bound.field, source.schema, bound.value, context)
    source = source.numbered(context.hidden(0))
    groups = [column(source.schema.need(name, "").name) for name in config.groups]

    def resolve(ref: FieldRef) -> exp.Expr:
        return _other_row(ref, source, groups, config.other_rows) if ref.offset else column(ref.name)

    value = stored(bound.value, bound.field.type, context, bound.field.name, resolve)
    new = exp.alias_(value, bound.field.name, quoted=True)
    columns = [new if field.name == bound.field.name else column(field.name) for field in source.schema]
    if bound.field.name not in source.schema:
        columns.append(new)
    query = source.select(columns)
    return {"Output": Query(query.select, query.order, same_count="Input")}


def _reads(bound: _Bound) -> bool:
    return any(isinstance(node, FieldRef) and node.name == bound.field.name for node in walk(bound.value))


def _other_row(ref: FieldRef, source: Source, groups: Sequence[exp.Expr], other_rows: Edges) -> exp.Expr:
    """Return the field of the row ``offset`` away; beyond the group's edges what ``other_rows`` says."""
    value = column(ref.name)
    shift = call("lag" if ref.offset < 0 else "lead", value, number(abs(ref.offset)))
    shifted = over(shift, groups, source.ordering)
    if other_rows == "NULL":
        return shifted
    position = over(exp.RowNumber(), groups, source.ordering)
    beyond: exp.Expr = exp.LTE(this=position, expression=number(-ref.offset))
    if ref.offset > 0:
        total = over(exp.Count(this=exp.Star()), groups)
        beyond = exp.GT(this=position, expression=exp.Sub(this=total, expression=number(ref.offset)))
    return exp.case().when(beyond, _beyond(ref, value, source, groups, other_rows)).else_(shifted)


def _beyond(ref: FieldRef, value: exp.Expr, source: Source, groups: Sequence[exp.Expr], other_rows: Edges) -> exp.Expr:
    if other_rows == "Nearest":
        edge = call("first_value" if ref.offset < 0 else "last_value", value.copy())
        frame = exp.WindowSpec(
            kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="UNBOUNDED", end_side="FOLLOWING"
        )
        return over(edge, groups, source.ordering, frame)
    return empty_value(ref.type)


def empty_value(type_: DesignerType) -> exp.Expr:
    """Return what a row that is not there holds: 0, an empty text, or null for dates."""
    if type_.is_string:
        return text("")
    if type_.is_bool:
        return exp.false()
    return exp.cast(number(0), type_.sql) if type_.is_numeric else exp.Null()


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.MultiRowFormula.MultiRowFormula",),
    inputs=(Input("Input", Order.USED),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
