"""What a tool writes to one outgoing anchor."""

from __future__ import annotations

import struct

import pyarrow as pa
import pytest

from kedge.exceptions import UsageError
from kedge.sdk import outgoing as outgoing_records
from kedge.sdk.fields import Field, FieldType, Metadata
from kedge.sdk.outgoing import OutgoingRecords

NUMBERS = Metadata([Field("n", FieldType.int64)])


def rows(count: int, name: str = "n") -> pa.Table:
    return pa.table({name: pa.nulls(count, pa.int64())})


class TestConform:
    def test_the_first_batch_asks_for_its_announcement(self) -> None:
        outgoing = OutgoingRecords("Output", connected=True)
        first, second = outgoing.conform(rows(2)), outgoing.conform(rows(3))
        assert first.announce is not None
        assert [(field.name, field.type) for field in first.announce] == [("n", FieldType.int64)]
        assert second.announce is None
        assert [table.num_rows for table, _ in (*first.tables, *second.tables)] == [2, 3]

    def test_an_announcement_before_it_is_enough(self) -> None:
        outgoing = OutgoingRecords("Output", connected=True)
        assert outgoing.announce(NUMBERS)
        assert outgoing.conform(rows(2)).announce is None

    def test_takes_a_record_batch(self) -> None:
        ((table, size),) = OutgoingRecords("Output", connected=True).conform(rows(4).to_batches()[0]).tables
        assert (type(table), table.num_rows, size) == (pa.Table, 4, 32)

    def test_takes_batches_without_rows(self) -> None:
        ((table, size),) = OutgoingRecords("Output", connected=True).conform(rows(0)).tables
        assert (table.num_rows, size) == (0, 0)

    def test_takes_the_same_chunked_table_again(self) -> None:
        outgoing = OutgoingRecords("Output", connected=True)
        chunked = pa.concat_tables([rows(1), rows(2)])
        for _ in range(2):
            ((table, _),) = outgoing.conform(chunked).tables
            assert table.num_rows == 3

    @pytest.mark.parametrize("connected", [True, False])
    def test_what_is_no_batch_is_refused_by_the_anchors_name(self, connected: bool) -> None:
        outgoing = OutgoingRecords("Output", connected=connected)
        with pytest.raises(UsageError, match=r"^anchor 'Output': a batch is a pyarrow Table or RecordBatch, .*dict: "):
            outgoing.conform({"n": [1]})
        assert repr(outgoing).startswith("<OutgoingRecords of 'Output', open")

    def test_a_batch_that_is_refused_leaves_no_trace(self) -> None:
        outgoing = OutgoingRecords("Output", connected=True)
        with pytest.raises(UsageError, match="'l'"):
            outgoing.conform(pa.table({"l": pa.nulls(1, pa.list_(pa.int64()))}))
        first = outgoing.conform(rows(2))
        assert first.announce is not None

    def test_without_connections_it_is_checked_and_dropped(self) -> None:
        outgoing = OutgoingRecords("Output", connected=False)
        first = outgoing.conform(rows(2))
        assert (first.tables, first.announce is None) == ([], False)
        with pytest.raises(UsageError, match="was not announced"):
            outgoing.conform(rows(2, "m"))


class TestLargeBatches:
    """They travel in several parts, none of which is copied; the limit is 80 bytes here."""

    @pytest.fixture(autouse=True)
    def limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert outgoing_records.LARGEST_BATCH == 64 << 20
        monkeypatch.setattr(outgoing_records, "LARGEST_BATCH", 80)

    @pytest.mark.parametrize(("count", "parts"), [(10, [10]), (11, [10, 1]), (35, [10, 10, 10, 5])])
    def test_are_cut_by_rows(self, count: int, parts: list[int]) -> None:
        numbers = struct.pack(f"{count}q", *range(count))
        values = pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(numbers)])
        conformed = OutgoingRecords("Output", connected=True).conform(pa.table({"n": values}))
        assert [table.num_rows for table, _ in conformed.tables] == parts
        assert [size for _, size in conformed.tables] == [8 * part for part in parts]
        assert pa.concat_tables(table for table, _ in conformed.tables).column(0).to_pylist() == values.to_pylist()
        assert {table.column(0).chunk(0).buffers()[1].address for table, _ in conformed.tables} == {
            values.buffers()[1].address
        }

    def test_are_cut_into_rows_where_each_is_too_large(self) -> None:
        wide = pa.table({str(number): pa.nulls(3, pa.int64()) for number in range(20)})
        conformed = OutgoingRecords("Output", connected=True).conform(wide)
        assert [table.num_rows for table, _ in conformed.tables] == [1, 1, 1]
        assert OutgoingRecords("Output", connected=True).conform(wide.slice(0, 1)).tables[0][0].num_rows == 1


class TestClose:
    def test_is_told_once_and_only_where_something_is_connected(self) -> None:
        outgoing = OutgoingRecords("Output", connected=True)
        assert [outgoing.close(), outgoing.close()] == [True, False]
        assert OutgoingRecords("Output", connected=False).close() is False

    def test_nothing_can_be_written_after_it(self) -> None:
        outgoing = OutgoingRecords("Output", connected=False)
        outgoing.close()
        with pytest.raises(UsageError, match="anchor 'Output' is closed"):
            outgoing.conform(rows(1))


def test_the_repr_shows_the_state() -> None:
    outgoing = OutgoingRecords("Output", connected=True)
    seen = [repr(outgoing)]
    outgoing.conform(rows(1))
    seen.append(repr(outgoing))
    outgoing.close()
    seen.append(repr(outgoing))
    assert seen == [f"<OutgoingRecords of 'Output', {state}>" for state in ("open", "written", "closed")]
    assert repr(OutgoingRecords("Unused", connected=False)).endswith("'Unused', open, not connected>")
