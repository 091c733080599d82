"""How records are cut into batches before they travel to a tool.

Batches of a few rows would pay the fixed price of a batch again and again, batches of gigabytes would break
the memory budget. So both are brought near one size, without a change in the order of the rows.
"""

from __future__ import annotations

__all__ = ["MAX_BYTES", "TARGET_BYTES", "batch_bytes", "rebatch"]

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TARGET_BYTES = 1 << 20
"""The size to which batches are combined or cut, in bytes."""
MAX_BYTES = 64 << 20
"""The size that a batch of more than one row never exceeds, in bytes."""

# Below this many bytes the sizes of the whole buffers are close enough. They cost 0.5 µs a batch, the exact
# size of a slice 18 µs (six columns), which is what matters for a stream of one-row batches.
_ROUGH_BYTES = 4096

_MOST_PENDING = 1024
"""Batches of one row take two hundred times the memory of the row, so that many are copied together at a time."""


def rebatch(
    batches: Iterable[pa.RecordBatch], target_bytes: int = TARGET_BYTES, max_bytes: int = MAX_BYTES
) -> Iterator[pa.Table]:
    """Combine small batches and cut large ones, so that each table is near ``target_bytes``.

    * Every table is one chunk and has at least one row; batches without rows are left out, so an input
      without rows gives no table at all.
    * Small neighbours are copied together, up to ``target_bytes``. Anything larger is cut by rows into slices,
      which copy nothing and keep the buffers of their batch alive.
    * Where the sizes of rows differ so much that a slice of average length would exceed ``max_bytes``, it is
      cut further. One row larger than ``max_bytes`` travels alone.

    ``batches`` must share one schema without dictionaries and views, whose buffers every slice would drag
    along; those of ``kedge.host.sources`` do. To return a table the iterator reads at most one batch beyond it.
    """
    pending: list[pa.RecordBatch] = []
    pending_bytes = 0
    for batch in batches:
        for piece, size in _cut(batch, target_bytes, max_bytes):
            if pending and pending_bytes + size > target_bytes:
                yield _combined(pending)
                pending, pending_bytes = [], 0
            pending.append(piece)
            pending_bytes += size
            if len(pending) == _MOST_PENDING:
                pending = _combined(pending).to_batches()
    if pending:
        yield _combined(pending)


def batch_bytes(batch: pa.RecordBatch) -> int:
    """Return about how many bytes the rows of ``batch`` take, in memory and on the wire.

    A slice counts for its own rows alone. Under 4 KiB of buffers the answer may be too high.
    """
    rough = batch.get_total_buffer_size()
    return int(rough if rough <= _ROUGH_BYTES else batch.nbytes)


def _cut(batch: pa.RecordBatch, target_bytes: int, max_bytes: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield ``batch`` in slices with their sizes in bytes; nothing for a batch without rows."""
    size = batch_bytes(batch)
    if batch.num_rows <= 1 or size <= target_bytes:
        if batch.num_rows:
            yield batch, size
        return
    rows = max(1, batch.num_rows * target_bytes // size)
    for start in range(0, batch.num_rows, rows):
        yield from _bounded(batch.slice(start, rows), max_bytes)


def _bounded(batch: pa.RecordBatch, max_bytes: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Halve ``batch`` until no part of more than one row exceeds ``max_bytes``."""
    size = batch_bytes(batch)
    if size <= max_bytes or batch.num_rows == 1:
        yield batch, size
        return
    half = batch.num_rows // 2
    yield from _bounded(batch.slice(0, half), max_bytes)
    yield from _bounded(batch.slice(half), max_bytes)


def _combined(batches: list[pa.RecordBatch]) -> pa.Table:
    table = pa.Table.from_batches(batches)
    return table if len(batches) == 1 else table.combine_chunks()
