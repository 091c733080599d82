"""Damaged Arrow streams: refused or read, but never a crash of the process."""

from __future__ import annotations

import contextlib
import datetime
import decimal

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.exceptions import ProtocolError
from kedge.wire.assembler import ChunkAssembler, Limits
from kedge.wire.records import Records

ROWS = 12
LIMITS = Limits(batch_bytes=1_000_000)
NUMBERS = [0, 1, -1, 7, 1000, 2**31 - 1, -(2**31), 2**40, 2**63 - 1, -(2**63)]
FLAT = pa.table(
    {
        "number": pa.array([1, None] * 6),
        "text": pa.array([f"text {i}" * 3 for i in range(ROWS)]),
        "large": pa.array([str(i) for i in range(ROWS)], pa.large_string()),
        "bytes": pa.array([b"x" * i for i in range(ROWS)]),
        "flag": pa.array([True, None] * 6),
        "day": pa.array([datetime.date(2020, 1, 1)] * ROWS),
        "price": pa.array([decimal.Decimal("1.25")] * ROWS),
    }
)
NESTED = pa.table(
    {
        "word": pa.array([f"word {i % 3}" for i in range(ROWS)]).dictionary_encode(),
        "list": pa.array([[1, 2], [], None, [3]] * 3),
        "struct": pa.array([{"a": 1, "b": "x"}] * ROWS),
        "lists": pa.array([[["a"], None]] * ROWS),
        "fixed": pa.array([[1, 2]] * ROWS, pa.list_(pa.int8(), 2)),
        "map": pa.array([[("k", 1)]] * ROWS, pa.map_(pa.string(), pa.int8())),
    }
)


def stream(table: pa.Table, compression: str | None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=5)
    written: bytes = sink.getvalue().to_pybytes()
    return written


STREAMS = [stream(table, compression) for table in (FLAT, NESTED) for compression in (None, "lz4", "zstd")]
STREAMS += [stream(FLAT.select([name]), None) for name in FLAT.column_names]
STREAMS += [stream(NESTED.select([name]), None) for name in NESTED.column_names]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A stream in which a few numbers of 1, 4 or 8 bytes were overwritten."""
    data = bytearray(draw(st.sampled_from(STREAMS)))
    for _ in range(draw(st.integers(1, 3))):
        size = draw(st.sampled_from([1, 4, 8]))
        place = draw(st.integers(0, len(data) // size - 1)) * size
        number = draw(st.sampled_from(NUMBERS)) if size > 1 else draw(st.integers(0, 255))
        data[place : place + size] = (number % 2 ** (8 * size)).to_bytes(size, "little")
    return bytes(data)


def touch(table: pa.Table) -> None:
    """Look at every value, in Python and in Arrow's kernels."""
    for column in table.columns:
        with contextlib.suppress(ValueError, ArithmeticError):  # a date or decimal that Python does not have
            assert len(column.to_pylist()) == table.num_rows
        column.combine_chunks()
        column.is_null()
        column.take(pa.array([len(column) - 1] if len(column) else [], pa.int64())).validate()


class TestDamage:
    """The process survives."""

    @given(damaged())
    @settings(max_examples=400)
    def test_a_damaged_stream_is_refused_or_can_be_used(self, data: bytes) -> None:
        with contextlib.suppress(ProtocolError):
            table = ChunkAssembler(limits=LIMITS).add(Records("Input", "#1", data, end_of_chunk=True))
            assert table is not None
            touch(table)

    def test_the_streams_are_sound_before_they_are_damaged(self) -> None:
        for data in STREAMS:
            table = ChunkAssembler(limits=LIMITS).add(Records("Input", "#1", data, end_of_chunk=True))
            assert table is not None
            assert table.num_rows == ROWS
            touch(table)
