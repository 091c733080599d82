"""What a user may hand in as input, apart from the text formats: files by extension, objects, lists of them."""

from __future__ import annotations

import os
import sys
import threading
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import polars as pl
import psutil
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from kedge.exceptions import UsageError
from kedge.host.sources import InputFile, open_source, open_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PEOPLE = pa.table({"name": ["Ada", "Grace", None], "born": pa.array([1815, 1906, None], pa.int16())})


def records(value: object) -> list[dict[str, object]]:
    with open_source(value) as source:
        return [row for batch in source.batches() for row in batch.to_pylist()]


def write_ipc(path: Path, table: pa.Table, *, stream: bool = False, compression: str | None = None) -> Path:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    writer = pa.ipc.new_stream if stream else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as file, writer(file, table.schema, options=options) as sink:
        sink.write_table(table, max_chunksize=2)
    return path


class TestFiles:
    """A path is read by what its extension says."""

    @pytest.mark.parametrize("name", ["p.parquet", "P.PARQUET"])
    def test_parquet(self, tmp_path: Path, name: str) -> None:
        pq.write_table(PEOPLE, tmp_path / name)
        assert records(tmp_path / name) == PEOPLE.to_pylist()

    @pytest.mark.parametrize("name", ["p.arrow", "p.feather"])
    @pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
    def test_arrow_file(self, tmp_path: Path, name: str, compression: str | None) -> None:
        assert records(str(write_ipc(tmp_path / name, PEOPLE, compression=compression))) == PEOPLE.to_pylist()

    def test_arrow_stream(self, tmp_path: Path) -> None:
        assert records(write_ipc(tmp_path / "p.arrow", PEOPLE, stream=True)) == PEOPLE.to_pylist()

    def test_field_metadata_arrives(self, tmp_path: Path) -> None:
        schema = pa.schema([pa.field("d", pa.dictionary(pa.int8(), pa.string()), metadata={"ayx.size": "5"})])
        table = pa.table([pa.array(["x"]).dictionary_encode().cast(schema.field("d").type)], schema=schema)
        with open_source(write_ipc(tmp_path / "p.arrow", table)) as source:
            assert source.schema.field("d").metadata == {b"ayx.size": b"5"}

    def test_arrow_batches_are_mapped_not_loaded(self, tmp_path: Path) -> None:
        path = write_ipc(tmp_path / "p.arrow", pa.table({"n": range(100_000)}))
        before = pa.total_allocated_bytes()
        with open_source(path) as source:
            assert sum(batch.num_rows for batch in source.batches()) == 100_000
            assert pa.total_allocated_bytes() - before < 100_000

    def test_parquet_is_read_in_batches_sized_by_its_rows(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"t": [f"{i:04}" + "x" * 40_000 for i in range(400)]}), tmp_path / "wide.parquet")
        with open_source(tmp_path / "wide.parquet") as source:
            sizes = [batch.num_rows for batch in source.batches()]
        assert sum(sizes) == 400
        assert max(sizes) <= (4 << 20) // 40_000

    def test_a_file_without_rows_has_a_schema_and_no_records(self, tmp_path: Path) -> None:
        pq.write_table(PEOPLE.slice(0, 0), tmp_path / "none.parquet")
        with open_source(tmp_path / "none.parquet") as source:
            assert source.schema.names == ["name", "born"]
            assert [batch.num_rows for batch in source.batches()] == []


