"""The message classes against the protocol's page: every number, type, name and label."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf import descriptor_pb2, json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from kedge.exceptions import ProtocolError
from kedge.wire import sdk_v2_pb2
from kedge.wire.control import decode_control_in, decode_control_out
from kedge.wire.grpc_names import CONTROL_METHOD, RECORDS_METHOD, SERVICE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIRE = Path(sdk_v2_pb2.__file__).parent

# Transcribed from the protocol's page, not from the .proto. After "oneof" stands the name of the oneof.
MESSAGES = """
ControlIn
    1 plugin_initialization_data PluginInitializationData oneof payload
    2 translated_message TranslatedMessage oneof payload
    3 decrypted_password PasswordData oneof payload
    4 notify_complete ControlIn.NotifyComplete oneof payload
    5 dcm_e_response DcmEResponse oneof payload
    6 incoming_connection_complete IncomingConnectionComplete oneof payload
    7 msg_id string
ControlIn.NotifyComplete
ControlOut
    1 outgoing_metadata OutgoingMetadataPush oneof payload
    2 output_message OutputMessageData oneof payload
    3 translate_message TranslateMessageData oneof payload
    4 decrypt_password PasswordData oneof payload
    5 confirm_complete ControlOut.ConfirmComplete oneof payload
    6 dcm_e_request DcmERequest oneof payload
    7 msg_id string
    8 update_progress UpdateProgress oneof payload
ControlOut.ConfirmComplete
RecordTransferIn
    1 incoming_records RecordTransferIn.IncomingRecords oneof payload
    2 record_request RecordTransferIn.RecordRequest oneof payload
    3 incoming_connection_complete IncomingConnectionComplete oneof payload
RecordTransferIn.IncomingRecords
    1 anchor_name string
    2 connection_name string
    3 data bytes
    4 end_of_chunk bool
RecordTransferIn.RecordRequest
    1 anchor_name string
RecordTransferOut
    1 want_records RecordTransferOut.WantRecords oneof payload
    2 outgoing_records RecordTransferOut.OutgoingRecords oneof payload
    3 close_outgoing_anchor RecordTransferOut.CloseOutgoingAnchor oneof payload
RecordTransferOut.WantRecords
    1 anchor_name string
RecordTransferOut.OutgoingRecords
    1 anchor_name string
    2 connection_name string
    3 data bytes
    4 end_of_chunk bool
RecordTransferOut.CloseOutgoingAnchor
    1 name string
PluginInitializationData
    1 configXml string
    2 incomingAnchors repeated IncomingAnchor
    3 outgoingAnchors repeated OutgoingAnchor
    4 engineConstants map<string,string>
    5 updateMode UpdateMode
IncomingAnchor
    1 name string
    2 connections repeated IncomingConnection
    3 sequencing int32
IncomingConnection
    1 name string
    2 metadata Metadata
OutgoingAnchor
    1 name string
    2 num_connections int32
    3 metadata Metadata
    4 record_limit int64
    5 options OutgoingAnchor.Options
Metadata
    1 fields repeated Field
Field
    1 name string
    2 type FieldType
    3 size uint32
    4 scale int32
    5 source string
    6 description string
IncomingConnectionComplete
    1 anchor_name optional string
    2 connection_name optional string
OutgoingMetadataPush
    1 output_anchor_name string
    2 metadata Metadata
    3 schema bytes
OutputMessageData
    1 message_type OutputMessageType
    2 message string
    3 priority int32
TranslateMessageData
    1 unlocalized_string string
    2 interpolation_data repeated string
TranslatedMessage
    1 translated_message string
PasswordData
    1 password string
UpdateProgress
    1 value float
DcmERequest
    1 v2 DcmERequest.V2 oneof Request
DcmERequest.V2
    1 get_connection DcmERequest.V2.GetConnection oneof Request
    2 lock_secret DcmERequest.V2.LockSecret oneof Request
    3 unlock_secret DcmERequest.V2.UnlockSecret oneof Request
    4 update_secret DcmERequest.V2.UpdateSecret oneof Request
DcmERequest.V2.GetConnection
    1 connection_id string
DcmERequest.V2.LockSecret
    1 connection_id string
    2 credential_role string
    3 secret_type string
    4 expires_in string
DcmERequest.V2.UnlockSecret
    1 connection_id string
    2 credential_role string
    3 secret_type string
    4 lock_id string
