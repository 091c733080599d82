"""What a workflow's run and check look like on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from kedge.cli.console import Console
from kedge.cli.tables import print_table

if TYPE_CHECKING:
    from pathlib import Path

    from rich.status import Status
    from typing_extensions import Self

    from kedge.workflow.checking import CheckReport
    from kedge.workflow.report import Message, RunReport, ToolReport

__all__ = ["FlowDisplay", "print_check", "print_run"]

_STYLES = {"warning": "yellow", "conversion": "yellow", "error": "bold red"}
_PREVIEW_ROWS = 10


class FlowDisplay:
    """One line on a terminal that names the tool at work; nothing in a pipe."""

    def __init__(self) -> None:
        console = Console(stderr=True, highlight=False)
        self._status: Status | None = console.status("planning") if console.is_terminal else None
        self._done = 0

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def on_tool(self, tool_id: int, name: str, status: str) -> None:
        """Show what a tool does now."""
        self._done += status != "running"
        if self._status is not None:
            self._status.update(escape(f"{name} ({tool_id}) {status}, {self._done} done"))


def print_run(report: RunReport, shown: list[tuple[int, str]]) -> None:
    """Print messages to stderr; record counts, files and the tapped anchors to stdout."""
    messages = Console(stderr=True, highlight=False, soft_wrap=True)
    for message in report.messages:
        messages.print(_message(message))
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    if not report.tools:
        messages.print(
            "nothing to do: no enabled tool writes or shows records; add an output, or name an anchor by --tap"
        )
        return
    console.print(_counts(report.tools))
    for file in report.files:
        console.print(escape(f"wrote {file.path}: {file.records:,} records, {file.size:,} bytes"))
    for tool_id, anchor in shown if report.ok else ():
        table = report.table(tool_id, anchor)
        print_table(table.slice(0, _PREVIEW_ROWS), f"{tool_id}:{anchor}: {table.num_rows:,} records")
    outcome = "done" if report.ok else f"failed with {_number(len(report.errors), 'error')}"
    messages.print(f"{outcome} in {report.seconds:.2f} s")


def print_check(flow: Path, found: CheckReport) -> None:
    """Print what cannot run, each with its tool, and how much is known."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for message in found.messages:
        console.print(_message(message))
    for problem in found.problems:
        console.print(f"[bold red]{escape(str(problem))}[/]")
    state = "would run" if found.ok else f"would not run: {_number(len(found.problems), 'problem')}"
    console.print(escape(f"{flow.name}: {state}; the schemas of {_number(len(found.schemas), 'anchor')} are known"))
    if found.open:
        anchors = ", ".join(f"{tool}:{anchor}" for tool, anchor in found.open)
        console.print(escape(f"known only when records flow: {anchors}"))


def _number(count: int, thing: str) -> str:
    return f"1 {thing}" if count == 1 else f"{count} {thing}s"


def _message(message: Message) -> str:
    style = _STYLES.get(message.kind)
    text = escape(str(message))
    return f"[{style}]{text}[/]" if style else text


def _counts(tools: tuple[ToolReport, ...]) -> Table:
    counts = Table()
    for heading in ("tool", "name", "status", "records"):
        counts.add_column(heading, justify="right" if heading == "tool" else "left", no_wrap=True)
    for tool in tools:
        known = [f"{anchor.name} {anchor.records:,}" for anchor in tool.anchors if anchor.records is not None]
        counts.add_row(*map(Text, (str(tool.tool_id), tool.name, tool.status, ", ".join(known))))
    return counts
