"""How large the compressed columns of an Arrow IPC stream say they are, read before Arrow allocates as much.

Arrow trusts the length that stands before each compressed buffer; a few kilobytes can ask for any amount of
memory. This reads just those lengths. Sources: "Encapsulated message format" and "Compression" in Arrow's
columnar format specification; ``Message.fbs`` for the numbers of the fields; "FlatBuffers internals" for the
encoding.
"""

from __future__ import annotations

__all__ = ["decompressed_size"]

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_UINT8 = struct.Struct("<B")
_UINT16 = struct.Struct("<H")
_INT32 = struct.Struct("<i")
_INT64 = struct.Struct("<q")

_CONTINUATION = -1
_VERSION_4 = 3
_DICTIONARY_BATCH = 2
_RECORD_BATCH = 3

# The order of fields in their flatbuffer tables.
_VERSION, _HEADER_TYPE, _HEADER, _BODY_LENGTH = 0, 1, 2, 3
_DICTIONARY_DATA = 1
_BUFFERS, _COMPRESSION = 2, 3

_OLD_COMPRESSION = b"ARROW:experimental_compression"
"""The key by which Arrow 0.17 said in a message's metadata that its batch is compressed; Arrow still reads it."""


class _Table(NamedTuple):
    """A flatbuffer table: where it lies, and how far behind that each of its fields is (0 or missing: not there)."""

    metadata: memoryview
    position: int
    offsets: tuple[int, ...]


def decompressed_size(stream: memoryview) -> int:
    """The bytes that the compressed buffers of a stream claim to hold; 0 where nothing is compressed.

    ``stream`` is the whole stream or what is left of it from any message on. Raises ValueError where the messages
    cannot be followed.
    """
    try:
        return sum(_claimed_size(message, body) for message, body in _messages(stream))
    except struct.error as error:
        raise ValueError("a message is cut off") from error


def _messages(stream: memoryview) -> Iterator[tuple[_Table, memoryview]]:
    """Each message and its body, up to the end marker or the end of the bytes."""
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
        message = _table(metadata, 0)
        body_length = _field(message, _BODY_LENGTH)
        body_end = position + max(_read(_INT64, metadata, body_length), 0) if body_length else position
        yield message, stream[position:body_end]
        position = body_end


def _claimed_size(message: _Table, body: memoryview) -> int:
    """The decompressed size of a message's body, as far as it is compressed.

    A compressed buffer begins with its decompressed length; -1 stands before one that is not compressed after all.
    """
    batch = _find_batch(message)
    vector = _field(batch, _BUFFERS) if batch is not None and _is_compressed(message, batch) else 0
    if not vector:
        return 0
    metadata = message.metadata
    vector += _read(_INT32, metadata, vector)
    first = vector + _INT32.size
    buffers = metadata[first : first + 16 * max(_read(_INT32, metadata, vector), 0)]
    spans = struct.iter_unpack("<qq", buffers[: len(buffers) // 16 * 16])
    return sum(max(_read(_INT64, body, start), 0) for start, length in spans if length > 0)


def _find_batch(message: _Table) -> _Table | None:
    """The record batch in a message that holds one."""
    kind, header = _field(message, _HEADER_TYPE), _field(message, _HEADER)
    if not kind or not header:
        return None
    kind = _read(_UINT8, message.metadata, kind)
    if kind == _RECORD_BATCH:
        return _table(message.metadata, header)
    if kind != _DICTIONARY_BATCH:
        return None
    data = _field(_table(message.metadata, header), _DICTIONARY_DATA)
    return _table(message.metadata, data) if data else None


def _is_compressed(message: _Table, batch: _Table) -> bool:
    if _field(batch, _COMPRESSION):
        return True
    version = _field(message, _VERSION)
    is_old = version > 0 and _read(_UINT16, message.metadata, version) == _VERSION_4
    return is_old and _OLD_COMPRESSION in message.metadata.tobytes()


def _table(metadata: memoryview, pointer: int) -> _Table:
    """The table that the offset at ``pointer`` points to."""
    position = pointer + _read(_INT32, metadata, pointer)
    layout = position - _read(_INT32, metadata, position)
    count = (_read(_UINT16, metadata, layout) - 4) // 2
    return _Table(metadata, position, struct.unpack_from(f"<{count}H", metadata, layout + 4))


def _field(table: _Table, index: int) -> int:
    """The position of a table's field, 0 where the table does not have it."""
    offset = table.offsets[index] if index < len(table.offsets) else 0
    return table.position + offset if offset else 0


def _read(number: struct.Struct, data: memoryview, position: int) -> int:
    """One little-endian number. Raises struct.error where ``data`` has no such position."""
    value: int = number.unpack_from(data, position)[0]
    return value
