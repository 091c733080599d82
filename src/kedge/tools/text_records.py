"""Delimited text record by record, for what is not regular: exact, slow, and with the line of what is wrong.

A blank line is a record with one empty cell. Cells that a record lacks are null. Cells beyond the last field are an
error, or with ``IgnoreErrors`` a warning and left out.
"""

from __future__ import annotations

__all__ = ["Complaints", "UnclosedQuote", "records_of", "tables_of"]

import csv
import itertools
import sys
from typing import TYPE_CHECKING, NoReturn

import pyarrow as pa

from kedge.exceptions import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from kedge.tools.delimited import DelimitedOptions

MOST_TOLD = 10
MOST_SHOWN = 100
STRAY = "text behind a closing quote, or a quote that is never closed"
ROWS = 16_384
"""Records of one table."""
END = "\ue000the end\ue000"
LARGEST_CELL = min(sys.maxsize, 2**31 - 1)


class UnclosedQuote(Exception):
    """Raised when the text ends between quotes; ``line`` is where they open, counted from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Lines:
    """Lines on their way into records: how many there were, and those since the last record."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.count = 0
        self.last: list[str] = []
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.count += 1
            self.last.append(line)
            yield line

    def taken(self) -> tuple[int, str]:
        """Return the number of the first line since the last call, from 1, and the text of all of them."""
        text = "".join(self.last).rstrip("\r\n")
        first = self.count - len(self.last) + 1
        self.last = []
        return first, text


def records_of(lines: Iterable[str], options: DelimitedOptions, *, strict: bool = False) -> Iterator[list[str]]:
    """Yield the cells of each record of a text; a blank line has one empty cell.

    Raises ``UnclosedQuote``, and where it is ``strict`` ``csv.Error`` for text behind a closing quote.
    """
    if not options.delimiter:
        return ([line.rstrip("\r\n")] for line in lines)
    if not options.quote:
        return (line.rstrip("\r\n").split(options.delimiter) for line in lines)
    csv.field_size_limit(LARGEST_CELL)
    ended = itertools.chain(lines, [END])
    reader = csv.reader(ended, delimiter=options.delimiter, quotechar=options.quote, strict=strict)
    return _quoted_records(reader)


def _quoted_records(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    line = 1
    try:
        for cells in reader:
            if cells == [END]:
                return
            if cells and cells[-1].endswith(END):
                raise UnclosedQuote(line)
            line = reader.line_num + 1  # type: ignore[attr-defined]
            yield cells or [""]
    except csv.Error as fault:
        if "unexpected end of data" in str(fault):
            raise UnclosedQuote(line) from None
        raise


class Complaints:
    """What is wrong with a file: the first complaint is an error, or the first are warnings and the rest counted."""

    def __init__(self, path: Path, warn: Callable[[str], None] | None) -> None:
        self._path = path
        self._warn = warn
        self._count = 0

    def add(self, line: int, what: str, text: str) -> None:
        """Complain once more, of a line of the file. Raises ``WorkflowError`` unless errors are warnings."""
        if self._warn is None:
            self.fail(line, what, text)
        self._count += 1
        if self._count <= MOST_TOLD:
            self._warn(self._said(line, what, text))

    def fail(self, line: int, what: str, text: str) -> NoReturn:
        """Raise the ``WorkflowError`` for what cannot be read at all."""
        hint = 'mend the file, or choose "Treat Read Errors as Warnings" (IgnoreErrors)'
        raise WorkflowError(f"{self._said(line, what, text)}; {hint}")

    def _said(self, line: int, what: str, text: str) -> str:
        shown = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
        return f"{self._path}: line {line}: {what}: {shown}"

    def close(self) -> None:
        """Tell how many complaints were not told."""
        if self._warn and self._count > MOST_TOLD:
            self._warn(f"{self._path}: {self._count - MOST_TOLD} more read errors; {self._count} in all")


def tables_of(
    text: Iterable[str],
    columns: int,
    options: DelimitedOptions,
    complaints: Complaints,
    lines_before: Callable[[], int],
) -> Iterator[pa.Table]:
    """Yield the records of a text as tables of text columns ``0``, ``1`` and so on.

    ``lines_before`` is asked only where there is something to complain of. Raises ``UnclosedQuote``.
    """
    lines = Lines(text)
    rows: list[list[str | None]] = []
    try:
        for cells in records_of(lines, options, strict=not options.ignore_errors):
            first, written = lines.taken()
            if len(cells) > columns:
                what = f"too many fields: {len(cells)}, there are {columns} field names"
                complaints.add(lines_before() + first, what, written)
            rows.append([*cells[:columns], *[None] * (columns - len(cells))])
            if len(rows) == ROWS:
                yield _table(rows, columns)
                rows = []
    except csv.Error as fault:
        first, written = lines.taken()
        stray = "expected after" in str(fault)
        complaints.fail(lines_before() + first, STRAY if stray else str(fault), written)
    if rows:
        yield _table(rows, columns)


def _table(rows: list[list[str | None]], columns: int) -> pa.Table:
    by_column = zip(*rows, strict=True)
    return pa.table(
        [pa.array(column, pa.string()) for column in by_column], names=[str(place) for place in range(columns)]
    )
