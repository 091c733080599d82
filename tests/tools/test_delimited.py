"""Delimited files as they are found: every option, and what is wrong with real files."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.engines import reading
from kedge.exceptions import WorkflowError
from kedge.tools import delimited_scan, text_blocks, text_files
from kedge.workflow.workflow import Workflow
from tests.tools.flows import run_one
from tests.tools.test_files import INPUT, config

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.flows import Cell, Outcome

Rows = list[tuple["Cell", ...]]


UTF8 = {"CodePage": "65001"}


def read(tmp_path: Path, content: bytes, **options: str) -> Outcome:
    (tmp_path / "in.csv").write_bytes(content)
    return run_one(INPUT, config("in.csv", **options), path=tmp_path / "flow.yxmd")


class TestRecords:
    """Which records and fields a file has; nothing of it is dropped."""

    @pytest.mark.parametrize(
        ("content", "options", "names", "rows"),
        [
            (b"a,b\n", {}, ["a", "b"], []),
            (b"a,b", {}, ["a", "b"], []),
            (b"a,b,c\n1\n", {}, ["a", "b", "c"], [("1", None, None)]),
            (b"a,A,a, x ,\n1,2,3,4,5\n", {}, ["a", "A2", "a3", "x", "Field_5"], [("1", "2", "3", "4", "5")]),
            (b"a,b\n1,2\n\n3,4\n\n", {}, ["a", "b"], [("1", "2"), ("", None), ("3", "4"), ("", None)]),
            (b"a\r\n1\r\n\r\n3\r\n", {}, ["a"], [("1",), ("",), ("3",)]),
            (b"a\n\nb\n", {"HeaderRow": "False", "Delimeter": r"\0"}, ["Field_1"], [("a",), ("",), ("b",)]),
            (b"title\n\na,b\n1,2\n", {"ImportLine": "3"}, ["a", "b"], [("1", "2")]),
            (b'O"Neil\n\na,b\n1,2\n', {"ImportLine": "3"}, ["a", "b"], [("1", "2")]),
            (b"a,b\n#x,y\n", {}, ["a", "b"], [("#x", "y")]),
            (b"a,b\n1\x002,3\n", {}, ["a", "b"], [("1\x002", "3")]),
            (b"a,b\r\n1,2\n3,4\r5,6\r\n", {}, ["a", "b"], [("1", "2"), ("3", "4"), ("5", "6")]),
            (b"a,b\r1,2\r3,4", {}, ["a", "b"], [("1", "2"), ("3", "4")]),
            (b"a,b,c\nx\x0cy,z\n1,2,3\n", {}, ["a", "b", "c"], [("x\x0cy", "z", None), ("1", "2", "3")]),
            ("a,b\nx\u2028y\n1,2\n".encode(), UTF8, ["a", "b"], [("x\u2028y", None), ("1", "2")]),
            ("a§b\n1§2\n".encode(), UTF8 | {"Delimeter": "§"}, ["a", "b"], [("1", "2")]),
            ('a§b\n"1§"§2\n'.encode(), UTF8 | {"Delimeter": "§"}, ["a", "b"], [("1§", "2")]),
            ("a,b\n\ufffd,1\n\n2,3\n".encode(), UTF8, ["a", "b"], [("\ufffd", "1"), ("", None), ("2", "3")]),
        ],
    )
    def test_lines(self, tmp_path: Path, content: bytes, options: dict[str, str], names: list[str], rows: Rows) -> None:
        done = read(tmp_path, content, **options)
        assert (done.names(), done.rows(), done.texts) == (names, rows, [])

    @pytest.mark.parametrize(
        ("content", "options", "row"),
        [
            (b'"x,1",2', {}, ("x,1", "2")),
            (b'"x\ny",2', {}, ("x\ny", "2")),
            (b'"x\r\ny",2\r\n3,4', {"QuoteRecordBreak": "True"}, ("x\r\ny", "2")),
            (b'"x\ny",2\r\n3,4\r\n', {}, ("x\ny", "2")),
            (b'x" y"" z,2', {}, ('x" y"" z', "2")),
            (b'"say ""hi""",2', {}, ('say "hi"', "2")),
            (b'"a\\",2', {}, ("a\\", "2")),
            (b'"",2', {}, ("", "2")),
            (b"'x,1',2", {"IgnoreQuotes": "SingleQuotes"}, ("x,1", "2")),
            (b'"x",2', {"IgnoreQuotes": "None"}, ('"x"', "2")),
            (b"'x,1',2", {"IgnoreQuotes": "Auto"}, ("x,1", "2")),
            (b"\"x,'1',\",2", {"IgnoreQuotes": "Auto"}, ("x,'1',", "2")),
            (b"it's,2", {"IgnoreQuotes": "Auto"}, ("it's", "2")),
            (b"x;2", {"Delimeter": ";"}, ("x", "2")),
            (b'x|"2|3"', {"Delimeter": "|"}, ("x", "2|3")),
            (b"x\t2", {"Delimeter": r"\t"}, ("x", "2")),
            (b"x 2", {"Delimeter": r"\s"}, ("x", "2")),
        ],
    )
    def test_quotes_and_delimiters(
        self, tmp_path: Path, content: bytes, options: dict[str, str], row: tuple[str, str]
    ) -> None:
        assert read(tmp_path, content, HeaderRow="False", **options).rows()[0] == row

    def test_lines_of_many_megabytes(self, tmp_path: Path) -> None:
        size = 9 << 20
        done = read(tmp_path, b"a,b\n" + b"x" * size + b",1\n2,3\n", FieldLen=str(size))
        assert [(len(a), b) for a, b in done.rows()] == [(size, "1"), (1, "3")]

    @pytest.mark.parametrize(
        ("page", "content", "texts"),
        [
            ("65001", "\ufeffé\nü\n".encode(), ("é", "ü")),
            ("1252", "€\n“x”\n".encode("cp1252"), ("€", "“x”")),
            ("28591", "é\nü\n".encode("latin-1"), ("é", "ü")),
            ("1200", "\ufeffé\n€\n".encode("utf-16-le"), ("é", "€")),
            ("1200", "é\n€\n".encode("utf-16-le"), ("é", "€")),
            ("1201", "\ufeffé\n€\n".encode("utf-16-be"), ("é", "€")),
            ("932", "日\n本\n".encode("cp932"), ("日", "本")),
        ],
    )
    def test_code_pages_with_and_without_a_mark(
        self, tmp_path: Path, page: str, content: bytes, texts: tuple[str, str]
    ) -> None:
        done = read(tmp_path, content, CodePage=page)
        assert (done.names(), done.rows()) == ([texts[0]], [(texts[1],)])

    def test_a_mark_of_another_code_page_is_told(self, tmp_path: Path) -> None:
        done = read(tmp_path, b"\xef\xbb\xbfa\n1\n")
        assert done.names() == ["ï»¿a"]
        assert "begins with the byte order mark of UTF-8; choose code page 65001" in done.texts[0]


