"""Kedge: write, run and test the tools of data workflows.

Tool authors need :class:`PluginV2` and its neighbours; whoever runs tools needs :func:`run_tool`. Importing this module
imports nothing else of it: pytest loads Kedge's plugin at every start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedge.sdk.version import __version__

if TYPE_CHECKING:
    from kedge.compat.bases import (
        DcmBase,
        EnvironmentBase,
        InputAnchorBase,
        InputConnectionBase,
        InputConnectionStatus,
        IoBase,
        OutputAnchorBase,
        ProviderBase,
        RecordPacketBase,
    )
    from kedge.compat.metadata_builder import MetadataBuilder
    from kedge.compat.proxy_requests import create_proxied_session
    from kedge.compat.testing import BatchTuple, SdkToolTestService
    from kedge.compat.v1.input_anchor import AMPInputAnchor, AMPInputConnection
    from kedge.compat.v1.output_anchor import AMPOutputAnchor
    from kedge.compat.v1.packets import AMPRecordPacket, RecordPacket
    from kedge.compat.v1.plugin import Plugin, register_plugin
    from kedge.compat.v1.provider import AMPIO, AMPEnvironment, AMPProvider
    from kedge.exceptions import (
        AnchorNotFoundException,
        DcmEError,
        DcmEException,
        EngineGone,
        KedgeError,
        ProtocolError,
        SettingsError,
        ToolCrashed,
        ToolError,
        ToolStartError,
        ToolTimeout,
        UsageError,
        WorkflowError,
        WorkflowRuntimeError,
    )
    from kedge.host.pool import ToolPool
    from kedge.host.results import ToolResult
    from kedge.host.run_tool import run_tool
    from kedge.host.sources import InputFile
    from kedge.sdk.anchors import InputAnchor
    from kedge.sdk.constants import (
        AWAIT_TIMEOUT,
        AYX_PROXY_CRED_REQ_KEY,
        AYX_PROXY_PASSWORD_KEY,
        AYX_PROXY_USERNAME_KEY,
        NULL_VALUE_PLACEHOLDER,
        Anchor,
        MessageType,
        Priority,
        UpdateMode,
    )
    from kedge.sdk.dates import to_date, to_datetime, to_time
    from kedge.sdk.environment import AMPEnvironmentV2
    from kedge.sdk.fields import Field, FieldType, Locale, Metadata
    from kedge.sdk.plugin import PluginV2
    from kedge.sdk.provider import AMPProviderV2
    from kedge.sdk.schemas import create_schema, decode_metadata, get_ayx_meta, get_metadata, is_spatial, set_metadata
    from kedge.workflow.workflow import Workflow

__all__ = [
    "AMPIO",
    "AWAIT_TIMEOUT",
    "AYX_PROXY_CRED_REQ_KEY",
    "AYX_PROXY_PASSWORD_KEY",
    "AYX_PROXY_USERNAME_KEY",
    "NULL_VALUE_PLACEHOLDER",
    "AMPEnvironment",
    "AMPEnvironmentV2",
    "AMPInputAnchor",
    "AMPInputConnection",
    "AMPOutputAnchor",
    "AMPProvider",
    "AMPProviderV2",
    "AMPRecordPacket",
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
    "SettingsError",
    "ToolCrashed",
    "ToolError",
    "ToolPool",
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

_HOMES = {
    "kedge.compat.bases": (
        "DcmBase EnvironmentBase InputAnchorBase InputConnectionBase "
        "InputConnectionStatus IoBase OutputAnchorBase ProviderBase RecordPacketBase"
    ),
    "kedge.compat.metadata_builder": "MetadataBuilder",
    "kedge.compat.proxy_requests": "create_proxied_session",
    "kedge.compat.testing": "BatchTuple SdkToolTestService",
    "kedge.compat.v1.input_anchor": "AMPInputAnchor AMPInputConnection",
    "kedge.compat.v1.output_anchor": "AMPOutputAnchor",
    "kedge.compat.v1.packets": "AMPRecordPacket RecordPacket",
    "kedge.compat.v1.plugin": "Plugin register_plugin",
    "kedge.compat.v1.provider": "AMPIO AMPEnvironment AMPProvider",
    "kedge.exceptions": (
        "AnchorNotFoundException DcmEError DcmEException EngineGone KedgeError ProtocolError SettingsError "
        "ToolCrashed ToolError ToolStartError ToolTimeout UsageError WorkflowError WorkflowRuntimeError"
    ),
    "kedge.host.pool": "ToolPool",
    "kedge.host.results": "ToolResult",
    "kedge.host.run_tool": "run_tool",
    "kedge.host.sources": "InputFile",
    "kedge.sdk.anchors": "InputAnchor",
    "kedge.sdk.constants": (
        "AWAIT_TIMEOUT AYX_PROXY_CRED_REQ_KEY AYX_PROXY_PASSWORD_KEY AYX_PROXY_USERNAME_KEY "
        "NULL_VALUE_PLACEHOLDER Anchor MessageType Priority UpdateMode"
    ),
    "kedge.sdk.dates": "to_date to_datetime to_time",
    "kedge.sdk.environment": "AMPEnvironmentV2",
    "kedge.sdk.fields": "Field FieldType Locale Metadata",
    "kedge.sdk.plugin": "PluginV2",
    "kedge.sdk.provider": "AMPProviderV2",
    "kedge.sdk.schemas": "create_schema decode_metadata get_ayx_meta get_metadata is_spatial set_metadata",
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
