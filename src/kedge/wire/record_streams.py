"""Batches as messages of one RecordTransfer stream, and back, with all that two peers have agreed upon."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kedge.wire.assembler import ChunkAssembler
from kedge.wire.records import Direction, frame_records
from kedge.wire.shared_memory import is_descriptor, pack_descriptor, unpack_descriptor
from kedge.wire.shared_memory_reader import copy_of
from kedge.wire.shared_memory_writer import SMALLEST
from kedge.wire.steady import SteadyDecoder, SteadyEncoder, SteadyReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from kedge.wire.records import Incoming, Outgoing, Records
    from kedge.wire.shared_memory import Place
    from kedge.wire.shared_memory_reader import SharedMemoryReader
    from kedge.wire.shared_memory_writer import PoolStatistics, SharedMemoryWriter

__all__ = ["ArrivedBatch", "RecordReader", "RecordWriter"]


class ArrivedBatch(NamedTuple):
    """A batch, and the bytes that it came in."""

    table: pa.Table
    size: int


class RecordWriter:
    """Writes the batches of all connections of a stream.

    ``align`` and ``shared`` are for a peer that has agreed: records then lie at multiples of 8 bytes, and batches
    travel through shared memory where there is room. A batch that came from the peer through ``received``, and is sent
    as it came, stays where it lies.
    """

    def __init__(
        self,
        direction: Direction,
        *,
        align: bool = False,
        shared: SharedMemoryWriter | None = None,
        received: SharedMemoryReader | None = None,
    ) -> None:
        self._direction = direction
        self._align = align
        self._shared = shared
        self._received = received
        self._encoders: dict[tuple[str, str], SteadyEncoder] = {}
        self._frame = ("", "", -1)
        self._framed = (b"", b"")

    def encode(self, anchor: str, connection: str, tables: Iterable[pa.Table]) -> Iterator[bytes]:
        """Yield the messages of batches of one connection, in order; the last of each batch has ``end_of_chunk``.

        Batches in shared memory that follow each other take one message.
        """
        places: list[Place] = []
        for table in tables:
            place = self._place(table, wait=not places)
            if place is None and places:
                yield self._described(anchor, connection, places)
                places = []  # the reader can hand them back now
                place = self._place(table, wait=True)
            if place is None:
                yield from self._inline(anchor, connection, table)
            else:
                places.append(place)
        if places:
            yield self._described(anchor, connection, places)

    def encode_one(self, anchor: str, connection: str, table: pa.Table) -> Iterable[bytes]:
        """The messages of one batch, as :meth:`encode` makes them."""
        place = self._place(table, wait=True)
        if place is None:
            return self._inline(anchor, connection, table)
        return (self._described(anchor, connection, [place]),)

    def encode_at_once(self, anchor: str, connection: str, table: pa.Table) -> bytes | None:
        """The one small message of a batch; None where it takes more than that, or has to wait for a segment."""
        place = self._place(table, wait=False)
        if place is not None:
            return self._described(anchor, connection, [place])
        if table.get_total_buffer_size() > SMALLEST:
            return None
        messages = list(self._inline(anchor, connection, table))
        return messages[0] if len(messages) == 1 else None

    @property
    def unread(self) -> int:
        """The batches in shared memory that the peer has not let go of; some may lie still unread."""
        if self._shared is None:
            return 0
        return self._shared.taken + (0 if self._received is None else self._received.sent_back)

    def close(self) -> None:
        """Let go of shared memory; what was written into it lives on with who reads it."""
        if self._shared is not None:
            self._shared.close()

    def statistics(self) -> PoolStatistics | None:
        """What passed through shared memory; None where there is none."""
        return None if self._shared is None else self._shared.statistics()

    def _place(self, table: pa.Table, wait: bool) -> Place | None:
        if self._shared is None:
            return None
        place = None if self._received is None else self._received.send_back(table)
        return place or self._shared.place(table, wait=wait)

    def _described(self, anchor: str, connection: str, places: list[Place]) -> bytes:
        descriptor = pack_descriptor(places)
        frame = anchor, connection, len(descriptor)
        if frame != self._frame:
            self._frame, self._framed = frame, frame_records(self._direction, *frame, True)
        head, tail = self._framed
        return b"".join((head, descriptor, tail))

    def _inline(self, anchor: str, connection: str, table: pa.Table) -> Iterator[bytes]:
        encoder = self._encoders.get((anchor, connection))
        if encoder is None:
            encoder = SteadyEncoder(self._direction, anchor, connection, align=self._align)
            self._encoders[anchor, connection] = encoder
        return encoder.encode(table)


class RecordReader:
    """Reads the messages of a stream. ``trusted`` as for ``ChunkAssembler``; ``shared`` where the peer has agreed."""

    def __init__(
        self, direction: Direction, *, trusted: bool = False, shared: SharedMemoryReader | None = None
    ) -> None:
        self._assembler = ChunkAssembler(trusted=trusted)
        self._decoder = SteadyDecoder(direction)
        self._steady = SteadyReader(self._assembler) if trusted else None
        self._shared = shared

    def decode(self, message: bytes) -> Incoming | Outgoing | None:
        """Read a message. Raises ProtocolError where it is none."""
        return self._decoder.decode(message)

    def batches(self, records: Records) -> list[ArrivedBatch]:
        """The batches that a chunk completes: as a rule one, or none. Raises ProtocolError where it cannot be read."""
        if self._shared is not None and is_descriptor(records.data):
            return list(map(self._read_shared, unpack_descriptor(bytes(records.data))))
        table = self._assembler.add(records) if self._steady is None else self._steady.add(records)
        return [] if table is None else [ArrivedBatch(table, len(records.data))]

    def _read_shared(self, place: Place) -> ArrivedBatch:
        assert self._shared is not None
        assert self._steady is not None
        buffer = self._shared.buffer(place)
        if self._shared.holds_much:
            return ArrivedBatch(self._steady.read(copy_of(buffer)), place.length)
        table = self._steady.read(buffer)
        if self._shared.remembers:
            self._shared.remember(table, place)
        return ArrivedBatch(table, place.length)

    def close(self) -> None:
        """Let go of shared memory; the batches that were read keep what they lie on."""
        if self._shared is not None:
            self._shared.close()

    @property
    def half_received(self) -> bool:
        """Whether a batch has begun and its last chunk is not in yet."""
        return bool(self._assembler.half_received)

    def finish(self) -> None:
        """The stream has ended. Raises ProtocolError where a batch is half received."""
        self._assembler.finish()