class TestPieces:
    """A file is read in pieces, wherever they end."""

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(content=st.text('a,"\n\r', max_size=40), size=st.integers(1, 9), start=st.integers(0, 3))
    def test_end_behind_lines_outside_quotes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, size: int, start: int
    ) -> None:
        monkeypatch.setattr(text_files, "PIECE", size)
        monkeypatch.setattr(text_files, "LARGEST_PIECE", 16)
        (tmp_path / "x").write_bytes(content.encode())
        reader = text_files.PieceReader(tmp_path / "x", start, '"')
        place = start
        for piece in reader:
            text = bytes(piece.room[: piece.size]).decode()
            assert (piece.start, text) == (place, content[place : place + piece.size])
            place += piece.size
            assert place == len(content) or not piece.sure or (text[-1] in "\n\r" and text.count('"') % 2 == 0)
            reader.give_back(piece)
            if not piece.sure:
                break
        else:
            assert place == max(len(content), start)

    @settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(content=st.text('a1,"\n\r x', max_size=60), size=st.integers(1, 30), header=st.booleans())
    def test_have_the_records_that_the_text_has(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, size: int, header: bool
    ) -> None:
        monkeypatch.setattr(text_files, "PIECE", size)
        content = ("a,b\n" if header else "") + content
        expected = whole(content, header)
        if expected is None:
            with pytest.raises(WorkflowError, match=r"in\.csv: "):
                read(tmp_path, content.encode(), HeaderRow=str(header))
        elif expected:
            assert read(tmp_path, content.encode(), HeaderRow=str(header)).rows() == expected

    def test_go_on_behind_a_cell_of_many_lines(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(text_files, "PIECE", 64)
        cell = "line\n" * 100
        done = read(tmp_path, f'a,b\n1,2\n"{cell}",3\n4,5\n'.encode(), FieldLen="9999")
        assert done.rows() == [("1", "2"), (cell, "3"), ("4", "5")]

    def test_keep_their_order_behind_a_list_of_values(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """DuckDB would make a join of a list of more than four values."""
        monkeypatch.setattr(text_files, "PIECE", 64)
        (tmp_path / "in.csv").write_text("n\n" + "".join(f"{number}\n" for number in range(4000)), encoding="utf-8")
        flow, tool = Workflow(path=tmp_path / "flow.yxmd").add("DbFileInput", config("in.csv"))
        condition = "NOT ToNumber([n]) IN (1, 3, 5, 7, 9, 11, 13, 15)"
        flow, kept = flow.add("Filter", f"<Mode>Custom</Mode><Expression>{condition}</Expression>")
        report = flow.connect(tool, "Output", kept, "Input").run(taps=[(kept, "True")])
        numbers = list(map(int, report.table(kept, "True")["n"].to_pylist()))
        assert numbers == [number for number in range(4000) if number not in range(1, 16, 2)]

    def test_that_lack_cells_keep_their_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(text_files, "PIECE", 16)
        lines = ["1,2", "3", "4,5", '"6,7"', "8", "9", "10", "11", "12", "13", "14"]
        done = read(tmp_path, ("a,b\n" + "\n".join(lines)).encode())
        assert done.rows() == [
            ("1", "2"), ("3", None), ("4", "5"), ("6,7", None), *((str(number), None) for number in range(8, 15))
        ]  # fmt: skip


def whole(content: str, header: bool) -> Rows | None:
    """The records of a text by Python's reader, ``None`` where something is wrong, none where there are no fields."""
    lines = io.StringIO(content, newline="")
    try:
        records = [cells or [""] for cells in csv.reader(lines, strict=True)]
    except csv.Error:
        return None
    columns = len(records[0]) if records else 0
    records = records[1:] if header else records
    if any(len(cells) > columns for cells in records):
        return None
    return [(*cells, *[None] * (columns - len(cells))) for cells in records]


class TestTypedAtOnce:
    """Where a Select follows, texts are read in its types at once, which changes nothing but the time."""

    TYPES = ("Byte", "Int16", "Int32", "Int64", "Double", "Date", "Float", "DateTime", "FixedDecimal", "Bool")

    PLAIN = ("1", "1", "1", "1", "1.5", "2024-02-29", "1.5", "2024-02-29 10:11:12", "1.5", "True")

    def run(self, tmp_path: Path, texts: list[str], *, at_once: bool) -> tuple[pa.Table, list[str]]:
        """The values by type, and what is said; ``at_once`` or behind another Select that changes nothing."""
        with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.TYPES)
            writer.writerows([self.PLAIN] * 20)  # what a file begins with decides what is tried
            writer.writerows([text] * len(self.TYPES) for text in texts)
        flow, tool = Workflow(path=tmp_path / "flow.yxmd").add("DbFileInput", config("in.csv", CodePage="65001"))
        for fields in ([] if at_once else [""]) + ["".join(map(self.entry, self.TYPES))]:
            flow, select = flow.add("AlteryxSelect", f"<SelectFields>{fields}</SelectFields>")
            flow, tool = flow.connect(tool, "Output", select, "Input"), select
        report = flow.run(taps=[(tool, "Output")])
        assert ("".join(report.statements).count("CAST(NULL AS TEXT)")) == (6 if at_once else 0)
        return report.table(tool, "Output"), [message.text for message in report.messages]

    def test_a_field_that_no_record_has_is_null_in_its_type(self, tmp_path: Path) -> None:
        (tmp_path / "in.csv").write_text("A,B,C\n1\n2\n", encoding="utf-8")
        flow, origin = Workflow(path=tmp_path / "flow.yxmd").add("DbFileInput", config("in.csv"))
        wanted = "<SelectField field='C' selected='True' type='Int32'/>"
        flow, select = flow.add("AlteryxSelect", f"<SelectFields>{wanted}</SelectFields>")
        table = flow.connect(origin, "Output", select, "Input").run(taps=[(select, "Output")]).table(select, "Output")
        assert table["A"].to_pylist() == ["1", "2"]
        assert (table["C"].type, table["C"].to_pylist()) == (pa.int32(), [None, None])

    @staticmethod
    def entry(name: str) -> str:
        size = "12.2" if name == "FixedDecimal" else ""
        return f"<SelectField field='{name}' selected='True' type='{name}' size='{size}'/>"

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        texts=st.lists(
            st.one_of(
                st.integers(-300, 70_000).map(str),
                st.integers(-(2**70), 2**70).map(str),
                st.floats().map(str),
                st.dates().map(str),
                st.datetimes().map(str),
                st.text("0123456789+-._eExX: /\t", max_size=8),
                st.sampled_from(
                    ["", " ", "0x1F", "0X1F", "1_000", "+5", "--5", "007", "-0", " 5 ", "5.0", "1e3", "1e400", "1e-400",
                     "inf", "-Infinity", "nan", " 2024-02-29", "2024-02-29 ", "2024/02/29", "2023-02-29", "20240229",
                     "0000-01-01", "2024-02-29 00:00:00", "True", "12,5", "1 2", "ab", "é", "0" * 300 + "7"]
                ),
            ),
            min_size=1,
            max_size=60,
        )
    )  # fmt: skip
    def test_gives_what_converting_the_texts_gives(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: list[str]
    ) -> None:
        monkeypatch.setattr(text_files, "PIECE", 512)
        assert self.run(tmp_path, texts, at_once=True) == self.run(tmp_path, texts, at_once=False)

    def test_holds_where_some_pieces_are_plain_and_some_are_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(text_files, "PIECE", 512)
        texts = [*map(str, range(20)), "0x1F", "", *map(str, range(20, 40)), "1_000", "2024-02-29"]
        table, said = self.run(tmp_path, texts, at_once=True)
        assert (table, said) == self.run(tmp_path, texts, at_once=False)
        assert table["Int32"].to_pylist()[20:] == [*range(20), 0, None, *range(20, 40), 1, 2024]

    def test_reads_only_what_somebody_looks_at(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The columns that nobody looks at may even be no text, where the file is large."""
        monkeypatch.setattr(reading, "LARGE", 1)
        (tmp_path / "in.csv").write_text("a,b,c\n1,2,3\n4,5,6\n", encoding="utf-8")
        flow, tool = Workflow(path=tmp_path / "flow.yxmd").add("DbFileInput", config("in.csv"))
        fields = "".join(f"<SelectField field='{name}' selected='True' type='Int32'/>" for name in "abc")
        flow, select = flow.add("AlteryxSelect", f"<SelectFields>{fields}</SelectFields>")
        action = (
            "<SummarizeField field='b' action='Sum' rename='sum'/><SummarizeField field='c' action='Max' rename='max'/>"
        )
        flow, total = flow.add("Summarize", f"<SummarizeFields>{action}</SummarizeFields>")
        flow = flow.connect(tool, "Output", select, "Input").connect(select, "Output", total, "Input")
        parsed: list[frozenset[int]] = []

        def layout(columns: int, used: frozenset[int], *rest: Any) -> text_blocks.Layout:
            parsed.append(used)
            return text_blocks.Layout(columns, used, *rest)

        monkeypatch.setattr(delimited_scan, "Layout", layout)
        report = flow.run(taps=[(total, "Output")])
        assert report.table(total, "Output").to_pylist() == [{"sum": 7, "max": 6}]
        assert parsed[-1] == frozenset({1, 2})


class TestErrors:
    """What cannot be read names the file and the line, and says what to do."""

    @pytest.mark.parametrize(
        ("content", "options", "message"),
        [
            (b"", {}, r"in\.csv: the file is empty"),
            (b"a\n1\n", {"ImportLine": "9"}, r"in\.csv: the file is empty"),
            (b"a,b\n1,2\n1,2,3\n", {}, r"in\.csv: line 3: too many fields: 3, there are 2 field names: 1,2,3; .*Treat"),
            (b"a,b\n1,2,\n", {}, r"in\.csv: line 2: too many fields: 3"),
            (b"a,b\n\n1,2,\n", {}, r"in\.csv: line 3: too many fields: 3"),
            (b'a,b\n"x\n\ny",1\n1,2,3\n', {}, r"in\.csv: line 5: too many fields: 3, there are 2 field names"),
            (b'a,b\n"1"x,2\n', {}, r"in\.csv: line 2: text behind a closing quote.*\"1\"x,2"),
            (b'a,b\n1,2\n"3,4\n5,6\n', {}, "the quote that opens in line 3 is never closed"),
            (b"a\n" + b"1\n" * 9000 + b"\xff\n", {"CodePage": "65001"}, r"in\.csv: line 9002: bytes that are not text"),
            (b"a\n\x81\n", {"CodePage": "1252"}, "the text is not cp1252"),
        ],
    )
    def test_files(self, tmp_path: Path, content: bytes, options: dict[str, str], message: str) -> None:
        with pytest.raises(WorkflowError, match=message):
            read(tmp_path, content, **options)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"Delimeter": "||"}, r"FormatSpecificOptions/Delimeter: '\|\|' is no delimiter"),
            ({"ImportLine": "0"}, "ImportLine: 0 is too small"),
            ({"FieldLen": "x"}, "FieldLen: 'x' is not a whole number"),
            ({"CodePage": "7"}, "CodePage: there is no code page 7"),
            ({"IgnoreQuotes": "Some"}, "IgnoreQuotes: 'Some' is not known"),
            ({"Comment": "#"}, "Comment: this option is not known"),
            ({"attributes": 'RecordLimit="x"'}, "File/@RecordLimit: 'x' is not a whole number"),
            ({"attributes": 'OutputFileName="Sometimes"'}, "File/@OutputFileName: 'Sometimes' is not known"),
        ],
    )
    def test_options(self, tmp_path: Path, options: dict[str, str], message: str) -> None:
        with pytest.raises(WorkflowError, match=message):
            read(tmp_path, b"a\n1\n", **options)

    def test_errors_may_be_warnings(self, tmp_path: Path) -> None:
        lines = b"1,2,3\n" * 12
        done = read(tmp_path, b"a,b\n4\n" + lines + b"x\xffy,6\n", IgnoreErrors="True", CodePage="65001")
        assert done.rows() == [("4", None), *[("1", "2")] * 12, ("x\ufffdy", "6")]
        assert "line 3: too many fields: 3, there are 2 field names: 1,2,3" in done.texts[0]
        assert "2 more read errors; 12 in all" in done.texts[10]
        assert "bytes that are not text" in done.texts[11]


class TestSeveralFiles:
    """Wildcards, and the field that says the file."""

    def write(self, tmp_path: Path, **files: str) -> None:
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text)

    def test_an_empty_file_among_others_is_left_out_and_told(self, tmp_path: Path) -> None:
        self.write(tmp_path, s1="", s2="a\n1\n")
        done = run_one(INPUT, config("s?.csv"), path=tmp_path / "flow.yxmd")
        assert done.rows() == [("1",)]
        assert "s1.csv is empty and is left out" in done.texts[0]

    @pytest.mark.parametrize("kind", ["FileName", "FullPath"])
    def test_the_file_is_named_also_beside_a_field_of_that_name(self, tmp_path: Path, kind: str) -> None:
        self.write(tmp_path, s1="FileName,a\nx,1\n")
        done = run_one(INPUT, config("s1.csv", f'OutputFileName="{kind}"'), path=tmp_path / "flow.yxmd")
        assert done.names() == ["FileName", "a", "FileName2"]
        assert done.rows() == [("x", "1", "s1.csv" if kind == "FileName" else str(tmp_path / "s1.csv"))]

    def test_files_are_read_by_name_without_regard_to_case(self, tmp_path: Path) -> None:
        self.write(tmp_path, s1="a\n1\n", S2="a\n2\n", s3="a\n3\n")
        done = run_one(INPUT, config("S?.CSV"), path=tmp_path / "flow.yxmd")
        assert [row[0] for row in done.rows()] == ["1", "2", "3"]

    def test_the_record_limit_holds_for_all_files_together(self, tmp_path: Path) -> None:
        self.write(tmp_path, s1="a\n1\n2\n", s2="a\n3\n4\n")
        done = run_one(INPUT, config("s*.csv", 'RecordLimit="3"'), path=tmp_path / "flow.yxmd")
        assert [row[0] for row in done.rows()] == ["1", "2", "3"]

    def test_no_file_of_the_pattern_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(WorkflowError, match=r"Configuration/File: no file matches 't\*\.csv'"):
            run_one(INPUT, config("t*.csv"), path=tmp_path / "flow.yxmd")