DcmERequest.V2.UpdateSecret
    1 connection_id string
    2 credential_role string
    3 secret_type string
    4 lock_id string
    5 expires_on string
    6 value string
    7 parameters google.protobuf.Struct
DcmEResponse
    1 success bool
    2 response google.protobuf.Struct
"""

ENUMS = {
    "UpdateMode": {"UM_Run": 0, "UM_Full": 1, "UM_Quick": 2},
    "OutgoingAnchor.Options": {
        "ORDERED": 0,
        "PRESERVES": 1,
        "ORDERED_OR_PRESERVES": 2,
        "RECORD_LIMITED": 4,
        "SCRAMBLED": 5,
    },
    "FieldType": {
        "FT_UNKNOWN": 0,
        "FT_FIRST_VALUE": 0,
        "FT_BOOL": 1,
        "FT_BYTE": 2,
        "FT_INT16": 3,
        "FT_INT32": 4,
        "FT_INT64": 5,
        "FT_FIXED_DECIMAL": 6,
        "FT_FLOAT": 7,
        "FT_DOUBLE": 8,
        "FT_STRING": 9,
        "FT_WSTRING": 10,
        "FT_V_STRING": 11,
        "FT_V_WSTRING": 12,
        "FT_DATE": 13,
        "FT_TIME": 14,
        "FT_DATETIME": 15,
        "FT_BLOB": 16,
        "FT_SPATIALOBJ": 17,
        "FT_LAST_VALUE": 17,
    },
    "OutputMessageType": {
        "OMT_None": 0,
        "OMT_Info": 1,
        "OMT_Warning": 2,
        "OMT_Error": 3,
        "OMT_FileInput": 8,
        "OMT_FileOutput": 9,
        "OMT_UpdateOutputConfigXml": 11,
    },
}

SCALARS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_FLOAT: "float",
}


def described(text: str) -> dict[str, list[str]]:
    """The table above: for each message its fields, one line each."""
    messages: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        if line.startswith(" "):
            messages[next(reversed(messages))].append(line.strip())
        else:
            messages[line] = []
    return messages


def walk(messages: list[Descriptor]) -> Iterator[Descriptor]:
    for message in messages:
        if not message.GetOptions().map_entry:
            yield message
            yield from walk(list(message.nested_types))


def local_name(thing: Descriptor | EnumDescriptor) -> str:
    return str(thing.full_name).removeprefix("sdk.")


def type_name(field: FieldDescriptor) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return "map<{key},{value}>".format(**{part.name: type_name(part) for part in field.message_type.fields})
    if field.message_type is not None:
        return local_name(field.message_type)
    return local_name(field.enum_type) if field.enum_type is not None else SCALARS[field.type]


def declare(field: FieldDescriptor) -> str:
    """One field in the words of the table above. An optional field is a oneof of its own to protobuf."""
    kind = type_name(field)
    oneof = field.containing_oneof
    optional = oneof is not None and oneof.name == f"_{field.name}"
    repeated = field.is_repeated and not kind.startswith("map<")
    label = "repeated " if repeated else "optional " if optional else ""
    group = f" oneof {oneof.name}" if oneof is not None and not optional else ""
    return f"{field.number} {field.name} {label}{kind}{group}"


FILE = sdk_v2_pb2.DESCRIPTOR
ALL_MESSAGES = {local_name(message): message for message in walk(list(FILE.message_types_by_name.values()))}


class TestDescriptor:
    """The compiled .proto says what the protocol's page says."""

    def test_no_message_is_missing_and_none_is_too_many(self) -> None:
        assert sorted(ALL_MESSAGES) == sorted(described(MESSAGES))

    @pytest.mark.parametrize("name", described(MESSAGES))
    def test_every_field_has_its_number_name_type_and_label(self, name: str) -> None:
        fields = sorted(ALL_MESSAGES[name].fields, key=lambda field: field.number)
        assert [declare(field) for field in fields] == described(MESSAGES)[name]

    def test_every_enum_has_its_values_and_aliases(self) -> None:
        enums = list(FILE.enum_types_by_name.values())
        enums += [enum for message in ALL_MESSAGES.values() for enum in message.enum_types]
        found = {local_name(enum): {value.name: value.number for value in enum.values} for enum in enums}
        assert found == ENUMS

    def test_an_aliased_number_has_the_name_of_its_type(self) -> None:
        assert sdk_v2_pb2.FieldType.Name(0) == "FT_UNKNOWN"
        assert sdk_v2_pb2.FieldType.Name(17) == "FT_SPATIALOBJ"

    def test_the_package_is_proto3_and_named_sdk(self) -> None:
        file = descriptor_pb2.FileDescriptorProto.FromString(FILE.serialized_pb)
        assert (file.package, file.syntax) == ("sdk", "proto3")

    def test_the_service_has_two_methods_of_two_streams_each(self) -> None:
        (service,) = FILE.services_by_name.values()
        assert service.full_name == SERVICE_NAME == "sdk.SdkToolV2"
        methods = {
            method.name: (local_name(method.input_type), local_name(method.output_type)) for method in service.methods
        }
        assert methods == {
            CONTROL_METHOD: ("ControlIn", "ControlOut"),
            RECORDS_METHOD: ("RecordTransferIn", "RecordTransferOut"),
        }
        assert all(method.client_streaming and method.server_streaming for method in service.methods)


