"""The reading end of shared memory: segments as Arrow buffers, handed back when nothing refers to them."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from kedge.exceptions import ProtocolError
from kedge.lifecycle.limits import MOST_SEGMENTS
from kedge.wire.shared_memory import (
    FREE,
    RETIRED,
    SENT_BACK,
    TAKEN,
    Place,
    map_segment,
    segment_name,
)

if TYPE_CHECKING:
    from pathlib import Path

    from kedge.wire.shared_memory import Memory

__all__ = ["SharedMemoryReader", "copy_of"]


class _Lease:
    """One batch in one segment; its end, on whichever thread, clears the byte of the segment that says so.

    ``held`` gets the bytes of the segment meanwhile.
    """

    def __init__(self, memory: Memory, byte: int, held: dict[int, int]) -> None:
        self._memory = memory
        self._byte = byte
        self._held = held
        held[id(self)] = len(memory)

    def __del__(self) -> None:
        self._held.pop(id(self), None)
        self._memory[self._byte] = FREE


class _Mapping(NamedTuple):
    memory: Memory
    address: int
    byte: int


class _Known(NamedTuple):
    table: weakref.ref[pa.Table]
    place: Place
    memory: Memory


class SharedMemoryReader:
    """Opens the segments of the writer with the same folder and prefix.

    ``own_prefix`` is that of this end's own segments, in which the peer may send a batch back. ``remembers`` says that
    this end may do so itself, and tables are to be noted for it. ``budget`` is the size of the pool, in bytes.
    """

    def __init__(
        self, folder: Path, prefix: str, own_prefix: str, budget: int = 64 << 20, *, remembers: bool = True
    ) -> None:
        self.remembers = remembers
        self._folder = folder
        self._prefixes = (prefix, own_prefix)
        self._most_held = budget // 2
        self._held: dict[int, int] = {}
        self._mappings: dict[int, _Mapping] = {}
        self._known: dict[int, _Known] = {}

    def __repr__(self) -> str:
        return f"<SharedMemoryReader {self._prefixes[0]}: {len(self._mappings)} segments>"

    def buffer(self, place: Place) -> pa.Buffer:
        """The stream that lies in a place, as a buffer on the segment itself.

        The segment is the writer's again when the last reference to the buffer, and to every table that was read from
        it, is gone. Raises ProtocolError for a place that is none.
        """
        memory, address, byte = self._mappings.get(place.segment) or self._map(place.segment)
        lease = _Lease(memory, byte, self._held)
        if place.offset + place.length > len(memory):
            raise ProtocolError(f"{place} lies outside of its segment of {len(memory)} bytes")
        return pa.foreign_buffer(address + place.offset, place.length, lease)

    @property
    def holds_much(self) -> bool:
        """Whether batches are kept that hold more than half of the pool.

        What comes then is better copied, and its segment handed back at once: the writer, which would soon find none
        free, would send what follows inline.
        """
        return len(self._held) > 1 and sum(list(self._held.values())) > self._most_held

    def remember(self, table: pa.Table, place: Place) -> None:
        """Note the table that was read from a place, so that :meth:`send_back` knows it."""
        key = id(table)
        forget = partial(self._known.pop, key)  # called with the dead reference, which serves as pop's default
        self._known[key] = _Known(weakref.ref(table, forget), place, self._mappings[place.segment].memory)

    def send_back(self, table: pa.Table) -> Place | None:
        """The place of a table that is remembered, for its writer to read; None where it has to be written anew.

        It can be on its way back once at a time. May be called from another thread.
        """
        known = self._known.get(id(table))
        if known is None:
            return None
        reference, (segment, offset, length), memory = known
        if reference() is not table or memory[1] != FREE or segment & SENT_BACK:
            return None
        memory[1] = TAKEN
        return Place(segment | SENT_BACK, offset, length)

    @property
    def sent_back(self) -> int:
        """The batches that were sent back, and that their writer has not let go of."""
        return sum(mapping.memory[1] == TAKEN for mapping in self._mappings.values())

    def close(self) -> None:
        """Let go of the segments that no batch lies on any more."""
        self._known.clear()
        self._mappings.clear()

    def _map(self, number: int) -> _Mapping:
        for known in [known for known, mapping in self._mappings.items() if mapping.memory[0] == RETIRED]:
            del self._mappings[known]
        if len(self._mappings) >= MOST_SEGMENTS:
            raise ProtocolError(f"more than {MOST_SEGMENTS} segments of shared memory are in use, which is the limit")
        byte = 1 if number & SENT_BACK else 0
        path = self._folder / segment_name(self._prefixes[byte], number & ~SENT_BACK)
        try:
            memory = map_segment(path)
        except OSError as error:
            raise ProtocolError(f"the shared memory {path} cannot be read: {error}") from error
        mapping = self._mappings[number] = _Mapping(memory, pa.py_buffer(memory).address, byte)
        return mapping


def copy_of(buffer: pa.Buffer) -> pa.Buffer:
    """The same bytes in memory of this process."""
    copy = pa.allocate_buffer(buffer.size)
    pa.FixedSizeBufferWriter(copy).write(buffer)
    return copy
