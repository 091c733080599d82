"""Reading Arrow IPC streams that a peer sent, zero-copy and without trust.

Source of the format: "Serialization and Interprocess Communication" in Arrow's columnar format specification.
"""

from __future__ import annotations

__all__ = ["read_batch"]

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.exceptions import ProtocolError
from kedge.lifecycle.limits import LARGEST_BATCH
from kedge.wire.arrow_messages import decompressed_size
from kedge.wire.ipc import END_MARKER, REFUSALS, Layout, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALIGNMENT = 8

_PREFIX = struct.Struct("<ii")
_CONTINUATION = -1
"""What stands before each message: this mark and the length of the message's metadata."""

_LARGEST_KNOWN = 64 * 1024
"""In bytes. Schemas up to this size are kept."""


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
    try:
        return _read_stream(buffer, None if trusted else largest)
    except REFUSALS as error:
        raise ProtocolError(f"its {buffer.size} bytes are no Arrow stream that can be read: {error}") from error


def _read_stream(buffer: pa.Buffer, largest: int | None) -> pa.Table:
    """The table; with ``largest``, which is None for a peer that is trusted, only after all checks."""
    source = pa.BufferReader(buffer)
    layout, incoming = _open_stream(source, buffer)
    batches = []
    behind_last = source.tell()
    if largest is not None:
        _refuse_decompression_bomb(buffer, behind_last, largest)
    for batch in incoming:
        batches.append(batch)
        behind_last = source.tell()
    _require_end(buffer, behind_last, source.tell())
    table = pa.Table.from_batches(batches, layout.schema)
    table.validate()
    if largest is not None:
        _check_pointers(table, layout)
    return table


def _refuse_decompression_bomb(buffer: pa.Buffer, start: int, largest: int) -> None:
    size = decompressed_size(memoryview(buffer)[start:])
    if size > largest:
        raise ProtocolError(f"its {buffer.size} bytes say that they decompress to {size}, the limit is {largest}")


def _check_pointers(table: pa.Table, layout: Layout) -> None:
    """Check all that Arrow can check, of the columns whose values are found by offsets or indices.

    In other columns that would find values that mean nothing, not values that do harm; tools of other makers send
    date64 columns with a time of day, which are among those.
    """
    names = table.column_names
    for i in layout.pointing:
        _check_column(names[i], table.column(i))


def _check_column(name: str, column: pa.ChunkedArray) -> None:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        raise ValueError(f"column {name!r}: {error}") from error


def _open_stream(source: pa.BufferReader, buffer: pa.Buffer) -> tuple[Layout, Iterator[pa.RecordBatch]]:
    """The schema with what follows from it, and the record batches as they are read.

    As a rule all batches of a connection have one schema, and reading that is half the work for a small batch.
    So schemas are kept; Arrow's own reader, which reads them each time, is for streams with dictionaries.
    """
    message = _schema_message(buffer)
    layout = _known_layout(message) if message else None
    if layout is not None and layout.plain:
        source.seek(len(message))
        return layout, _record_batches(source, layout.schema)
    reader = pa.ipc.open_stream(source)
    return layout or lay_out(reader.schema), reader


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
def _known_layout(message: bytes) -> Layout:
    return lay_out(pa.ipc.read_schema(pa.py_buffer(message)))


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
    if memoryview(buffer)[behind_last:end].tobytes()[-len(END_MARKER) :] != END_MARKER:
        raise ValueError(f"it stops at byte {end} without an end marker")
    if end != buffer.size:
        raise ValueError(f"it ends at byte {end}, and {buffer.size - end} bytes follow")
