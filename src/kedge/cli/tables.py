"""Records and schemas as tables on stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pyarrow as pa
from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from kedge.cli.console import Console

if TYPE_CHECKING:
    from kedge.sdk.fields import Metadata

__all__ = ["PreviewSink", "print_schema", "print_table"]

_PREVIEW_ROWS = 10
_CELL_CHARACTERS = 40


class PreviewSink:
    """Keeps the first rows of an anchor and prints them when the run is over."""

    def __init__(self, anchor: str, rows: int = _PREVIEW_ROWS) -> None:
        self._anchor = anchor
        self._head: pa.Table | None = None
        self._limit = rows
        self._rows = 0

    def announce(self, schema: pa.Schema) -> None:
        """Show the columns of an anchor without records."""
        if self._head is None:
            self._head = schema.empty_table()

    def write(self, table: pa.Table) -> None:
        """Count a batch, and keep it as far as rows are missing."""
        self._rows += table.num_rows
        if self._head is None:
            self._head = table.slice(0, self._limit)
        elif (missing := self._limit - self._head.num_rows) > 0:
            self._head = pa.concat_tables([self._head, table.slice(0, missing)])

    def close(self) -> None:
        """Print the rows to stdout."""
        if self._head is not None:
            print_table(self._head, f"{self._anchor}: {self._rows:,} rows")

    def abandon(self) -> None:
        """Print nothing."""


def print_table(table: pa.Table, title: str) -> None:
    """Print a table to stdout, nulls dim, long cells cut; columns for which there is no room are named below it."""
    console = Console(file=sys.stdout, highlight=False)
    console.print(f"[bold]{escape(title)}[/]")
    columns = [[_cell(value) for value in column.to_pylist()] for column in table.columns]
    fitting = _fitting(table.column_names, columns, console.width)
    shown = Table()
    for name, column in zip(table.column_names[:fitting], table.columns, strict=False):
        numeric = str(column.type).startswith(("int", "uint", "float", "double", "decimal"))
        shown.add_column(escape(name), justify="right" if numeric else "left", no_wrap=True)
    for row in zip(*columns[:fitting], strict=True):
        shown.add_row(*row)
    console.print(shown)
    if left_out := table.column_names[fitting:]:
        console.print(f"and {len(left_out)} more columns: {escape(', '.join(left_out))}")


def _fitting(names: list[str], columns: list[list[str]], width: int) -> int:
    """How many columns, at least one, a table of that width can show whole."""
    used = 1
    for number, (name, cells) in enumerate(zip(names, columns, strict=True)):
        used += 3 + max(cell_len(name), *(cell_len(Text.from_markup(cell).plain) for cell in cells), 0)
        if used > width and number:
            return number
    return len(names)


def print_schema(anchor: str, metadata: Metadata) -> None:
    """Print what an anchor announces to stdout."""
    console = Console(file=sys.stdout, highlight=False)
    console.print(f"[bold]{escape(anchor)} announces[/]")
    shown = Table()
    for heading in ("field", "type", "size", "scale", "description"):
        shown.add_column(heading)
    for field in metadata:
        scale = str(field.scale) if field.scale else ""
        shown.add_row(
            escape(field.name), field.type.name, str(field.size or ""), scale, escape(field.description or "")
        )
    console.print(shown)


def _cell(value: object) -> str:
    if value is None:
        return "[dim]null[/]"
    text = str(value)
    return escape(text if len(text) <= _CELL_CHARACTERS else f"{text[: _CELL_CHARACTERS - 1]}…")
