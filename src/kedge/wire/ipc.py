"""Arrow batches as IPC streams, and Arrow schemas as IPC messages: what the protocol's bytes hold.

One batch is one complete Arrow IPC stream (a schema, dictionaries, record batches, the end marker), cut into
chunks. Source of the format: "Serialization and Interprocess Communication" in Arrow's columnar format
specification. Putting chunks together again is ``kedge.wire.assembler``.
"""

from __future__ import annotations

__all__ = [
    "DEFAULT_CHUNK_SIZE",
    "LARGEST_BATCH",
    "LARGEST_CHUNK",
    "BatchEncoder",
    "read_batch",
    "schema_from_bytes",
    "schema_to_bytes",
    "stream_pieces",
]

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from pyarrow import types

from kedge.exceptions import ProtocolError
from kedge.wire.arrow_messages import decompressed_size
from kedge.wire.records import Direction, frame_records

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_CHUNK_SIZE = 2 * 1024 * 1024
"""In bytes. gRPC is equally fast from 512 KiB to 4 MiB; this much takes a batch of 1 MiB in one message."""

LARGEST_CHUNK = 1024 * 1024 * 1024
"""In bytes. A protobuf message ends at 2 GiB."""

LARGEST_BATCH = 2 * 1024 * 1024 * 1024
"""In bytes: the default limit of a received batch."""

_SMALL = 256 * 1024
"""In bytes. Up to here copying the data twice costs less than handing it over piece by piece."""

_END_MARKER = b"\xff\xff\xff\xff\x00\x00\x00\x00"

_ALIGNMENT = 8

_PREFIX = struct.Struct("<ii")
_CONTINUATION = -1
"""What stands before each message: this mark and the length of the message's metadata."""

_LARGEST_KNOWN = 64 * 1024
"""In bytes. Schemas up to this size are kept."""

_REFUSALS = (pa.ArrowException, OSError, MemoryError, ValueError)
"""What Arrow raises on bytes that it cannot read."""


class _Layout(NamedTuple):
    """What can be said of every batch of one schema.

    ``message`` is the schema as an IPC message. ``plain`` says that no column needs dictionaries, so that the
    stream is the schema, the record batches and the end marker, one after the other.
    """

    schema: pa.Schema
    message: pa.Buffer
    plain: bool


class BatchEncoder:
    """Writes the batches of one connection as messages.

    Each message holds at most ``chunk_size`` bytes of data; a batch whose stream fits goes into one.
    ``align`` as in ``frame_records``. Raises ValueError for a chunk size below 1 byte or above 1 GiB.
    """

    def __init__(
        self,
        direction: Direction,
        anchor: str,
        connection: str,
        *,
        chunk_size: int = DEFAULT_CHUNK_SIZE,
        align: bool = False,
    ) -> None:
        if not 0 < chunk_size <= LARGEST_CHUNK:
            raise ValueError(f"the chunk size is {chunk_size} bytes; it must lie between 1 and {LARGEST_CHUNK}")
        self._direction = direction
        self._anchor = anchor
        self._connection = connection
        self._chunk_size = chunk_size
        self._align = align
        self._layout = _lay_out(pa.schema([]))

    def __repr__(self) -> str:
        return f"<BatchEncoder: {self._direction.name.lower()} {self._anchor!r} {self._connection!r}>"

    def encode(self, batch: pa.Table | pa.RecordBatch) -> Iterator[bytes]:
        """Yield the messages of one batch; the last has ``end_of_chunk``.

        The data is copied once, when its message is yielded, so a slow consumer holds one message at a time
        beside the batch.
        """
        if not self._layout.schema.equals(batch.schema, check_metadata=True):
            self._layout = _lay_out(batch.schema)
        pieces = _stream_pieces(batch, self._layout)
        left = sum(map(len, pieces))
        for chunk in _cut(pieces, self._chunk_size):
            size = min(self._chunk_size, left)
            left -= size
            head, tail = frame_records(
                self._direction, self._anchor, self._connection, size, left == 0, align=self._align
            )
            yield b"".join((head, *chunk, tail))


def stream_pieces(batch: pa.Table | pa.RecordBatch) -> list[Any]:
    """The Arrow IPC stream of one batch, in buffers (bytes or pyarrow.Buffer) that make it up when joined.

    The columns of a large batch are not copied: their pieces are views that keep the batch's memory alive.
    """
    return _stream_pieces(batch, _lay_out(batch.schema))


def read_batch(data: Any, *, trusted: bool = False, largest: int = LARGEST_BATCH) -> pa.Table:
    """Open one complete Arrow IPC stream, given as anything with the buffer protocol.

    The table's columns are views into ``data`` and keep it alive, unless they are compressed or ``data`` does
    not start at a multiple of 8 bytes; then they are copied once. (Arrow's engine warns about columns at odd
    addresses, libraries in Rust refuse them.)

    Every offset, index and text is checked, so that no operation on the table can read outside its memory.
    ``trusted`` leaves that out for a peer that is known to be sound. ``largest`` limits the stream, and what
    it says it decompresses to, in bytes. Raises ProtocolError where the bytes are not exactly one such
    stream.
    """
    buffer = pa.py_buffer(data)
    if buffer.size > largest:
        raise ProtocolError(f"it has {buffer.size} bytes, the limit is {largest}; write smaller batches")
    if buffer.address % _ALIGNMENT:
        buffer = pa.py_buffer(buffer.to_pybytes())
    if not trusted:
        _refuse_decompression_bomb(buffer, largest)
    try:
        return _read_stream(buffer, trusted)
    except _REFUSALS as error:
        raise ProtocolError(f"its {buffer.size} bytes are no Arrow stream that can be read: {error}") from error


