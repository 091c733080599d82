"""``kedge run`` on small workflows: what it says and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kedge.cli.app import app
from kedge.workflow.workflow import Workflow

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "<Fields><Field name='n'/></Fields><Data><r><c>3</c></r><r><c>1</c></r></Data>"


def run(flow: Workflow, tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    flow.save(tmp_path / "flow.yxmd")
    result = CliRunner().invoke(app, ["run", str(tmp_path / "flow.yxmd"), *arguments])
    return result.exit_code, result.stdout, result.stderr


class TestNothingToDo:
    """A workflow without a tool that writes or shows anything."""

    @pytest.mark.parametrize("tools", [0, 1])
    def test_is_clean_and_says_so(self, tmp_path: Path, tools: int) -> None:
        flow = Workflow()
        if tools:
            flow, _ = flow.add("TextInput", ROWS)
        code, stdout, stderr = run(flow, tmp_path)
        assert (code, stdout) == (0, "")
        assert "nothing to do: no enabled tool writes or shows records; add an output, or name an anchor" in stderr

    def test_is_no_excuse_for_an_output_that_cannot_run(self, tmp_path: Path) -> None:
        flow, origin = Workflow().add("TextInput", ROWS)
        flow, output = flow.add("DbFileOutput", '<File FileFormat="25">x.xlsx|||Sheet1</File>')
        code, _, stderr = run(flow.connect(origin, "Output", output, "Input"), tmp_path)
        assert code == 1
        assert (
            "DbFileOutput (2): it is left out: Configuration/File: the format Excel (.xlsx) is not supported" in stderr
        )


class TestMessages:
    """Messages carry the tool's name and id, and records are counted."""

    def test_outputs_count_what_they_write(self, tmp_path: Path) -> None:
        flow, origin = Workflow().add("TextInput", ROWS)
        flow, output = flow.add("DbFileOutput", '<File FileFormat="0">x.csv</File>')
        code, stdout, stderr = run(flow.connect(origin, "Output", output, "Input"), tmp_path)
        assert code == 0
        assert f"DbFileOutput (2): 2 records were written to {tmp_path / 'x.csv'}" in stderr
        assert "x.csv: 2 records" in stdout

    def test_inputs_count_what_they_read_where_somebody_counted(self, tmp_path: Path) -> None:
        (tmp_path / "in.csv").write_text("a\n1\n2\n3\n")
        flow, origin = Workflow().add("DbFileInput", '<File FileFormat="0">in.csv</File>')
        flow, browse = flow.add("BrowseV2", "")
        code, stdout, _ = run(flow.connect(origin, "Output", browse, "Input"), tmp_path)
        assert code == 0
        line = next(line for line in stdout.splitlines() if "DbFileInput" in line)
        assert "Output 3" in line

    def test_anchors_of_large_runs_are_counted_on_demand(self, tmp_path: Path) -> None:
        rows = {"CreateField_Name": "n", "CreateField_Type": "Int64", "Expression_Init": "1"}
        rows |= {"Expression_Loop": "[n] + 1", "Expression_Cond": "[n] <= 150000"}
        flow, origin = Workflow().add("GenerateRows", rows)
        flow, chosen = flow.add("Filter", {"Mode": "Custom", "Expression": "[n] > 1000"})
        fields = '<SummarizeFields><SummarizeField field="n" action="Sum"/></SummarizeFields>'
        flow, total = flow.add("Summarize", fields)
        flow, browse = flow.add("BrowseV2", "")
        flow = flow.connect(origin, "Output", chosen, "Input").connect(chosen, "True", total, "Input")
        flow = flow.connect(total, "Output", browse, "Input")
        assert "149,000" not in run(flow, tmp_path)[1]
        code, stdout, _ = run(flow, tmp_path, "--counts")
        assert code == 0
        line = next(line for line in stdout.splitlines() if "Filter" in line)
        assert "True 149,000, False 1,000" in line

    def test_a_tool_that_cannot_run_at_the_end_is_a_warning_beside_taps(self, tmp_path: Path) -> None:
        flow, origin = Workflow().add("TextInput", ROWS)
        flow, output = flow.add("DbFileOutput", '<File FileFormat="25">x.xlsx|||Sheet1</File>')
        flow = flow.connect(origin, "Output", output, "Input")
        code, stdout, stderr = run(flow, tmp_path, "--tap", "1:Output=-")
        assert code == 0
        assert "it is left out" in stderr
        assert "1:Output: 2 records" in stdout
