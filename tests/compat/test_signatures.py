"""Every path, name and signature that tools rely on, from a table that was written by hand from the interface's page.

Nothing here is read from the code: a signature is written as Python writes it, without ``self``.
"""

import importlib
import inspect
from enum import Enum
from typing import Any

import pytest

import kedge
from kedge.compat.names import ROOTS

NAMES = {
    "core": "Anchor PluginV2 Plugin Field FieldType Metadata RecordPacket RecordPacketBase ProviderBase "
    "EnvironmentBase UpdateMode IoBase DcmBase InputAnchorBase InputConnectionBase OutputAnchorBase register_plugin "
    "NULL_VALUE_PLACEHOLDER",
    "core.constants": "Anchor NULL_VALUE_PLACEHOLDER AWAIT_TIMEOUT AYX_PROXY_USERNAME_KEY AYX_PROXY_PASSWORD_KEY "
    "AYX_PROXY_CRED_REQ_KEY",
    "core.field": "Field FieldType",
    "core.metadata": "Metadata",
    "core.plugin": "Plugin",
    "core.plugin_v2": "PluginV2",
    "core.record_packet": "RecordPacket",
    "core.provider_base": "ProviderBase",
    "core.environment_base": "EnvironmentBase Locale",
    "core.io_base": "IoBase",
    "core.dcm_base": "DcmBase",
    "core.input_anchor_base": "InputAnchorBase",
    "core.input_connection_base": "InputConnectionBase InputConnectionStatus",
    "core.output_anchor_base": "OutputAnchorBase",
    "core.register_plugin": "register_plugin",
    "core.exceptions": "WorkflowRuntimeError AnchorNotFoundException DcmEError DcmEException",
    "core.utils": "create_schema set_metadata get_metadata decode_metadata get_ayx_meta is_spatial to_date to_datetime "
    "to_time pa Field FieldType Dict datetime",
    "core.testing": "SdkToolTestService BatchTuple",
    "core.proxy_requests": "create_proxied_session",
    "providers.amp_provider": "AMPProviderV2 AMPEnvironmentV2 AMPProvider AMPEnvironment AMPIO AMPInputAnchor "
    "AMPInputConnection AMPOutputAnchor AMPRecordPacket",
    "providers.amp_provider.amp_provider_v2": "AMPProviderV2",
    "providers.amp_provider.amp_environment_v2": "AMPEnvironmentV2",
    "providers.amp_provider.builders.metadata_builder": "MetadataBuilder",
    "providers.amp_provider.__main__": "main",
}

