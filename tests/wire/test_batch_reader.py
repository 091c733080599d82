"""Arrow streams as tables, sound ones and others."""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.exceptions import ProtocolError
from kedge.wire import batch_reader
from kedge.wire.arrow_messages import decompressed_size
from kedge.wire.batch_reader import read_batch
from tests.wire.arrow_streams import TABLES, addresses, arrow_stream, large_table, lies_in


class TestReadBatch:
    """A stream as a table."""

    @given(TABLES, st.booleans())
    @settings(max_examples=100)
    def test_it_reads_what_arrow_writes(self, table: pa.Table, trusted: bool) -> None:
        received = read_batch(arrow_stream(table), trusted=trusted)
        assert received.equals(table, check_metadata=True)
        assert [part.num_rows for part in received.to_batches()] == [part.num_rows for part in table.to_batches()]

    def test_a_stream_at_a_multiple_of_eight_is_not_copied(self) -> None:
        stream = arrow_stream(large_table())
        assert lies_in(read_batch(stream), stream)
        shifted = bytes(8) + stream
        assert lies_in(read_batch(memoryview(shifted)[8:]), shifted)

    @pytest.mark.parametrize("shift", range(1, 8))
    def test_a_stream_anywhere_else_is_copied_to_such_a_place(self, shift: int) -> None:
        table = large_table()
        shifted = bytes(shift) + arrow_stream(table)
        received = read_batch(memoryview(shifted)[shift:])
        assert received == table
        assert {address % 8 for address in addresses(received)} == {0}

    @pytest.mark.parametrize("data", [bytearray, memoryview, pa.py_buffer])
    def test_data_is_anything_with_the_buffer_protocol(self, data: Any) -> None:
        assert read_batch(data(arrow_stream(pa.table({"a": [1]})))) == pa.table({"a": [1]})

    @pytest.mark.parametrize("compression", ["lz4", "zstd"])
    def test_compressed_streams_are_read(self, compression: str) -> None:
        table = large_table()
        assert read_batch(arrow_stream(table, compression=compression)) == table

    @pytest.mark.parametrize("deltas", [True, False])
    def test_dictionaries_that_grow_or_change_are_read(self, deltas: bool) -> None:
        batches = [
            pa.record_batch({"d": pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), words)})
            for indices, words in (([0, 1, 0], ["a", "b"]), ([2, 0], ["a", "b", "c"]), ([0], ["z"]))
        ]
        parts = batches[:2] if deltas else batches
        table = pa.Table.from_batches(parts)
        stream = arrow_stream(table, emit_dictionary_deltas=deltas)
        assert read_batch(stream).column("d").to_pylist() == table.column("d").to_pylist()

    def test_every_cut_of_a_stream_is_refused(self) -> None:
        stream = arrow_stream(pa.Table.from_batches([pa.record_batch({"a": ["x", None]})] * 2))
        for end in range(len(stream)):
            for trusted in (True, False):
                with pytest.raises(ProtocolError, match=f"its {end} bytes are no Arrow stream"):
                    read_batch(stream[:end], trusted=trusted)

    def test_a_stream_that_stops_without_an_end_marker_is_refused(self) -> None:
        stream = arrow_stream(pa.table({"a": [1]}))[:-8]
        with pytest.raises(ProtocolError, match=f"it stops at byte {len(stream)} without an end marker"):
            read_batch(stream)

    def test_a_stream_framed_as_before_arrow_0_15_is_refused(self) -> None:
        """Its end marker is four zeros, which cannot be told from padding."""
        stream = arrow_stream(pa.table({"a": [1]}), use_legacy_format=True)
        with pytest.raises(ProtocolError, match=f"it stops at byte {len(stream)} without an end marker"):
            read_batch(stream)

    def test_schemas_are_kept_but_not_large_ones(self) -> None:
        batch_reader._known_layout.cache_clear()
        for length in (1000, 2000, 100_000):
            table = pa.table({"a": [1]}).replace_schema_metadata({"note": "x" * length})
            for _ in range(2):
                assert read_batch(arrow_stream(table)).schema.equals(table.schema, check_metadata=True)
        kept = batch_reader._known_layout.cache_info()
        assert (kept.currsize, kept.hits, kept.misses) == (2, 2, 2)

    def test_bytes_behind_the_end_are_refused(self) -> None:
        stream = arrow_stream(pa.table({"a": [1]}))
        with pytest.raises(ProtocolError, match=f"it ends at byte {len(stream)}, and 3 bytes follow"):
            read_batch(stream + b"abc")

    @pytest.mark.parametrize(
        "garbage", [b"\x00" * 64, b"\xff" * 64, b"PAR1 and so on", b"\xff\xff\xff\xff\xff\xff\xff\x7f"]
    )
    def test_garbage_is_refused(self, garbage: bytes) -> None:
        for trusted in (True, False):
            with pytest.raises(ProtocolError, match=f"its {len(garbage)} bytes are no Arrow stream"):
                read_batch(garbage, trusted=trusted)

    def test_a_stream_above_the_limit_is_refused_before_it_is_opened(self) -> None:
        with pytest.raises(ProtocolError, match="it has 101 bytes, the limit is 100; write smaller batches"):
            read_batch(bytes(101), largest=100)


def bad_offsets() -> pa.Table:
    """A string column whose second text lies far outside its memory."""
    offsets = pa.py_buffer(struct.pack("<3i", 0, 1_000_000, 3))
    return pa.table({"s": pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"abc"))})


