"""The reading end of shared memory: segments as Arrow buffers, handed back when nothing refers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.exceptions import ProtocolError
from kedge.wire.shared_memory import FREE, RETIRED, Place, map_segment, segment_name, unpack_descriptor

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["SharedMemoryReader"]


class _Lease:
    """One batch in one segment; its end, on whichever thread, gives the segment back to the writer."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    def __del__(self) -> None:
        self._memory[0] = FREE


class SharedMemoryReader:
    """Opens the segments of the writer with the same folder and prefix. For use by one thread."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder = folder
        self._prefix = prefix
        self._segments: dict[int, tuple[mmap.mmap, int]] = {}

    def __repr__(self) -> str:
        return f"<SharedMemoryReader {self._prefix}: {len(self._segments)} segments>"

    def buffers(self, descriptor: bytes) -> Iterator[pa.Buffer]:
        """The streams that a descriptor stands for, as buffers on the segments themselves.

        The segment of a buffer is the writer's again when the last reference to the buffer, and to every table that
        was read from it, is gone. Raises ProtocolError for a place that is none.
        """
        for place in unpack_descriptor(descriptor):
            yield self._buffer(place)

    def _buffer(self, place: Place) -> pa.Buffer:
        memory, address = self._segments.get(place.segment) or self._map(place.segment)
        lease = _Lease(memory)
        if place.offset + place.length > len(memory):
            raise ProtocolError(f"{place} lies outside of its segment of {len(memory)} bytes")
        return pa.foreign_buffer(address + place.offset, place.length, lease)

    def _map(self, number: int) -> tuple[mmap.mmap, int]:
        for known in [known for known, (memory, _) in self._segments.items() if memory[0] == RETIRED]:
            del self._segments[known]
        path = self._folder / segment_name(self._prefix, number)
        try:
            memory = map_segment(path)
        except OSError as error:
            raise ProtocolError(f"the shared memory {path} cannot be read: {error}") from error
        self._segments[number] = memory, pa.py_buffer(memory).address
        return self._segments[number]
