"""SelectRecords: records by their positions."""

from __future__ import annotations

__all__ = ["TOOL"]

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.tools.contract import Context, Input, Inputs, Order, Query, Source, Tool, column
from kedge.tools.options import macro_values
from kedge.tools.sql import any_of, number, over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element
    from kedge.tools.schema import Schema

RANGE = re.compile(r"(?P<first>\d+)?\s*(?P<kind>[-+])?\s*(?P<last>\d+)?")


@dataclass(frozen=True)
class Config:
    """Positions from 1, both ends included; no last position means to the end."""

    ranges: tuple[tuple[int, int | None], ...]


def parse(xml: Element) -> Config:
    """Read the macro's question ``Ranges``."""
    values = macro_values(xml, ("Ranges",))
    if "Ranges" not in values:
        raise WorkflowError("Configuration/Value[@name='Ranges']: this value is missing")
    texts = [part.strip() for part in re.split(r"[,\n]", values["Ranges"]) if part.strip()]
    return Config(tuple(parse_range(part) for part in texts))


def parse_range(part: str) -> tuple[int, int | None]:
    """Read ``7``, ``2-3``, ``2+`` (and all after) or ``-100`` (the first hundred)."""
    found = RANGE.fullmatch(part)
    first, kind, last = found.group("first", "kind", "last") if found else (None, None, None)
    if first and not kind and not last:
        return int(first), int(first)
    if first and kind == "+" and not last:
        return int(first), None
    if kind == "-" and last:
        return int(first or 1), int(last)
    raise WorkflowError(f"Configuration/Value[@name='Ranges']: {part!r} is no range; write 7, 2-3, 2+ or -100")


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """The schema stays."""
    return {"Output": inputs.one("Input")}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Number the records and filter by the number."""
    source = inputs.one("Input").numbered(context.hidden(0))
    rank = context.hidden(1)
    ranked = exp.alias_(over(exp.RowNumber(), (), source.ordering), rank, quoted=True)
    inner = source.select([*source.columns, ranked]).select.subquery("ranked")
    keep = any_of([_within(column(rank), *pair) for pair in config.ranges])
    return {"Output": Query(exp.select(*source.columns, *source.hidden).from_(inner).where(keep), source.order)}


def _within(rank: exp.Expr, first: int, last: int | None) -> exp.Expr:
    if last is None:
        return exp.GTE(this=rank, expression=number(first))
    return exp.Between(this=rank, low=number(first), high=number(last))


TOOL = Tool(
    plugins=("SelectRecords.yxmc",),
    inputs=(Input("Input", Order.USED),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
