"""JoinMultiple: several inputs side by side, by equal fields or by position."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.contract import Context, Input, Inputs, Order, OrderKey, Query, Source, Tool, column
from kedge.tools.join import parse_select_configuration
from kedge.tools.options import Options
from kedge.tools.pairing import comparable
from kedge.tools.schema import Field, Schema
from kedge.tools.selection import Candidate, Chosen, Selection, choose, project
from kedge.tools.sql import aliased, all_of, call, case, number, over, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.tools.element import Element

SHARED, PLACE = 200, 201
MOST = 16


@dataclass(frozen=True)
class Config:
    """By position or by the key fields of each connection; whether only complete matches go out; and what of them.

    ``cartesian`` says what happens where one key joins several records with several, to more than 16 in all.
    """

    by_position: bool
    inner: bool
    cartesian: str
    keys: Mapping[str, tuple[str, ...]]
    selection: Selection


def parse(xml: Element) -> Config:
    """Read the keys and the selection."""
    options = Options(xml)
    cartesian = options.choice("CartesianMode", {name: name for name in ("Allow", "Warn", "Error")}, "Allow")
    by_position = options.flag("JoinByRecPos", False)
    inner = options.flag("OutputJoinOnly", False)
    keys: dict[str, tuple[str, ...]] = {}
    for info in options.listed("JoinFields", "JoinInfo"):
        keys[info.attribute("connection")] = tuple(item.attribute("field") for item in info.each("Field"))
    if not by_position and (not keys or len({len(names) for names in keys.values()}) != 1):
        raise options.fault("JoinFields", "choose the same number of fields for every connection")
    config = Config(by_position, inner, cartesian, keys, parse_select_configuration(options))
    options.finish()
    return config


def _candidates(schemas: Sequence[tuple[str, Schema]]) -> list[Candidate]:
    """Name a field plainly where no earlier input has it, else with its input before it."""
    taken: set[str] = set()
    candidates: list[Candidate] = []
    for place, (connection, schema) in enumerate(schemas):
        for field in schema:
            full = f"Input_{connection}_{field.name}"
            plain = field.name.casefold() not in taken
            keys = (full, field.name) if plain else (full,)
            candidates.append(Candidate(field, keys, field.name if plain else full, column(field.name, f"i{place}")))
        taken.update(field.name.casefold() for field in schema)
    return candidates


def _chosen(config: Config, schemas: Sequence[tuple[str, Schema]], context: Context | None) -> list[Chosen]:
    warn = context.warn if context else lambda text: None
    return choose(config.selection, _candidates(schemas), warn)


def _key_fields(config: Config, connection: str, schema: Schema) -> list[Field]:
    place = f"Configuration/JoinFields/JoinInfo[@connection='{connection}']"
    return [schema.need(name, place) for name in config.keys.get(connection, ())]


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Check the keys against those of the first input; the selected fields go out."""
    schemas = list(zip(inputs.names["Input"], inputs.many("Input"), strict=True))
    if not config.by_position:
        first = _key_fields(config, *schemas[0])
        for connection, schema in schemas[1:]:
            for left, right in zip(first, _key_fields(config, connection, schema), strict=True):
                comparable(left, right, f"Configuration/JoinFields/JoinInfo[@connection='{connection}']")
    return {"Output": Schema(tuple(item.field for item in _chosen(config, schemas, context)))}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """A chain of full outer (or inner) joins on the coalesced keys; ordered by input order."""
    named = list(zip(inputs.names["Input"], inputs.many("Input"), strict=True))
    ranks = [context.hidden(place) for place in range(len(named))]
    names = [
        [rank] if config.by_position else [field.name for field in _key_fields(config, connection, source.schema)]
        for rank, (connection, source) in zip(ranks, named, strict=True)
    ]
    keys = [[column(name, f"i{place}") for name in listed] for place, listed in enumerate(names)]
    checked = not config.by_position and config.cartesian != "Allow"
    relations = [
        _ranked(source, rank, listed if checked else [], context)
        for (_, source), rank, listed in zip(named, ranks, names, strict=True)
    ]
    schemas = [(connection, source.schema) for connection, source in named]
    projections = project(_chosen(config, schemas, None), config.selection, context)
    ordinals = [
        exp.alias_(column(rank, f"i{place}"), context.hidden(100 + place), quoted=True)
        for place, rank in enumerate(ranks)
    ]
    select = exp.select(*projections, *ordinals).from_(relations[0].subquery("i0"))
    for place in range(1, len(named)):
        known = [_first([side[number] for side in keys[:place]]) for number in range(len(keys[0]))]
        condition = all_of(
            [exp.EQ(this=left, expression=right.copy()) for left, right in zip(known, keys[place], strict=True)]
        )
        kind = "inner" if config.inner else "full"
        select = select.join(relations[place].subquery(f"i{place}"), on=condition, join_type=kind)
    if checked:
        select = select.where(_not_cartesian(config, len(named), context))
    return {
        "Output": Query(
            select,
            tuple(OrderKey(context.hidden(100 + place), nulls_first=False) for place in range(len(named))),
            grows=config.cartesian == "Allow",
        )
    }


def _ranked(source: Source, rank: str, keys: Sequence[str], context: Context) -> exp.Select:
    """Number the records in order; with ``keys``, also count those that share them, and number them."""
    columns = [*source.columns, exp.alias_(over(exp.RowNumber(), (), source.ordering), rank, quoted=True)]
    if keys:
        same = [column(key) for key in keys]
        columns += aliased(
            [
                (over(exp.Count(this=exp.Star()), same), context.hidden(SHARED)),
                (over(exp.RowNumber(), same), context.hidden(PLACE)),
            ]
        )
    return exp.select(*columns).from_(source.table)


def _not_cartesian(config: Config, inputs: int, context: Context) -> exp.Expr:
    """Return TRUE, and fail or tell on the way where a key joins several records with several, to too many."""
    shared = [column(context.hidden(SHARED), f"i{place}") for place in range(inputs)]
    counts: list[exp.Expr] = [call("coalesce", count, number(1)) for count in shared]
    total = reduce(lambda left, right: exp.Mul(this=left, expression=right.copy()), counts)
    ones_and_twos = exp.Array(expressions=[call("least", count.copy(), number(2)) for count in counts])
    several = exp.GT(this=call("list_sum", ones_and_twos), expression=number(inputs + 1))
    many = all_of([exp.GT(this=total, expression=number(MOST)), several])
    message = call("concat", text("a key joins several records with several, to "), total.copy(), text(" in all"))
    if config.cartesian == "Error":
        advice = text("; choose Allow if this is meant (Configuration/CartesianMode)")
        return case([(many, exp.cast(call("error", call("concat", message, advice)), "boolean"))], exp.true())
    places = [call("coalesce", column(context.hidden(PLACE), f"i{place}"), number(1)) for place in range(inputs)]
    once = all_of([exp.EQ(this=place, expression=number(1)) for place in places])
    noted = call("kedge_note", number(context.tool_id), message, text("true"))
    return case([(exp.and_(many, once), exp.cast(noted, "boolean"))], exp.true())


def _first(values: Sequence[exp.Expr]) -> exp.Expr:
    return values[0].copy() if len(values) == 1 else call("coalesce", *[value.copy() for value in values])


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.JoinMultiple.JoinMultiple",),
    inputs=(Input("Input", Order.USED, multiple=True),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
