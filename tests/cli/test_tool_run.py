"""``kedge tool run``: what it is given, what it writes, and the code with which it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from kedge.cli.app import app
from tests.faults.processes import PEOPLE, TOOLS

if TYPE_CHECKING:
    from typer.testing import Result

COPY = f"{TOOLS}:Copy"
LAUGHS = """<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>
<Configuration><Threshold>&c;</Threshold></Configuration>"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with one good file in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEDGE_LOG_DIR", str(tmp_path / "log"))
    Path("people.csv").write_text(PEOPLE)
    return tmp_path


def kedge(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def run(*arguments: str, tool: str = COPY) -> Result:
    """In this process: what is wrong with a call is wrong there too, and found sooner."""
    return kedge("tool", "run", tool, "--in-process", *arguments)


def refused(result: Result, *texts: str) -> None:
    """The call was wrong, and the error says all of these."""
    assert result.exit_code == 2, result.output
    for text in texts:
        assert text in result.stderr, result.stderr
    assert "Traceback" not in result.stderr


class TestInputs:
    def test_an_unknown_file_is_named_with_those_near_it(self) -> None:
        refused(run("-i", "Input=peple.csv"), "error: peple.csv does not exist; near it are people.csv")

    def test_a_file_in_a_missing_folder_names_the_folder(self) -> None:
        refused(run("-i", "Input=no/people.csv"), "no/people.csv does not exist: there is no directory no")

    def test_an_empty_file_is_named(self) -> None:
        Path("empty.csv").touch()
        refused(run("-i", "Input=empty.csv"), "error: empty.csv is empty")

    def test_an_unknown_extension_is_named_with_the_known_ones(self) -> None:
        Path("people.doc").write_text(PEOPLE)
        refused(run("-i", "Input=people.doc"), "people.doc", ".parquet")

    @pytest.mark.parametrize("name", ["people.parquet", "people.arrow"])
    def test_a_file_that_is_not_what_its_name_says_is_named(self, name: str) -> None:
        Path(name).write_text(PEOPLE)
        refused(run("-i", f"Input={name}"), name)

    @pytest.mark.parametrize("kind", ["list", "struct"])
    def test_a_column_that_no_field_type_fits_is_named(self, kind: str) -> None:
        values = [[1, 2]] if kind == "list" else [{"x": 1}]
        pq.write_table(pa.table({"good": [1], "bad": values}), "nested.parquet")
        refused(run("-i", "Input=nested.parquet"), "nested.parquet, for anchor 'Input'", "'bad'", kind)

    def test_the_same_input_in_a_process_of_its_own_is_refused_the_same(self) -> None:
        pq.write_table(pa.table({"bad": [[1, 2]]}), "nested.parquet")
        result = kedge("tool", "run", COPY, "-i", "Input=nested.parquet")
        refused(result, "nested.parquet, for anchor 'Input'")

    @pytest.mark.parametrize("argument", ["people.csv", "=people.csv", "Input="])
    def test_an_argument_that_is_no_pair_is_shown_how(self, argument: str) -> None:
        refused(run("-i", argument), f"-i '{argument}': write -i ANCHOR=FILE")

    def test_a_line_that_breaks_the_file_is_named_and_nothing_is_written(self) -> None:
        with Path("broken.csv").open("w") as file:
            file.write("name,age\n" + "Ada,36\n" * 400_000 + "Grace,85,too,many\n")
        refused(run("-i", "Input=broken.csv", "-o", "Output=out.parquet"), "broken.csv")
        assert not Path("out.parquet").exists()

    @pytest.mark.parametrize("way", ["--in-process", "--start-timeout=30"])
    def test_files_without_rows_give_files_without_rows(self, way: str) -> None:
        Path("header.csv").write_text("name,age\n")
        result = kedge("tool", "run", f"{TOOLS}:Announces", "-i", "Input=header.csv", "-o", "Output=out.parquet", way)
        assert result.exit_code == 0, result.output
        assert pq.read_table("out.parquet").to_pydict() == {"name": [], "age": []}

    def test_a_column_of_nulls_stays_one(self) -> None:
        pq.write_table(pa.table({"name": ["Ada"], "nothing": pa.nulls(1)}), "nulls.parquet")
        assert run("-i", "Input=nulls.parquet", "-o", "Output=out.parquet").exit_code == 0
        assert pq.read_table("out.parquet").to_pylist() == [{"name": "Ada", "nothing": None}]


class TestTypes:
    @pytest.fixture(autouse=True)
    def codes(self) -> None:
        Path("codes.csv").write_text("zip,a.b\n0123,1\n0456,2\n")

    def output(self, *arguments: str) -> pa.Schema:
        result = run("-i", "Input=codes.csv", "-o", "Output=out.parquet", *arguments)
        assert result.exit_code == 0, result.output
        return pq.read_schema("out.parquet")

    def test_a_column_has_the_type_that_it_is_given(self) -> None:
        schema = self.output("--type", "Input.zip=string", "--type", "Input.a.b=decimal(10, 2)")
        assert (schema.field("zip").type, str(schema.field("a.b").type)) == (pa.string(), "decimal256(10, 2)")
        assert pq.read_table("out.parquet")["zip"].to_pylist() == ["0123", "0456"]

    @pytest.mark.parametrize("argument", ["zip=string", "Input.zip", "Input.=string", ".zip=string", "Input.zip="])
    def test_an_argument_that_is_no_triple_is_shown_how(self, argument: str) -> None:
        refused(run("-i", "Input=codes.csv", "--type", argument), "write --type ANCHOR.COLUMN=TYPE")

    def test_one_column_twice_is_refused(self) -> None:
        arguments = ("--type", "Input.zip=string", "--type", "Input.zip=int64")
        refused(run("-i", "Input=codes.csv", *arguments), "--type names the column 'zip' of Input twice")

    def test_an_anchor_without_a_file_is_named(self) -> None:
        result = run("-i", "Input=codes.csv", "--type", "Inptu.zip=string")
        refused(result, "--type names the anchor 'Inptu', for which there is no -i; there is Input")

    @pytest.mark.parametrize(("argument", "text"), [("Input.zip=strnig", "strnig"), ("Input.zpi=string", "zpi")])
    def test_what_the_file_does_not_have_is_named(self, argument: str, text: str) -> None:
        refused(run("-i", "Input=codes.csv", "--type", argument), "codes.csv", text)

    def test_an_error_of_the_reader_says_how(self) -> None:
        with Path("late.csv").open("w") as file:
            file.write("n\n" + "1\n" * 2_500_000 + "x\n")
        refused(run("-i", "Input=late.csv"), "late.csv", "(or --type ANCHOR.n=string)")


class TestAnchors:
    needy = f"{TOOLS}:Needy"

    def test_an_unknown_incoming_anchor_is_named_with_the_near_one(self) -> None:
        result = run("-i", "Left=people.csv", "-i", "Rihgt=people.csv", tool=self.needy)
        refused(result, "no incoming anchor 'Rihgt': it has 'Left', 'Right'; did you mean 'Right'?")

    def test_an_unknown_outgoing_anchor_is_named_with_the_near_one(self) -> None:
        arguments = ("-i", "Left=people.csv", "-i", "Right=people.csv", "-o", "Outptu=out.csv")
        refused(
            run(*arguments, tool=self.needy), "no outgoing anchor 'Outptu': it has 'Output'; did you mean 'Output'?"
        )
        assert not Path("out.csv").exists()

    def test_a_required_input_that_is_missing_is_named(self) -> None:
        result = run("-i", "Left=people.csv", tool=self.needy)
        refused(result, "the tool needs an input on its anchor 'Right', and none was given")

    def test_a_second_connection_where_one_is_taken_is_refused(self) -> None:
        result = run("-i", "Left=people.csv", "-i", "Left=people.csv", "-i", "Right=people.csv", tool=self.needy)
        refused(result, "incoming anchor 'Left' takes one connection, and 2 were given")

    def test_a_wrong_anchor_shows_nothing_of_the_process_that_was_started(self) -> None:
        result = kedge("tool", "run", self.needy, "-i", "Inptu=people.csv")
        refused(result, "no incoming anchor 'Inptu'")
        assert len(result.stderr.splitlines()) == 1
        assert result.stdout == ""


class TestOutputs:
    def test_one_anchor_twice_is_refused(self) -> None:
        result = run("-i", "Input=people.csv", "-o", "Output=a.csv", "-o", "Output=b.csv")
        refused(result, "-o names anchor 'Output' twice: a.csv, b.csv")

    def test_one_file_for_two_anchors_is_refused(self) -> None:
        result = run("-i", "Input=people.csv", "-o", "First=a.csv", "-o", "Second=./a.csv", tool=f"{TOOLS}:TwoOutputs")
        refused(result, "a.csv is the file of two outputs, First and Second; name two files")

    def test_a_missing_folder_is_named_before_the_tool_runs(self) -> None:
        result = run("-i", "Input=people.csv", "-o", "Output=no/out.csv", tool=f"{TOOLS}:LeavesBySysExit")
        refused(result, "no/out.csv cannot be written: there is no directory no")
        assert "LeavesBySysExit" not in result.stderr

    def test_a_run_that_reported_an_error_leaves_the_file_that_was_there(self) -> None:
        Path("out.csv").write_text("before\n")
        result = run("-i", "Input=people.csv", "-o", "Output=out.csv", tool=f"{TOOLS}:LeavesBySysExit")
        assert result.exit_code == 1
        assert Path("out.csv").read_text() == "before\n"
        assert "Output: errors, so not written: out.csv" in result.stderr
        assert sorted(path.name for path in Path().iterdir()) == ["out.csv", "people.csv"]

    def test_without_any_the_rows_are_shown(self) -> None:
        result = run("-i", "Input=people.csv")
        assert result.exit_code == 0
        assert "Output: 2 rows" in result.stdout
        assert "Grace" in result.stdout


class TestConfiguration:
    def config(self, text: str) -> Result:
        Path("config.xml").write_text(text)
        return run("-i", "Input=people.csv", "--config", "config.xml")

    def test_a_missing_file_is_named(self) -> None:
        refused(run("--config", "config.xml"), "the configuration config.xml cannot be read: No such file")

    @pytest.mark.parametrize("text", ["<Configuration><A></Configuration>", "", "just text"])
    def test_xml_that_is_none_is_named_with_its_place(self, text: str) -> None:
        refused(self.config(text), "config.xml", "line 1")

    def test_a_billion_laughs_are_refused(self) -> None:
        refused(self.config(LAUGHS), "config.xml", "entit")

    def test_another_root_is_refused(self) -> None:
        refused(self.config("<Settings/>"), "config.xml", "Configuration")

    @pytest.mark.parametrize("pair", ["Threshold", "=3", "two words=3", "1st=2"])
    def test_a_setting_that_is_no_pair_is_shown_how(self, pair: str) -> None:
        refused(run("-c", pair), f"{pair!r}")

    def test_both_ways_to_configure_exclude_each_other(self) -> None:
        Path("config.xml").write_text("<Configuration/>")
        refused(run("-c", "A=1", "--config", "config.xml"), "-c and --config exclude each other")


class TestCall:
    @pytest.mark.parametrize("arguments", [(), (COPY, "--command", "python x.py")])
    def test_names_one_tool(self, arguments: tuple[str, ...]) -> None:
        refused(kedge("tool", "run", *arguments), "name one tool")

    @pytest.mark.parametrize("name", ["tools.py", "tools.py:", ":Tool", "a:b c"])
    def test_a_name_that_is_none_is_shown_how(self, name: str) -> None:
        refused(run(tool=name), "PACKAGE:TOOL or path/to/file.py:Tool")

    def test_a_command_with_an_open_quote_is_shown(self) -> None:
        refused(kedge("tool", "run", "--command", "python 'x.py"), "--command", "quot")

    @pytest.mark.parametrize("tool", ["no_such_package:Tool", "no_such_file.py:Tool", f"{TOOLS}:Abstract"])
    def test_a_tool_that_does_not_load_is_no_wrong_call(self, tool: str) -> None:
        result = run(tool=tool)
        assert result.exit_code == 3
        assert result.stderr.startswith("error: ")

    def test_an_unexpected_fault_of_our_own_has_a_traceback_and_the_code_of_the_machinery(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kedge.host.tool_call.run_in_process", lambda *_: 1 / 0)
        result = run("-i", "Input=people.csv")
        assert result.exit_code == 3
        assert result.stderr.rstrip().endswith("ZeroDivisionError: division by zero")


class TestReport:
    def report(self) -> dict[str, object]:
        document: dict[str, object] = json.loads(Path("report.json").read_text())
        return document

    def test_of_a_good_run_counts_everything(self) -> None:
        assert run("-i", "Input=people.csv", "-o", "Output=out.csv", "--report", "report.json").exit_code == 0
        report = self.report()
        assert report["status"] == "ok"
        assert report["incoming"] == {"Input #1": {"batches": 1, "rows": 2, "bytes": 32}}
        assert report["outgoing"] == {"Output": {"batches": 1, "rows": 2, "bytes": 32}}

    def test_of_an_error_of_the_tool_has_its_message(self) -> None:
        arguments = ("-i", "Input=people.csv", "--report", "report.json")
        assert run(*arguments, tool=f"{TOOLS}:LeavesBySysExit").exit_code == 1
        report = self.report()
        assert report["status"] == "error"
        assert "called sys.exit(7)" in str(report["messages"])

    @pytest.mark.parametrize(
        "arguments", [("-i", "Input=no.csv"), ("--config", "no.xml"), ("-o", "Output=no/a.csv"), ("-c", "bad")]
    )
    def test_of_a_wrong_call_says_what_was_wrong(self, arguments: tuple[str, ...]) -> None:
        assert run(*arguments, "--report", "report.json").exit_code == 2
        report = self.report()
        assert (report["tool"], report["status"]) == ("Copy", "failed")
        assert isinstance(report["error"], dict)
        assert report["error"]["type"] == "UsageError"

    def test_that_cannot_be_written_is_told_before_the_run(self) -> None:
        result = run("-i", "Input=people.csv", "--report", "no/report.json", tool=f"{TOOLS}:LeavesBySysExit")
        refused(result, "the report no/report.json cannot be written: there is no directory no")
        assert "sys.exit" not in result.stderr


class TestUpdateOnly:
    def test_shows_what_is_announced_and_needs_no_inputs(self) -> None:
        result = run("--update-only", tool=f"{TOOLS}:Needy")
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("Output announces\n")
        assert "v_wstring" in result.stdout
        assert "rows" not in result.stdout

    def test_writes_no_file(self) -> None:
        result = run("--update-only", "-o", "Output=out.csv", tool=f"{TOOLS}:Needy")
        refused(result, "--update-only writes no records: write -o Output=- to name the anchor alone")

    def test_inspect_needs_no_inputs_either(self) -> None:
        result = kedge("tool", "inspect", f"{TOOLS}:Needy")
        assert result.exit_code == 0, result.output
        assert "incoming anchors: Left, Right" in result.stdout
        assert "Output announces" in result.stdout
