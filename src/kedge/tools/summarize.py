"""Summarize: group records and aggregate."""

from __future__ import annotations

__all__ = ["TOOL", "aggregate", "ordered_aggregate", "unescape"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import DOUBLE, INT64, V_STRING, V_WSTRING, DesignerType
from kedge.tools.contract import Context, Input, Inputs, Order, OrderKey, Query, Source, Tool, column
from kedge.tools.conversion import Converter
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import NULL, any_of, call, case, is_null, not_null, number, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kedge.tools.element import Element

GROUP = "GroupBy"
ORDERED = frozenset({"First", "Last", "Concat", "Longest", "Shortest", "Mode"})
COUNTS = frozenset(
    {
        "Count",
        "CountNonNull",
        "CountNull",
        "CountDistinct",
        "CountDistinctNonNull",
        "CountBlank",
        "CountNonBlank",
    }
)
DOUBLES = frozenset({"Avg", "Median", "StdDev", "Variance", "Percentile"})
KEPT = frozenset({GROUP, "Min", "Max", "First", "Last", "Mode", "Longest", "Shortest"})
ACTIONS = COUNTS | DOUBLES | KEPT | {"Sum", "Concat"}
ESCAPES = (("\\r\\n", "\r\n"), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ("\\s", " "))


@dataclass(frozen=True)
class Action:
    """One output field: what is done with which field, and its name; the rest belongs to Concat and Percentile."""

    field: str
    action: str
    name: str
    start: str = ""
    separator: str = ","
    end: str = ""
    percentile: float = 50.0


@dataclass(frozen=True)
class Config:
    """The output fields in order."""

    actions: tuple[Action, ...]


def parse(xml: Element) -> Config:
    """Read ``SummarizeFields``."""
    options = Options(xml)
    actions: list[Action] = []
    for item in options.section("SummarizeFields").each("SummarizeField"):
        field, action = item.attribute("field"), item.attribute("action")
        if action not in ACTIONS:
            raise item.fault("@action", f"{action!r} is not supported; supported are {', '.join(sorted(ACTIONS))}")
        name = item.attribute("rename", "") or (field if action == GROUP else f"{action}_{field}")
        start, separator, end = (unescape(item.text(part, default)) for part, default in _CONCAT_PARTS)
        item.ignore("Options")
        actions.append(Action(field, action, name, start, separator, end, _percentile(item)))
    if not actions:
        raise options.fault("SummarizeFields", "choose at least one field")
    options.finish()
    return Config(tuple(actions))


def _percentile(item: Options) -> float:
    text = item.value("Percentile", "50").strip() or "50"
    try:
        found = float(text)
    except ValueError:
        raise item.fault("Percentile", f"{text!r} is not a number") from None
    if not 0 <= found <= 100:
        raise item.fault("Percentile", f"{text} is not between 0 and 100")
    return found


_CONCAT_PARTS = (("Concat_Start", ""), ("Separator", ","), ("Concat_End", ""))


def unescape(separator: str) -> str:
    r"""Turn the escapes ``\n``, ``\r\n``, ``\t`` and ``\s`` of a separator into characters."""
    for escape, character in ESCAPES:
        separator = separator.replace(escape, character)
    return separator


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Type every output field."""
    schema = inputs.one("Input")
    fields: list[Field] = []
    for number_, action in enumerate(config.actions, 1):
        place = f"Configuration/SummarizeFields/SummarizeField[{number_}]/@field"
        field = schema.need(action.field, place)
        fields.append(
            Field(action.name, result_type(action.action, field.type, place), field.source, field.description)
        )
    return {"Output": Schema.of(fields)}


def result_type(action: str, type_: DesignerType, place: str) -> DesignerType:
    """Return the type of an aggregate over fields of a type."""
    if action in COUNTS:
        return INT64
    if action in KEPT:
        return type_
    if action == "Concat":
        return V_WSTRING if type_.is_wide else V_STRING
    if not (type_.is_numeric or type_.is_bool or type_.is_string):
        raise WorkflowError(f"{place}: {action} needs numbers, the field is {type_}")
    if action in DOUBLES or type_.is_string or type_.name in ("Float", "Double"):
        return DOUBLE
    return type_ if type_.name == "FixedDecimal" else INT64


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Emit one GROUP BY; its rows are ordered by the group keys."""
    source = inputs.one("Input")
    if any(action.action in ORDERED for action in config.actions):
        source = source.numbered(context.hidden(0))
    schema = bind(config, Inputs({"Input": [source.schema]}), context)["Output"]
    groups = [column(source.schema.need(item.field, "").name) for item in config.actions if item.action == GROUP]
    projections = [
        exp.alias_(exp.cast(_value(action, source, context), field.type.sql), field.name, quoted=True)
        for action, field in zip(config.actions, schema, strict=True)
    ]
    keys = [OrderKey(context.hidden(place), False, context.settings.nulls_first) for place in range(1, len(groups) + 1)]
    hidden = [exp.alias_(group.copy(), key.column, quoted=True) for group, key in zip(groups, keys, strict=True)]
    select = exp.select(*projections, *hidden).from_(source.table)
    if groups:
        select = select.group_by(*groups)
    elif not context.settings.summarize_empty_gives_row:
        select = select.having(exp.GT(this=exp.Count(this=exp.Star()), expression=number(0)))
    one = not groups and context.settings.summarize_empty_gives_row
    return {"Output": Query(select, tuple(keys), natural=not groups, rows=(lambda _: 1) if one else None)}


def _value(action: Action, source: Source, context: Context) -> exp.Expr:
    field = source.schema.need(action.field, "")
    value: exp.Expr = column(field.name)
    if action.action == GROUP:
        return value
    if action.action == "Concat":
        value = Converter(context.tool_id).as_text(value, field.type)
        return _concat(action, value, source.ordering)
    if action.action in ORDERED:
        return _pick(action.action, value, Converter(context.tool_id).as_text(value, field.type), source.ordering)
    if action.action in DOUBLES | {"Sum"} and (field.type.is_string or field.type.is_bool):
        value = Converter(context.tool_id).convert(value, field.type, DOUBLE, field.name)
    return aggregate(action.action, value, field.type, action.percentile)


def aggregate(action: str, value: exp.Expr, type_: DesignerType, percentile: float = 50.0) -> exp.Expr:
    """Return an aggregate that does not depend on the order of records.

    Sums and averages of floating point numbers are compensated, so that they do not depend on how the work was split.
    """
    exact = type_.is_integer or type_.name == "FixedDecimal"
    simple: Mapping[str, Callable[[], exp.Expr]] = {
        "Count": lambda: exp.Count(this=exp.Star()),
        "CountNonNull": lambda: exp.Count(this=value),
        "CountNull": lambda: _count_where(is_null(value)),
        "CountDistinct": lambda: exp.Add(
            this=exp.Count(this=exp.Distinct(expressions=[value])),
            expression=call("max", case([(is_null(value), number(1))], number(0))),
        ),
        "CountDistinctNonNull": lambda: exp.Count(this=exp.Distinct(expressions=[value])),
        "CountBlank": lambda: _count_where(_is_blank(value, type_)),
        "CountNonBlank": lambda: _count_where(exp.Not(this=exp.paren(_is_blank(value, type_)))),
        "Sum": lambda: call("sum" if exact else "fsum", value),
        "Avg": lambda: call("avg" if exact else "favg", value),
        "Min": lambda: call("min", value),
        "Max": lambda: call("max", value),
        "Median": lambda: call("quantile_cont", exp.cast(value, "double"), number(0.5)),
        "StdDev": lambda: call("stddev_samp", value),
        "Variance": lambda: call("var_samp", value),
        "Percentile": lambda: call("quantile_cont", exp.cast(value, "double"), number(percentile / 100)),
    }
    return simple[action]()


def _count_where(condition: exp.Expr) -> exp.Expr:
    return call("count_if", condition)


def _is_blank(value: exp.Expr, type_: DesignerType) -> exp.Expr:
    if not type_.is_string:
        return is_null(value)
    return any_of([is_null(value), exp.EQ(this=value.copy(), expression=text(""))])


def _concat(action: Action, value: exp.Expr, ordering: Sequence[exp.Expr]) -> exp.Expr:
    joined = ordered_aggregate("string_agg", [value, text(action.separator)], ordering)
    if not action.start and not action.end:
        return joined
    whole = call("concat", text(action.start), joined, text(action.end))
    return case([(is_null(joined), NULL.copy())], whole)


def _pick(action: str, value: exp.Expr, written: exp.Expr, ordering: Sequence[exp.Expr]) -> exp.Expr:
    if action == "Mode":
        return ordered_aggregate("mode", [value], ordering)
    if action == "Last":
        return ordered_aggregate("last", [value], ordering)
    if action == "First":
        return ordered_aggregate("first", [value], ordering)
    length = exp.Ordered(this=call("length", written.copy()), desc=action == "Longest", nulls_first=False)
    picked = ordered_aggregate("first", [value], [length, *ordering])
    return exp.Filter(this=picked, expression=exp.Where(this=not_null(value)))


def ordered_aggregate(function: str, arguments: Sequence[exp.Expr], ordering: Sequence[exp.Expr]) -> exp.Expr:
    """Return an aggregate over values in the order of their records; the order hangs on the last argument."""
    *rest, last = [item.copy() for item in arguments]
    if not ordering:
        return call(function, *rest, last)
    terms = [item.copy() for item in ordering]
    return call(function, *rest, exp.Order(this=last, expressions=terms))


def _order(config: Config) -> Mapping[str, Order]:
    used = any(action.action in ORDERED for action in config.actions)
    return {"Input": Order.USED if used else Order.LOST}


TOOL = Tool(
    plugins=("AlteryxSpatialPluginsGui.Summarize.Summarize",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    order=_order,
)