class TestWrongFiles:
    """A file that cannot be read is named, with what to do."""

    def test_a_missing_file_shows_near_names(self, tmp_path: Path) -> None:
        (tmp_path / "people.csv").write_text("a\n1\n")
        with pytest.raises(UsageError, match=r"poeple\.csv does not exist; near it are people\.csv"):
            open_source(tmp_path / "poeple.csv")

    def test_a_missing_directory_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"does not exist: there is no directory .*nowhere"):
            open_source(tmp_path / "nowhere" / "people.csv")

    def test_a_directory_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "parts.parquet").mkdir()
        with pytest.raises(UsageError, match=r"parts\.parquet is a directory"):
            open_source(tmp_path / "parts.parquet")

    @pytest.mark.parametrize("name", ["people.txt", "people", "people.gz", "-"])
    def test_an_unknown_extension_lists_the_known(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UsageError, match=r"known are \.csv, \.tsv, \.json, \.jsonl, \.parquet, \.arrow, \.feather"):
            open_source(tmp_path / name)

    def test_a_compressed_columnar_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"use the extension without \.gz"):
            open_source(tmp_path / "people.parquet.gz")

    @pytest.mark.parametrize("extension", ["csv", "jsonl", "parquet", "arrow"])
    def test_an_empty_file_is_refused(self, tmp_path: Path, extension: str) -> None:
        path = tmp_path / f"none.{extension}"
        path.touch()
        with pytest.raises(UsageError, match=rf"none\.{extension} is empty"):
            open_source(path)

    @pytest.mark.parametrize(("extension", "kind"), [("parquet", "Parquet"), ("arrow", "Arrow"), ("feather", "Arrow")])
    def test_a_file_of_another_kind_is_refused(self, tmp_path: Path, extension: str, kind: str) -> None:
        path = tmp_path / f"p.{extension}"
        path.write_text("name,born\nAda,1815\n")
        with pytest.raises(UsageError, match=rf"p\.{extension} is damaged or no {kind} file"):
            open_source(path)

    def test_a_feather_version_1_file_says_how_to_rewrite_it(self, tmp_path: Path) -> None:
        path = tmp_path / "old.feather"
        path.write_bytes(b"FEA1\0\0\0\0")
        with pytest.raises(UsageError, match=r"Feather version 1 file; pyarrow\.feather\.write_feather"):
            open_source(path)

    def test_damage_within_a_file_is_found_while_reading(self, tmp_path: Path) -> None:
        path = tmp_path / "p.parquet"
        pq.write_table(PEOPLE, path, compression="gzip")
        content = bytearray(path.read_bytes())
        content[30:60] = bytes(30)
        path.write_bytes(content)
        with open_source(path) as source, pytest.raises(UsageError, match=r"p\.parquet is damaged"):
            list(source.batches())

    def test_a_stream_cut_short_is_found_while_reading(self, tmp_path: Path) -> None:
        path = write_ipc(tmp_path / "p.arrow", PEOPLE, stream=True)
        path.write_bytes(path.read_bytes()[:-100])
        with open_source(path) as source, pytest.raises(UsageError, match=r"p\.arrow is damaged"):
            list(source.batches())

    def test_two_columns_of_one_name_are_refused(self, tmp_path: Path) -> None:
        table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["n", "n"])
        with pytest.raises(UsageError, match=r"p\.arrow has more than one column called 'n'"):
            open_source(write_ipc(tmp_path / "p.arrow", table))

    def test_types_are_refused_where_the_file_has_its_own(self, tmp_path: Path) -> None:
        pq.write_table(PEOPLE, tmp_path / "p.parquet")
        with pytest.raises(UsageError, match="a parquet file has types of its own"):
            open_source(InputFile(tmp_path / "p.parquet", types={"born": "int32"}))

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe_is_refused(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "p.csv")
        with pytest.raises(UsageError, match=r"p\.csv is no regular file"):
            open_source(tmp_path / "p.csv")

    @pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows read everything")
    def test_a_file_without_permission_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "p.csv").write_text("a\n1\n")
        (tmp_path / "p.csv").chmod(0)
        with pytest.raises(UsageError, match=r"p\.csv cannot be read: Permission denied"):
            open_source(tmp_path / "p.csv")


