"""CSV and TSV files: the types their texts suggest, and errors that name the place."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from kedge.exceptions import UsageError
from kedge.host.sources import InputFile, open_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

UTC = dt.timezone.utc
# So many rows with this field are more than the reader looks at to suggest types.
WIDE = "x" * 1000
BEYOND_SAMPLE = 4_500


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(path: Path, **types: pa.DataType | str) -> pa.Table:
    with open_source(InputFile(path, types=types)) as source:
        return pa.Table.from_batches(source.batches(), source.schema)


class TestTypes:
    """A column gets the type that loses nothing of its texts."""

    @pytest.mark.parametrize(
        ("text", "type_", "value"),
        [
            ("7", pa.int64(), 7),
            (" -7 ", pa.int64(), -7),
            ("0", pa.int64(), 0),
            ("1.50", pa.float64(), 1.5),
            ("0.5", pa.float64(), 0.5),
            ("1e3", pa.float64(), 1000.0),
            ("TRUE", pa.bool_(), True),
            ("2013-01-31", pa.date32(), dt.date(2013, 1, 31)),
            ("12:30:00", pa.time32("s"), dt.time(12, 30)),
            ("12:30:00.25", pa.time64("us"), dt.time(12, 30, 0, 250_000)),
            ("2013-01-31 12:30:00", pa.timestamp("s"), dt.datetime(2013, 1, 31, 12, 30)),
            ("2013-01-31T12:30:00.5", pa.timestamp("us"), dt.datetime(2013, 1, 31, 12, 30, 0, 500_000)),
            ("2013-01-31T12:30:00+02:00", pa.timestamp("s", "UTC"), dt.datetime(2013, 1, 31, 10, 30, tzinfo=UTC)),
            ("007", pa.string(), "007"),
            ("0x1f", pa.string(), "0x1f"),
            ("00.5", pa.string(), "00.5"),
            ("12345678901234567890", pa.string(), "12345678901234567890"),
            ("31.01.2013", pa.string(), "31.01.2013"),
            ("2013-02-30", pa.string(), "2013-02-30"),
            ("1,000", pa.string(), "1,000"),
            ("Ä ", pa.string(), "Ä "),
        ],
    )  # fmt: skip
    def test_one_value_suggests_its_type(self, write: Write, text: str, type_: pa.DataType, value: object) -> None:
        table = read(write(f'x,y\n"{text}",1\n'))
        assert table.schema.field("x").type == type_
        assert table.column("x").to_pylist() == [value]

    def test_one_text_makes_the_whole_column_text(self, write: Write) -> None:
        assert read(write("zip\n10115\n01067\n")).column("zip").to_pylist() == ["10115", "01067"]

    def test_given_types_win(self, write: Write) -> None:
        table = read(write("zip,price,day\n10115,1.10,2013-01-01\n"), zip="string", price="decimal(10, 2)")
        assert table.to_pylist() == [{"zip": "10115", "price": Decimal("1.10"), "day": dt.date(2013, 1, 1)}]

    def test_a_number_is_allowed_to_lose_its_zeros_where_that_was_asked_for(self, write: Write) -> None:
        assert read(write("zip\n01067\n"), zip=pa.int32()).column("zip").to_pylist() == [1067]

    def test_a_column_without_values_is_text(self, write: Write) -> None:
        assert read(write("a,b,c\n,NA,\n,,\n")).schema.types == [pa.string()] * 3


class TestNulls:
    """An empty field is null; a word for null counts where it cannot be a text."""

    def test_words_are_null_among_numbers_and_text_among_texts(self, write: Write) -> None:
        table = read(write("delay,code,day\n1,NA,2013-01-01\nNA,DE,NULL\nn/a,US,\n"))
        assert table.column("delay").to_pylist() == [1, None, None]
        assert table.column("code").to_pylist() == ["NA", "DE", "US"]
        assert table.column("day").to_pylist() == [dt.date(2013, 1, 1), None, None]

    def test_a_quoted_empty_text_is_not_null(self, write: Write) -> None:
        assert read(write('a,b\n"",x\n,y\n')).column("a").to_pylist() == ["", None]

    def test_an_empty_line_is_a_null_where_there_is_one_column(self, write: Write) -> None:
        assert read(write("a\n1\n\n3\n")).column("a").to_pylist() == [1, None, 3]

    def test_an_empty_line_is_nothing_where_there_are_more(self, write: Write) -> None:
        assert read(write("\n\na,b\n1,2\n\n3,4\n")).num_rows == 2


class TestText:
    """What stands around and between the values."""

    @pytest.mark.parametrize("content", ["a,b\n", "a,b", '"a","b"\r\n', "\ufeffa,b\n\n\n"])
    def test_a_header_alone_gives_text_columns_without_rows(self, write: Write, content: str) -> None:
        table = read(write(content))
        assert table.schema == pa.schema([("a", pa.string()), ("b", pa.string())])
        assert table.num_rows == 0

    @pytest.mark.parametrize("content", ["a\n", "a"])
    def test_a_header_of_one_column_alone(self, write: Write, content: str) -> None:
        assert read(write(content)).num_rows == 0

    def test_a_byte_order_mark_is_no_part_of_the_name(self, write: Write) -> None:
        assert read(write("\ufeffa,b\n1,2\n")).to_pylist() == [{"a": 1, "b": 2}]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_line_ends(self, write: Write, end: str) -> None:
        assert read(write(end.join(["a,b", "1,2", '3,"x y"']))).column("b").to_pylist() == ["2", "x y"]

    def test_quotes_commas_and_line_ends_in_values(self, write: Write) -> None:
        table = read(write('"a\nz",b\n"x,""y""\nz",1\n'))
        assert table.to_pylist() == [{"a\nz": 'x,"y"\nz', "b": 1}]

    def test_tabs(self, write: Write) -> None:
        assert read(write("a\tb\n1,5\tx\n", "p.tsv")).to_pylist() == [{"a": "1,5", "b": "x"}]

    @pytest.mark.parametrize("name", ["p.csv.gz", "P.CSV.GZ"])
    def test_gzip(self, write: Write, name: str) -> None:
        assert read(write(gzip.compress(b"a,b\n1,2\n"), name)).to_pylist() == [{"a": 1, "b": 2}]

    def test_a_value_larger_than_a_block(self, write: Write) -> None:
        table = read(write(f'a,b\n1,2\n3,"{"x" * 2_500_000}"\n5,6\n'))
        assert table.column("a").to_pylist() == [1, 3, 5]
        assert len(table.column("b")[1].as_py()) == 2_500_000


class TestStreaming:
    """A file is not read whole."""

    def test_rows_come_in_blocks_and_the_schema_before_them(self, write: Write) -> None:
        path = write("n,text\n" + "".join(f"{i},{'x' * 90}\n" for i in range(120_000)))
        with open_source(path) as source:
            assert source.schema.types == [pa.int64(), pa.string()]
            sizes = [batch.num_rows for batch in source.batches()]
        assert sum(sizes) == 120_000
        assert max(sizes) < 12_000

    def test_memory_stays_bounded(self, write: Write) -> None:
        path = write(b"n,text\n" + b"1,some text of no importance\n" * 2_000_000)
        before = pa.total_allocated_bytes()
        with open_source(path) as source:
            most = max(pa.total_allocated_bytes() - before for _ in source.batches())
        assert most < path.stat().st_size


class TestErrors:
    """An error names file, line and column, and what to do."""

    def check(self, path: Path, message: str, **types: str) -> None:
        with pytest.raises(UsageError, match=message) as caught:
            read(path, **types)
        assert str(path) in str(caught.value)

    def test_a_later_value_that_does_not_fit(self, write: Write) -> None:
        path = write("a,b,wide\n" + f"1,2,{WIDE}\n" * BEYOND_SAMPLE + "1,two,\n" + "1,2,\n" * 10)
        self.check(
            path,
            rf"people\.csv, line {BEYOND_SAMPLE + 2}, column 'b': 'two' does not fit int64, the type that the first "
            r"4 MiB suggest; give the column its type, such as types=\{'b': 'string'\}",
        )

    def test_a_later_code_that_would_lose_its_zero(self, write: Write) -> None:
        path = write("zip,wide\n" + f"10115,{WIDE}\n" * BEYOND_SAMPLE + "01067,\n")
        self.check(path, rf"line {BEYOND_SAMPLE + 2}, column 'zip': '01067' would lose digits as int64")

    def test_the_line_counts_line_ends_within_values(self, write: Write) -> None:
        self.check(write('a,b\n"x\ny",1\n\n"z",two\n'), r"line 5, column 'b': 'two' does not fit int64", b="int64")

    def test_a_value_that_does_not_fit_the_given_type(self, write: Write) -> None:
        self.check(write("a\n1\nx\n"), "line 3, column 'a': 'x' does not fit int64, the type given", a="int64")

    def test_a_long_value_is_not_shown_whole(self, write: Write) -> None:
        with pytest.raises(UsageError) as caught:
            read(write(f"a\n{'x' * 10_000}\n"), a="int64")
        assert len(str(caught.value)) < 400

    @pytest.mark.parametrize(("row", "count"), [("2", 1), ("1,2,3", 3)])
    def test_a_row_with_another_number_of_fields(self, write: Write, row: str, count: int) -> None:
        self.check(write(f"a,b\n1,x\n\n{row}\n"), f"line 4: {count} fields, but the header names 2 columns")

    def test_bytes_that_are_not_utf8(self, write: Write) -> None:
        self.check(
            write(b"a,b\n1,x\n2,\xe9\n"), r"line 3, column 'b': b'\\xe9' is not UTF-8 text; save the file as UTF-8"
        )

    def test_bytes_that_are_not_utf8_in_a_later_block(self, write: Write) -> None:
        content = ("a,b\n" + f"1,{WIDE}\n" * BEYOND_SAMPLE + "2,é\n").encode("latin-1")
        self.check(write(content), f"line {BEYOND_SAMPLE + 2}, column 'b'")

    @pytest.mark.parametrize("content", [b"a,\xe9\n1,2\n", "a,b\n1,2\n".encode("utf-16")])
    def test_a_header_that_is_not_utf8(self, write: Write, content: bytes) -> None:
        self.check(write(content), r"line 1: the name of column \d is not UTF-8")

    def test_two_columns_of_one_name(self, write: Write) -> None:
        self.check(write("a,b,a\n1,2,3\n"), "line 1: columns 1 and 3 are both called 'a'; rename one")

    def test_a_file_of_empty_lines(self, write: Write) -> None:
        self.check(write("\n\n"), "is empty; a header line")

    def test_a_type_for_a_column_that_is_not_there(self, write: Write) -> None:
        self.check(write("a,b\n1,2\n"), "has no column 'c', for which a type was given; it has a, b", c="string")

    def test_a_type_that_is_none(self, write: Write) -> None:
        self.check(write("a\n1\n"), "'integer', given for column 'a', is no type; write one such as", a="integer")

    @pytest.mark.parametrize("tail", ['3,"x\n4,5\n', '3,"x\n4,5'])
    def test_a_quote_that_is_never_closed(self, write: Write, tail: str) -> None:
        self.check(write("a,b\n1,2\n" + tail), "line 3: a quote is opened in this row and never closed")

    def test_a_quoted_line_end_at_the_end_is_no_open_quote(self, write: Write) -> None:
        assert read(write('a,b\n1,"x\n"\n')).column("b").to_pylist() == ["x\n"]

    def test_gzip_that_ends_early(self, write: Write) -> None:
        lines = "".join(f"{i * 7919 % 10007},{i}\n" for i in range(50_000))
        packed = gzip.compress(f"a,b\n{lines}".encode())
        self.check(write(packed[: len(packed) // 2], "p.csv.gz"), "cannot be read to its end: Truncated")

    def test_a_name_that_claims_gzip(self, write: Write) -> None:
        self.check(write("a,b\n1,2\n", "p.csv.gz"), "cannot be read: .*incorrect header")
