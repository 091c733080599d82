"""Kedge: write, run and test the tools of data workflows.

Tool authors need :class:`PluginV2` and its neighbours; whoever runs tools needs :func:`run_tool`. Importing this module
imports neither gRPC nor pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedge.exceptions import (
    AnchorNotFoundException,
    DcmEError,
    DcmEException,
    EngineGone,
    KedgeError,
    ProtocolError,
    ToolCrashed,
    ToolError,
    ToolStartError,
    ToolTimeout,
    UsageError,
    WorkflowError,
    WorkflowRuntimeError,
)
from kedge.sdk.anchors import InputAnchor
from kedge.sdk.constants import NULL_VALUE_PLACEHOLDER, Anchor, MessageType, Priority, UpdateMode
from kedge.sdk.environment import AMPEnvironmentV2
from kedge.sdk.fields import Field, FieldType, Locale, Metadata
from kedge.sdk.plugin import PluginV2
from kedge.sdk.provider import AMPProviderV2
from kedge.sdk.schemas import create_schema, get_metadata, set_metadata
from kedge.sdk.version import __version__

if TYPE_CHECKING:
    from kedge.host.results import ToolResult as ToolResult
    from kedge.host.run_tool import run_tool as run_tool
    from kedge.host.sources import InputFile as InputFile
    from kedge.workflow.workflow import Workflow as Workflow

__all__ = [
    "NULL_VALUE_PLACEHOLDER",
    "AMPEnvironmentV2",
    "AMPProviderV2",
    "Anchor",
    "AnchorNotFoundException",
    "DcmEError",
    "DcmEException",
    "EngineGone",
    "Field",
    "FieldType",
    "InputAnchor",
    "InputFile",
    "KedgeError",
    "Locale",
    "MessageType",
    "Metadata",
    "PluginV2",
    "Priority",
    "ProtocolError",
    "ToolCrashed",
    "ToolError",
    "ToolResult",
    "ToolStartError",
    "ToolTimeout",
    "UpdateMode",
    "UsageError",
    "Workflow",
    "WorkflowError",
    "WorkflowRuntimeError",
    "__version__",
    "create_schema",
    "get_metadata",
    "run_tool",
    "set_metadata",
]

_LATE_NAMES = {
    "InputFile": "kedge.host.sources",
    "ToolResult": "kedge.host.results",
    "Workflow": "kedge.workflow.workflow",
    "run_tool": "kedge.host.run_tool",
}


def __getattr__(name: str) -> Any:
    """The host's and the engine's names, imported when they are first asked for: a tool does not pay for them."""
    if name not in _LATE_NAMES:
        raise AttributeError(f"module 'kedge' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LATE_NAMES[name]), name)
