"""The sizes of batches."""

from __future__ import annotations

import pyarrow as pa

from kedge.sdk.sizes import BatchSizes, batch_bytes

WIDE = pa.table({"n": pa.array(range(100_000), pa.int64()), "b": pa.array([True, False] * 50_000)})
TEXT = pa.table({"t": ["abcd"] * 100_000})


class TestBatchBytes:
    def test_a_slice_counts_its_own_rows(self) -> None:
        assert batch_bytes(WIDE.slice(0, 1000)) == 1000 * 8 + 1000 // 8

    def test_a_small_batch_counts_what_is_behind_it(self) -> None:
        small = pa.table({"n": pa.array(range(1000), pa.int64())})
        assert batch_bytes(small.slice(0, 1)) == 8000


class TestBatchSizes:
    def test_rows_of_one_width_are_counted(self) -> None:
        assert BatchSizes().of(WIDE.slice(7, 80_000)) == 80_000 * 8 + 80_000 // 8

    def test_texts_are_measured(self) -> None:
        assert BatchSizes().of(TEXT) == 100_000 * 4 + 100_000 * 4

    def test_a_batch_of_another_schema_is_measured_by_its_own(self) -> None:
        sizes = BatchSizes()
        assert [sizes.of(table) for table in (WIDE, TEXT, WIDE)] == [812_500, 800_000, 812_500]

    def test_lists_and_dictionaries_are_measured(self) -> None:
        lists = pa.table({"l": [[1, 2, 3]] * 20_000})
        words = pa.table({"d": pa.array(["x" * 100_000, "y"]).dictionary_encode()})
        assert [BatchSizes().of(table) for table in (lists, words)] == [lists.nbytes, words.nbytes]
