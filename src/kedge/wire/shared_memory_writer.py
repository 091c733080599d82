"""The writing end of shared memory: a pool of segments, bounded in bytes."""

from __future__ import annotations

import logging
import time
from bisect import insort
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from kedge.sdk.sizes import bits_of_a_row
from kedge.wire.ipc import END_MARKER, lay_out, stream_pieces
from kedge.wire.shared_memory import BODY, FREE, RETIRED, TAKEN, Place, segment_name
from kedge.wire.shared_memory_segment import OVERFLOW, Segment

if TYPE_CHECKING:
    from pathlib import Path

    from kedge.wire.ipc import Layout

__all__ = ["SMALLEST", "PoolStatistics", "SharedMemoryWriter", "pool_share"]

logger = logging.getLogger(__name__)

_PATIENCE = 0.05
"""Seconds to wait for a segment to come back before a batch travels inline."""
_NAP = 0.0002
SMALLEST = 16 << 10
"""Bytes of a batch below which a message that holds it is as fast as one that stands for it."""
_OF_A_BATCH, _OF_A_COLUMN = 512, 256
"""Bytes that a batch takes at most beside its values, where these are of one width, and not null: what Arrow says of
it, and padding."""
_MOST_KNOWN = 4
"""Schemas that are known at a time; anchors whose batches come in turn have one each."""
_MOST_OPEN = 16
"""Segments whose files are open, with a descriptor each. As a rule no more are in use."""
_GRAIN = 64 << 10
_LEAST_SEGMENT = 512 << 10
"""Bytes. The kernel bounds how many mappings a process has."""
_FAR_LARGER = 4
"""A batch goes into a segment of this many times its size only where the pool has no room for one of its own."""
_LATELY = 16
"""Batches. A free segment that was far too large for so many makes room for others."""


class PoolStatistics(NamedTuple):
    """What passed, and the pool.

    Batches placed and their bytes, batches sent inline for want of room, how often a batch waited for a segment; the
    segments that there are, and the most bytes that they had together.
    """

    batches: int
    bytes: int
    inline: int
    waits: int
    segments: int
    high_water: int


def pool_share(budget: int) -> int:
    """The bytes of a direction's ``budget`` that are its pool's; the rest is for batches that wait to get there."""
    return budget - budget // 8


class _Known(NamedTuple):
    """The layout of a schema, and how long its streams are, if ``bits`` are not 0: ``base`` bytes, and bits for a row.

    That holds for batches of one piece without nulls. Others may fit too: most segments are larger than need be.
    """

    layout: Layout
    base: int
    bits: int


