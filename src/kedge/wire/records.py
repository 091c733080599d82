"""The messages of the ``RecordTransfer`` stream, written and read by hand.

protobuf's Python runtime copies a ``bytes`` field when it is set, when the message is written, when it is
read and once more when the field is fetched; with a megabyte of records in each message that costs as much as
the transport (figures in ``docs/decisions/0010-record-codec.md``). Here data is joined once on its way out,
and only looked at on its way in.

What is written is byte for byte what protobuf writes. What is read is what protobuf reads: fields in any
order, unknown fields skipped, the last of several values, messages that come twice merged.
"""

from __future__ import annotations

__all__ = [
    "CloseAnchor",
    "ConnectionComplete",
    "Direction",
    "Incoming",
    "Outgoing",
    "RecordRequest",
    "Records",
    "decode_incoming",
    "decode_outgoing",
    "encode_incoming",
    "encode_outgoing",
    "frame_records",
]

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from kedge.exceptions import ProtocolError
from kedge.lifecycle.limits import LARGEST_NAME
from kedge.wire.protobuf_reader import LENGTH_DELIMITED, VARINT, MalformedFieldError, read_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Direction(IntEnum):
    """The way that records travel. The value is the field number of records in their message's oneof."""

    INCOMING = 1
    """From the engine to the tool process, in RecordTransferIn."""
    OUTGOING = 2
    """From the tool process to the engine, in RecordTransferOut."""


class Records(NamedTuple):
    """One chunk of one Arrow IPC stream.

    ``data`` is anything with the buffer protocol; of a decoded message it is a read-only view that keeps the
    message alive. ``end_of_chunk`` is true on the last chunk of the stream alone.
    """

    anchor: str
    connection: str
    data: Any
    end_of_chunk: bool


class RecordRequest(NamedTuple):
    """The peer wants records of this anchor: ``record_request`` and, the other way, ``want_records``."""

    anchor: str


class ConnectionComplete(NamedTuple):
    """The engine will send no more records on this connection. None is a name that the message lacks."""

    anchor: str | None
    connection: str | None


class CloseAnchor(NamedTuple):
    """The tool will write no more to this outgoing anchor."""

    name: str


Incoming: TypeAlias = Records | RecordRequest | ConnectionComplete
Outgoing: TypeAlias = Records | RecordRequest | CloseAnchor


def encode_incoming(value: Incoming) -> bytes:
    """A RecordTransferIn message."""
    if isinstance(value, Records):
        return _encode_records(Direction.INCOMING, value)
    if isinstance(value, RecordRequest):
        return _field(2, _text_field(1, value.anchor))
    return _field(3, _optional_field(1, value.anchor) + _optional_field(2, value.connection))


def encode_outgoing(value: Outgoing) -> bytes:
    """A RecordTransferOut message."""
    if isinstance(value, Records):
        return _encode_records(Direction.OUTGOING, value)
    if isinstance(value, RecordRequest):
        return _field(1, _text_field(1, value.anchor))
    return _field(3, _text_field(1, value.name))


def decode_incoming(message: bytes) -> Incoming | None:
    """Read a RecordTransferIn message; None where it has no payload that this version of the protocol knows.

    Records are not copied: their ``data`` is a view into ``message``. Raises ProtocolError, naming the
    position, where the bytes are no such message.
    """
    decoded: Incoming | None = _decode("RecordTransferIn", message, _INCOMING)
    return decoded


def decode_outgoing(message: bytes) -> Outgoing | None:
    """Read a RecordTransferOut message; as ``decode_incoming``, the other way."""
    decoded: Outgoing | None = _decode("RecordTransferOut", message, _OUTGOING)
    return decoded


def frame_records(
    direction: Direction, anchor: str, connection: str, size: int, end_of_chunk: bool, *, align: bool = False
) -> tuple[bytes, bytes]:
    """What goes before and behind ``size`` bytes of data in a message of records.

    With it a writer that has the data in pieces makes the message by one join. ``align`` puts the data at a
    multiple of 8 bytes, where a reader need not copy it, by means of a field of zeros that readers skip as
    unknown; protobuf would not write that field.
    """
    names = _text_field(1, anchor) + _text_field(2, connection)
    data_tag = b"\x1a" + _varint(size) if size else b""
    tail = b"\x20\x01" if end_of_chunk else b""
    for padding in _PADDINGS if align and size else _NO_PADDING:
        body_size = len(names) + len(padding) + len(data_tag) + size + len(tail)
        head = b"".join((_tag(direction), _varint(body_size), names, padding, data_tag))
        if len(head) % 8 == 0:
            break
    return head, tail


