"""BlockUntilDone: the same records on three anchors."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool
from kedge.tools.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element
    from kedge.tools.schema import Schema

ANCHORS = ("Output", "Output2", "Output3")


@dataclass(frozen=True)
class Config:
    """Nothing: there is nothing to configure."""


def parse(xml: Element) -> Config:
    """Accept an empty configuration."""
    Options(xml).finish()
    return Config()


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """The schema stays."""
    return dict.fromkeys(ANCHORS, inputs.one("Input"))


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Pass the records on."""
    return dict.fromkeys(ANCHORS, replace(inputs.one("Input").select(), same_count="Input"))


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.BlockUntilDone.BlockUntilDone",),
    inputs=(Input("Input"),),
    outputs=ANCHORS,
    parse=parse,
    bind=bind,
    build=build,
)