class SharedMemoryWriter:
    """Places batches into segments, in a folder that the run's host made. For use by one thread.

    ``prefix`` tells the two directions apart. ``budget`` bounds the bytes of all segments.
    """

    def __init__(self, folder: Path, prefix: str, budget: int = 64 << 20) -> None:
        self._folder = folder
        self._prefix = prefix
        self._budget = budget
        self._known: list[_Known] = []
        self._segments: list[Segment] = []  # the smallest first
        self._made = 0
        self._left = 0  # the segments that there were when it was closed
        self._held = 0
        self._stalled = False
        self._batches = self._bytes = self._inline = self._waits = self._high_water = 0

    def __repr__(self) -> str:
        return (
            f"<SharedMemoryWriter {self._prefix}: {len(self._segments)} segments, {self._held} of {self._budget} bytes>"
        )

    def place(self, table: pa.Table, *, wait: bool = True) -> Place | None:
        """Write a batch into a segment; None where it is to travel inline.

        That is where it is small, larger than the budget, or no segment has come back; with ``wait`` not within a
        twentieth of a second either, unless the last wait was in vain.
        The segment belongs to the reader from then on, whether or not the place is ever sent.
        """
        layout, base, bits = self._known_of(table.schema)
        if bits:
            values = table.num_rows * bits >> 3
            length = base + values if values >= SMALLEST else 0
        elif table.get_total_buffer_size() < SMALLEST:
            return None
        else:
            length = _stream_length(table, layout)
        while length >= SMALLEST:
            segment = self._find(BODY + length, wait)
            if segment is None:
                self._inline += wait
                return None
            try:
                written = segment.write(table, layout)
            except OVERFLOW:
                exact = _stream_length(table, layout)
                if exact <= length:
                    raise
                length = exact
                self._measure(layout)
            else:
                segment.memory[0] = TAKEN
                self._batches += 1
                self._bytes += written
                return Place(segment.number, BODY, written)
        return None

    @property
    def taken(self) -> int:
        """The segments that the reader has not handed back."""
        return sum(segment.memory[0] == TAKEN for segment in self._segments)

    def close(self) -> None:
        """Let go of the segments, whose readers keep what they have; every batch is inline from now on."""
        self._budget = 0
        self._left = len(self._segments)
        self._segments.clear()

    def statistics(self) -> PoolStatistics:
        """What passed so far, and the pool."""
        passed = self._batches, self._bytes, self._inline, self._waits
        return PoolStatistics(*passed, len(self._segments) or self._left, self._high_water)

    def _known_of(self, schema: pa.Schema) -> _Known:
        for known in self._known:
            if known.layout.schema.equals(schema, check_metadata=True):
                return known
        layout = lay_out(schema)
        base = len(layout.message) + _OF_A_BATCH + len(schema) * _OF_A_COLUMN
        known = _Known(layout, base, bits_of_a_row(schema))
        self._known = [known, *self._known[: _MOST_KNOWN - 1]]
        return known

    def _measure(self, layout: Layout) -> None:
        """Measure each batch of a layout from now on."""
        self._known = [each._replace(bits=0) if each.layout is layout else each for each in self._known]

    def _find(self, size: int, wait: bool) -> Segment | None:
        """A free segment of at least ``size`` bytes."""
        if size > self._budget:
            return None
        segment = self._free_or_new(size)
        if segment is None and not wait:
            return None
        if segment is None and not self._stalled:
            self._waits += 1
            deadline = time.monotonic() + _PATIENCE
            while segment is None and time.monotonic() < deadline:
                time.sleep(_NAP)
                segment = self._free_or_new(size)
        self._stalled = segment is None
        return segment

    def _free_or_new(self, size: int) -> Segment | None:
        """The smallest free segment that is not far too large; with no room for a new one, also one that is.

        Where that would take more than half of the pool, from where on readers copy batches out of it, those that are
        too large make room.
        """
        free = self._smallest_free(size)
        own = max(_LEAST_SEGMENT, size + -size % _GRAIN)
        if free is not None and free.size < _FAR_LARGER * own:
            free.fitted = self._batches
            return free
        lacking = self._held + own - self._budget
        if lacking > 0:
            if free is not None and self._taken_bytes() + free.size <= self._budget // 2:
                return free
            self._retire(lacking, 0 if free is None else _LATELY)
        made = self._make(own) if self._held + own <= self._budget else None
        return made or self._smallest_free(size)

    def _taken_bytes(self) -> int:
        return sum(segment.size for segment in self._segments if not segment.free)

    def _smallest_free(self, size: int) -> Segment | None:
        for segment in self._segments:
            if segment.size >= size:
                memory = segment.memory
                if memory[0] == memory[1] == FREE:
                    return segment
        return None

    def _retire(self, needed: int, idle: int) -> None:
        """Give up free segments that fitted none of the last ``idle`` batches, if that makes ``needed`` bytes of room.

        Those go first that fitted none for longest.
        """
        free = [s for s in self._segments if s.free and self._batches - s.fitted >= idle]
        if sum(segment.size for segment in free) < needed:
            return
        for segment in sorted(free, key=attrgetter("fitted")):
            if needed <= 0:
                break
            needed -= segment.size
            self._held -= segment.size
            self._segments.remove(segment)
            segment.memory[0] = RETIRED
            segment.path.unlink(missing_ok=True)

    def _make(self, size: int) -> Segment | None:
        path = self._folder / segment_name(self._prefix, self._made)
        try:
            segment = Segment(self._made, path, size)
        except OSError as error:
            self._budget = self._held  # there is no more room than what the pool has
            logger.warning("records travel through less shared memory: %s: %s", self._folder, error.strerror)
            return None
        segment.fitted = self._batches
        insort(self._segments, segment, key=attrgetter("size"))
        opened = [each for each in self._segments if each.is_open]
        if len(opened) > _MOST_OPEN:
            min(opened, key=attrgetter("fitted")).close_file()
        self._made += 1
        self._held += size
        self._high_water = max(self._high_water, self._held)
        return segment


def _stream_length(table: pa.Table, layout: Layout) -> int:
    """The bytes of the table's stream; without writing it, where there are no dictionaries."""
    if not layout.plain:
        return sum(map(len, stream_pieces(table)))
    sizes: int = sum(map(pa.ipc.get_record_batch_size, table.to_batches()))
    return len(layout.message) + sizes + len(END_MARKER)