# Field 15, which no version of the protocol has, with more and more zeros. It cannot be one byte long, and it
# can make the length before it one byte longer; among these there is one for every remainder all the same.
_NO_PADDING = (b"",)
_PADDINGS = (*_NO_PADDING, *(b"\x7a" + bytes((zeros,)) + bytes(zeros) for zeros in range(15)))


def _encode_records(direction: Direction, records: Records) -> bytes:
    anchor, connection, data, end_of_chunk = records
    head, tail = frame_records(direction, anchor, connection, memoryview(data).nbytes, end_of_chunk)
    return b"".join((head, data, tail))


def _field(number: int, content: bytes) -> bytes:
    return b"".join((_tag(number), _varint(len(content)), content))


def _text_field(number: int, text: str) -> bytes:
    """A string field without presence: not written where it is empty."""
    return _field(number, text.encode()) if text else b""


def _optional_field(number: int, text: str | None) -> bytes:
    """A string field with presence: written even where it is empty."""
    return b"" if text is None else _field(number, text.encode())


def _tag(number: int) -> bytes:
    return bytes((number << 3 | LENGTH_DELIMITED,))


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _text(message: bytes, start: int, end: int) -> str:
    if end - start > LARGEST_NAME:
        raise MalformedFieldError(start, f"a name has {end - start} bytes, the limit is {LARGEST_NAME}")
    try:
        return message[start:end].decode()
    except UnicodeDecodeError as error:
        raise MalformedFieldError(start + error.start, f"a name is not UTF-8: {error.reason}") from error


def _view(message: bytes, start: int, end: int) -> memoryview:
    return memoryview(message)[start:end]


def _flag(_message: bytes, value: int, _behind: int) -> bool:
    return value != 0


class _Shape(NamedTuple):
    """A message inside the oneof: the wire type and the reader of each field, and what holds their values."""

    fields: Mapping[int, tuple[int, Callable[[bytes, int, int], Any]]]
    build: Callable[[Mapping[int, Any]], Any]


_NO_DATA = memoryview(b"")
_NAME = (LENGTH_DELIMITED, _text)
_RECORDS = _Shape(
    {1: _NAME, 2: _NAME, 3: (LENGTH_DELIMITED, _view), 4: (VARINT, _flag)},
    lambda values: Records(values.get(1, ""), values.get(2, ""), values.get(3, _NO_DATA), values.get(4, False)),
)
_REQUEST = _Shape({1: _NAME}, lambda values: RecordRequest(values.get(1, "")))
_COMPLETE = _Shape({1: _NAME, 2: _NAME}, lambda values: ConnectionComplete(values.get(1), values.get(2)))
_CLOSE = _Shape({1: _NAME}, lambda values: CloseAnchor(values.get(1, "")))
_INCOMING = {1: _RECORDS, 2: _REQUEST, 3: _COMPLETE}
_OUTGOING = {1: _REQUEST, 2: _RECORDS, 3: _CLOSE}


def _decode(name: str, message: bytes, members: Mapping[int, _Shape]) -> Any:
    """Read a oneof, its members by field number: the last counts, merged with one of its kind before it."""
    current = 0
    values: dict[int, Any] = {}
    try:
        for number, wire_type, start, end in read_fields(message, 0, len(message)):
            if wire_type == LENGTH_DELIMITED and number in members:
                if number != current:
                    current, values = number, {}
                _merge(message, start, end, members[number], values)
    except MalformedFieldError as error:
        text = f"a {name} message of {len(message)} bytes is malformed at byte {error.position}: {error}"
        raise ProtocolError(text) from error
    return members[current].build(values) if current else None


def _merge(message: bytes, start: int, end: int, shape: _Shape, values: dict[int, Any]) -> None:
    """Read the fields of one message inside the oneof into ``values``, over those that are there."""
    for number, wire_type, value, behind in read_fields(message, start, end, depth=1):
        known_type, read = shape.fields.get(number, (None, None))
        if read is not None and wire_type == known_type:
            values[number] = read(message, value, behind)
