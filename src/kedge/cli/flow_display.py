"""What a workflow's run and check look like on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.box import HEAVY_HEAD
from rich.cells import cell_len, set_cell_size
from rich.control import strip_control_codes
from rich.markup import escape
from rich.text import Text

from kedge.cli.console import Console

if TYPE_CHECKING:
    from pathlib import Path

    from rich.status import Status
    from typing_extensions import Self

    from kedge.workflow.checking import CheckReport
    from kedge.workflow.report import Message, RunReport, ToolReport

__all__ = ["FlowDisplay", "print_check", "print_run"]

_STYLES = {"warning": "yellow", "conversion": "yellow", "error": "bold red"}
_PREVIEW_ROWS = 10
_HEADINGS = ("tool", "name", "status", "records")


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
    _print_counts(report.tools, console)
    for file in report.files:
        console.print(escape(f"wrote {file.path}: {file.records:,} records, {file.size:,} bytes"))
    for tool_id, anchor in shown if report.ok else ():
        from kedge.cli.tables import print_table

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


def _print_counts(tools: tuple[ToolReport, ...], console: Console) -> None:
    """Print a line for every tool, as rich's table would look, which takes a twentieth of a second for 200 of them."""
    rows = [_HEADINGS, *map(_row, tools)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    if console.is_terminal:
        room = console.width - sum(widths) - 3 * len(widths) - 1
        widths[1] = max(min(widths[1], widths[1] + room), len(_HEADINGS[1]))
    box = HEAVY_HEAD.substitute(console.options)
    around = [width + 2 for width in widths]
    console.print(Text(box.get_top(around)), soft_wrap=True)
    console.print(Text(_line(rows[0], widths, box.head_left, box.head_vertical), "bold"), soft_wrap=True)
    console.print(Text(box.get_row(around, "head")), soft_wrap=True)
    lines = [_line(row, widths, box.mid_left, box.mid_vertical) for row in rows[1:]]
    print(*lines, box.get_bottom(around), sep="\n", file=console.file)


def _row(tool: ToolReport) -> tuple[str, ...]:
    known = [f"{anchor.name} {anchor.records:,}" for anchor in tool.anchors if anchor.records is not None]
    cells = (str(tool.tool_id), tool.name, tool.status, ", ".join(known))
    return tuple(strip_control_codes(cell).replace("\n", " ") for cell in cells)


def _line(row: tuple[str, ...], widths: list[int], edge: str, between: str) -> str:
    number, *cells = [
        cell if cell_len(cell) <= width else set_cell_size(cell, width - 1) + "…"
        for cell, width in zip(row, widths, strict=True)
    ]
    filled = [number.rjust(widths[0]), *map(set_cell_size, cells, widths[1:])]
    return f"{edge} {f' {between} '.join(filled)} {edge}"
