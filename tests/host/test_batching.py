"""Batches on their way to a tool: combined, cut, and never lost."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.host.batching import rebatch

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.string())])


def batch_of(texts: list[str | None], first: int = 0) -> pa.RecordBatch:
    return pa.record_batch([pa.array(range(first, first + len(texts))), pa.array(texts, pa.string())], schema=SCHEMA)


@st.composite
def batch_lists(draw: st.DrawFn) -> list[pa.RecordBatch]:
    """Batches with running ids and texts of very different sizes, some of them slices of a larger batch."""
    sizes = st.one_of(st.none(), st.integers(0, 5), st.integers(100, 3000))
    batches, first = [], 0
    for lengths in draw(st.lists(st.lists(sizes, max_size=30), max_size=8)):
        texts = [None if n is None else "x" * n for n in lengths]
        if draw(st.booleans()):
            batches.append(batch_of(["before" * 500, *texts, "after"], first - 1).slice(1, len(texts)))
        else:
            batches.append(batch_of(texts, first))
        first += len(texts)
    return batches


def rows_of(tables: list[pa.Table]) -> list[dict[str, object]]:
    return [row for table in tables for row in table.to_pylist()]


class TestEveryInput:
    """What holds for any batches and any sizes."""

    @settings(max_examples=60, deadline=None)
    @given(batch_lists(), st.integers(1, 5000), st.integers(0, 20_000))
    def test_rows_come_out_once_and_in_order(self, batches: list[pa.RecordBatch], target: int, spare: int) -> None:
        tables = list(rebatch(batches, target, target + spare))
        assert rows_of(tables) == [row for batch in batches for row in batch.to_pylist()]

    @settings(max_examples=60, deadline=None)
    @given(batch_lists(), st.integers(1, 5000), st.integers(0, 20_000))
    def test_no_table_exceeds_the_maximum_unless_it_is_one_row(
        self, batches: list[pa.RecordBatch], target: int, spare: int
    ) -> None:
        for table in rebatch(batches, target, target + spare):
            assert table.num_rows == 1 or table.nbytes <= target + spare
            assert table.num_rows > 0
            assert table.column("text").num_chunks == 1


class TestSmallBatches:
    """Batches of one row become batches of the target size."""

    def test_ten_thousand_rows_of_their_own_travel_in_a_few_tables(self) -> None:
        tables = list(rebatch(batch_of(["name"], i) for i in range(10_000)))
        assert [table.num_rows for table in tables] == [10_000]

    def test_few_of_them_are_there_at_a_time(self) -> None:
        """A batch of one row takes two hundred times the memory of its row."""
        there: list[None] = []
        most = 0

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal most
            for number in range(5000):
                batch = batch_of(["x"], number)
                there.append(None)
                weakref.finalize(batch, there.pop)
                yield batch
                del batch
                most = max(most, len(there))

        (table,) = rebatch(batches())
        assert table["id"].to_pylist() == list(range(5000))
        assert 1000 < most < 1030

    def test_the_target_is_respected(self) -> None:
        tables = list(rebatch((batch_of(["x" * 1000], i) for i in range(100)), target_bytes=10_500))
        assert [table.num_rows for table in tables] == [10] * 10

    def test_slices_of_a_large_batch_count_for_their_own_rows(self) -> None:
        parent = batch_of(["x" * 1000] * 1000)
        tables = list(rebatch((parent.slice(i, 1) for i in range(1000)), target_bytes=200_000))
        assert len(tables) == 6

    def test_nothing_is_read_ahead(self) -> None:
        seen: list[int] = []

        def source() -> Iterator[pa.RecordBatch]:
            for i in range(5):
                seen.append(i)
                yield batch_of(["x" * 5000], i)

        next(rebatch(source(), target_bytes=6000))
        assert seen == [0, 1]


class TestLargeBatches:
    """Large batches are cut without copying."""

    def test_a_batch_of_equal_rows_is_cut_near_the_target(self) -> None:
        tables = list(rebatch([batch_of(["x" * 1000] * 1000)], target_bytes=100_000))
        assert [table.num_rows for table in tables] == [98] * 10 + [20]
        assert max(table.nbytes for table in tables) <= 100_000

    def test_slices_share_the_buffers_of_their_batch(self) -> None:
        batch = batch_of(["x" * 1000] * 1000)
        first = next(rebatch([batch], target_bytes=100_000))
        assert first.column("text").chunk(0).buffers()[2].address == batch.column("text").buffers()[2].address

    def test_one_huge_row_among_small_ones_travels_alone(self) -> None:
        batch = batch_of(["a", "b", "x" * 100_000, "c", "d"])
        tables = list(rebatch([batch], target_bytes=60_000, max_bytes=80_000))
        assert [table.column("id").to_pylist() for table in tables] == [[0, 1], [2], [3, 4]]

    def test_a_batch_up_to_the_target_is_passed_on_as_it_is(self) -> None:
        batch = batch_of(["x" * 1000] * 9)
        (table,) = rebatch([batch], target_bytes=batch.nbytes)
        assert table.column("text").chunk(0).buffers()[2].address == batch.column("text").buffers()[2].address


@pytest.mark.parametrize("batches", [[], [batch_of([])], [batch_of([]), batch_of([])]])
def test_an_input_without_rows_gives_no_table(batches: list[pa.RecordBatch]) -> None:
    assert list(rebatch(batches)) == []
