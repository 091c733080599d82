"""The types of tools that there is a scaffold for."""

from __future__ import annotations

__all__ = ["DEFAULT_TOOL_TYPE", "TOOL_TYPES", "ToolType", "tool_type"]

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import UsageError
from kedge.workspace.project import AnchorDescription

if TYPE_CHECKING:
    from collections.abc import Mapping

_ANCHOR = AnchorDescription()


class ToolType(NamedTuple):
    """A type of tool, by its anchors; ``example`` says what the scaffold's code does."""

    name: str
    example: str
    inputs: Mapping[str, AnchorDescription]
    outputs: Mapping[str, AnchorDescription]

    @property
    def writes_output_data(self) -> bool:
        """Whether it writes its records elsewhere than to an anchor."""
        return not self.outputs


_ONE_IN = {"Input": _ANCHOR}
_ONE_OUT = {"Output": _ANCHOR}
_ALL = (
    ToolType("single-input-single-output", "trims the texts of records", _ONE_IN, _ONE_OUT),
    ToolType("input", "makes records: the numbers of a range", {}, _ONE_OUT),
    ToolType("output", "writes records to a CSV file", _ONE_IN, {}),
    ToolType("multiple-inputs", "lets records with a known key pass", {"Data": _ANCHOR, "Keys": _ANCHOR}, _ONE_OUT),
    ToolType(
        "multiple-outputs",
        "tells complete records from others",
        _ONE_IN,
        {"Complete": _ANCHOR, "Incomplete": _ANCHOR},
    ),
    ToolType(
        "optional",
        "numbers records, or makes some where nothing is connected",
        {"Input": AnchorDescription(optional=True)},
        _ONE_OUT,
    ),
    ToolType(
        "multi-connection-input-anchor",
        "stacks the records of any number of connections",
        {"Input": AnchorDescription(allow_multiple=True)},
        _ONE_OUT,
    ),
)
TOOL_TYPES: Mapping[str, ToolType] = MappingProxyType({each.name: each for each in _ALL})
"""Every type, by its name."""
DEFAULT_TOOL_TYPE = "single-input-single-output"


def tool_type(name: str) -> ToolType:
    """Return the type of that name. Raises UsageError that names them all."""
    if name not in TOOL_TYPES:
        raise UsageError(f"{name!r} is no type of tool: write one of {', '.join(TOOL_TYPES)}")
    return TOOL_TYPES[name]
