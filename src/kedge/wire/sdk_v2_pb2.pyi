from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpdateMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UM_Run: _ClassVar[UpdateMode]
    UM_Full: _ClassVar[UpdateMode]
    UM_Quick: _ClassVar[UpdateMode]

class FieldType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FT_UNKNOWN: _ClassVar[FieldType]
    FT_FIRST_VALUE: _ClassVar[FieldType]
    FT_BOOL: _ClassVar[FieldType]
    FT_BYTE: _ClassVar[FieldType]
    FT_INT16: _ClassVar[FieldType]
    FT_INT32: _ClassVar[FieldType]
    FT_INT64: _ClassVar[FieldType]
    FT_FIXED_DECIMAL: _ClassVar[FieldType]
    FT_FLOAT: _ClassVar[FieldType]
    FT_DOUBLE: _ClassVar[FieldType]
    FT_STRING: _ClassVar[FieldType]
    FT_WSTRING: _ClassVar[FieldType]
    FT_V_STRING: _ClassVar[FieldType]
    FT_V_WSTRING: _ClassVar[FieldType]
    FT_DATE: _ClassVar[FieldType]
    FT_TIME: _ClassVar[FieldType]
    FT_DATETIME: _ClassVar[FieldType]
    FT_BLOB: _ClassVar[FieldType]
    FT_SPATIALOBJ: _ClassVar[FieldType]
    FT_LAST_VALUE: _ClassVar[FieldType]

class OutputMessageType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OMT_None: _ClassVar[OutputMessageType]
    OMT_Info: _ClassVar[OutputMessageType]
    OMT_Warning: _ClassVar[OutputMessageType]
    OMT_Error: _ClassVar[OutputMessageType]
    OMT_FileInput: _ClassVar[OutputMessageType]
    OMT_FileOutput: _ClassVar[OutputMessageType]
    OMT_UpdateOutputConfigXml: _ClassVar[OutputMessageType]
UM_Run: UpdateMode
UM_Full: UpdateMode
UM_Quick: UpdateMode
FT_UNKNOWN: FieldType
FT_FIRST_VALUE: FieldType
FT_BOOL: FieldType
FT_BYTE: FieldType
FT_INT16: FieldType
FT_INT32: FieldType
FT_INT64: FieldType
FT_FIXED_DECIMAL: FieldType
FT_FLOAT: FieldType
FT_DOUBLE: FieldType
FT_STRING: FieldType
FT_WSTRING: FieldType
FT_V_STRING: FieldType
FT_V_WSTRING: FieldType
FT_DATE: FieldType
FT_TIME: FieldType
FT_DATETIME: FieldType
FT_BLOB: FieldType
FT_SPATIALOBJ: FieldType
FT_LAST_VALUE: FieldType
OMT_None: OutputMessageType
OMT_Info: OutputMessageType
OMT_Warning: OutputMessageType
OMT_Error: OutputMessageType
OMT_FileInput: OutputMessageType
OMT_FileOutput: OutputMessageType
OMT_UpdateOutputConfigXml: OutputMessageType

