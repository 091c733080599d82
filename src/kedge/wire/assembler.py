"""Putting the chunks of batches together again, for every connection of one ``RecordTransfer`` stream."""

from __future__ import annotations

__all__ = ["AssemblerStatistics", "ChunkAssembler", "HalfReceived", "Limits"]

from typing import TYPE_CHECKING, Any, NamedTuple

from kedge.exceptions import ProtocolError
from kedge.lifecycle.limits import LARGEST_BATCH, MOST_HALF_RECEIVED, OPEN_BYTES
from kedge.sdk.value import value
from kedge.wire.batch_reader import read_batch

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.wire.records import Records


@value
class Limits:
    """How much a peer may make the reader hold.

    ``batch_bytes``: the bytes of one batch, as they come and as they say they decompress. ``open_streams``:
    connections with a half received batch. ``open_bytes``: the bytes of all half received batches together.
    """

    batch_bytes: int = LARGEST_BATCH
    open_streams: int = MOST_HALF_RECEIVED
    open_bytes: int = OPEN_BYTES


class HalfReceived(NamedTuple):
    """A batch whose last chunk is not in yet: its connection, and the chunks and bytes of data that are."""

    anchor: str
    connection: str
    chunks: int
    size: int


class AssemblerStatistics(NamedTuple):
    """What went through: complete batches, chunks, bytes of data; and the batches half received now."""

    batches: int
    chunks: int
    size: int
    half_received: int


class _HalfBatch:
    """A batch so far: one growing buffer, so that tiny chunks take no more memory than their bytes."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.chunks = 0


class ChunkAssembler:
    """Turns the chunks of one ``RecordTransfer`` stream into tables.

    Chunks of different connections may be interleaved. A batch in one chunk becomes a table on that chunk's
    own memory; the chunks of a longer one are copied once, into one buffer. ``trusted`` as in
    ``kedge.wire.batch_reader.read_batch``. Not safe to use from two threads at a time.
    """

    def __init__(self, *, limits: Limits | None = None, trusted: bool = False) -> None:
        self._limits = limits or Limits()
        self._trusted = trusted
        self._open: dict[tuple[str, str], _HalfBatch] = {}
        self._open_bytes = 0
        self._batches = 0
        self._chunks = 0
        self._size = 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {_describe(self.half_received) or 'nothing half received'}>"

    def add(self, records: Records) -> pa.Table | None:
        """Take one chunk; the table where it completes a batch, else None.

        Raises ProtocolError, with the connection and the byte counts, where a limit is passed or the batch
        cannot be read. That batch is gone then; the other connections are not touched.
        """
        size = memoryview(records.data).nbytes
        self._chunks += 1
        self._size += size
        key = records.anchor, records.connection
        half = self._open.get(key)
        if half is None and records.end_of_chunk:
            return self._read(key, records.data, 1)
        self._keep(key, half, records.data, size)
        return self._read(key, *self._take(key)) if records.end_of_chunk else None

    @property
    def half_received(self) -> tuple[HalfReceived, ...]:
        """The batches whose last chunk is not in yet, in the order in which they began."""
        return tuple(HalfReceived(*key, half.chunks, len(half.data)) for key, half in self._open.items())

    def is_half_received(self, anchor: str, connection: str) -> bool:
        """Whether a batch of this connection has begun and its last chunk is not in yet."""
        return (anchor, connection) in self._open

    def finish(self) -> None:
        """The stream has ended. Raises ProtocolError, naming them all, where batches are half received."""
        if self._open:
            raise ProtocolError(f"the records ended inside a batch: {_describe(self.half_received)}")

    def statistics(self) -> AssemblerStatistics:
        """What went through until now."""
        return AssemblerStatistics(self._batches, self._chunks, self._size, len(self._open))

    def _keep(self, key: tuple[str, str], half: _HalfBatch | None, data: Any, size: int) -> None:
        excess = self._excess(half, size)
        if excess:
            self._take(key)
            raise ProtocolError(f"a batch on {_name(*key)}: {excess}")
        if half is None:
            half = self._open[key] = _HalfBatch()
        half.data += data
        half.chunks += 1
        self._open_bytes += size

    def _excess(self, half: _HalfBatch | None, size: int) -> str:
        """Which limit ``size`` more bytes would pass, in words; empty where they pass none."""
        limits = self._limits
        if half is None and len(self._open) >= limits.open_streams:
            return f"{len(self._open)} others are half received, the limit is {limits.open_streams}"
        batch_bytes = size + (len(half.data) if half else 0)
        if batch_bytes > limits.batch_bytes:
            return f"it has {batch_bytes} bytes so far, the limit is {limits.batch_bytes}; write smaller batches"
        open_bytes = size + self._open_bytes
        if open_bytes > limits.open_bytes:
            return f"with it {open_bytes} bytes would be half received, the limit is {limits.open_bytes}"
        return ""

    def _take(self, key: tuple[str, str]) -> tuple[bytearray, int]:
        """Remove a half received batch: its data and the number of its chunks."""
        half = self._open.pop(key, None) or _HalfBatch()
        self._open_bytes -= len(half.data)
        return half.data, half.chunks

    def _read(self, key: tuple[str, str], data: Any, chunks: int) -> pa.Table:
        try:
            table = read_batch(data, trusted=self._trusted, largest=self._limits.batch_bytes)
        except ProtocolError as error:
            raise ProtocolError(f"a batch on {_name(*key)}, in {_count(chunks, 'chunk')}: {error}") from error
        self._batches += 1
        return table


def _name(anchor: str, connection: str) -> str:
    return f"anchor {anchor!r}, connection {connection!r}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _describe(half_received: tuple[HalfReceived, ...]) -> str:
    parts = (
        f"{_name(anchor, connection)} has {_count(size, 'byte')} in {_count(chunks, 'chunk')}"
        for anchor, connection, chunks, size in half_received
    )
    return "; ".join(parts)
