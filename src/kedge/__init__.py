"""Kedge: write, run and test the tools of data workflows.

Tool authors need :class:`PluginV2` and its neighbours; whoever runs tools needs :func:`run_tool`. Importing this module
imports nothing else of it: pytest loads Kedge's plugin at every start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kedge.exceptions import AnchorNotFoundException as AnchorNotFoundException
    from kedge.exceptions import DcmEError as DcmEError
    from kedge.exceptions import DcmEException as DcmEException
    from kedge.exceptions import EngineGone as EngineGone
    from kedge.exceptions import KedgeError as KedgeError
    from kedge.exceptions import ProtocolError as ProtocolError
    from kedge.exceptions import ToolCrashed as ToolCrashed
    from kedge.exceptions import ToolError as ToolError
    from kedge.exceptions import ToolStartError as ToolStartError
    from kedge.exceptions import UsageError as UsageError
    from kedge.exceptions import WorkflowError as WorkflowError
    from kedge.exceptions import WorkflowRuntimeError as WorkflowRuntimeError
    from kedge.host.results import ToolResult as ToolResult
    from kedge.host.run_tool import run_tool as run_tool
    from kedge.host.sources import InputFile as InputFile
    from kedge.sdk.anchors import InputAnchor as InputAnchor
    from kedge.sdk.constants import NULL_VALUE_PLACEHOLDER as NULL_VALUE_PLACEHOLDER
    from kedge.sdk.constants import Anchor as Anchor
    from kedge.sdk.constants import MessageType as MessageType
    from kedge.sdk.constants import Priority as Priority
    from kedge.sdk.constants import UpdateMode as UpdateMode
    from kedge.sdk.environment import AMPEnvironmentV2 as AMPEnvironmentV2
    from kedge.sdk.fields import Field as Field
    from kedge.sdk.fields import FieldType as FieldType
    from kedge.sdk.fields import Locale as Locale
    from kedge.sdk.fields import Metadata as Metadata
    from kedge.sdk.plugin import PluginV2 as PluginV2
    from kedge.sdk.provider import AMPProviderV2 as AMPProviderV2
    from kedge.sdk.schemas import create_schema as create_schema
    from kedge.sdk.schemas import get_metadata as get_metadata
    from kedge.sdk.schemas import set_metadata as set_metadata
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
    "UpdateMode",
    "UsageError",
    "Workflow",
    "WorkflowError",
    "WorkflowRuntimeError",
    "create_schema",
    "get_metadata",
    "run_tool",
    "set_metadata",
]

__version__ = "0.1.0"

_HOMES = {
    "kedge.exceptions": (
        "AnchorNotFoundException DcmEError DcmEException EngineGone KedgeError ProtocolError ToolCrashed ToolError "
        "ToolStartError UsageError WorkflowError WorkflowRuntimeError"
    ),
    "kedge.host.results": "ToolResult",
    "kedge.host.run_tool": "run_tool",
    "kedge.host.sources": "InputFile",
    "kedge.sdk.anchors": "InputAnchor",
    "kedge.sdk.constants": "NULL_VALUE_PLACEHOLDER Anchor MessageType Priority UpdateMode",
    "kedge.sdk.environment": "AMPEnvironmentV2",
    "kedge.sdk.fields": "Field FieldType Locale Metadata",
    "kedge.sdk.plugin": "PluginV2",
    "kedge.sdk.provider": "AMPProviderV2",
    "kedge.sdk.schemas": "create_schema get_metadata set_metadata",
    "kedge.workflow.workflow": "Workflow",
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first asked for: nobody pays for what they do not use."""
    if name not in _MODULES:
        raise AttributeError(f"module 'kedge' has no attribute {name!r}")
    import importlib

    value = globals()[name] = getattr(importlib.import_module(_MODULES[name]), name)
    return value