SIGNATURES = {
    "core.PluginV2": "(provider)",
    "core.PluginV2.on_record_batch": "(batch, anchor)",
    "core.PluginV2.on_incoming_connection_complete": "(anchor)",
    "core.PluginV2.on_complete": "()",
    "core.Plugin": "(provider)",
    "core.Plugin.on_input_connection_opened": "(input_connection)",
    "core.Plugin.on_record_packet": "(input_connection)",
    "core.Plugin.on_complete": "()",
    "core.Anchor": "(name, connection)",
    "core.Field": "(name, field_type, size=0, scale=0, source=None, description=None)",
    "core.Field.arrow_type": "()",
    "core.Field.to_arrow": "()",
    "core.Field.as_arrow_metadata": "()",
    "core.Metadata": "(fields=None)",
    "core.Metadata.add_field": "(name, field_type, size=0, scale=0, source='', description='')",
    "core.Metadata.clone": "()",
    "core.RecordPacket": "(metadata, df)",
    "core.RecordPacket.to_dataframe": "()",
    "core.RecordPacket.from_dataframe": "(metadata, df)",
    "core.InputConnectionBase.read": "()",
    "core.OutputAnchorBase.open": "(metadata)",
    "core.OutputAnchorBase.flush": "()",
    "core.OutputAnchorBase.close": "()",
    "core.OutputAnchorBase.update_progress": "(percent)",
    "core.register_plugin": "(plugin, version=None)",
    "core.exceptions.WorkflowRuntimeError": "(*args, **kwargs)",
    "core.exceptions.DcmEError": "(message, error_code, detail='')",
    "core.exceptions.DcmEException": "(msg, error)",
    "core.utils.create_schema": "(fields)",
    "core.utils.set_metadata": "(table, col_meta={}, schema=None)",
    "core.utils.get_metadata": "(table, col_name='')",
    "core.utils.get_ayx_meta": "(key)",
    "core.utils.decode_metadata": "(metadata)",
    "core.utils.is_spatial": "(field)",
    "core.utils.to_date": "(text)",
    "core.utils.to_time": "(text)",
    "core.utils.to_datetime": "(text)",
    "core.testing.SdkToolTestService": "(plugin_class, input_anchor_config, output_anchor_config, config_mock)",
    "core.testing.SdkToolTestService.run_on_record_batch": "(batch, anchor)",
    "core.testing.SdkToolTestService.run_on_incoming_connection_complete": "(anchor)",
    "core.testing.SdkToolTestService.run_on_complete": "()",
    "core.testing.BatchTuple": "(input_data, expected_output_data)",
    "core.proxy_requests.create_proxied_session": "(tool_provider, use_engine_credentials=True)",
    "providers.amp_provider.AMPProviderV2.write_to_anchor": "(name, data)",
    "providers.amp_provider.AMPProviderV2.push_outgoing_metadata": "(anchor_name, schema)",
    "providers.amp_provider.AMPProviderV2.close_outgoing_anchor": "(name)",
    "providers.amp_provider.AMPProviderV2.save_tool_config": "(tool_config)",
    "providers.amp_provider.AMPProviderV2.save_full_config": "(full_config)",
    "providers.amp_provider.AMPProviderV2.get_input_anchor": "(name)",
    "providers.amp_provider.AMPProviderV2.get_output_anchor": "(name)",
    "providers.amp_provider.AMPEnvironmentV2.create_temp_file": "(extension='tmp', options=0)",
    "providers.amp_provider.AMPEnvironmentV2.get_proxy_configuration": "()",
    "providers.amp_provider.AMPEnvironmentV2.parse_settings_key_value": "(text, "
    "line_delimiter='\\n', key_delimiter='=')",
    "providers.amp_provider.AMPEnvironmentV2.get_log_directory": "()",
    "providers.amp_provider.AMPEnvironmentV2.update_tool_config": "(tool_config)",
    "providers.amp_provider.AMPIO.create_temp_file": "(extension='tmp', options=0)",
    "providers.amp_provider.AMPIO.info": "(msg, *args)",
    "providers.amp_provider.AMPIO.warn": "(msg, *args)",
    "providers.amp_provider.AMPIO.error": "(msg, *args)",
    "providers.amp_provider.AMPIO.info_with_priority": "(priority, msg, *args)",
    "providers.amp_provider.AMPIO.warn_with_priority": "(priority, msg, *args)",
    "providers.amp_provider.AMPIO.error_with_priority": "(priority, msg, *args)",
    "providers.amp_provider.AMPIO.update_progress": "(percent)",
    "providers.amp_provider.AMPIO.translate_msg": "(msg, *args)",
    "providers.amp_provider.AMPIO.translate_msg_use_callback": "(msg, args, callback)",
    "providers.amp_provider.AMPIO.decrypt_password": "(password)",
    "providers.amp_provider.AMPProvider.get_input_anchor": "(name)",
    "providers.amp_provider.AMPProvider.get_output_anchor": "(name)",
    "providers.amp_provider.AMPOutputAnchor.write": "(record_packet)",
    "providers.amp_provider.AMPOutputAnchor.open": "(metadata)",
    "providers.amp_provider.builders.metadata_builder.MetadataBuilder.from_protobuf": "(message)",
    "providers.amp_provider.builders.metadata_builder.MetadataBuilder.to_protobuf": "(metadata)",
}

DCM_V2 = {
    "get_connection": "(connection_id, callback)",
    "get_write_lock": "(connection_id, role, secret_type, expires_in, callback)",
    "free_write_lock": "(connection_id, role, secret_type, lock_id, callback=None)",
    "update_connection_secret": "(connection_id, role, secret_type, value, expires_on, parameters, lock_id, "
    "callback=None)",
    "get_lock_and_update_secret": "(connection_id, role, secret_type, value, expires_on, parameters, on_complete=None)",
}

PROPERTIES = {
    "providers.amp_provider.AMPProviderV2": "io dcm environment logger tool_config full_config incoming_anchors "
    "outgoing_anchors",
    "providers.amp_provider.AMPEnvironmentV2": "update_only update_mode designer_version alteryx_install_dir "
    "workflow_dir workflow_id temp_dir tool_id alteryx_locale raw_constants proxy_configuration",
    "providers.amp_provider.AMPProvider": "tool_config logger io environment dcm",
    "providers.amp_provider.AMPInputAnchor": "name allow_multiple optional connections",
    "providers.amp_provider.AMPInputConnection": "name metadata anchor max_packet_size progress status",
    "providers.amp_provider.AMPOutputAnchor": "name allow_multiple optional num_connections is_open metadata",
    "core.RecordPacket": "metadata",
}

FIELD_TYPES = (
    "bool byte int16 int32 int64 fixeddecimal float double string wstring v_string v_wstring date time datetime blob "
    "spatialobj"
)

