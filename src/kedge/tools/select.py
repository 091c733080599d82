"""AlteryxSelect: choose, rename, retype and reorder fields."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool
from kedge.tools.options import Options
from kedge.tools.schema import Schema
from kedge.tools.selection import Chosen, Selection, choose, parse_selection, plain_candidates, project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element


@dataclass(frozen=True)
class Config:
    """The selection."""

    selection: Selection


def parse(xml: Element) -> Config:
    """Read the selection."""
    options = Options(xml)
    options.ignore("LastLoadedFile")
    config = Config(parse_selection(options))
    options.finish()
    return config


def _chosen(config: Config, schema: Schema, context: Context | None) -> list[Chosen]:
    warn = context.warn if context else lambda text: None
    return choose(config.selection, plain_candidates(schema), warn)


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Say the selected fields."""
    return {"Output": Schema(tuple(item.field for item in _chosen(config, inputs.one("Input"), context)))}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Project."""
    source = inputs.one("Input")
    query = source.select(project(_chosen(config, source.schema, None), config.selection, context))
    return {"Output": replace(query, same_count="Input")}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.AlteryxSelect.AlteryxSelect",),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