def schema_to_bytes(schema: pa.Schema) -> bytes:
    """The schema as one IPC message, as OutgoingMetadataPush carries it."""
    serialized: bytes = schema.serialize().to_pybytes()
    return serialized


def schema_from_bytes(data: bytes) -> pa.Schema:
    """Read a schema of ``schema_to_bytes``. Raises ProtocolError where the bytes are not exactly one."""
    source = pa.BufferReader(data)
    try:
        schema = pa.ipc.read_schema(source)
        _ = schema.names  # raises for a name that is not UTF-8; Arrow does not look
    except _REFUSALS as error:
        raise ProtocolError(f"the {len(data)} bytes of a schema are no Arrow schema: {error}") from error
    if source.tell() != len(data):
        raise ProtocolError(f"the {len(data)} bytes of a schema go on behind its end at byte {source.tell()}")
    return schema


def _lay_out(schema: pa.Schema) -> _Layout:
    return _Layout(schema, schema.serialize(), not any(map(_may_hold_dictionary, schema.types)))


def _may_hold_dictionary(kind: pa.DataType) -> bool:
    """Whether a column of this type can need dictionary messages beside its record batches."""
    return kind.num_fields > 0 or types.is_dictionary(kind) or isinstance(kind, pa.BaseExtensionType)


def _stream_pieces(batch: pa.Table | pa.RecordBatch, layout: _Layout) -> list[Any]:
    if layout.plain and batch.get_total_buffer_size() <= _SMALL:
        batches = batch.to_batches() if isinstance(batch, pa.Table) else [batch]
        return [layout.message, *(part.serialize() for part in batches), _END_MARKER]
    sink = _PieceSink()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write(batch)
    return sink.pieces


class _PieceSink:
    """A file that keeps what is written to it; Arrow hands over the columns' buffers without a copy."""

    def __init__(self) -> None:
        self.pieces: list[Any] = []
        self.write = self.pieces.append
        self.closed = False

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Called by Arrow at the end."""
        self.closed = True


def _cut(pieces: list[Any], chunk_size: int) -> Iterator[list[memoryview]]:
    """Group views of the pieces so that every group but the last has ``chunk_size`` bytes."""
    chunk: list[memoryview] = []
    room = chunk_size
    for piece in pieces:
        view = memoryview(piece)
        while len(view) > room:
            chunk.append(view[:room])
            yield chunk
            chunk, view, room = [], view[room:], chunk_size
        chunk.append(view)
        room -= len(view)
    yield chunk


def _refuse_decompression_bomb(buffer: pa.Buffer, largest: int) -> None:
    size = decompressed_size(memoryview(buffer))
    if size > largest:
        raise ProtocolError(f"its {buffer.size} bytes say that they decompress to {size}, the limit is {largest}")


def _read_stream(buffer: pa.Buffer, trusted: bool) -> pa.Table:
    source = pa.BufferReader(buffer)
    schema, incoming = _open_stream(source, buffer)
    batches = []
    behind_last = source.tell()
    for batch in incoming:
        batches.append(batch)
        behind_last = source.tell()
    _require_end(buffer, behind_last, source.tell())
    table = pa.Table.from_batches(batches, schema)
    table.validate()
    if not trusted:
        _check_pointers(table)
    return table


def _check_pointers(table: pa.Table) -> None:
    """Check all that Arrow can check, of the columns whose values point elsewhere.

    In other columns that would find values that mean nothing, not values that do harm; tools of other makers send
    date64 columns with a time of day, which are among those.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if types.is_primitive(kind) or types.is_decimal(kind) or types.is_fixed_size_binary(kind):
            continue
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            raise ValueError(f"column {name!r}: {error}") from error


def _open_stream(source: pa.BufferReader, buffer: pa.Buffer) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The schema, and the record batches as they are read.

    As a rule all batches of a connection have one schema, and reading that is half the work for a small batch.
    So schemas are kept; Arrow's own reader, which reads them each time, is for streams with dictionaries.
    """
    message = _schema_message(buffer)
    layout = _known_layout(message) if message else None
    if layout is not None and layout.plain:
        source.seek(len(message))
        return layout.schema, _record_batches(source, layout.schema)
    reader = pa.ipc.open_stream(source)
    return reader.schema, reader


def _schema_message(buffer: pa.Buffer) -> bytes:
    """The message at the start of a stream; empty where it is large or framed in the oldest way."""
    if buffer.size < _PREFIX.size:
        return b""
    mark, length = _PREFIX.unpack_from(buffer)
    if mark != _CONTINUATION or not 0 < length <= _LARGEST_KNOWN:
        return b""
    message: bytes = buffer[: _PREFIX.size + length].to_pybytes()
    return message


@lru_cache(maxsize=64)
def _known_layout(message: bytes) -> _Layout:
    return _lay_out(pa.ipc.read_schema(pa.py_buffer(message)))


def _record_batches(source: pa.BufferReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while (message := _next_message(source)) is not None:
        yield pa.ipc.read_record_batch(message, schema)


def _next_message(source: pa.BufferReader) -> pa.Message | None:
    """The next message, None at the end marker and at the end of the bytes."""
    try:
        return pa.ipc.read_message(source)
    except EOFError:
        return None


def _require_end(buffer: pa.Buffer, behind_last: int, end: int) -> None:
    """Refuse a stream that just stops: to Arrow that is an end, but its writer may have had more to say."""
    if memoryview(buffer)[behind_last:end].tobytes()[-len(_END_MARKER) :] != _END_MARKER:
        raise ValueError(f"it stops at byte {end} without an end marker")
    if end != buffer.size:
        raise ValueError(f"it ends at byte {end}, and {buffer.size - end} bytes follow")
