"""Arrow batches written as IPC streams, and Arrow schemas as IPC messages: what the protocol's bytes hold.

One batch is one complete Arrow IPC stream (a schema, dictionaries, record batches, the end marker), cut into
chunks. Source of the format: "Serialization and Interprocess Communication" in Arrow's columnar format
specification. Putting chunks together again is ``kedge.wire.assembler``, reading them ``kedge.wire.batch_reader``.
"""

from __future__ import annotations

__all__ = [
    "DEFAULT_CHUNK_SIZE",
    "END_MARKER",
    "LARGEST_CHUNK",
    "REFUSALS",
    "BatchEncoder",
    "Layout",
    "lay_out",
    "schema_from_bytes",
    "schema_to_bytes",
    "stream_pieces",
]

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from pyarrow import types

from kedge.exceptions import ProtocolError
from kedge.sdk.sizes import holds_its_values
from kedge.wire.records import Direction, frame_records

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_CHUNK_SIZE = 2 * 1024 * 1024
"""In bytes. gRPC is equally fast from 512 KiB to 4 MiB; this much takes a batch of 1 MiB in one message."""

LARGEST_CHUNK = 1024 * 1024 * 1024
"""In bytes. A protobuf message ends at 2 GiB."""

_SMALL = 256 * 1024
"""In bytes. Up to here copying the data twice costs less than handing it over piece by piece."""

END_MARKER = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""What an IPC stream ends with."""

REFUSALS = (pa.ArrowException, OSError, MemoryError, ValueError)
"""What Arrow raises on bytes that it cannot read."""


class Layout(NamedTuple):
    """What can be said of every batch of one schema.

    ``message`` is the schema as an IPC message. ``plain`` says that no column needs dictionaries, so that the
    stream is the schema, the record batches and the end marker, one after the other. ``pointing`` are the positions
    of the columns whose values are found by offsets or indices.
    """

    schema: pa.Schema
    message: pa.Buffer
    plain: bool
    pointing: tuple[int, ...]


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
        self._layout = lay_out(pa.schema([]))

    def __repr__(self) -> str:
        return f"<BatchEncoder: {self._direction.name.lower()} {self._anchor!r} {self._connection!r}>"

    def encode(self, batch: pa.Table | pa.RecordBatch) -> Iterator[bytes]:
        """Yield the messages of one batch; the last has ``end_of_chunk``.

        The data is copied once, when its message is yielded, so a slow consumer holds one message at a time
        beside the batch.
        """
        if not self._layout.schema.equals(batch.schema, check_metadata=True):
            self._layout = lay_out(batch.schema)
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
    return _stream_pieces(batch, lay_out(batch.schema))


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
    except REFUSALS as error:
        raise ProtocolError(f"the {len(data)} bytes of a schema are no Arrow schema: {error}") from error
    if source.tell() != len(data):
        raise ProtocolError(f"the {len(data)} bytes of a schema go on behind its end at byte {source.tell()}")
    return schema


def lay_out(schema: pa.Schema) -> Layout:
    """Find out what can be said of every batch of this schema."""
    kinds = schema.types
    pointing = (i for i, kind in enumerate(kinds) if not holds_its_values(kind))
    is_plain = not any(map(_may_hold_dictionary, kinds))
    return Layout(schema, schema.serialize(), is_plain, tuple(pointing))


def _may_hold_dictionary(kind: pa.DataType) -> bool:
    """Whether a column of this type can need dictionary messages beside its record batches."""
    return kind.num_fields > 0 or types.is_dictionary(kind) or isinstance(kind, pa.BaseExtensionType)


def _stream_pieces(batch: pa.Table | pa.RecordBatch, layout: Layout) -> list[Any]:
    if layout.plain and batch.get_total_buffer_size() <= _SMALL:
        batches = batch.to_batches() if isinstance(batch, pa.Table) else [batch]
        return [layout.message, *(part.serialize() for part in batches), END_MARKER]
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
