"""BrowseV2: keeps what arrives for the run report."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kedge.tools.contract import Context, Input, Inputs, Order, Tool
from kedge.tools.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element
    from kedge.tools.schema import Schema


@dataclass(frozen=True)
class Config:
    """Nothing: how a browse window looks has no bearing on a run."""


def parse(xml: Element) -> Config:
    """Accept the options of the window."""
    options = Options(xml)
    options.ignore("TempFile", "TempFileDataProfiling", "Layout", "ViewMode")
    options.finish()
    return Config()


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """A browse has no output anchor."""
    return {}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.BrowseV2.BrowseV2",),
    inputs=(Input("Input", Order.USED),),
    outputs=(),
    parse=parse,
    bind=bind,
    sink=True,
)
