"""How large a batch is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyarrow import types

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BatchSizes", "batch_bytes", "bits_of_a_row", "holds_its_values", "overhead_bytes"]

_SMALL = 64 << 10
_OF_A_BATCH, _OF_A_COLUMN = 1024, 640
"""Bytes that Arrow's objects for a batch take, measured with batches of one row, of 1 and of 1,000 columns."""


def batch_bytes(table: pa.Table) -> int:
    """The bytes that the rows of a batch take, for queues that are bounded in bytes.

    Of a small batch it is the bytes of the buffers behind it, which is found twenty times as fast, and counts what a
    slice leaves out.
    """
    behind: int = table.get_total_buffer_size()
    if behind <= _SMALL:
        return behind
    size: int = table.nbytes
    return size


def overhead_bytes(table: pa.Table) -> int:
    """About what a batch takes in memory beside its values; of a batch of one row that is nearly all.

    What waits in a queue counts with it, or a tool that writes row by row would fill the memory long before the queue.
    """
    return _OF_A_BATCH + _OF_A_COLUMN * int(table.num_columns)


def holds_its_values(kind: pa.DataType) -> bool:
    """Whether a column of this type holds its values themselves, each of one width."""
    flat: bool = types.is_primitive(kind) or types.is_decimal(kind) or types.is_fixed_size_binary(kind)
    return flat


class BatchSizes:
    """The sizes of batches that follow each other, as a rule with one schema. For use from any thread.

    Where every value of that has one width, a size is the number of rows times the bytes of a row, without the bits
    that say which values are null: Arrow's own count takes a tenth of all that a tool process does with a batch that
    it passes on.
    """

    def __init__(self) -> None:
        self._known: tuple[pa.Schema | None, int] = None, 0

    def of(self, table: pa.Table) -> int:
        """The bytes that the rows of a batch take."""
        schema = table.schema
        known, bits = self._known
        if known is None or not known.equals(schema):
            bits = bits_of_a_row(schema)
            self._known = schema, bits
        rows: int = table.num_rows
        return rows * bits >> 3 if bits else batch_bytes(table)


def bits_of_a_row(schema: pa.Schema) -> int:
    """The width of a row without the bits that say which values are null; 0 where it varies."""
    kinds = schema.types
    return sum(kind.bit_width for kind in kinds) if all(map(holds_its_values, kinds)) else 0
