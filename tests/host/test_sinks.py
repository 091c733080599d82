"""Output files: every format holds the records, nothing half-written is ever seen."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import struct
import weakref
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.exceptions import ToolError, UsageError
from kedge.host.sinks import FileSink, open_sink, open_sinks
from kedge.host.sources import InputFile, open_source

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = pa.table({"name": ["Ada", None, ""], "born": pa.array([1815, None, 1906], pa.int16())})
EXTENSIONS = ["csv", "tsv", "jsonl", "json", "csv.gz", "jsonl.gz", "parquet", "arrow", "feather"]
MOMENT = dt.datetime(2013, 1, 31, 12, 30)


class Memory(bytearray):
    """Memory of somebody else, such as a shared segment, whose end can be watched."""


def written(path: Path, *tables: pa.Table) -> Path:
    sink = open_sink(path)
    for table in tables:
        sink.write(table)
    sink.close()
    return path


def read(path: Path, schema: pa.Schema | None = None) -> pa.Table:
    types = {} if schema is None else {field.name: field.type for field in schema}
    with open_source(InputFile(path, types)) as source:
        return pa.Table.from_batches(source.batches(), source.schema)


def given_types(extension: str, schema: pa.Schema) -> pa.Schema | None:
    return schema if extension.partition(".")[0] in ("csv", "tsv", "json", "jsonl") else None


@pytest.mark.parametrize("extension", EXTENSIONS)
class TestEveryFormat:
    """What holds for every extension."""

    def test_what_is_written_can_be_read(self, tmp_path: Path, extension: str) -> None:
        path = written(tmp_path / f"p.{extension}", PEOPLE, PEOPLE.slice(0, 0), PEOPLE.slice(1))
        rows = [*PEOPLE.to_pylist(), *PEOPLE.slice(1).to_pylist()]
        assert read(path, given_types(extension, PEOPLE.schema)).to_pylist() == rows

    def test_nothing_is_seen_before_close(self, tmp_path: Path, extension: str) -> None:
        path = tmp_path / f"p.{extension}"
        path.write_text("old")
        sink = open_sink(path)
        sink.write(PEOPLE)
        assert path.read_text() == "old"
        sink.close()
        assert path.read_bytes() != b"old"

    def test_nothing_is_left_when_abandoned(self, tmp_path: Path, extension: str) -> None:
        sink = open_sink(tmp_path / f"p.{extension}")
        sink.write(PEOPLE)
        sink.abandon()
        sink.abandon()
        assert list(tmp_path.iterdir()) == []

    def test_an_anchor_that_wrote_nothing_has_the_schema_that_it_announced(
        self, tmp_path: Path, extension: str
    ) -> None:
        path = tmp_path / f"p.{extension}"
        sink = open_sink(path)
        sink.announce(pa.schema([("other", pa.int8())]))
        sink.announce(PEOPLE.schema)
        sink.close()
        if extension.startswith("json"):
            assert (gzip.decompress(path.read_bytes()) if extension.endswith("gz") else path.read_bytes()) == b""
        else:
            assert read(path).schema.names == ["name", "born"]
            assert read(path).num_rows == 0

    def test_an_anchor_that_announced_nothing_gives_a_file_too(self, tmp_path: Path, extension: str) -> None:
        assert written(tmp_path / f"p.{extension}").exists()

    def test_a_slice_and_many_small_tables(self, tmp_path: Path, extension: str) -> None:
        numbers = pa.table({"n": range(3000), "t": [f"text {i}" for i in range(3000)]})
        path = written(tmp_path / f"p.{extension}", *(numbers.slice(i, 1) for i in range(500, 2600)))
        assert read(path).equals(numbers.slice(500, 2100))

    def test_the_memory_of_a_written_table_is_free_at_once(self, tmp_path: Path, extension: str) -> None:
        memory = Memory(b"text" * 1000)
        texts = pa.StringArray.from_buffers(2, pa.py_buffer(struct.pack("3i", 0, 4, 4000)), pa.py_buffer(memory))
        alive = weakref.ref(memory)
        sink = open_sink(tmp_path / f"p.{extension}")
        sink.write(pa.table({"text": texts}))
        del memory, texts
        assert alive() is None
        sink.abandon()

    def test_a_second_schema_is_the_tool_s_error(self, tmp_path: Path, extension: str) -> None:
        sink = open_sink(tmp_path / f"p.{extension}")
        sink.write(PEOPLE)
        with pytest.raises(ToolError, match=r"from \(name string, born int16\) to \(name string\); a tool writes one"):
            sink.write(PEOPLE.select(["name"]))
        sink.abandon()


# Each column's values of one type, as rows of a table.
COLUMNS = {
    "i": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "f": (pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
    "b": (pa.bool_(), st.booleans()),
    "t": (pa.string(), st.text(st.characters(exclude_categories=["Cs"]))),
    "d": (pa.date32(), st.dates()),
    "s": (pa.timestamp("us"), st.datetimes()),
    "z": (pa.timestamp("us", "UTC"), st.datetimes().map(lambda moment: moment.replace(tzinfo=dt.timezone.utc))),
    "h": (pa.time64("us"), st.times()),
    "m": (pa.decimal128(20, 3), st.decimals(-(10**16), 10**16, places=3)),
}
SCHEMA = pa.schema([(name, type_) for name, (type_, _) in COLUMNS.items()])
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | values for name, (_, values) in COLUMNS.items()}), max_size=5)


class TestText:
    """Text formats give every value back."""

    @pytest.mark.parametrize("extension", ["csv", "tsv", "jsonl"])
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(rows=ROWS)
    def test_values_come_back(self, tmp_path: Path, extension: str, rows: list[dict[str, object]]) -> None:
        if not rows and extension == "jsonl":
            return  # a JSON lines file without lines has no fields
        path = written(tmp_path / f"p.{extension}", pa.Table.from_pylist(rows, SCHEMA))
        assert read(path, SCHEMA).to_pylist() == rows

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(texts=st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
    def test_a_single_column_of_csv_comes_back(self, tmp_path: Path, texts: list[str | None]) -> None:
        table = pa.table({"t": pa.array(texts, pa.string())})
        assert read(written(tmp_path / "p.csv", table), table.schema).column("t").to_pylist() == texts

    def test_csv_tells_null_from_an_empty_text(self, tmp_path: Path) -> None:
        assert written(tmp_path / "p.csv", PEOPLE).read_text() == '"name","born"\n"Ada",1815\n,\n"",1906\n'

    def test_json_lines_are_what_the_standard_library_reads(self, tmp_path: Path) -> None:
        table = pa.table(
            {
                'na"me': ["\x01\u2028\\", None],
                "float": [0.1, float("nan")],
                "decimal": [Decimal("12.50"), None],
                "big": pa.array([2**64 - 1, 0], pa.uint64()),
                "blob": [b"\xff\x00", None],
                "moment": pa.array([MOMENT, None], pa.timestamp("s")),
                "zoned": pa.array([MOMENT, None], pa.timestamp("ms", "Europe/Paris")),
                "null": pa.nulls(2),
                "kind": pa.array(["a", "b"]).dictionary_encode(),
            }
        )
        lines = written(tmp_path / "p.jsonl", table).read_text().split("\n")
        assert len(lines) == 3
        assert lines[2] == ""
        assert '"decimal":12.50,"big":18446744073709551615' in lines[0]
        assert json.loads(lines[0], parse_float=str) == {
            'na"me': "\x01\u2028\\",
            "float": "0.1",
            "decimal": "12.50",
            "big": 2**64 - 1,
            "blob": "/wA=",
            "moment": "2013-01-31T12:30:00",
            "zoned": "2013-01-31T12:30:00.000Z",
            "null": None,
            "kind": "a",
        }
        assert json.loads(lines[1])["float"] == "NaN"

    def test_csv_writes_bytes_as_base64_and_zoned_moments_in_utc(self, tmp_path: Path) -> None:
        table = pa.table({"blob": [b"\xff\x00"], "zoned": pa.array([MOMENT], pa.timestamp("s", "Europe/Paris"))})
        assert written(tmp_path / "p.csv", table).read_text() == '"blob","zoned"\n"/wA=","2013-01-31 12:30:00Z"\n'

    @pytest.mark.parametrize("extension", ["csv", "tsv", "jsonl"])
    @pytest.mark.parametrize("value", [[1], {"k": 1}, dt.timedelta(1)])
    def test_a_column_that_text_cannot_hold_is_named(self, tmp_path: Path, extension: str, value: object) -> None:
        sink = open_sink(tmp_path / f"p.{extension}")
        with pytest.raises(UsageError, match=rf"p\.{extension}: column 'odd' is a .*write a \.parquet or \.arrow file"):
            sink.write(pa.table({"odd": [value]}))
        sink.abandon()


class TestColumnar:
    """Parquet and Arrow files are cut for their readers."""

    def test_parquet_has_few_row_groups(self, tmp_path: Path) -> None:
        table = pa.table({"n": range(10_000)})
        path = written(tmp_path / "p.parquet", *(table.slice(i * 100, 100) for i in range(100)))
        assert pq.ParquetFile(path).num_row_groups == 1

    def test_arrow_has_few_batches_and_feather_is_compressed(self, tmp_path: Path) -> None:
        table = pa.table({"n": [7] * 100_000})
        sizes = {}
        for extension in ("arrow", "feather"):
            path = written(tmp_path / f"p.{extension}", *(table.slice(i * 100, 100) for i in range(1000)))
            with pa.memory_map(str(path)) as file:
                assert pa.ipc.open_file(file).num_record_batches == 1
            sizes[extension] = path.stat().st_size
        assert sizes["arrow"] > 800_000 > 100_000 > sizes["feather"]

    def test_field_metadata_is_kept(self, tmp_path: Path) -> None:
        schema = pa.schema([pa.field("n", pa.string(), metadata={"ayx.size": "5"})])
        path = written(tmp_path / "p.parquet", pa.table([["x"]], schema=schema))
        assert pq.read_schema(path).field("n").metadata[b"ayx.size"] == b"5"


class TestSeveral:
    """The files of several anchors."""

    def test_each_anchor_has_its_file(self, tmp_path: Path) -> None:
        sinks = open_sinks({"Output": tmp_path / "a.csv", "Rejects": str(tmp_path / "b.csv")})
        sinks["Output"].write(PEOPLE)
        for sink in sinks.values():
            sink.close()
        assert sinks["Output"].statistics() == (3, 1)
        assert sinks["Rejects"].statistics() == (0, 0)
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.csv", "b.csv"]

    def test_two_anchors_with_one_file_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        paths = {"Output": tmp_path / "a.csv", "Rejects": tmp_path / "sub" / ".." / "a.csv"}
        with pytest.raises(UsageError, match="is the file of two outputs, Output and Rejects; name two files"):
            open_sinks(paths)

    @pytest.mark.parametrize(("name", "message"), [("b.txt", "tells no format"), ("no/b.csv", "there is no directory")])
    def test_a_bad_path_leaves_nothing_of_the_others(self, tmp_path: Path, name: str, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            open_sinks({"Output": tmp_path / "a.csv", "Rejects": tmp_path / name})
        assert list(tmp_path.iterdir()) == []

    def test_a_sink_says_what_it_holds(self, tmp_path: Path) -> None:
        sink = open_sink(tmp_path / "a.csv")
        sink.write(PEOPLE)
        assert isinstance(sink, FileSink)
        assert repr(sink) == f"<FileSink {tmp_path / 'a.csv'}: 3 rows>"
        sink.abandon()