class TestGeneratedModule:
    """The checked-in module is what the .proto says and runs where Kedge runs."""

    def test_it_says_what_the_proto_file_says(self, tmp_path: Path) -> None:
        output = tmp_path / "descriptors"
        source = WIRE.parent.parent
        arguments = [f"-I{source}", f"--descriptor_set_out={output}", "kedge/wire/sdk_v2.proto"]
        run_python("-m", "grpc_tools.protoc", *arguments)
        (compiled,) = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file
        checked_in = descriptor_pb2.FileDescriptorProto.FromString(FILE.serialized_pb)
        assert without_json_names(compiled) == without_json_names(checked_in)

    def test_its_generator_is_no_newer_than_the_oldest_runtime_that_is_supported(self) -> None:
        text = Path(sdk_v2_pb2.__file__).read_text(encoding="utf-8")
        versions = re.findall(r"^# Protobuf Python Version: (.*)$", text, re.MULTILINE)
        assert versions == ["6.31.0"]

    def test_importing_it_does_not_import_grpc(self) -> None:
        run_python("-c", "import sys, kedge.wire.control, kedge.wire.ipc; assert 'grpc' not in sys.modules")

    @pytest.mark.parametrize("kedge_first", [True, False])
    def test_another_module_of_package_sdk_can_live_in_the_same_process(self, kedge_first: bool) -> None:
        """A raw client and other implementations register the same names in protobuf's process-wide pool."""
        ours = "from kedge.wire import sdk_v2_pb2 as ours"
        theirs = """
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
pool = descriptor_pool.Default()
file = descriptor_pb2.FileDescriptorProto(name="other/sdk.proto", package="sdk", syntax="proto3")
file.message_type.add(name="UpdateProgress").field.add(name="value", number=1, type=2, label=1)
pool.Add(file)
theirs = message_factory.GetMessageClass(pool.FindMessageTypeByName("sdk.UpdateProgress"))
"""
        check = "assert ours.UpdateProgress.FromString(theirs(value=0.5).SerializeToString()).value == 0.5"
        run_python("-c", "\n".join([ours, theirs, check] if kedge_first else [theirs, ours, check]))

    def test_a_struct_field_is_filled_from_a_dict(self) -> None:
        response = sdk_v2_pb2.DcmEResponse(success=True, response={"a": [1, "b", None, {"c": True}]})
        response.response.update({"d": 2})
        again = sdk_v2_pb2.DcmEResponse.FromString(response.SerializeToString())
        assert json_format.MessageToDict(again.response) == {"a": [1, "b", None, {"c": True}], "d": 2}


class TestControlStream:
    """Messages of the Control stream that are none."""

    @pytest.mark.parametrize(("decode", "name"), [(decode_control_in, "ControlIn"), (decode_control_out, "ControlOut")])
    def test_garbage_is_a_protocol_error_that_names_the_message(
        self, decode: Callable[[bytes], object], name: str
    ) -> None:
        with pytest.raises(ProtocolError, match=f"3 bytes came on Control that are no {name} message"):
            decode(b"\x0a\x05x")


def without_json_names(file: descriptor_pb2.FileDescriptorProto) -> descriptor_pb2.FileDescriptorProto:
    """Generators differ in whether they write the JSON names that follow from the names."""

    def clear(message: descriptor_pb2.DescriptorProto) -> None:
        for field in message.field:
            field.ClearField("json_name")
        for nested in message.nested_type:
            clear(nested)

    for message in file.message_type:
        clear(message)
    return file


def run_python(*arguments: str) -> None:
    finished = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
