"""The table of a run's tools."""

from __future__ import annotations

import io

from rich.table import Table

from kedge.cli import flow_display
from kedge.cli.console import Console
from kedge.tools.schema import Schema
from kedge.workflow.report import AnchorReport, ToolReport


def tool(tool_id: int, name: str, status: str, anchors: tuple[AnchorReport, ...] = ()) -> ToolReport:
    return ToolReport(tool_id=tool_id, name=name, plugin="", status=status, seconds=0.0, anchors=anchors)


TOOLS = (
    tool(1, "TextInput", "done", (AnchorReport("Output", 1200, Schema()),)),
    tool(12, "naïve 名前", "failed", (AnchorReport("True", 3, Schema()), AnchorReport("False", None, Schema()))),
)


def shown(tools: tuple[ToolReport, ...], **settings: object) -> list[str]:
    file = io.StringIO()
    flow_display._print_counts(tools, Console(file=file, highlight=False, soft_wrap=True, **settings))  # type: ignore[arg-type]
    return file.getvalue().splitlines()


class TestCounts:
    """A line for every tool."""

    def test_looks_as_a_table_of_rich(self) -> None:
        table = Table()
        for heading in ("tool", "name", "status", "records"):
            table.add_column(heading, justify="right" if heading == "tool" else "left", no_wrap=True)
        table.add_row("1", "TextInput", "done", "Output 1,200")
        table.add_row("12", "naïve 名前", "failed", "True 3")
        file = io.StringIO()
        Console(file=file, highlight=False, soft_wrap=True).print(table)
        assert shown(TOOLS) == file.getvalue().splitlines()

    def test_a_name_is_whole_in_a_pipe_however_long(self) -> None:
        long = tool(1, "n" * 200, "done")
        assert "n" * 200 in shown((long,))[3]

    def test_a_name_is_cut_on_a_terminal_that_is_too_narrow(self) -> None:
        lines = shown((tool(1, "n" * 200, "done"),), force_terminal=True, width=50, color_system=None)
        assert {len(line) for line in lines} == {50}
        assert "n… │" in lines[3]

    def test_a_name_moves_no_cursor(self) -> None:
        assert shown((tool(1, "a\rb\nc", "done"),))[3] == "│    1 │ ab c │ done   │         │"