VALUES = {
    "core.constants.NULL_VALUE_PLACEHOLDER": "AYX_SDK_NULL_VALUE_PLACEHOLDER",
    "core.constants.AWAIT_TIMEOUT": 5.0,
    "core.constants.AYX_PROXY_USERNAME_KEY": "ProxyCommonUserName",
    "core.constants.AYX_PROXY_PASSWORD_KEY": "ProxyCommonPassword",
    "core.constants.AYX_PROXY_CRED_REQ_KEY": "ProxyRequiresCredentials",
    "core.testing.SdkToolTestService.MAPPING": ["NONE", "INFO", "WARN", "ERROR", "FILEINPUT", "FILEOUTPUT"],
}


def found(path: str) -> Any:
    """The object at a path below ``ayx_python_sdk``."""
    module = path
    attributes: list[str] = []
    while True:
        module, _, attribute = module.rpartition(".")
        attributes.insert(0, attribute)
        if attribute[0].isupper() or module in NAMES:
            try:
                value: Any = importlib.import_module(f"ayx_python_sdk.{module}")
            except ModuleNotFoundError:
                continue
            for name in attributes:
                value = getattr(value, name)
            return value


def parameters(callable_object: Any) -> list[tuple[str, object, str]]:
    """Name, default and kind of each parameter but ``self``."""
    signature = inspect.signature(callable_object)
    return [
        (p.name, dict(p.default) if p.default == {} else p.default, p.kind.name)
        for p in signature.parameters.values()
        if p.name not in ("self", "_cls")
    ]


def written(signature: str) -> list[tuple[str, object, str]]:
    """The same of a signature as text."""
    names: dict[str, Any] = {}
    exec(f"def function{signature}: ...", names)
    return parameters(names["function"])


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("module", NAMES)
def test_every_name_is_importable(root: str, module: str) -> None:
    if module.endswith("__main__"):
        pytest.importorskip("kedge.service.__main__")
    for name in NAMES[module].split():
        exec(f"from {root}.{module} import {name}")


@pytest.mark.parametrize("path", SIGNATURES)
def test_signature(path: str) -> None:
    if path.endswith("WorkflowRuntimeError"):
        assert str(found(path)("text")) == "text"
    else:
        assert parameters(found(path)) == written(SIGNATURES[path])


@pytest.mark.parametrize("method", DCM_V2)
def test_signature_of_the_connection_manager(method: str) -> None:
    from kedge.sdk.dcm import AMPDCMV2

    assert parameters(getattr(AMPDCMV2, method)) == written(DCM_V2[method])


@pytest.mark.parametrize("method", DCM_V2)
def test_v1_calls_the_connection_manager_without_callbacks(method: str) -> None:
    from kedge.compat.v1.dcm import AMPDCM

    names = [name for name, _, _ in written(DCM_V2[method]) if name not in ("callback", "on_complete")]
    assert [name for name, _, _ in parameters(getattr(AMPDCM, method))] == names


@pytest.mark.parametrize("path", PROPERTIES)
def test_properties(path: str) -> None:
    for name in PROPERTIES[path].split():
        assert isinstance(inspect.getattr_static(found(path), name), property), name


@pytest.mark.parametrize("path", VALUES)
def test_values(path: str) -> None:
    assert found(path) == VALUES[path]


def test_field_types_are_numbered_from_one() -> None:
    field_type = found("core.FieldType")
    assert {kind.name: kind.value for kind in field_type} == {
        name: number for number, name in enumerate(FIELD_TYPES.split(), 1)
    }


def test_enumerations() -> None:
    def members(path: str) -> dict[str, object]:
        enumeration = found(path)
        assert issubclass(enumeration, Enum)
        return {member.name: member.value for member in enumeration}

    assert members("core.UpdateMode") == {"NO_UPDATE_MODE": "", "QUICK": "Quick", "FULL": "Full"}
    assert members("core.input_connection_base.InputConnectionStatus") == {
        "CREATED": 1,
        "INITIALIZED": 2,
        "RECEIVING_RECORDS": 3,
        "CLOSED": 4,
    }
    assert list(members("core.environment_base.Locale")) == ["en", "it", "fr", "de", "ja", "es", "pt", "zh"]


def test_dcm_errors_carry_what_the_connection_manager_said() -> None:
    error = found("core.exceptions.DcmEError")("no such connection", "404")
    assert (error.message, error.error_code, error.detail) == ("no such connection", "404", "")
    assert found("core.exceptions.DcmEException")("failed", error).dcm_error is error


@pytest.mark.parametrize("module", [module for module in NAMES if not module.endswith("__main__")])
def test_everything_is_importable_from_kedge(module: str) -> None:
    for name in set(NAMES[module].split()) - {"pa", "Dict", "datetime"}:
        assert getattr(kedge, name) is found(f"{module}.{name}")
        assert name in kedge.__all__
