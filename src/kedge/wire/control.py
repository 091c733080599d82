"""The Control stream: its protobuf messages on one side, events, actions and values on the other.

What the engine sends becomes an event of the lifecycle, what the tool sends is an action of it; both ends use the same
values, so that a message decoded is the message that was encoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as WireMessage

from kedge.exceptions import KedgeError, ProtocolError, UsageError
from kedge.lifecycle.events import (
    Answered,
    Confirm,
    ConnectionCompleted,
    Initialized,
    NotifyComplete,
    PushMetadata,
    SendMessage,
    SendProgress,
    SendRequest,
)
from kedge.lifecycle.limits import LARGEST_CONTROL_MESSAGE, LARGEST_NAME, MOST_COLUMNS, MOST_CONNECTIONS
from kedge.sdk.constants import MessageType, Priority, UpdateMode
from kedge.sdk.initialization import IncomingAnchor, IncomingConnection, Initialization, OutgoingAnchor
from kedge.sdk.outlet import (
    DcmAnswer,
    DcmRequest,
    DecryptRequest,
    Message,
    PasswordAnswer,
    TranslatedMessage,
    TranslateRequest,
)
from kedge.sdk.schemas import metadata_from_schema, schema_from_metadata
from kedge.wire import sdk_v2_pb2 as pb
from kedge.wire.ipc import schema_from_bytes, schema_to_bytes
from kedge.wire.metadata import metadata_from_wire, metadata_to_wire

if TYPE_CHECKING:
    from kedge.lifecycle.events import ControlAction
    from kedge.sdk.fields import Metadata
    from kedge.sdk.outlet import Answer, Request

__all__ = ["decode_control_in", "decode_control_out", "encode_control_in", "encode_control_out"]

_UPDATE_MODES = {0: UpdateMode.NO_UPDATE_MODE, 1: UpdateMode.FULL, 2: UpdateMode.QUICK}
_WIRE_MODES = {mode: number for number, mode in _UPDATE_MODES.items()}

M = TypeVar("M", bound=WireMessage)


# --- engine to tool ---------------------------------------------------------------------------------------------------


def decode_control_in(data: bytes) -> Initialized | NotifyComplete | Answered | ConnectionCompleted | None:
    """The event that a ControlIn message is; None for one without a payload that is known. Raises ProtocolError."""
    message = _parse(pb.ControlIn(), data)
    payload = message.WhichOneof("payload")
    if payload == "plugin_initialization_data":
        return Initialized(_initialization(message.plugin_initialization_data))
    if payload == "notify_complete":
        return NotifyComplete()
    if payload == "incoming_connection_complete":
        named = message.incoming_connection_complete
        return ConnectionCompleted(
            _name(named.anchor_name) if named.HasField("anchor_name") else None,
            _name(named.connection_name) if named.HasField("connection_name") else None,
            in_band=False,
        )
    if payload == "translated_message":
        return Answered(message.msg_id, TranslatedMessage(message.translated_message.translated_message))
    if payload == "decrypted_password":
        return Answered(message.msg_id, PasswordAnswer(message.decrypted_password.password))
    if payload == "dcm_e_response":
        answer = message.dcm_e_response
        return Answered(message.msg_id, DcmAnswer(answer.success, _struct_values(answer.response)))
    return None


def encode_control_in(event: Initialized | NotifyComplete | Answered | ConnectionCompleted) -> bytes:
    """The ControlIn message of an event."""
    if isinstance(event, Initialized):
        return pb.ControlIn(plugin_initialization_data=_wire_initialization(event.initialization)).SerializeToString()
    if isinstance(event, NotifyComplete):
        return pb.ControlIn(notify_complete=pb.ControlIn.NotifyComplete()).SerializeToString()
    if isinstance(event, ConnectionCompleted):
        named = pb.IncomingConnectionComplete(anchor_name=event.anchor, connection_name=event.connection)
        return pb.ControlIn(incoming_connection_complete=named).SerializeToString()
    return _wire_answer(event.msg_id, event.answer).SerializeToString()


def _initialization(message: pb.PluginInitializationData) -> Initialization:
    anchors = len(message.incomingAnchors) + len(message.outgoingAnchors)
    if anchors > MOST_CONNECTIONS:
        raise ProtocolError(f"the engine announced {anchors} anchors, the limit is {MOST_CONNECTIONS}")
    columns = sum(len(c.metadata.fields) for anchor in message.incomingAnchors for c in anchor.connections)
    columns += sum(len(anchor.metadata.fields) for anchor in message.outgoingAnchors)
    if columns > MOST_COLUMNS:
        raise ProtocolError(f"the engine announced {columns} columns, the limit is {MOST_COLUMNS}")
    return Initialization(
        config_xml=message.configXml,
        incoming=tuple(
            IncomingAnchor(
                _name(anchor.name),
                tuple(IncomingConnection(_name(c.name), c.metadata) for c in anchor.connections),
            )
            for anchor in message.incomingAnchors
        ),
        outgoing=tuple(
            OutgoingAnchor(_name(anchor.name), anchor.num_connections, anchor.metadata)
            for anchor in message.outgoingAnchors
        ),
        constants=dict(message.engineConstants),
        update_mode=_UPDATE_MODES.get(message.updateMode, UpdateMode.FULL),
    )


def _wire_initialization(initialization: Initialization) -> pb.PluginInitializationData:
    message = pb.PluginInitializationData(
        configXml=initialization.config_xml,
        incomingAnchors=[
            pb.IncomingAnchor(
                name=anchor.name,
                connections=[pb.IncomingConnection(name=c.name, metadata=c.metadata) for c in anchor.connections],
            )
            for anchor in initialization.incoming
        ],
        outgoingAnchors=[
            pb.OutgoingAnchor(name=anchor.name, num_connections=anchor.num_connections, metadata=anchor.metadata)
            for anchor in initialization.outgoing
        ],
        updateMode=_WIRE_MODES[initialization.update_mode],  # type: ignore[arg-type]
    )
    # For an argument, protobuf makes the name of this method anew each time, and Python's cache of methods keeps it.
    message.engineConstants.update(initialization.constants)
    return message


def _wire_answer(msg_id: str, answer: Answer) -> pb.ControlIn:
    if isinstance(answer, TranslatedMessage):
        translated = pb.TranslatedMessage(translated_message=answer.translated_message)
        return pb.ControlIn(translated_message=translated, msg_id=msg_id)
    if isinstance(answer, PasswordAnswer):
        return pb.ControlIn(decrypted_password=pb.PasswordData(password=answer.password), msg_id=msg_id)
    response = pb.DcmEResponse(success=answer.success)
    response.response.update(answer.response)
    return pb.ControlIn(dcm_e_response=response, msg_id=msg_id)


# --- tool to engine ---------------------------------------------------------------------------------------------------


def encode_control_out(action: ControlAction) -> bytes:
    """The ControlOut message of an action."""
    if isinstance(action, PushMetadata):
        return pb.ControlOut(outgoing_metadata=_wire_push(action)).SerializeToString()
    if isinstance(action, SendMessage):
        message = action.message
        data = pb.OutputMessageData(
            message_type=int(message.kind),  # type: ignore[arg-type]
            message=message.text,
            priority=int(message.priority),
        )
        return pb.ControlOut(output_message=data).SerializeToString()
    if isinstance(action, SendProgress):
        return pb.ControlOut(update_progress=pb.UpdateProgress(value=action.fraction)).SerializeToString()
    if isinstance(action, SendRequest):
        return _wire_request(action.msg_id, action.request).SerializeToString()
    return pb.ControlOut(confirm_complete=pb.ControlOut.ConfirmComplete()).SerializeToString()


def decode_control_out(data: bytes) -> ControlAction | None:
    """The action that a ControlOut message is; None for one without a payload that is known. Raises ProtocolError."""
    message = _parse(pb.ControlOut(), data)
    payload = message.WhichOneof("payload")
    if payload == "outgoing_metadata":
        push = message.outgoing_metadata
        return PushMetadata(_name(push.output_anchor_name), _pushed_metadata(push))
    if payload == "output_message":
        return SendMessage(_message(message.output_message))
    if payload == "update_progress":
        return SendProgress(min(1.0, max(0.0, message.update_progress.value)))  # 0.0 for what is no number, too
    if payload == "translate_message":
        text = message.translate_message
        return SendRequest(message.msg_id, TranslateRequest(text.unlocalized_string, tuple(text.interpolation_data)))
    if payload == "decrypt_password":
        return SendRequest(message.msg_id, DecryptRequest(message.decrypt_password.password))
    if payload == "dcm_e_request":
        return SendRequest(message.msg_id, _dcm_request(message.dcm_e_request))
    return Confirm() if payload == "confirm_complete" else None


def _wire_push(action: PushMetadata) -> pb.OutgoingMetadataPush:
    return pb.OutgoingMetadataPush(
        output_anchor_name=action.anchor,
        metadata=metadata_to_wire(action.metadata),
        schema=schema_to_bytes(schema_from_metadata(action.metadata)),
    )


def _pushed_metadata(push: pb.OutgoingMetadataPush) -> Metadata:
    """The announced columns: a peer may fill in the metadata, the schema, or both, of which the metadata wins."""
    try:
        schema = None if push.metadata.fields or not push.schema else schema_from_bytes(push.schema)
        count = len(push.metadata.fields if schema is None else schema)
        if count > MOST_COLUMNS:
            raise UsageError(f"it has {count} columns, the limit is {MOST_COLUMNS}")
        return metadata_from_wire(push.metadata) if schema is None else metadata_from_schema(schema)
    except (KedgeError, ValueError) as error:
        raise ProtocolError(
            f"the metadata that was pushed for anchor {push.output_anchor_name!r} cannot be read: {error}"
        ) from error


def _message(data: pb.OutputMessageData) -> Message:
    try:
        kind = MessageType(data.message_type)
    except ValueError:
        kind = MessageType.INFO
    return Message(kind, data.message, Priority(data.priority & 0x1F))


def _wire_request(msg_id: str, request: Request) -> pb.ControlOut:
    if isinstance(request, TranslateRequest):
        text = pb.TranslateMessageData(unlocalized_string=request.text, interpolation_data=request.args)
        return pb.ControlOut(translate_message=text, msg_id=msg_id)
    if isinstance(request, DecryptRequest):
        return pb.ControlOut(decrypt_password=pb.PasswordData(password=request.text), msg_id=msg_id)
    wire = pb.ControlOut(msg_id=msg_id)
    verb: Any = getattr(wire.dcm_e_request.v2, request.verb)
    verb.SetInParent()
    for name, value in request.arguments.items():
        if name == "parameters":
            verb.parameters.update(value)
        else:
            setattr(verb, name, value)
    return wire


def _dcm_request(message: pb.DcmERequest) -> DcmRequest:
    verb = message.v2.WhichOneof("Request")
    if verb is None:
        raise ProtocolError("a dcm_e_request without a v2 request came")
    call: Any = getattr(message.v2, verb)
    arguments = {field.name: getattr(call, field.name) for field in call.DESCRIPTOR.fields}
    if "parameters" in arguments:
        arguments["parameters"] = _struct_values(arguments["parameters"])
    return DcmRequest(verb, arguments)


def _struct_values(struct: WireMessage) -> dict[str, Any]:
    from google.protobuf import json_format  # which most tool processes never need, and takes a while to load

    return json_format.MessageToDict(struct)


def _name(text: str) -> str:
    """The name of an anchor or a connection."""
    if (size := len(text.encode())) > LARGEST_NAME:
        raise ProtocolError(f"a name on Control has {size} bytes, the limit is {LARGEST_NAME}")
    return text


def _parse(message: M, data: bytes) -> M:
    if len(data) > LARGEST_CONTROL_MESSAGE:
        raise ProtocolError(f"a message on Control has {len(data)} bytes, the limit is {LARGEST_CONTROL_MESSAGE}")
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        name = type(message).__name__
        raise ProtocolError(f"{len(data)} bytes came on Control that are no {name} message: {error}") from error
    return message
