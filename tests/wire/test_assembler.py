"""Chunks put together again."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.exceptions import ProtocolError
from kedge.wire.assembler import AssemblerStatistics, ChunkAssembler, HalfReceived, Limits
from kedge.wire.records import Records

ROWS = 100


def table(seed: int = 0) -> pa.Table:
    return pa.table({"id": pa.array(range(seed, seed + ROWS)), "text": [f"row {seed + i}" for i in range(ROWS)]})


def stream(data: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def chunks(data: bytes, cuts: list[int], connection: str = "#1", anchor: str = "Input") -> list[Records]:
    """The data cut at the given positions; equal positions give empty chunks."""
    borders = [0, *sorted(cuts), len(data)]
    parts = [data[start:end] for start, end in pairwise(borders)]
    return [Records(anchor, connection, part, i == len(parts) - 1) for i, part in enumerate(parts)]


@st.composite
def interleaved(draw: st.DrawFn) -> tuple[list[Records], dict[str, list[pa.Table]]]:
    """Batches on three connections, cut anywhere, their chunks mixed; and the tables of each connection."""
    queues: dict[str, list[Records]] = {}
    expected: dict[str, list[pa.Table]] = {}
    for seed, connection in enumerate(("#1", "#2", "#3")):
        expected[connection] = [table(seed * 10 + i) for i in range(draw(st.integers(0, 2)))]
        batches = [stream(batch) for batch in expected[connection]]
        cuts = [draw(st.lists(st.integers(0, len(batch)), max_size=4)) for batch in batches]
        queues[connection] = [part for pair in zip(batches, cuts, strict=True) for part in chunks(*pair, connection)]
    order = draw(st.permutations([name for name, queue in queues.items() for _ in queue]))
    return [queues[name].pop(0) for name in order], expected


class TestComplete:
    """Batches that arrive whole."""

    @given(interleaved())
    @settings(max_examples=60)
    def test_any_cutting_and_any_mixture_gives_the_same_tables(
        self, case: tuple[list[Records], dict[str, list[pa.Table]]]
    ) -> None:
        arriving, expected = case
        assembler = ChunkAssembler()
        received: dict[str, list[pa.Table]] = {connection: [] for connection in expected}
        for records in arriving:
            complete = assembler.add(records)
            assert (complete is not None) == records.end_of_chunk
            if complete is not None:
                received[records.connection].append(complete)
        assert received == expected
        assembler.finish()

    def test_a_batch_in_one_chunk_is_not_copied(self) -> None:
        data = stream(table())
        received = ChunkAssembler().add(Records("Input", "#1", memoryview(data), end_of_chunk=True))
        start = pa.py_buffer(data).address
        assert received is not None
        places = [buffer.address for buffer in received.column("id").chunk(0).buffers() if buffer is not None]
        assert places
        assert all(start <= place < start + len(data) for place in places)

    def test_a_batch_without_rows_and_one_without_record_batches(self) -> None:
        for empty in (table().slice(0, 0), pa.Table.from_batches([], table().schema)):
            received = ChunkAssembler().add(Records("Input", "#1", stream(empty), end_of_chunk=True))
            assert received == empty

    def test_the_last_chunk_may_be_empty(self) -> None:
        data = stream(table())
        first, last = chunks(data, [len(data)])
        assembler = ChunkAssembler()
        assert last.data == b""
        assert assembler.add(first) is None
        assert assembler.add(last) == table()

    def test_the_same_connection_name_on_two_anchors_is_two_connections(self) -> None:
        assembler = ChunkAssembler()
        left, left_end = chunks(stream(table(1)), [50], anchor="Left")
        right, right_end = chunks(stream(table(2)), [70], anchor="Right")
        assert assembler.add(left) is assembler.add(right) is None
        assert assembler.add(left_end) == table(1)
        assert assembler.add(right_end) == table(2)


class TestHalfReceived:
    """Batches whose last chunk is not in."""

    def test_they_are_listed_with_their_chunks_and_bytes(self) -> None:
        assembler = ChunkAssembler()
        assembler.add(Records("Input", "#1", b"abc", end_of_chunk=False))
        assembler.add(Records("Input", "#2", b"", end_of_chunk=False))
        assembler.add(Records("Input", "#1", b"de", end_of_chunk=False))
        assert assembler.half_received == (
            HalfReceived("Input", "#1", 2, 5),
            HalfReceived("Input", "#2", 1, 0),
        )
        assert assembler.is_half_received("Input", "#2")
        assert not assembler.is_half_received("Input", "#3")

    def test_a_stream_that_ends_inside_a_batch_is_an_error_with_names_and_counts(self) -> None:
        assembler = ChunkAssembler()
        assembler.add(Records("Input", "#1", b"abc", end_of_chunk=False))
        assembler.add(Records("Other", "#7", b"x", end_of_chunk=False))
        assembler.add(Records("Other", "#7", b"", end_of_chunk=False))
        with pytest.raises(ProtocolError) as caught:
            assembler.finish()
        assert str(caught.value) == (
            "the records ended inside a batch: anchor 'Input', connection '#1' has 3 bytes in 1 chunk; "
            "anchor 'Other', connection '#7' has 1 byte in 2 chunks"
        )

    def test_its_repr_shows_what_is_open(self) -> None:
        assembler = ChunkAssembler()
        assert repr(assembler) == "<ChunkAssembler: nothing half received>"
        assembler.add(Records("Input", "#1", b"abc", end_of_chunk=False))
        assert repr(assembler) == "<ChunkAssembler: anchor 'Input', connection '#1' has 3 bytes in 1 chunk>"

    def test_statistics_count_what_went_through(self) -> None:
        assembler = ChunkAssembler()
        data = stream(table())
        for records in chunks(data, [10, 20]):
            assembler.add(records)
        assembler.add(Records("Input", "#2", b"abc", end_of_chunk=False))
        assert assembler.statistics() == AssemblerStatistics(1, 4, len(data) + 3, 1)


class TestErrors:
    """Bytes that are no batch."""

    def test_an_error_names_the_connection_and_the_counts(self) -> None:
        assembler = ChunkAssembler()
        assembler.add(Records("Input", "#1", b"abc", end_of_chunk=False))
        with pytest.raises(ProtocolError) as caught:
            assembler.add(Records("Input", "#1", b"defg", end_of_chunk=True))
        assert str(caught.value).startswith(
            "a batch on anchor 'Input', connection '#1', in 2 chunks: its 7 bytes are no Arrow stream"
        )

    def test_a_bad_batch_leaves_the_other_connections_alone(self) -> None:
        assembler = ChunkAssembler()
        first, last = chunks(stream(table()), [100], connection="#2")
        assembler.add(first)
        with pytest.raises(ProtocolError, match="connection '#1', in 1 chunk: "):
            assembler.add(Records("Input", "#1", b"abc", end_of_chunk=True))
        assert assembler.add(last) == table()
        assembler.finish()

    def test_a_trusted_peer_is_not_checked(self) -> None:
        text = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff"))
        records = Records("Input", "#1", stream(pa.table({"s": text})), end_of_chunk=True)
        assert ChunkAssembler(trusted=True).add(records) is not None
        with pytest.raises(ProtocolError, match="Invalid UTF8"):
            ChunkAssembler().add(records)


class TestLimits:
    """How much a peer may make the reader hold."""

    def test_a_batch_in_one_chunk_is_limited(self) -> None:
        assembler = ChunkAssembler(limits=Limits(batch_bytes=10))
        with pytest.raises(ProtocolError, match="in 1 chunk: it has 11 bytes, the limit is 10; write smaller batches"):
            assembler.add(Records("Input", "#1", bytes(11), end_of_chunk=True))

    def test_a_batch_in_chunks_is_limited_before_it_is_complete(self) -> None:
        assembler = ChunkAssembler(limits=Limits(batch_bytes=10))
        assembler.add(Records("Input", "#1", bytes(10), end_of_chunk=False))
        with pytest.raises(ProtocolError, match="connection '#1': it has 11 bytes so far, the limit is 10"):
            assembler.add(Records("Input", "#1", bytes(1), end_of_chunk=False))
        assert assembler.half_received == ()

    def test_the_number_of_half_received_batches_is_limited(self) -> None:
        assembler = ChunkAssembler(limits=Limits(open_streams=2))
        for connection in ("#1", "#2"):
            assembler.add(Records("Input", connection, b"", end_of_chunk=False))
        with pytest.raises(ProtocolError, match="connection '#3': 2 others are half received, the limit is 2"):
            assembler.add(Records("Input", "#3", b"", end_of_chunk=False))
        assert assembler.add(Records("Input", "#3", stream(table()), end_of_chunk=True)) == table()
        assert len(assembler.half_received) == 2

    def test_the_bytes_of_all_half_received_batches_are_limited(self) -> None:
        assembler = ChunkAssembler(limits=Limits(open_bytes=100))
        assembler.add(Records("Input", "#1", bytes(60), end_of_chunk=False))
        with pytest.raises(ProtocolError, match="connection '#2': with it 110 bytes would be half received"):
            assembler.add(Records("Input", "#2", bytes(50), end_of_chunk=False))
        assembler.add(Records("Input", "#3", bytes(40), end_of_chunk=False))

    def test_a_completed_batch_gives_its_room_back(self) -> None:
        data = stream(table())
        assembler = ChunkAssembler(limits=Limits(open_bytes=len(data), open_streams=1))
        for connection in ("#1", "#2", "#3"):
            *_, complete = map(assembler.add, chunks(data, [5, 50], connection=connection))
            assert complete == table()

    def test_the_decompressed_size_of_a_batch_is_limited(self) -> None:
        sink = pa.BufferOutputStream()
        zeros = pa.table({"z": pa.array([0] * 100_000)})
        with pa.ipc.new_stream(sink, zeros.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(zeros)
        assembler = ChunkAssembler(limits=Limits(batch_bytes=100_000))
        with pytest.raises(ProtocolError, match="say that they decompress to 800000, the limit is 100000"):
            assembler.add(Records("Input", "#1", sink.getvalue(), end_of_chunk=True))
