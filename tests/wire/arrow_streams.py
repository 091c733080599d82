"""Tables, the streams that Arrow makes of them, and where their bytes lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tests.strategies import foreign_tables, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
LARGE_ROWS = 60_000
TABLES = tables() | foreign_tables()


def arrow_stream(table: pa.Table, **options: Any) -> bytes:
    """The stream as Arrow's own writer makes it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    stream: bytes = sink.getvalue().to_pybytes()
    return stream


def large_table() -> pa.Table:
    numbers = pa.array(range(LARGE_ROWS))
    words = pa.array([f"word {i % 100}" for i in range(LARGE_ROWS)])
    return pa.table({"number": numbers, "word": words})


def addresses(table: pa.Table) -> Iterator[int]:
    """Where the columns' buffers lie, those with bytes in them."""
    for part in table.columns:
        for chunk in part.chunks:
            yield from (buffer.address for buffer in chunk.buffers() if buffer is not None and buffer.size)


def lies_in(table: pa.Table, data: Any) -> bool:
    start = pa.py_buffer(data).address
    return all(start <= address < start + pa.py_buffer(data).size for address in addresses(table))


def numbers(size: int, first: int = 0) -> pa.Table:
    """A table of ``size`` bytes."""
    return pa.table({"n": pa.array(range(first, first + size // 8), pa.int64())})
