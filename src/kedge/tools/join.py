"""Join: records of two inputs side by side, by equal fields or by position, and those that have no partner."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.contract import Context, Input, Inputs, Order, OrderKey, Query, Source, Tool, column
from kedge.tools.options import Options
from kedge.tools.pairing import both_orders, comparable, paired_candidates
from kedge.tools.schema import Schema
from kedge.tools.selection import Chosen, Selection, choose, parse_selection, project
from kedge.tools.sql import all_of, over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.tools.element import Element

SIDES = ("Left", "Right")
PREFIXES = ("Left_", "Right_")


@dataclass(frozen=True)
class Config:
    """Key fields of both sides, or by position; and what of a pair goes out."""

    by_position: bool
    keys: tuple[tuple[str, str], ...]
    selection: Selection


def parse(xml: Element) -> Config:
    """Read the keys and the selection."""
    options = Options(xml)
    by_position = options.switch("joinByRecordPos", False)
    names: dict[str, list[str]] = {side: [] for side in SIDES}
    for info in options.each("JoinInfo"):
        side = info.attribute("connection")
        if side not in names:
            raise info.fault("@connection", f"{side!r} is neither Left nor Right")
        names[side] = [item.attribute("field") for item in info.each("Field")]
    if len(names["Left"]) != len(names["Right"]) or not (by_position or names["Left"]):
        raise options.fault("JoinInfo", "choose the same number of fields, at least one, for Left and Right")
    selection = parse_select_configuration(options)
    options.finish()
    return Config(by_position, tuple(zip(names["Left"], names["Right"], strict=True)), selection)


def parse_select_configuration(options: Options) -> Selection:
    """Read the ``SelectConfiguration`` that tools with two inputs carry; everything is selected where it is absent."""
    outer = options.child("SelectConfiguration")
    inner = outer.child("Configuration") if outer else None
    if inner is None:
        return Selection()
    inner.ignore_attributes("outputConnection")
    return parse_selection(inner)


def _chosen(config: Config, left: Schema, right: Schema, context: Context | None) -> list[Chosen]:
    warn = context.warn if context else lambda text: None
    return choose(config.selection, paired_candidates(left, right, PREFIXES), warn)


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Check the keys; pairs have the selected fields, the rest their own."""
    left, right = inputs.one("Left"), inputs.one("Right")
    for number, (left_name, right_name) in enumerate(() if config.by_position else config.keys, 1):
        place = f"Configuration/JoinInfo/Field[{number}]/@field"
        comparable(left.need(left_name, f"{place} (Left)"), right.need(right_name, f"{place} (Right)"), place)
    joined = Schema(tuple(item.field for item in _chosen(config, left, right, context)))
    return {"Left": left, "Join": joined, "Right": right}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """An inner join and two anti joins."""
    left, right = inputs.one("Left"), inputs.one("Right")
    if config.by_position:
        return _zip(config, left, right, context)
    left, right = left.numbered(context.hidden(0)), right.numbered(context.hidden(1))
    keys = [
        (left.schema.need(left_name, "").name, right.schema.need(right_name, "").name)
        for left_name, right_name in config.keys
    ]
    equal = exp.NullSafeEQ if context.settings.null_keys_match else exp.EQ
    condition = all_of([equal(this=column(a, "l"), expression=column(b, "r")) for a, b in keys])
    return {
        "Left": _alone(left, right, ("l", "r"), condition),
        "Join": _pairs(config, left, right, keys, condition, context),
        "Right": _alone(right, left, ("r", "l"), condition),
    }


def _alone(source: Source, other: Source, names: tuple[str, str], condition: exp.Expr) -> Query:
    columns = [column(field.name, names[0]) for field in source.schema]
    hidden = [column(key.column, names[0]) for key in source.order]
    select = exp.select(*columns, *hidden).from_(source.named(names[0]))
    return Query(select.join(other.named(names[1]), on=condition.copy(), join_type="anti"), source.order)


def _pairs(
    config: Config,
    left: Source,
    right: Source,
    keys: Sequence[tuple[str, str]],
    condition: exp.Expr,
    context: Context,
) -> Query:
    """Order pairs by key, then left, then right, as the classic engine has them; under AMP by left, then right."""
    order = [] if context.amp else [OrderKey(context.hidden(2 + place)) for place in range(len(keys))]
    hidden = [
        exp.alias_(column(name, "l"), key.column, quoted=True) for (name, _), key in zip(keys, order, strict=False)
    ]
    carried, carried_order = both_orders(left, right, context)
    projections = project(_chosen(config, left.schema, right.schema, None), config.selection, context)
    select = exp.select(*projections, *hidden, *carried).from_(left.named("l"))
    joined = select.join(right.named("r"), on=condition.copy(), join_type="inner")
    return Query(joined, (*order, *carried_order), grows=True)


def _zip(config: Config, left: Source, right: Source, context: Context) -> Mapping[str, Query]:
    rank = context.hidden(0)
    sides = {
        name: exp.select(*source.columns, exp.alias_(over(exp.RowNumber(), (), source.ordering), rank, quoted=True))
        .from_(source.table)
        .subquery(name)
        for name, source in (("l", left), ("r", right))
    }
    condition = exp.EQ(this=column(rank, "l"), expression=column(rank, "r"))
    order = (OrderKey(rank),)

    def alone(name: str, other: str, source: Source) -> Query:
        columns = [column(field.name, name) for field in source.schema]
        select = exp.select(*columns, column(rank, name)).from_(sides[name].copy())
        select = select.join(sides[other].copy(), on=condition.copy(), join_type="anti")
        own, others = SIDES if name == "l" else SIDES[::-1]
        return Query(select, order, rows=lambda rows: max(rows.one(own) - rows.one(others), 0))

    projections = project(_chosen(config, left.schema, right.schema, None), config.selection, context)
    pairs = exp.select(*projections, column(rank, "l")).from_(sides["l"].copy())
    both = pairs.join(sides["r"].copy(), on=condition.copy(), join_type="inner")
    return {
        "Left": alone("l", "r", left),
        "Join": Query(both, order, rows=lambda rows: min(rows.one("Left"), rows.one("Right"))),
        "Right": alone("r", "l", right),
    }


def _order(config: Config) -> Mapping[str, Order]:
    return dict.fromkeys(SIDES, Order.USED if config.by_position else Order.KEPT)


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Join.Join",),
    inputs=(Input("Left"), Input("Right")),
    outputs=("Left", "Join", "Right"),
    parse=parse,
    bind=bind,
    build=build,
    order=_order,
)
