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
from kedge.sdk.dates import to_date, to_datetime, to_time
from kedge.sdk.environment import AMPEnvironmentV2
from kedge.sdk.fields import Field, FieldType, Locale, Metadata
from kedge.sdk.plugin import PluginV2
from kedge.sdk.provider import AMPProviderV2
from kedge.sdk.schemas import create_schema, decode_metadata, get_ayx_meta, get_metadata, is_spatial, set_metadata
from kedge.sdk.version import __version__

if TYPE_CHECKING:
    from kedge.compat.bases import DcmBase as DcmBase
    from kedge.compat.bases import EnvironmentBase as EnvironmentBase
    from kedge.compat.bases import InputAnchorBase as InputAnchorBase
    from kedge.compat.bases import InputConnectionBase as InputConnectionBase
    from kedge.compat.bases import InputConnectionStatus as InputConnectionStatus
    from kedge.compat.bases import IoBase as IoBase
    from kedge.compat.bases import OutputAnchorBase as OutputAnchorBase
    from kedge.compat.bases import ProviderBase as ProviderBase
    from kedge.compat.bases import RecordPacketBase as RecordPacketBase
    from kedge.compat.metadata_builder import MetadataBuilder as MetadataBuilder
    from kedge.compat.proxy_requests import create_proxied_session as create_proxied_session
    from kedge.compat.testing import BatchTuple as BatchTuple
    from kedge.compat.testing import SdkToolTestService as SdkToolTestService
    from kedge.compat.v1.packets import RecordPacket as RecordPacket
    from kedge.compat.v1.plugin import Plugin as Plugin
    from kedge.compat.v1.plugin import register_plugin as register_plugin
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
    "BatchTuple",
    "DcmBase",
    "DcmEError",
    "DcmEException",
    "EngineGone",
    "EnvironmentBase",
    "Field",
    "FieldType",
    "InputAnchor",
    "InputAnchorBase",
    "InputConnectionBase",
    "InputConnectionStatus",
    "InputFile",
    "IoBase",
    "KedgeError",
    "Locale",
    "MessageType",
    "Metadata",
    "MetadataBuilder",
    "OutputAnchorBase",
    "Plugin",
    "PluginV2",
    "Priority",
    "ProtocolError",
    "ProviderBase",
    "RecordPacket",
    "RecordPacketBase",
    "SdkToolTestService",
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
    "create_proxied_session",
    "create_schema",
    "decode_metadata",
    "get_ayx_meta",
    "get_metadata",
    "is_spatial",
    "register_plugin",
    "run_tool",
    "set_metadata",
    "to_date",
    "to_datetime",
    "to_time",
]

_LATE_NAMES = {
    "BatchTuple": "kedge.compat.testing",
    "DcmBase": "kedge.compat.bases",
    "EnvironmentBase": "kedge.compat.bases",
    "InputAnchorBase": "kedge.compat.bases",
    "InputConnectionBase": "kedge.compat.bases",
    "InputConnectionStatus": "kedge.compat.bases",
    "InputFile": "kedge.host.sources",
    "IoBase": "kedge.compat.bases",
    "MetadataBuilder": "kedge.compat.metadata_builder",
    "OutputAnchorBase": "kedge.compat.bases",
    "Plugin": "kedge.compat.v1.plugin",
    "ProviderBase": "kedge.compat.bases",
    "RecordPacket": "kedge.compat.v1.packets",
    "RecordPacketBase": "kedge.compat.bases",
    "SdkToolTestService": "kedge.compat.testing",
    "ToolResult": "kedge.host.results",
    "Workflow": "kedge.workflow.workflow",
    "create_proxied_session": "kedge.compat.proxy_requests",
    "register_plugin": "kedge.compat.v1.plugin",
    "run_tool": "kedge.host.run_tool",
}


def __getattr__(name: str) -> Any:
    """The names that not every tool needs, imported when they are first asked for: a tool does not pay for them."""
    if name not in _LATE_NAMES:
        raise AttributeError(f"module 'kedge' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LATE_NAMES[name]), name)
