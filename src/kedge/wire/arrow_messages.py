"""How large the compressed columns of an Arrow IPC stream say they are, read before Arrow allocates as much.

Arrow trusts the length that stands before each compressed buffer; a few kilobytes can ask for any amount of
memory. This reads just those lengths. Sources: "Encapsulated message format" and "Compression" in Arrow's
columnar format specification; ``Message.fbs`` for the numbers of the fields; "FlatBuffers internals" for the
encoding.
"""

from __future__ import annotations

__all__ = ["decompressed_size"]

import struct
from typing import TYPE_CHECKING

from kedge.exceptions import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

_UINT8 = struct.Struct("<B")
_UINT16 = struct.Struct("<H")
_INT32 = struct.Struct("<i")
_INT64 = struct.Struct("<q")

_CONTINUATION = -1
_DICTIONARY_BATCH = 2
_RECORD_BATCH = 3

# Positions of fields in their flatbuffer tables.
_MESSAGE_VERSION, _MESSAGE_HEADER_TYPE, _MESSAGE_HEADER, _MESSAGE_BODY_LENGTH = 0, 1, 2, 3
_DICTIONARY_DATA = 1
_BATCH_BUFFERS, _BATCH_COMPRESSION = 2, 3

_OLD_COMPRESSION = b"ARROW:experimental_compression"
"""The key by which Arrow 0.17 said in a message's metadata that its batch is compressed; still read."""

_VERSION_4 = 3


def decompressed_size(stream: memoryview) -> int:
    """The bytes that the compressed buffers of a stream claim to hold; 0 where nothing is compressed.

    Raises ProtocolError where the stream's messages cannot be followed.
    """
    try:
        return sum(_claimed_size(metadata, body) for metadata, body in _messages(stream))
    except struct.error as error:
        raise ProtocolError(
            f"its {len(stream)} bytes are no Arrow stream that can be read: a message is cut off"
        ) from error


def _messages(stream: memoryview) -> Iterator[tuple[memoryview, memoryview]]:
    """The metadata and the body of each message, up to the end marker or the end of the bytes."""
    position = 0
    while position < len(stream):
        length = _read(_INT32, stream, position)
        position += _INT32.size
        if length == _CONTINUATION:
            length = _read(_INT32, stream, position)
            position += _INT32.size
        if length == 0:
            return
        metadata = stream[position : position + max(length, 0)]
        position += len(metadata)
        body_length = _field(metadata, _follow(metadata, 0), _MESSAGE_BODY_LENGTH)
        body_end = position + max(_read(_INT64, metadata, body_length), 0) if body_length else position
        yield metadata, stream[position:body_end]
        position = body_end


def _claimed_size(metadata: memoryview, body: memoryview) -> int:
    """The decompressed size of a message's body, as far as it is compressed.

    A compressed buffer begins with its decompressed length; -1 stands before one that is not compressed after
    all.
    """
    batch = _find_batch(metadata)
    vector = _field(metadata, batch, _BATCH_BUFFERS) if batch and _is_compressed(metadata, batch) else 0
    if not vector:
        return 0
    vector = _follow(metadata, vector)
    first = vector + _INT32.size
    buffers = metadata[first : first + 16 * max(_read(_INT32, metadata, vector), 0)]
    spans = struct.iter_unpack("<qq", buffers[: len(buffers) // 16 * 16])
    return sum(max(_read(_INT64, body, start), 0) for start, length in spans if length > 0)


def _is_compressed(metadata: memoryview, batch: int) -> bool:
    if _field(metadata, batch, _BATCH_COMPRESSION):
        return True
    version = _field(metadata, _follow(metadata, 0), _MESSAGE_VERSION)
    is_old = version > 0 and _read(_UINT16, metadata, version) == _VERSION_4
    return is_old and _OLD_COMPRESSION in metadata.tobytes()


def _find_batch(metadata: memoryview) -> int:
    """The position of the record batch table in a message that holds one, else 0."""
    message = _follow(metadata, 0)
    kind = _field(metadata, message, _MESSAGE_HEADER_TYPE)
    header = _field(metadata, message, _MESSAGE_HEADER)
    if not kind or not header:
        return 0
    kind = _read(_UINT8, metadata, kind)
    if kind == _RECORD_BATCH:
        return _follow(metadata, header)
    data = _field(metadata, _follow(metadata, header), _DICTIONARY_DATA) if kind == _DICTIONARY_BATCH else 0
    return _follow(metadata, data) if data else 0


def _field(metadata: memoryview, table: int, index: int) -> int:
    """The position of a table's field, 0 where the table does not have it."""
    vtable = table - _read(_INT32, metadata, table)
    entry = 4 + 2 * index
    if entry >= _read(_UINT16, metadata, vtable):
        return 0
    offset = _read(_UINT16, metadata, vtable + entry)
    return table + offset if offset else 0


def _follow(metadata: memoryview, position: int) -> int:
    """The position that the offset at ``position`` points to."""
    return position + _read(_INT32, metadata, position)


def _read(number: struct.Struct, data: memoryview, position: int) -> int:
    """One little-endian number. Raises struct.error where ``data`` has no such position."""
    value: int = number.unpack_from(data, position)[0]
    return value
