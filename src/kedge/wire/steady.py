"""The short way for the batches that follow one that looked the same.

The batches of one connection nearly always have one schema, and small ones nearly always one size; then all of a
message but its data is known beforehand. What is known is compared, not read again: for a batch of 1,000 rows that is
a fifth of the work. Everything else goes the long way, through ``kedge.wire.ipc`` and ``kedge.wire.assembler``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from kedge.wire.batch_reader import read_batch
from kedge.wire.ipc import END_MARKER, BatchEncoder, lay_out
from kedge.wire.records import Direction, Records, decode_incoming, decode_outgoing, frame_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kedge.wire.assembler import ChunkAssembler
    from kedge.wire.records import Incoming, Outgoing

__all__ = ["SteadyDecoder", "SteadyEncoder", "SteadyReader"]

_TINY = 1 << 10
"""In bytes. Up to there a copy is made faster than a view."""
_SMALL = 256 << 10
"""In bytes. Above that the copies outweigh what is saved."""


class SteadyEncoder:
    """Writes the batches of one connection as messages, as :class:`~kedge.wire.ipc.BatchEncoder` does."""

    def __init__(self, direction: Direction, anchor: str, connection: str, *, align: bool = False) -> None:
        self._general = BatchEncoder(direction, anchor, connection, align=align)
        self._frame = (direction, anchor, connection)
        self._align = align
        self._schema: pa.Schema | None = None
        self._schema_message = b""
        self._size = -1
        self._head = self._tail = b""

    def encode(self, table: pa.Table) -> Iterator[bytes]:
        """Yield the messages of one batch; the last has ``end_of_chunk``."""
        if table.get_total_buffer_size() <= _SMALL and self._knows(table.schema):
            batches = table.to_batches()
            if len(batches) == 1:
                return iter((self._message(batches[0].serialize()),))
        return self._general.encode(table)

    def _knows(self, schema: pa.Schema) -> bool:
        """Whether a stream of this schema is one message for it and one for each record batch."""
        if self._schema is None or not self._schema.equals(schema, check_metadata=True):
            self._schema = schema
            layout = lay_out(schema)
            self._schema_message = bytes(layout.message) if layout.plain else b""
        return bool(self._schema_message)

    def _message(self, body: pa.Buffer) -> bytes:
        size = len(self._schema_message) + body.size + len(END_MARKER)
        if size != self._size:
            self._size = size
            self._head, self._tail = frame_records(*self._frame, size, True, align=self._align)
        return b"".join((self._head, self._schema_message, body, END_MARKER, self._tail))


class _Pattern(NamedTuple):
    """What a message of records looked like: its size in bytes, all before the data, all behind, and the names."""

    size: int
    head: bytes
    tail: bytes
    anchor: str
    connection: str
    end_of_chunk: bool


class SteadyDecoder:
    """Reads the messages of one RecordTransfer stream, as ``decode_incoming`` and ``decode_outgoing`` do."""

    def __init__(self, direction: Direction) -> None:
        self._decode = decode_incoming if direction is Direction.INCOMING else decode_outgoing
        self._pattern = _Pattern(-1, b"", b"", "", "", False)

    def decode(self, message: bytes) -> Incoming | Outgoing | None:
        """Read a message. Raises ProtocolError where it is none."""
        size, head, tail, anchor, connection, end_of_chunk = self._pattern
        if len(message) == size and message.startswith(head) and message.endswith(tail):
            start, end = len(head), size - len(tail)
            data = message[start:end] if size <= _TINY else memoryview(message)[start:end]
            return Records(anchor, connection, data, end_of_chunk)
        decoded = self._decode(message)
        if isinstance(decoded, Records) and len(message) <= _SMALL:
            self._remember(message, decoded)
        return decoded

    def _remember(self, message: bytes, records: Records) -> None:
        """A head that says how long the data is, and a tail, make one reading of a message of this size."""
        anchor, connection, data, end_of_chunk = records
        if len(data):
            start = pa.py_buffer(data).address - pa.py_buffer(message).address
            end = start + len(data)
            self._pattern = _Pattern(len(message), message[:start], message[end:], anchor, connection, end_of_chunk)


class SteadyReader:
    """Turns records into tables: batches of one chunk and one schema directly, all others through an assembler.

    Only for a peer that is trusted (``trusted`` of ``kedge.wire.assembler``): nothing but the form is checked.
    """

    def __init__(self, assembler: ChunkAssembler) -> None:
        self._assembler = assembler
        self._schema: pa.Schema | None = None
        self._schema_message = b""

    def add(self, records: Records) -> pa.Table | None:
        """Take one chunk; the table where it completes a batch, else None. Raises as the assembler does."""
        if records.end_of_chunk and not self._assembler.is_half_received(records.anchor, records.connection):
            table = self._read(records.data)
            if table is not None:
                return table
        table = self._assembler.add(records)
        if table is not None:
            self._remember(table.schema)
        return table

    def read(self, buffer: pa.Buffer) -> pa.Table:
        """The table of one whole stream. Raises ProtocolError where it cannot be read."""
        table = self._read(buffer)
        if table is None:
            table = read_batch(buffer, trusted=True)
            self._remember(table.schema)
        return table

    def _remember(self, schema: pa.Schema) -> None:
        layout = lay_out(schema)
        if layout.plain:
            self._schema, self._schema_message = schema, bytes(layout.message)

    def _read(self, data: Any) -> pa.Table | None:
        message = self._schema_message
        buffer = data if isinstance(data, pa.Buffer) else pa.py_buffer(data)
        if not message or buffer.address % 8:
            return None
        source = pa.BufferReader(buffer)
        if source.read(len(message)) != message:
            return None
        try:
            batch = pa.ipc.read_record_batch(pa.ipc.read_message(source), self._schema)
        except (EOFError, OSError, pa.ArrowException):
            return None
        if source.read(len(END_MARKER) + 1) != END_MARKER:
            return None
        return pa.Table.from_batches([batch], self._schema)