class TestObjects:
    """Whatever speaks Arrow's stream interface is an input."""

    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda: PEOPLE, id="pyarrow table"),
            pytest.param(lambda: PEOPLE.to_batches()[0], id="pyarrow batch"),
            pytest.param(PEOPLE.to_reader, id="pyarrow reader"),
            pytest.param(lambda: ds.dataset(PEOPLE), id="pyarrow dataset"),
            pytest.param(lambda: pl.from_arrow(PEOPLE), id="polars"),
            pytest.param(lambda: PEOPLE.to_pandas(types_mapper=pd.ArrowDtype), id="pandas"),
        ],
    )
    def test_its_records_are_read(self, make: Callable[[], object]) -> None:
        assert records(make()) == PEOPLE.to_pylist()

    def test_a_duckdb_relation_is_read(self) -> None:
        with duckdb.connect() as connection:
            assert records(connection.sql("SELECT n, n * 0.5 AS half FROM range(3) AS r(n)")) == [
                {"n": 0, "half": Decimal("0.0")},
                {"n": 1, "half": Decimal("0.5")},
                {"n": 2, "half": Decimal("1.0")},
            ]

    def test_views_and_dictionaries_come_unpacked(self) -> None:
        frame = pl.DataFrame({"text": ["short", "a text that does not fit into a view"], "kind": ["a", "b"]})
        with open_source(frame.with_columns(pl.col("kind").cast(pl.Categorical))) as source:
            assert source.schema.types == [pa.string(), pa.string()]
            (batch,) = source.batches()
        assert batch.to_pylist() == frame.to_dicts()
        assert batch.slice(0, 1).nbytes < 30

    def test_run_lengths_come_unpacked(self) -> None:
        column = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["x", "y"]))
        assert records(pa.table({"c": column})) == [{"c": "x"}, {"c": "x"}, {"c": "y"}]

    def test_a_source_is_read_once(self) -> None:
        source = open_source(PEOPLE)
        list(source.batches())
        with pytest.raises(UsageError, match="the pyarrow Table was read already"):
            source.batches()

    @pytest.mark.parametrize("value", [None, 3, {"a": [1]}, [[1, 2]], object()])
    def test_anything_else_is_refused_with_what_would_do(self, value: object) -> None:
        with pytest.raises(UsageError, match="is no input; hand in a path"):
            open_sources(value)

    def test_a_lazy_frame_is_to_be_collected_first(self) -> None:
        with pytest.raises(UsageError, match=r"a polars LazyFrame is no input; call \.collect\(\) on it first"):
            open_source(pl.LazyFrame({"a": [1]}))

    def test_a_column_alone_is_no_table(self) -> None:
        with pytest.raises(UsageError, match="the polars Series holds no table"):
            open_source(pl.Series([1]))


class TestClose:
    def test_does_not_take_away_what_is_being_read(self) -> None:
        """A run may be over while an input still makes its next batch; who reads it lets go of it."""
        begun, go_on, errors = threading.Event(), threading.Event(), []
        table = pa.table({"x": [1]})

        def slow() -> Iterator[pa.RecordBatch]:
            begun.set()
            assert go_on.wait(20)
            yield table.to_batches()[0]

        reader = pa.RecordBatchReader.from_batches(table.schema, slow())
        (source,) = open_sources(reader)

        def read() -> None:
            try:
                list(source.batches())
            except UsageError as error:
                errors.append(str(error))

        reading = threading.Thread(target=read)
        reading.start()
        assert begun.wait(20)
        source.close()
        go_on.set()
        reading.join(20)
        assert errors == ["the pyarrow RecordBatchReader was closed before it was read to its end"]

    def test_ends_what_is_read_later(self) -> None:
        (source,) = open_sources(pa.table({"x": [1]}))
        batches = source.batches()
        source.close()
        with pytest.raises(UsageError, match="the pyarrow Table was closed before it was read to its end"):
            next(batches)


class TestConnections:
    """A list makes several connections of one anchor."""

    def test_one_value_is_one_connection(self) -> None:
        assert [source.name for source in open_sources(PEOPLE)] == ["the pyarrow Table"]

    def test_a_list_is_one_connection_each_in_order(self, tmp_path: Path) -> None:
        (tmp_path / "p.csv").write_text("name\nAda\n")
        names = [source.schema.names for source in open_sources([PEOPLE, tmp_path / "p.csv"])]
        assert names == [["name", "born"], ["name"]]

    def test_a_bad_one_leaves_none_open(self, tmp_path: Path) -> None:
        path = write_ipc(tmp_path / "p.arrow", PEOPLE)
        with pytest.raises(UsageError, match=r"missing\.csv does not exist"):
            open_sources([path, tmp_path / "missing.csv"])
        assert str(path) not in [file.path for file in psutil.Process().open_files()]
