"""JSON lines: types, fields that come and go, and errors that name line and field."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from kedge.exceptions import UsageError
from kedge.host.sources import InputFile, open_source

if TYPE_CHECKING:
    from pathlib import Path

# So many of these lines are more than the reader looks at to suggest types.
LINE = '{"a": 1' + " " * 1000 + "}\n"
BEYOND_SAMPLE = 4_200


def read(path: Path, content: str | bytes, **types: pa.DataType | str) -> pa.Table:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_source(InputFile(path, types=types)) as source:
        return pa.Table.from_batches(source.batches(), source.schema)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.jsonl"


class TestTypes:
    """A field gets the type of its values."""

    def test_what_json_knows(self, path: Path) -> None:
        record = {"n": 1, "x": 1.5, "b": True, "t": "text", "none": None, "list": [1], "object": {"k": "v"}}
        table = read(path, json.dumps(record))
        assert table.to_pylist() == [record]
        assert table.schema.types[:5] == [pa.int64(), pa.float64(), pa.bool_(), pa.string(), pa.string()]

    def test_texts_that_are_moments(self, path: Path) -> None:
        table = read(path, '{"d": "2013-01-31", "t": "12:30:00", "z": "2013-01-31T12:30:00+02:00", "code": "007"}')
        assert table.schema.types == [pa.date32(), pa.time32("s"), pa.timestamp("s", "UTC"), pa.string()]
        assert table.column("z").to_pylist() == [dt.datetime(2013, 1, 31, 10, 30, tzinfo=dt.timezone.utc)]

    def test_one_text_that_is_none_makes_the_field_text(self, path: Path) -> None:
        assert read(path, '{"d": "2013-01-31"}\n{"d": "soon"}').column("d").to_pylist() == ["2013-01-31", "soon"]

    def test_numbers_and_missing_fields(self, path: Path) -> None:
        table = read(path, '{"a": 1}\n\n{"a": 1.5, "b": "x"}\n{}\n')
        assert table.to_pylist() == [{"a": 1.0, "b": None}, {"a": 1.5, "b": "x"}, {"a": None, "b": None}]

    def test_given_types_win(self, path: Path) -> None:
        table = read(path, '{"price": 1.10, "day": "2013-01-31"}', price="decimal(10, 2)", day="string")
        assert table.to_pylist() == [{"price": Decimal("1.10"), "day": "2013-01-31"}]

    def test_a_field_that_comes_late_can_be_announced(self, path: Path) -> None:
        table = read(path, LINE * BEYOND_SAMPLE + '{"a": 2, "late": "x"}\n', late="string")
        assert table.slice(BEYOND_SAMPLE - 1).to_pylist() == [{"a": 1, "late": None}, {"a": 2, "late": "x"}]


class TestText:
    """What stands around the objects."""

    @pytest.mark.parametrize("content", ['\ufeff{"a": 1}\n', '{"a": 1}', '{"a": 1}\r\n\r\n', '\n\n{"a": 1}'])
    def test_marks_and_line_ends(self, path: Path, content: str) -> None:
        assert read(path, content).to_pylist() == [{"a": 1}]

    @pytest.mark.parametrize("name", ["p.json", "p.JSONL.GZ"])
    def test_other_extensions(self, tmp_path: Path, name: str) -> None:
        content = b'{"a": "\xc3\xa4"}\n'
        content = gzip.compress(content) if name.endswith("GZ") else content
        assert read(tmp_path / name, content).to_pylist() == [{"a": "ä"}]

    def test_lines_are_read_in_blocks(self, path: Path) -> None:
        path.write_text("".join(f'{{"n": {i}, "t": "{"x" * 80}"}}\n' for i in range(100_000)))
        with open_source(path) as source:
            sizes = [batch.num_rows for batch in source.batches()]
        assert sum(sizes) == 100_000
        assert len(sizes) >= 5

    def test_a_line_larger_than_a_block(self, path: Path) -> None:
        table = read(path, f'{{"a": 1}}\n{{"a": 2, "t": "{"x" * 2_500_000}"}}\n{{"a": 3}}\n')
        assert table.column("a").to_pylist() == [1, 2, 3]


class TestErrors:
    """An error names file, line and field, and what to do."""

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "is empty"),
            (" \n\n", "is empty; a line with one JSON object"),
            ('[{"a": 1}]', r"holds a JSON array; write one object a line \(jq"),
            ('{"a": 1}\n{"a": \n', "line 2 is not JSON: .*; each line must hold one object"),
            ('{"a": 1}\n"x"\n', "line 2 holds 'x', not an object"),
            ('{"a": 1}\n\n{"a": "x"}\n', "line 3, field 'a': 'x' does not fit int64"),
            ('{"a": 1, "a": 2}', "line 1, .*specified twice"),
            ("{}\n{}\n", "has no fields"),
            (b'{"a": 1}\n{"a": "\xe9"}\n', "line 2: the text is not UTF-8; save the file as UTF-8"),
            ('{"id": 9007199254740993, "x": 1}\n{"id": 0.5}', "line 1, field 'id': 9007199254740993 would be rounded"),
        ],
    )
    def test_in_the_first_lines(self, path: Path, content: str | bytes, message: str) -> None:
        with pytest.raises(UsageError, match=rf"people\.jsonl,? .*{message}|people\.jsonl {message}"):
            read(path, content)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('{"a": "x"}', "field 'a': 'x' does not fit int64; give it a type for all values, such as types="),
            ('{"a": 1.5}', "field 'a': 1.5 does not fit int64"),
            (
                '{"a": 1, "b": 2}',
                r"field 'b' is not in the first 4 MiB; give it a type, such as types=\{'b': 'string'\}",
            ),
            ("{", "is not JSON"),
        ],
    )
    def test_in_a_later_line(self, path: Path, line: str, message: str) -> None:
        with pytest.raises(UsageError, match=rf"line {BEYOND_SAMPLE + 1}[,:]? {message}"):
            read(path, LINE * BEYOND_SAMPLE + line + "\n" + LINE * 3)

    def test_a_later_text_that_is_no_date(self, path: Path) -> None:
        lines = '{"day": "2013-01-31", "more": "............................"}\n' * 80_000
        with pytest.raises(UsageError, match=r"line 80001, field 'day': 'soon' does not fit date32.*'string'"):
            read(path, lines + '{"day": "soon"}\n')

    def test_a_value_that_does_not_fit_the_given_type(self, path: Path) -> None:
        with pytest.raises(UsageError, match=r"line 2, field 'day': 'soon' does not fit date32.*the type given"):
            read(path, '{"day": "2013-01-31"}\n{"day": "soon"}\n', day="date32")

    def test_a_whole_number_that_a_double_holds_is_no_error(self, path: Path) -> None:
        assert read(path, '{"id": 9007199254740992}\n{"id": 0.5}').column("id").to_pylist() == [2.0**53, 0.5]
