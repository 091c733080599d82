"""Which names of the other SDK Kedge answers to, and with what. Data alone: nothing of it is imported here."""

from __future__ import annotations

from typing import Final

__all__ = ["MODULES", "ROOTS"]

ROOTS: Final = ("ayx_python_sdk", "ayx_plugin_sdk")
"""The two names of the same tree; the second is the older one, which V1 tools use."""

_ANCHOR: Final = {"Anchor": "kedge.sdk.constants"}
_FIELDS: Final = {"Field": "kedge.sdk.fields", "FieldType": "kedge.sdk.fields"}
_METADATA: Final = {"Metadata": "kedge.sdk.fields"}
_LOCALE: Final = {"Locale": "kedge.sdk.fields"}
_UPDATE_MODE: Final = {"UpdateMode": "kedge.sdk.constants"}
_PLUGIN_V2: Final = {"PluginV2": "kedge.sdk.plugin"}
_PLUGIN: Final = {"Plugin": "kedge.compat.v1.plugin"}
_REGISTER: Final = {"register_plugin": "kedge.compat.v1.plugin"}
_PACKET: Final = {"RecordPacket": "kedge.compat.v1.packets"}
_PACKET_BASE: Final = {"RecordPacketBase": "kedge.compat.bases"}
_STATUS: Final = {"InputConnectionStatus": "kedge.compat.bases"}
_PLACEHOLDER: Final = {"NULL_VALUE_PLACEHOLDER": "kedge.sdk.constants"}


def _base(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "kedge.compat.bases")


_PROVIDER_V2: Final = {"AMPProviderV2": "kedge.sdk.provider"}
_ENVIRONMENT_V2: Final = {"AMPEnvironmentV2": "kedge.sdk.environment"}

MODULES: Final[dict[str, dict[str, str]]] = {
    "": {},
    "core": {
        **_ANCHOR,
        **_PLUGIN_V2,
        **_PLUGIN,
        **_FIELDS,
        **_METADATA,
        **_LOCALE,
        **_PACKET,
        **_PACKET_BASE,
        **_UPDATE_MODE,
        **_base("ProviderBase", "EnvironmentBase", "IoBase", "DcmBase"),
        **_base("InputAnchorBase", "InputConnectionBase", "OutputAnchorBase"),
        **_STATUS,
        **_REGISTER,
        **_PLACEHOLDER,
    },
    "core.constants": {
        **_ANCHOR,
        **_PLACEHOLDER,
        "AWAIT_TIMEOUT": "kedge.sdk.constants",
        "AYX_PROXY_USERNAME_KEY": "kedge.sdk.constants",
        "AYX_PROXY_PASSWORD_KEY": "kedge.sdk.constants",
        "AYX_PROXY_CRED_REQ_KEY": "kedge.sdk.constants",
    },
    "core.field": {**_FIELDS, **_LOCALE},
    "core.metadata": {**_METADATA, **_FIELDS},
    "core.plugin": _PLUGIN,
    "core.plugin_v2": {**_PLUGIN_V2, **_ANCHOR},
    "core.record_packet": {**_PACKET, **_PACKET_BASE},
    "core.record_packet_base": _PACKET_BASE,
    "core.provider_base": _base("ProviderBase"),
    "core.environment_base": {**_base("EnvironmentBase"), **_UPDATE_MODE, **_LOCALE},
    "core.io_base": _base("IoBase"),
    "core.dcm_base": _base("DcmBase"),
    "core.input_anchor_base": _base("InputAnchorBase"),
    "core.input_connection_base": {**_base("InputConnectionBase"), **_STATUS},
    "core.output_anchor_base": _base("OutputAnchorBase"),
    "core.register_plugin": _REGISTER,
    "core.exceptions": dict.fromkeys(
        ("WorkflowRuntimeError", "AnchorNotFoundException", "DcmEError", "DcmEException"), "kedge.exceptions"
    ),
    "core.utils": {
        **dict.fromkeys(
            ("create_schema", "set_metadata", "get_metadata", "decode_metadata", "get_ayx_meta", "is_spatial"),
            "kedge.sdk.schemas",
        ),
        **dict.fromkeys(("to_date", "to_datetime", "to_time"), "kedge.sdk.dates"),
        **_FIELDS,
        "pa": "pyarrow:",
        "Dict": "typing",
        "datetime": "datetime",
    },
    "core.testing": {
        "SdkToolTestService": "kedge.compat.testing",
        "BatchTuple": "kedge.compat.testing",
        "MAPPING": "kedge.compat.testing",
    },
    "core.proxy_requests": {"create_proxied_session": "kedge.compat.proxy_requests"},
    "providers": {},
    "providers.amp_provider": {
        **_PROVIDER_V2,
        **_ENVIRONMENT_V2,
        "AMPProvider": "kedge.compat.v1.provider",
        "AMPEnvironment": "kedge.compat.v1.provider",
        "AMPIO": "kedge.compat.v1.provider",
        "AMPInputAnchor": "kedge.compat.v1.input_anchor",
        "AMPInputConnection": "kedge.compat.v1.input_anchor",
        "AMPOutputAnchor": "kedge.compat.v1.output_anchor",
        "AMPRecordPacket": "kedge.compat.v1.packets",
    },
    "providers.amp_provider.amp_provider_v2": _PROVIDER_V2,
    "providers.amp_provider.amp_environment_v2": _ENVIRONMENT_V2,
    "providers.amp_provider.builders": {"MetadataBuilder": "kedge.compat.metadata_builder"},
    "providers.amp_provider.builders.metadata_builder": {"MetadataBuilder": "kedge.compat.metadata_builder"},
    # Above this floor, and so named only, never imported here: what packaged tools call.
    "providers.amp_provider.__main__": {"main": "kedge.service.__main__"},
}
"""``{module below a root: {name: where it is}}``.

Where: ``module`` for an object of the same name, ``module:`` for the module itself.
"""
