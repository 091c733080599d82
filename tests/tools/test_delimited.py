"""Delimited files as they are found: every option, and what is wrong with real files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.exceptions import WorkflowError
from kedge.tools import text_files
from kedge.workflow.workflow import Workflow
from tests.tools.flows import run_one
from tests.tools.test_files import INPUT, config

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.flows import Cell, Outcome

Rows = list[tuple["Cell", ...]]


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


class TestUnderscores:
    """The engine takes ``1_000`` for a number, which Designer does not: files without underscores are not searched."""

    SELECT = (
        "<SelectFields><SelectField field='a_b' selected='True' type='Int32'/>"
        "<SelectField field='*Unknown' selected='True'/></SelectFields>"
    )

    def run(self, tmp_path: Path, files: dict[str, str]) -> tuple[list[int | None], list[str], str]:
        for name, content in files.items():
            (tmp_path / name).write_text(content, encoding="utf-8")
        flow, tool = Workflow(path=tmp_path / "flow.yxmd").add("DbFileInput", config("*.csv"))
        flow, select = flow.add("AlteryxSelect", self.SELECT)
        report = flow.connect(tool, "Output", select, "Input").run(taps=[(select, "Output")])
        values = report.table(select, "Output")["a_b"].to_pylist()
        return values, [m.text for m in report.messages if m.kind == "conversion"], " ".join(report.statements)

    def test_are_searched_for_only_where_a_file_has_them(self, tmp_path: Path) -> None:
        values, said, without = self.run(tmp_path, {"1.csv": "a_b\n1000\n0x1F\n7\n"})
        assert (values, said) == ([1000, 0, 7], ["a_b: 0x1F does not convert to Int32"])
        values, said, searched = self.run(tmp_path, {"1.csv": "a_b\n1_000\n7\n"})
        assert (values, said) == ([1, 7], ["a_b: 1_000 does not convert to Int32"])
        assert without.count("'_'") < searched.count("'_'")

    def test_so_is_every_file_where_one_has_them(self, tmp_path: Path) -> None:
        values, said, _ = self.run(tmp_path, {"1.csv": "a_b\n5\n", "2.csv": "a_b\n1_000\n"})
        assert (values, said) == ([5, 1], ["a_b: 1_000 does not convert to Int32"])


class TestLookingOver:
    """A file is looked over block by block, and wherever a block ends."""

    @settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(content=st.text('a_\n\r"', max_size=40), block=st.integers(1, 5) | st.just(64))
    def test_finds_what_is_in_the_whole_text(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, block: int
    ) -> None:
        monkeypatch.setattr(text_files, "BLOCK", block)
        monkeypatch.setattr(text_files, "FEW", 1)
        (tmp_path / "x").write_bytes(content.encode())
        found = text_files.look_over(tmp_path / "x", '"', 0)
        parts = content.split('"')
        outside = "".join(re.sub("[\n\r]", " ", part) if place % 2 else part + " " for place, part in enumerate(parts))
        kinds = set(re.findall("\r\n|\n|\r", outside))
        first = re.search("\r\n|\n|\r", content)
        assert found.underscores == ("_" in content)
        assert text_files.look_over(tmp_path / "x", '"', 0, header=True).underscores >= (
            "_" in content.partition("\n")[2]
        )
        assert found.stray_quote == (len(parts) % 2 == 0)
        assert found.quoted_breaks == any(re.search("[\n\r]", part) for part in parts[1::2])
        if not found.quoted_breaks:
            assert found.blank_lines == bool(
                re.search("^[\n\r]|\n\n|\n\r|\r\r", "".join(parts[:1]) + outside[len(parts[0]) :])
            )
            assert found.mixed_ends == (len(kinds) > 1)
        elif first and (len(kinds) > 1 or not kinds <= {first[0]}):
            assert found.mixed_ends


class TestErrors:
    """What cannot be read names the file and the line, and says what to do."""

    @pytest.mark.parametrize(
        ("content", "options", "message"),
        [
            (b"", {}, r"in\.csv: the file is empty"),
            (b"a\n1\n", {"ImportLine": "9"}, r"in\.csv: the file is empty"),
            (b"a,b\n1,2\n1,2,3\n", {}, r"in\.csv: line 3: too many fields: 3, there are 2 field names: 1,2,3; .*Treat"),
            (b"a,b\n1,2,\n", {}, r"in\.csv: line 2: too many fields: 3"),
            (b"a,b\n\n1,2,\n", {}, r"in\.csv: too many fields in record #2: 3"),
            (b"a,b\n\n1,2,3\n", {}, r"in\.csv: too many fields in record #2: 3, there are 2 field names"),
            (b'a,b\n"1"x,2\n', {}, r"in\.csv: line 2: text behind a closing quote.*\"1\"x,2"),
            (b'a,b\n1,2\n"3,4\n5,6\n', {}, "a quote that opens in line or record 3 is never closed"),
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
        assert "too many fields in record #2: 3, there are 2 field names" in done.texts[0]
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