def bad_index() -> pa.Table:
    """A dictionary column that points past its dictionary."""
    indices, words = pa.array([0, 100], pa.int8()), pa.array(["a", "b"])
    return pa.table({"d": pa.DictionaryArray.from_arrays(indices, words, safe=False)})


def bad_text() -> pa.Table:
    return pa.table(
        {"s": pa.StringArray.from_buffers(1, pa.py_buffer(struct.pack("<2i", 0, 1)), pa.py_buffer(b"\xff"))}
    )


class TestHostileTables:
    """What only a peer that means harm, or is broken, would send."""

    @pytest.mark.parametrize("table", [bad_offsets(), bad_index(), bad_text()], ids=["offsets", "index", "text"])
    def test_a_table_that_points_outside_its_memory_is_refused(self, table: pa.Table) -> None:
        with pytest.raises(ProtocolError, match=r"are no Arrow stream that can be read: column '.': In chunk 0"):
            read_batch(arrow_stream(table))

    def test_a_column_with_more_rows_than_bytes_is_refused(self) -> None:
        stream = arrow_stream(pa.table({"a": pa.array(range(1237))}))
        rows = struct.pack("<q", 1237)
        assert stream.count(rows) == 2  # in the record batch, and in its only column
        with pytest.raises(ProtocolError, match="Buffer #1 too small in array of type int64 and length 5000"):
            read_batch(stream.replace(rows, struct.pack("<q", 5000)), trusted=True)

    def test_a_date_with_a_time_of_day_is_no_harm(self) -> None:
        """Arrow says that date64 holds whole days; other makers put moments into it."""
        moments = pa.table({"m": pa.array([90_000_001], pa.int64()).view(pa.date64())})
        assert read_batch(arrow_stream(moments)) == moments

    def test_a_decimal_with_more_digits_than_its_type_is_no_harm(self) -> None:
        number = (12_345).to_bytes(16, "little")
        prices = pa.table({"p": pa.Array.from_buffers(pa.decimal128(3, 2), 1, [None, pa.py_buffer(number)])})
        assert read_batch(arrow_stream(prices)) == prices

    def test_trusted_streams_are_not_looked_through(self) -> None:
        assert read_batch(arrow_stream(bad_text()), trusted=True).num_rows == 1

    def test_a_column_name_that_is_no_text_is_refused(self) -> None:
        stream = arrow_stream(pa.table({"name": [1]})).replace(b"name", b"na\xffe")
        with pytest.raises(ProtocolError, match="'utf-8' codec can't decode byte 0xff"):
            read_batch(stream)

    @pytest.mark.parametrize("compression", ["lz4", "zstd"])
    @pytest.mark.parametrize("encoded", [False, True], ids=["plain", "dictionary"])
    def test_the_decompressed_size_is_limited(self, compression: str, encoded: bool) -> None:
        zeros = pa.array(["0" * 1000] * 2000)
        table = pa.table({"z": zeros.dictionary_encode() if encoded else zeros})
        if encoded:
            table = pa.table({"z": pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), zeros)})
        stream = arrow_stream(table, compression=compression)
        assert len(stream) < 100_000
        with pytest.raises(
            ProtocolError, match=r"bytes say that they decompress to 20\d\d\d\d\d, the limit is 1000000"
        ):
            read_batch(stream, largest=1_000_000)
        assert read_batch(stream, largest=3_000_000) == table

    def test_an_absurd_decompressed_size_asks_for_no_memory(self) -> None:
        zeros = pa.table({"z": pa.array([0] * 1000)})
        stream = arrow_stream(zeros, compression="lz4")
        assert stream.count(struct.pack("<q", 8000)) == 1
        absurd = stream.replace(struct.pack("<q", 8000), struct.pack("<q", 2**62))
        with pytest.raises(ProtocolError, match=f"say that they decompress to {2**62}, the limit is"):
            read_batch(absurd)

    def test_compression_as_arrow_0_17_wrote_it_is_seen(self) -> None:
        """Arrow believes this message and asks for a pebibyte."""
        batch = pa.record_batch({"a": pa.array([2**50, 1])})
        note = {"ARROW:experimental_compression": "lz4"}
        for version, claimed in ((pa.ipc.MetadataVersion.V4, 2**50), (pa.ipc.MetadataVersion.V5, 0)):
            sink = pa.BufferOutputStream()
            options = pa.ipc.IpcWriteOptions(metadata_version=version)
            with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
                writer.write_batch(batch, custom_metadata=note)
            assert decompressed_size(memoryview(sink.getvalue())) == claimed


class TestDecompressedSize:
    """The lengths that stand before compressed buffers."""

    @given(TABLES)
    @settings(max_examples=50)
    def test_a_stream_without_compression_claims_nothing(self, table: pa.Table) -> None:
        assert decompressed_size(memoryview(arrow_stream(table))) == 0

    def test_it_is_the_size_of_the_columns(self) -> None:
        table = pa.table({"a": pa.array(range(5000)), "b": pa.array(range(5000), pa.int32())})
        stream = arrow_stream(table, compression="zstd")
        assert decompressed_size(memoryview(stream)) == 5000 * 8 + 5000 * 4

    def test_the_oldest_framing_without_continuation_marks_is_followed(self) -> None:
        table = pa.table({"a": pa.array(range(5000))})
        stream = arrow_stream(table, compression="zstd", use_legacy_format=True)
        assert decompressed_size(memoryview(stream)) == 5000 * 8
