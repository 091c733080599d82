"""CountRecords: the number of records, also of none."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.formula.types import INT64
from kedge.tools.contract import Context, Input, Inputs, Order, Query, Source, Tool
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element


@dataclass(frozen=True)
class Config:
    """Nothing: there is nothing to configure."""


def parse(xml: Element) -> Config:
    """Accept an empty configuration."""
    Options(xml).finish()
    return Config()


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """One field, ``Count``."""
    return {"Output9": Schema((Field("Count", INT64),))}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Count."""
    count = exp.alias_(exp.Count(this=exp.Star()), "Count", quoted=True)
    return {"Output9": Query(exp.select(count).from_(inputs.one("Input8").table), natural=True, rows=lambda _: 1)}


TOOL = Tool(
    plugins=("CountRecords.yxmc",),
    inputs=(Input("Input8", Order.LOST),),
    outputs=("Output9",),
    parse=parse,
    bind=bind,
    build=build,
)
