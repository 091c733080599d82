"""Sample: the first, last or other records, of everything or of each group."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.contract import Context, Input, Inputs, Order, Query, Source, Tool, column
from kedge.tools.options import Options
from kedge.tools.sql import call, number, over

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kedge.tools.element import Element
    from kedge.tools.schema import Schema

MODES = ("First", "Last", "Skip", "Sample", "Random", "NPercent")


@dataclass(frozen=True)
class Config:
    """Mode, its number, and the fields to group by."""

    mode: str
    count: int
    groups: tuple[str, ...]


def parse(xml: Element) -> Config:
    """Read ``Mode``, ``N`` and ``GroupFields``."""
    options = Options(xml)
    mode = options.choice("Mode", {name: name for name in MODES})
    count = options.integer("N")
    if count < 0 or (count == 0 and mode in ("Sample", "Random")):
        raise options.fault("N", f"{count} makes no sense with the mode {mode}")
    groups = tuple(item.attribute("name") for item in options.listed("GroupFields", "Field"))
    options.finish()
    return Config(mode, count, groups)


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Check the group fields; the schema stays."""
    schema = inputs.one("Input")
    for name in config.groups:
        schema.need(name, "Configuration/GroupFields/Field/@name")
    return {"Output": schema}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Number the records of each group in order and filter by the number."""
    source = inputs.one("Input")
    if config.mode == "First" and not config.groups:
        return {"Output": replace(_head(source, config.count), rows=_known(config))}
    source = source.numbered(context.hidden(0))
    groups = [column(source.schema.need(name, "Configuration/GroupFields").name) for name in config.groups]
    rank, total = context.hidden(1), context.hidden(2)
    inner = source.select(
        [
            *source.columns,
            exp.alias_(over(exp.RowNumber(), groups, source.ordering), rank, quoted=True),
            exp.alias_(over(exp.Count(this=exp.Star()), groups), total, quoted=True),
        ]
    )
    keep = CONDITIONS[config.mode](column(rank), column(total), config.count)
    outer = exp.select(*source.columns, *source.hidden).from_(inner.select.subquery("ranked")).where(keep)
    return {"Output": Query(outer, source.order, rows=_known(config))}


def _known(config: Config) -> Callable[[Inputs[int]], int] | None:
    """Say how many records are left of so many, where there are no groups."""
    if config.groups or config.mode not in KNOWN:
        return None
    return lambda rows: KNOWN[config.mode](rows.one("Input"), config.count)


def _head(source: Source, count: int) -> Query:
    query = source.select()
    select = query.select
    if source.order:
        select = select.order_by(*source.ordering)
    return replace(query, select=select.limit(count))


def _random(rank: exp.Expr, _: exp.Expr, count: int) -> exp.Expr:
    """Choose one in ``count`` by a hash of the position, so that two runs choose the same."""
    return exp.EQ(this=exp.Mod(this=exp.paren(call("hash", rank)), expression=number(count)), expression=number(0))


CONDITIONS: Mapping[str, Callable[[exp.Expr, exp.Expr, int], exp.Expr]] = {
    "First": lambda rank, total, n: exp.LTE(this=rank, expression=number(n)),
    "Last": lambda rank, total, n: exp.GT(this=rank, expression=exp.Sub(this=total, expression=number(n))),
    "Skip": lambda rank, total, n: exp.GT(this=rank, expression=number(n)),
    "Sample": lambda rank, total, n: exp.EQ(
        this=exp.Mod(this=exp.paren(exp.Sub(this=rank, expression=number(1))), expression=number(n)),
        expression=number(0),
    ),
    "Random": _random,
    "NPercent": lambda rank, total, n: exp.LTE(
        this=rank,
        expression=call("ceil", exp.Div(this=exp.Mul(this=total, expression=number(float(n))), expression=number(100))),
    ),
}

KNOWN: Mapping[str, Callable[[int, int], int]] = {
    "First": lambda total, n: min(total, n),
    "Last": lambda total, n: min(total, n),
    "Skip": lambda total, n: max(total - n, 0),
    "Sample": lambda total, n: -(-total // n),
}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Sample.Sample",),
    inputs=(Input("Input", Order.USED),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
