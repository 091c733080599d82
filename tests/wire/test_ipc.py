"""Arrow batches as messages and back, and Arrow schemas as bytes."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.exceptions import ProtocolError
from kedge.wire.batch_reader import read_batch
from kedge.wire.ipc import (
    DEFAULT_CHUNK_SIZE,
    LARGEST_CHUNK,
    BatchEncoder,
    schema_from_bytes,
    schema_to_bytes,
    stream_pieces,
)
from kedge.wire.records import Direction, Records, decode_incoming, decode_outgoing
from tests.wire.arrow_streams import LARGE_ROWS, TABLES, addresses, arrow_stream, large_table, lies_in


class TestStreamPieces:
    """The stream of a batch, in pieces."""

    @given(TABLES)
    @settings(max_examples=150)
    def test_joined_they_are_what_arrow_writes(self, table: pa.Table) -> None:
        assert b"".join(stream_pieces(table)) == arrow_stream(table)

    def test_of_a_large_batch_too(self) -> None:
        table = large_table()
        assert b"".join(stream_pieces(table)) == arrow_stream(table)
        assert b"".join(stream_pieces(table.slice(10, 20))) == arrow_stream(table.slice(10, 20))

    @pytest.mark.parametrize("rows", [2, LARGE_ROWS])
    def test_with_the_dictionaries_of_columns_and_of_what_is_in_them(self, rows: int) -> None:
        words = pa.array([f"word {i % 3}" for i in range(rows)]).dictionary_encode()
        lists = pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), words)
        for table in (pa.table({"words": words}), pa.table({"lists": lists})):
            assert b"".join(stream_pieces(table)) == arrow_stream(table)
            assert read_batch(arrow_stream(table)) == table

    def test_of_a_batch_without_columns_rows_or_record_batches(self) -> None:
        for table in (
            pa.table({}),
            pa.table({"a": pa.array([], pa.int64())}),
            pa.schema([("a", pa.int64())]).empty_table(),
        ):
            assert b"".join(stream_pieces(table)) == arrow_stream(table)
            assert read_batch(arrow_stream(table)) == table

    def test_of_a_record_batch_as_of_a_table(self) -> None:
        for table in (large_table(), large_table().slice(3, 5).combine_chunks()):
            (batch,) = table.to_batches()
            assert b"".join(stream_pieces(batch)) == arrow_stream(table)

    def test_the_columns_of_a_large_batch_are_not_copied(self) -> None:
        table = large_table()
        pieces = {piece.address for piece in stream_pieces(table) if isinstance(piece, pa.Buffer)}
        assert set(addresses(table)) <= pieces


class TestBatchEncoder:
    """A batch as messages."""

    def test_a_batch_that_fits_goes_into_one_message(self) -> None:
        table = large_table()
        (message,) = BatchEncoder(Direction.OUTGOING, "Output", "#1").encode(table)
        assert decode_outgoing(message) == Records("Output", "#1", arrow_stream(table), end_of_chunk=True)
        assert len(message) < DEFAULT_CHUNK_SIZE

    @given(TABLES, st.integers(1, 700))
    @settings(max_examples=60)
    def test_the_chunks_are_full_and_the_last_says_so(self, table: pa.Table, chunk_size: int) -> None:
        messages = BatchEncoder(Direction.INCOMING, "Input", "#1", chunk_size=chunk_size).encode(table)
        chunks = [chunk for chunk in map(decode_incoming, messages) if isinstance(chunk, Records)]
        assert {(chunk.anchor, chunk.connection) for chunk in chunks} == {("Input", "#1")}
        assert b"".join(chunk.data for chunk in chunks) == arrow_stream(table)
        assert [chunk.end_of_chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        assert all(len(chunk.data) == chunk_size for chunk in chunks[:-1])
        assert 0 < len(chunks[-1].data) <= chunk_size

    def test_a_chunk_size_of_exactly_the_stream_is_one_message(self) -> None:
        table = large_table()
        size = len(arrow_stream(table))
        assert len(list(BatchEncoder(Direction.INCOMING, "I", "#1", chunk_size=size).encode(table))) == 1
        assert len(list(BatchEncoder(Direction.INCOMING, "I", "#1", chunk_size=size - 1).encode(table))) == 2

    def test_batches_of_different_schemas_follow_each_other(self) -> None:
        encoder = BatchEncoder(Direction.INCOMING, "Input", "#1")
        small = pa.table({"a": [1, 2]})
        renamed = pa.table({"a": pa.array([1, 2])}, schema=pa.schema([pa.field("a", pa.int64(), metadata={"k": "v"})]))
        for table in (small, renamed, pa.table({"a": ["x"]}), small):
            (message,) = encoder.encode(table)
            assert decode_incoming(message) == Records("Input", "#1", arrow_stream(table), end_of_chunk=True)

    def test_aligned_data_becomes_a_table_in_the_message_itself(self) -> None:
        table = large_table()
        (message,) = BatchEncoder(Direction.INCOMING, "Input", "#1", align=True).encode(table)
        records = decode_incoming(message)
        assert isinstance(records, Records)
        received = read_batch(records.data)
        assert received == table
        assert lies_in(received, message)

    @pytest.mark.parametrize("size", [0, -1, LARGEST_CHUNK + 1])
    def test_a_chunk_size_that_no_message_can_have_is_refused(self, size: int) -> None:
        with pytest.raises(ValueError, match=f"the chunk size is {size} bytes; it must lie between 1 and"):
            BatchEncoder(Direction.INCOMING, "Input", "#1", chunk_size=size)

    def test_its_repr_names_the_connection(self) -> None:
        assert repr(BatchEncoder(Direction.INCOMING, "In", "#1")) == "<BatchEncoder: incoming 'In' '#1'>"


class TestSchemas:
    """Schemas as bytes and back."""

    @given(TABLES)
    @settings(max_examples=50)
    def test_a_schema_comes_back_with_its_metadata(self, table: pa.Table) -> None:
        data = schema_to_bytes(table.schema)
        assert data == table.schema.serialize().to_pybytes()
        assert schema_from_bytes(data).equals(table.schema, check_metadata=True)

    @pytest.mark.parametrize("data", [b"", b"abc", bytes(64), b"\xff" * 64])
    def test_garbage_is_refused(self, data: bytes) -> None:
        with pytest.raises(ProtocolError, match=f"the {len(data)} bytes of a schema are no Arrow schema"):
            schema_from_bytes(data)

    def test_a_name_that_is_no_text_is_refused(self) -> None:
        data = schema_to_bytes(pa.schema([("name", pa.int64())])).replace(b"name", b"na\xffe")
        with pytest.raises(ProtocolError, match="'utf-8' codec can't decode byte 0xff"):
            schema_from_bytes(data)

    def test_bytes_behind_the_schema_are_refused(self) -> None:
        data = schema_to_bytes(pa.schema([("a", pa.int64())]))
        with pytest.raises(ProtocolError, match=f"go on behind its end at byte {len(data)}"):
            schema_from_bytes(data + b"x")

    def test_every_cut_is_refused(self) -> None:
        data = schema_to_bytes(pa.schema([("a", pa.int64())]))
        for end in range(len(data)):
            with pytest.raises(ProtocolError):
                schema_from_bytes(data[:end])
