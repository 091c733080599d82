"""Input and output of files, on files in a folder of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from kedge.exceptions import WorkflowError
from kedge.tools.element import parse_element
from kedge.tools.settings import Settings
from kedge.workflow.workflow import Workflow
from tests.tools.flows import data, run_one

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.flows import Outcome

INPUT = "AlteryxBasePluginsGui.DbFileInput.DbFileInput"
OUTPUT = "AlteryxBasePluginsGui.DbFileOutput.DbFileOutput"


def config(path: str, attributes: str = 'OutputFileName=""', **options: str) -> str:
    chosen = "".join(f"<{name}>{value}</{name}>" for name, value in options.items())
    return (
        f'<Configuration><Passwords/><File FileFormat="0" {attributes}>{path}</File>'
        f"<FormatSpecificOptions>{chosen}</FormatSpecificOptions></Configuration>"
    )


@pytest.mark.skipif(os.name == "nt", reason="there are drives")
@pytest.mark.parametrize("path", [r"C:\Data\x.csv", "d:/x.csv", r"\\server\share\x*.csv"])
class TestElsewhere:
    """Paths of a machine with drives."""

    def test_are_not_read_as_folders_here(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(WorkflowError, match="a drive or a server is there on Windows only"):
            run_one(INPUT, config(path), path=tmp_path / "flow.yxmd", check=False)

    def test_are_not_made_as_folders_here(self, tmp_path: Path, path: str) -> None:
        flow, origin = Workflow(path=tmp_path / "flow.yxmd").add(
            "TextInput", "<Fields><Field name='n'/></Fields><Data/>"
        )
        flow, output = flow.add(OUTPUT, parse_element(config(path, ""), "test"))
        flow = flow.connect(origin, "Output", output, "Input")
        for found in (flow.check().problems[0].text, flow.run().errors[0].text):
            assert f"{path}: a drive or a server is there on Windows only" in found
        assert list(tmp_path.iterdir()) == []


class TestInput:
    """DbFileInput."""

    def read(self, tmp_path: Path, xml: str, settings: Settings | None = None) -> Outcome:
        return run_one(INPUT, xml, path=tmp_path / "flow.yxmd", settings=settings)

    def test_delimited_text_is_text_of_the_field_length(self, tmp_path: Path) -> None:
        (tmp_path / "In.csv").write_bytes(b'a,b,c\r\n1,"x,1",\r\n2,y\r\n3,"q""q",z\r\n')
        done = self.read(tmp_path, config(r".\in.CSV"))
        assert done.rows() == [("1", "x,1", ""), ("2", "y", None), ("3", 'q"q', "z")]
        assert done.types() == ["V_String(254)"] * 3

    def test_empty_cells_may_be_null(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("a,b\n,x\n")
        assert self.read(tmp_path, config("a.csv"), Settings(empty_csv_cell_is_null=True)).rows() == [(None, "x")]

    def test_without_header_fields_are_numbered(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("1|2\n3|4\n")
        done = self.read(tmp_path, config("a.csv", HeaderRow="False", Delimeter="|"))
        assert (done.names(), done.rows()) == (["Field_1", "Field_2"], [("1", "2"), ("3", "4")])

    def test_no_delimiter_reads_whole_lines_from_the_import_line(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text('skip\na, "b"\tc\nd\n')
        done = self.read(tmp_path, config("a.txt", HeaderRow="False", Delimeter=r"\0", ImportLine="2"))
        assert done.rows() == [('a, "b"\tc',), ("d",)]

    @pytest.mark.parametrize(
        ("page", "encoding", "type_"),
        [
            ("28591", "latin-1", "V_String(9)"),
            ("1250", "cp1250", "V_String(9)"),
            ("65001", "utf-8-sig", "V_WString(9)"),
            ("1200", "utf-16-le", "V_WString(9)"),
        ],
    )
    def test_code_pages(self, tmp_path: Path, page: str, encoding: str, type_: str) -> None:
        (tmp_path / "a.csv").write_text("é\nüé\n", encoding=encoding)
        done = self.read(tmp_path, config("a.csv", CodePage=page, FieldLen="9"))
        assert (done.names(), done.rows(), done.types()) == (["é"], [("üé",)], [type_])

    def test_text_in_another_code_page_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"\xff\xfe\n")
        with pytest.raises(WorkflowError, match="the text is not utf-8"):
            self.read(tmp_path, config("a.csv", CodePage="65001"))

    def test_long_cells_are_cut_and_told(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("a\nabcdef\n")
        done = self.read(tmp_path, config("a.csv", FieldLen="3"))
        assert done.rows() == [("abc",)]
        assert done.texts == ["a: abcdef is cut to 3 characters"]

    def test_wildcards_read_all_files_in_order_with_their_names(self, tmp_path: Path) -> None:
        for name, text in (("s2.csv", "b,a\n2,1\n"), ("s1.csv", "a,b\n3,4\n"), ("other.csv", "a,b\n9,9\n")):
            (tmp_path / name).write_text(text)
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "s3.csv").write_text("a,z\n5,6\n")
        done = self.read(tmp_path, config("s*.csv", 'OutputFileName="FileName" SearchSubDirs="True"'))
        assert sorted(done.rows()) == [("1", "2", "s2.csv"), ("3", "4", "s1.csv"), ("5", None, "s3.csv")]
        assert any("lacks the fields b" in text for text in done.texts)

    def test_the_record_limit_counts(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("a\n1\n2\n3\n")
        assert self.read(tmp_path, config("a.csv", 'RecordLimit="2"')).rows() == [("1",), ("2",)]

    def test_json_lines_have_types(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text('{"i": 1, "t": "x"}\n{"i": 2.5, "b": true}\n')
        done = self.read(tmp_path, config("a.jsonl"))
        assert done.types() == ["Double", "V_WString(1073741823)", "Bool"]
        assert done.rows() == [(1.0, "x", None), (2.5, None, True)]

    def test_json_is_typed_by_every_record(self, tmp_path: Path) -> None:
        lines = ['{"a": 1}'] * 1500 + ['{"a": "x", "late": true}']
        (tmp_path / "a.jsonl").write_text("\n".join(lines))
        done = self.read(tmp_path, config("a.jsonl"))
        assert done.names() == ["a", "late"]
        assert done.rows()[-2:] == [("1", None), ("x", True)]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("1\n2\n", r"a\.json: this is not JSON of objects"),
            ("nope", r"a\.json: this is not JSON of objects"),
            ('{"a": [1]}', r"a\.json: a: nested JSON values are not supported"),
            ("", r"a\.json: this is not JSON of objects"),
        ],
    )
    def test_json_that_is_no_table_is_refused(self, tmp_path: Path, content: str, message: str) -> None:
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(WorkflowError, match=message):
            self.read(tmp_path, config("a.json"))

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(WorkflowError, match=r"there is no file .*gone\.csv"):
            self.read(tmp_path, config("gone.csv"))

    def test_other_formats_are_refused_by_name(self, tmp_path: Path) -> None:
        xml = config("a.yxdb").replace('FileFormat="0"', 'FileFormat="19"')
        with pytest.raises(WorkflowError, match=r"Alteryx database \(\.yxdb\) is not supported"):
            self.read(tmp_path, xml)


TABLE = data("n Int32, t V_WString(20), d Double, b Bool", (1, 'a,"b"', 1.0, "True"), (None, "ż\nx", None, "False"))


def write(tmp_path: Path, path: str, table: object = TABLE, extra: str = "", **options: str) -> Outcome:
    chosen = "".join(f"<{name}>{value}</{name}>" for name, value in options.items())
    xml = (
        f'<Configuration><File MaxRecords="" FileFormat="0">{path}</File><Passwords/>'
        f"<FormatSpecificOptions>{chosen}</FormatSpecificOptions>{extra}</Configuration>"
    )
    return run_one(OUTPUT, xml, {"Input": table}, path=tmp_path / "flow.yxmd", anchors=())  # type: ignore[dict-item]


class TestOutput:
    """DbFileOutput."""

    def test_delimited_text_is_quoted_where_it_must_be(self, tmp_path: Path) -> None:
        done = write(tmp_path, r"out\x.csv", CodePage="65001", WriteBOM="False")
        expected = 'n,t,d,b\r\n1,"a,""b""",1,True\r\n,"ż\nx",,False\r\n'
        assert (tmp_path / "out" / "x.csv").read_bytes().decode() == expected
        assert done.report.files[0].records == 2

    def test_quotes_everywhere_line_feeds_tabs_and_a_byte_order_mark(self, tmp_path: Path) -> None:
        options = {
            "CodePage": "65001",
            "WriteBOM": "True",
            "ForceQuotes": "True",
            "LineEndStyle": "LF",
            "Delimeter": r"\t",
        }
        write(tmp_path, "x.csv", data("a Int32, b V_String(3)", (1, None)), **options)
        assert (tmp_path / "x.csv").read_bytes() == b'\xef\xbb\xbf"a"\t"b"\n"1"\t""\n'

    def test_flat_text_has_neither_header_nor_delimiter(self, tmp_path: Path) -> None:
        write(
            tmp_path, "x.flat", data("a V_String(3), b V_String(3)", ("ab ", "c")), HeaderRow="False", Delimeter=r"\0"
        )
        assert (tmp_path / "x.flat").read_bytes() == b"ab c\r\n"

    @pytest.mark.parametrize(
        ("options", "content"),
        [
            ({"ForceQuotes": "Never", "Delimeter": "|"}, b'a|b\r\n"x|y"|1.5\r\n|\r\n'),
            ({"ForceQuotes": "Always"}, b'"a","b"\r\n"x|y","1.5"\r\n"",""\r\n'),
            ({"Delimeter": r"\s", "HeaderRow": "False"}, b"x|y 1.5\r\n \r\n"),
            ({"CodePage": "65001", "HeaderRow": "False", "WriteBOM": "True"}, b"\xef\xbb\xbfx|y,1.5\r\n,\r\n"),
            ({"CodePage": "1200", "LineEndStyle": "LF"}, "\ufeffa,b\nx|y,1.5\n,\n".encode("utf-16-le")),
            ({"CodePage": "1252", "WriteBOM": "True", "OutputOption": "RemoveFile"}, b"a,b\r\nx|y,1.5\r\n,\r\n"),
        ],
    )
    def test_options(self, tmp_path: Path, options: dict[str, str], content: bytes) -> None:
        (tmp_path / "x.csv").write_text("old")
        write(tmp_path, "x.csv", data("a V_String(3), b Double", ("x|y", 1.5), (None, None)), **options)
        assert (tmp_path / "x.csv").read_bytes() == content

    def test_a_limit_ends_the_file(self, tmp_path: Path) -> None:
        xml = '<Configuration><File MaxRecords="2" FileFormat="0">x.csv</File></Configuration>'
        table = data("n Int32", (3,), (1,), (2,))
        run_one(OUTPUT, xml, {"Input": table}, path=tmp_path / "flow.yxmd", anchors=())
        assert (tmp_path / "x.csv").read_text() == "n\n3\n1\n"

    def test_what_is_created_must_not_be_there(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("old")
        with pytest.raises(WorkflowError, match=r"OutputOption: .*x\.csv exists already; choose Overwrite"):
            write(tmp_path, "x.csv", OutputOption="Create")
        assert (tmp_path / "x.csv").read_text() == "old"

    def test_a_line_end_that_is_not_known_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(WorkflowError, match="LineEndStyle: 'CR' is not known; known are CRLF, LF"):
            write(tmp_path, "x.csv", LineEndStyle="CR")

    @pytest.mark.parametrize(
        ("kind", "values", "names"),
        [
            ("Append", ("a", "b"), ["x_a.csv", "x_b.csv"]),
            ("Prepend", ("a", "b"), ["ax_.csv", "bx_.csv"]),
            ("ChangeFileName", ("a", "ż"), ["a.csv", "ż.csv"]),
            ("ChangeFilePath", ("a.csv", r"sub\b.csv"), ["a.csv", "sub/b.csv"]),
        ],
    )
    def test_each_way_to_name_the_files_of_a_split(
        self, tmp_path: Path, kind: str, values: tuple[str, str], names: list[str]
    ) -> None:
        extra = (
            f'<MultiFile value="True"/><MultiFileType>{kind}</MultiFileType><MultiFileField>g</MultiFileField>'
            '<KeepField value="True"/>'
        )
        table = data("g V_WString(9), n Int32", (values[0], 1), (values[1], 2))
        write(tmp_path, "x_.csv", table, extra, CodePage="65001", WriteBOM="False")
        found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.csv"))
        assert found == names
        assert (tmp_path / names[1]).read_bytes() == f"g,n\r\n{values[1]},2\r\n".encode()

    def test_a_value_that_is_no_file_name_is_refused(self, tmp_path: Path) -> None:
        extra = '<MultiFile value="True"/><MultiFileType>Append</MultiFileType><MultiFileField>g</MultiFileField>'
        with pytest.raises(WorkflowError, match="the value 'a/b' cannot be part of a file name"):
            write(tmp_path, "x.csv", data("g V_String(3)", ("a/b",)), extra)

    def test_no_records_leave_a_header(self, tmp_path: Path) -> None:
        write(tmp_path, "x.csv", data("a Int32, b Int32"), LineEndStyle="LF")
        assert (tmp_path / "x.csv").read_text() == "a,b\n"

    def test_what_the_code_page_lacks_is_an_error_and_leaves_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(WorkflowError, match=r"x\.csv: 'ż' does not exist in code page latin-1"):
            write(tmp_path, "x.csv", CodePage="28591")
        assert [path.name for path in tmp_path.iterdir()] == []

    @pytest.mark.parametrize("name", ["x.parquet", "x.jsonl", "x.arrow"])
    def test_other_formats_read_back_equal(self, tmp_path: Path, name: str) -> None:
        write(tmp_path, name)
        done = run_one(INPUT, config(name), path=tmp_path / "flow.yxmd")
        assert done.rows() == [(1, 'a,"b"', 1.0, True), (None, "ż\nx", None, False)]

    def test_a_field_may_split_records_into_files(self, tmp_path: Path) -> None:
        table = data("g V_String(3), n Int32", ("b", 1), ("a", 2), ("b", 3))
        extra = (
            '<MultiFile value="True"/><MultiFileType>Append</MultiFileType><MultiFileField>g</MultiFileField>'
            '<KeepField value="False"/>'
        )
        write(tmp_path, "x_.csv", table, extra, LineEndStyle="LF")
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
            "x_a.csv": "n\n2\n",
            "x_b.csv": "n\n1\n3\n",
        }

    def test_disabled_output_writes_nothing(self, tmp_path: Path) -> None:
        flow = Workflow(path=tmp_path / "flow.yxmd")
        text = '<Configuration><Fields><Field name="a"/></Fields><Data><r><c>1</c></r></Data></Configuration>'
        flow, origin = flow.add("AlteryxBasePluginsGui.TextInput.TextInput", parse_element(text, "test"))
        xml = '<Configuration><File FileFormat="0">x.csv</File></Configuration>'
        flow, sink = flow.add(OUTPUT, parse_element(xml, "test"))
        flow = flow.connect(origin, "Output", sink, "Input")
        properties = parse_element('<Properties><DisableAllOutput value="True"/></Properties>', "test")
        report = Workflow(
            flow.document.__class__(flow.document.nodes, flow.document.connections, properties), flow.path
        ).run()
        assert (report.ok, report.files, list(tmp_path.iterdir())) == (True, (), [])