class ControlIn(_message.Message):
    __slots__ = ("plugin_initialization_data", "translated_message", "decrypted_password", "notify_complete", "dcm_e_response", "incoming_connection_complete", "msg_id")
    class NotifyComplete(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    PLUGIN_INITIALIZATION_DATA_FIELD_NUMBER: _ClassVar[int]
    TRANSLATED_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DECRYPTED_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    NOTIFY_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    DCM_E_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    INCOMING_CONNECTION_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    MSG_ID_FIELD_NUMBER: _ClassVar[int]
    plugin_initialization_data: PluginInitializationData
    translated_message: TranslatedMessage
    decrypted_password: PasswordData
    notify_complete: ControlIn.NotifyComplete
    dcm_e_response: DcmEResponse
    incoming_connection_complete: IncomingConnectionComplete
    msg_id: str
    def __init__(self, plugin_initialization_data: _Optional[_Union[PluginInitializationData, _Mapping]] = ..., translated_message: _Optional[_Union[TranslatedMessage, _Mapping]] = ..., decrypted_password: _Optional[_Union[PasswordData, _Mapping]] = ..., notify_complete: _Optional[_Union[ControlIn.NotifyComplete, _Mapping]] = ..., dcm_e_response: _Optional[_Union[DcmEResponse, _Mapping]] = ..., incoming_connection_complete: _Optional[_Union[IncomingConnectionComplete, _Mapping]] = ..., msg_id: _Optional[str] = ...) -> None: ...

class ControlOut(_message.Message):
    __slots__ = ("outgoing_metadata", "output_message", "translate_message", "decrypt_password", "confirm_complete", "dcm_e_request", "update_progress", "msg_id")
    class ConfirmComplete(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    OUTGOING_METADATA_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TRANSLATE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DECRYPT_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    DCM_E_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UPDATE_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    MSG_ID_FIELD_NUMBER: _ClassVar[int]
    outgoing_metadata: OutgoingMetadataPush
    output_message: OutputMessageData
    translate_message: TranslateMessageData
    decrypt_password: PasswordData
    confirm_complete: ControlOut.ConfirmComplete
    dcm_e_request: DcmERequest
    update_progress: UpdateProgress
    msg_id: str
    def __init__(self, outgoing_metadata: _Optional[_Union[OutgoingMetadataPush, _Mapping]] = ..., output_message: _Optional[_Union[OutputMessageData, _Mapping]] = ..., translate_message: _Optional[_Union[TranslateMessageData, _Mapping]] = ..., decrypt_password: _Optional[_Union[PasswordData, _Mapping]] = ..., confirm_complete: _Optional[_Union[ControlOut.ConfirmComplete, _Mapping]] = ..., dcm_e_request: _Optional[_Union[DcmERequest, _Mapping]] = ..., update_progress: _Optional[_Union[UpdateProgress, _Mapping]] = ..., msg_id: _Optional[str] = ...) -> None: ...

class RecordTransferIn(_message.Message):
    __slots__ = ("incoming_records", "record_request", "incoming_connection_complete")
    class IncomingRecords(_message.Message):
        __slots__ = ("anchor_name", "connection_name", "data", "end_of_chunk")
        ANCHOR_NAME_FIELD_NUMBER: _ClassVar[int]
        CONNECTION_NAME_FIELD_NUMBER: _ClassVar[int]
        DATA_FIELD_NUMBER: _ClassVar[int]
        END_OF_CHUNK_FIELD_NUMBER: _ClassVar[int]
        anchor_name: str
        connection_name: str
        data: bytes
        end_of_chunk: bool
        def __init__(self, anchor_name: _Optional[str] = ..., connection_name: _Optional[str] = ..., data: _Optional[bytes] = ..., end_of_chunk: bool = ...) -> None: ...
    class RecordRequest(_message.Message):
        __slots__ = ("anchor_name",)
        ANCHOR_NAME_FIELD_NUMBER: _ClassVar[int]
        anchor_name: str
        def __init__(self, anchor_name: _Optional[str] = ...) -> None: ...
    INCOMING_RECORDS_FIELD_NUMBER: _ClassVar[int]
    RECORD_REQUEST_FIELD_NUMBER: _ClassVar[int]
    INCOMING_CONNECTION_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    incoming_records: RecordTransferIn.IncomingRecords
    record_request: RecordTransferIn.RecordRequest
    incoming_connection_complete: IncomingConnectionComplete
    def __init__(self, incoming_records: _Optional[_Union[RecordTransferIn.IncomingRecords, _Mapping]] = ..., record_request: _Optional[_Union[RecordTransferIn.RecordRequest, _Mapping]] = ..., incoming_connection_complete: _Optional[_Union[IncomingConnectionComplete, _Mapping]] = ...) -> None: ...

class RecordTransferOut(_message.Message):
    __slots__ = ("want_records", "outgoing_records", "close_outgoing_anchor")
    class WantRecords(_message.Message):
        __slots__ = ("anchor_name",)
        ANCHOR_NAME_FIELD_NUMBER: _ClassVar[int]
        anchor_name: str
        def __init__(self, anchor_name: _Optional[str] = ...) -> None: ...
    class OutgoingRecords(_message.Message):
        __slots__ = ("anchor_name", "connection_name", "data", "end_of_chunk")
        ANCHOR_NAME_FIELD_NUMBER: _ClassVar[int]
        CONNECTION_NAME_FIELD_NUMBER: _ClassVar[int]
        DATA_FIELD_NUMBER: _ClassVar[int]
        END_OF_CHUNK_FIELD_NUMBER: _ClassVar[int]
        anchor_name: str
        connection_name: str
        data: bytes
        end_of_chunk: bool
        def __init__(self, anchor_name: _Optional[str] = ..., connection_name: _Optional[str] = ..., data: _Optional[bytes] = ..., end_of_chunk: bool = ...) -> None: ...
    class CloseOutgoingAnchor(_message.Message):
        __slots__ = ("name",)
        NAME_FIELD_NUMBER: _ClassVar[int]
        name: str
        def __init__(self, name: _Optional[str] = ...) -> None: ...
    WANT_RECORDS_FIELD_NUMBER: _ClassVar[int]
    OUTGOING_RECORDS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_OUTGOING_ANCHOR_FIELD_NUMBER: _ClassVar[int]
    want_records: RecordTransferOut.WantRecords
    outgoing_records: RecordTransferOut.OutgoingRecords
    close_outgoing_anchor: RecordTransferOut.CloseOutgoingAnchor
    def __init__(self, want_records: _Optional[_Union[RecordTransferOut.WantRecords, _Mapping]] = ..., outgoing_records: _Optional[_Union[RecordTransferOut.OutgoingRecords, _Mapping]] = ..., close_outgoing_anchor: _Optional[_Union[RecordTransferOut.CloseOutgoingAnchor, _Mapping]] = ...) -> None: ...

class PluginInitializationData(_message.Message):
    __slots__ = ("configXml", "incomingAnchors", "outgoingAnchors", "engineConstants", "updateMode")
    class EngineConstantsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CONFIGXML_FIELD_NUMBER: _ClassVar[int]
    INCOMINGANCHORS_FIELD_NUMBER: _ClassVar[int]
    OUTGOINGANCHORS_FIELD_NUMBER: _ClassVar[int]
    ENGINECONSTANTS_FIELD_NUMBER: _ClassVar[int]
    UPDATEMODE_FIELD_NUMBER: _ClassVar[int]
    configXml: str
    incomingAnchors: _containers.RepeatedCompositeFieldContainer[IncomingAnchor]
    outgoingAnchors: _containers.RepeatedCompositeFieldContainer[OutgoingAnchor]
    engineConstants: _containers.ScalarMap[str, str]
    updateMode: UpdateMode
    def __init__(self, configXml: _Optional[str] = ..., incomingAnchors: _Optional[_Iterable[_Union[IncomingAnchor, _Mapping]]] = ..., outgoingAnchors: _Optional[_Iterable[_Union[OutgoingAnchor, _Mapping]]] = ..., engineConstants: _Optional[_Mapping[str, str]] = ..., updateMode: _Optional[_Union[UpdateMode, str]] = ...) -> None: ...

class IncomingAnchor(_message.Message):
    __slots__ = ("name", "connections", "sequencing")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCING_FIELD_NUMBER: _ClassVar[int]
    name: str
    connections: _containers.RepeatedCompositeFieldContainer[IncomingConnection]
    sequencing: int
    def __init__(self, name: _Optional[str] = ..., connections: _Optional[_Iterable[_Union[IncomingConnection, _Mapping]]] = ..., sequencing: _Optional[int] = ...) -> None: ...

class IncomingConnection(_message.Message):
    __slots__ = ("name", "metadata")
    NAME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    metadata: Metadata
    def __init__(self, name: _Optional[str] = ..., metadata: _Optional[_Union[Metadata, _Mapping]] = ...) -> None: ...

class OutgoingAnchor(_message.Message):
    __slots__ = ("name", "num_connections", "metadata", "record_limit", "options")
    class Options(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ORDERED: _ClassVar[OutgoingAnchor.Options]
        PRESERVES: _ClassVar[OutgoingAnchor.Options]
        ORDERED_OR_PRESERVES: _ClassVar[OutgoingAnchor.Options]
        RECORD_LIMITED: _ClassVar[OutgoingAnchor.Options]
        SCRAMBLED: _ClassVar[OutgoingAnchor.Options]
    ORDERED: OutgoingAnchor.Options
    PRESERVES: OutgoingAnchor.Options
    ORDERED_OR_PRESERVES: OutgoingAnchor.Options
    RECORD_LIMITED: OutgoingAnchor.Options
    SCRAMBLED: OutgoingAnchor.Options
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUM_CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    RECORD_LIMIT_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    num_connections: int
    metadata: Metadata
    record_limit: int
    options: OutgoingAnchor.Options
    def __init__(self, name: _Optional[str] = ..., num_connections: _Optional[int] = ..., metadata: _Optional[_Union[Metadata, _Mapping]] = ..., record_limit: _Optional[int] = ..., options: _Optional[_Union[OutgoingAnchor.Options, str]] = ...) -> None: ...

class Metadata(_message.Message):
    __slots__ = ("fields",)
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedCompositeFieldContainer[Field]
    def __init__(self, fields: _Optional[_Iterable[_Union[Field, _Mapping]]] = ...) -> None: ...

class Field(_message.Message):
    __slots__ = ("name", "type", "size", "scale", "source", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: FieldType
    size: int
    scale: int
    source: str
    description: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[FieldType, str]] = ..., size: _Optional[int] = ..., scale: _Optional[int] = ..., source: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class IncomingConnectionComplete(_message.Message):
    __slots__ = ("anchor_name", "connection_name")
    ANCHOR_NAME_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_NAME_FIELD_NUMBER: _ClassVar[int]
    anchor_name: str
    connection_name: str
    def __init__(self, anchor_name: _Optional[str] = ..., connection_name: _Optional[str] = ...) -> None: ...

class OutgoingMetadataPush(_message.Message):
    __slots__ = ("output_anchor_name", "metadata", "schema")
    OUTPUT_ANCHOR_NAME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    output_anchor_name: str
    metadata: Metadata
    schema: bytes
    def __init__(self, output_anchor_name: _Optional[str] = ..., metadata: _Optional[_Union[Metadata, _Mapping]] = ..., schema: _Optional[bytes] = ...) -> None: ...

class OutputMessageData(_message.Message):
    __slots__ = ("message_type", "message", "priority")
    MESSAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    message_type: OutputMessageType
    message: str
    priority: int
    def __init__(self, message_type: _Optional[_Union[OutputMessageType, str]] = ..., message: _Optional[str] = ..., priority: _Optional[int] = ...) -> None: ...

class TranslateMessageData(_message.Message):
    __slots__ = ("unlocalized_string", "interpolation_data")
    UNLOCALIZED_STRING_FIELD_NUMBER: _ClassVar[int]
    INTERPOLATION_DATA_FIELD_NUMBER: _ClassVar[int]
    unlocalized_string: str
    interpolation_data: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, unlocalized_string: _Optional[str] = ..., interpolation_data: _Optional[_Iterable[str]] = ...) -> None: ...

class TranslatedMessage(_message.Message):
    __slots__ = ("translated_message",)
    TRANSLATED_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    translated_message: str
    def __init__(self, translated_message: _Optional[str] = ...) -> None: ...

class PasswordData(_message.Message):
    __slots__ = ("password",)
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    password: str
    def __init__(self, password: _Optional[str] = ...) -> None: ...

class UpdateProgress(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: float
    def __init__(self, value: _Optional[float] = ...) -> None: ...

class DcmERequest(_message.Message):
    __slots__ = ("v2",)
    class V2(_message.Message):
        __slots__ = ("get_connection", "lock_secret", "unlock_secret", "update_secret")
        class GetConnection(_message.Message):
            __slots__ = ("connection_id",)
            CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
            connection_id: str
            def __init__(self, connection_id: _Optional[str] = ...) -> None: ...
        class LockSecret(_message.Message):
            __slots__ = ("connection_id", "credential_role", "secret_type", "expires_in")
            CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
            CREDENTIAL_ROLE_FIELD_NUMBER: _ClassVar[int]
            SECRET_TYPE_FIELD_NUMBER: _ClassVar[int]
            EXPIRES_IN_FIELD_NUMBER: _ClassVar[int]
            connection_id: str
            credential_role: str
            secret_type: str
            expires_in: str
            def __init__(self, connection_id: _Optional[str] = ..., credential_role: _Optional[str] = ..., secret_type: _Optional[str] = ..., expires_in: _Optional[str] = ...) -> None: ...
        class UnlockSecret(_message.Message):
            __slots__ = ("connection_id", "credential_role", "secret_type", "lock_id")
            CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
            CREDENTIAL_ROLE_FIELD_NUMBER: _ClassVar[int]
            SECRET_TYPE_FIELD_NUMBER: _ClassVar[int]
            LOCK_ID_FIELD_NUMBER: _ClassVar[int]
            connection_id: str
            credential_role: str
            secret_type: str
            lock_id: str
            def __init__(self, connection_id: _Optional[str] = ..., credential_role: _Optional[str] = ..., secret_type: _Optional[str] = ..., lock_id: _Optional[str] = ...) -> None: ...
        class UpdateSecret(_message.Message):
            __slots__ = ("connection_id", "credential_role", "secret_type", "lock_id", "expires_on", "value", "parameters")
            CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
            CREDENTIAL_ROLE_FIELD_NUMBER: _ClassVar[int]
            SECRET_TYPE_FIELD_NUMBER: _ClassVar[int]
            LOCK_ID_FIELD_NUMBER: _ClassVar[int]
            EXPIRES_ON_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            PARAMETERS_FIELD_NUMBER: _ClassVar[int]
            connection_id: str
            credential_role: str
            secret_type: str
            lock_id: str
            expires_on: str
            value: str
            parameters: _struct_pb2.Struct
            def __init__(self, connection_id: _Optional[str] = ..., credential_role: _Optional[str] = ..., secret_type: _Optional[str] = ..., lock_id: _Optional[str] = ..., expires_on: _Optional[str] = ..., value: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
        GET_CONNECTION_FIELD_NUMBER: _ClassVar[int]
        LOCK_SECRET_FIELD_NUMBER: _ClassVar[int]
        UNLOCK_SECRET_FIELD_NUMBER: _ClassVar[int]
        UPDATE_SECRET_FIELD_NUMBER: _ClassVar[int]
        get_connection: DcmERequest.V2.GetConnection
        lock_secret: DcmERequest.V2.LockSecret
        unlock_secret: DcmERequest.V2.UnlockSecret
        update_secret: DcmERequest.V2.UpdateSecret
        def __init__(self, get_connection: _Optional[_Union[DcmERequest.V2.GetConnection, _Mapping]] = ..., lock_secret: _Optional[_Union[DcmERequest.V2.LockSecret, _Mapping]] = ..., unlock_secret: _Optional[_Union[DcmERequest.V2.UnlockSecret, _Mapping]] = ..., update_secret: _Optional[_Union[DcmERequest.V2.UpdateSecret, _Mapping]] = ...) -> None: ...
    V2_FIELD_NUMBER: _ClassVar[int]
    v2: DcmERequest.V2
    def __init__(self, v2: _Optional[_Union[DcmERequest.V2, _Mapping]] = ...) -> None: ...

class DcmEResponse(_message.Message):
    __slots__ = ("success", "response")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    success: bool
    response: _struct_pb2.Struct
    def __init__(self, success: bool = ..., response: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
