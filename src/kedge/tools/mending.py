"""Delimited files that are not regular: read record by record and copied as regular ones, what is wrong told.

A blank line is a record with one empty cell. Cells beyond the last field are an error, or with ``IgnoreErrors`` a
warning and left out. Cells that a record lacks are null: the copy lacks them too.
"""

from __future__ import annotations

__all__ = ["SEPARATOR", "mended_copy", "records_of"]

import csv
import itertools
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kedge.exceptions import WorkflowError
from kedge.tools.text_files import BLOCK, copy_place, open_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kedge.tools.contract import Context
    from kedge.tools.delimited import DelimitedOptions

SEPARATOR = ","
MOST_TOLD = 10
END = "\ue000the end\ue000"
LARGEST_CELL = min(sys.maxsize, 2**31 - 1)


def records_of(lines: Iterable[str], options: DelimitedOptions) -> Iterator[list[str]]:
    """Yield the cells of each record of a text; a blank line has one empty cell."""
    if not options.delimiter:
        return ([line.rstrip("\r\n")] for line in lines)
    if not options.quote:
        return (line.rstrip("\r\n").split(options.delimiter) for line in lines)
    csv.field_size_limit(LARGEST_CELL)
    return _quoted_records(
        csv.reader(itertools.chain(lines, [END]), delimiter=options.delimiter, quotechar=options.quote)
    )


def _quoted_records(records: Iterable[list[str]]) -> Iterator[list[str]]:
    for number, cells in enumerate(records, 1):
        if cells == [END]:
            return
        if cells and cells[-1].endswith(END):
            raise csv.Error(f"a quote that opens in line or record {number} is never closed; mend the file")
        yield cells or [""]


@dataclass
class _Complaints:
    """What is wrong with a file: the first complaint is an error, or the first are warnings and the rest counted."""

    path: Path
    context: Context
    ignore: bool
    count: int = field(default=0)

    def add(self, text: str) -> None:
        """Complain once more."""
        if not self.ignore:
            hint = 'mend the file, or choose "Treat Read Errors as Warnings" (IgnoreErrors)'
            raise WorkflowError(f"{self.path}: {text}; {hint}")
        self.count += 1
        if self.count <= MOST_TOLD:
            self.context.warn(f"{self.path}: {text}")

    def close(self) -> None:
        """Tell how many complaints were not told."""
        if self.count > MOST_TOLD:
            self.context.warn(f"{self.path}: {self.count - MOST_TOLD} more read errors; {self.count} in all")


def mended_copy(path: Path, columns: int, options: DelimitedOptions, context: Context, source: Path) -> Path:
    """Return a regular copy of the records of a UTF-8 file, without header: commas, quotes where needed, line feeds.

    ``source`` is the user's file, for messages. Raises ``WorkflowError`` for a record with more than ``columns`` cells
    and for bytes that are not text, unless errors are to be ignored.
    """
    copy = copy_place(path, context.temporary)
    complaints = _Complaints(source, context, options.ignore_errors)
    try:
        with (
            open_text(path, "utf-8", "replace" if options.ignore_errors else "strict") as text,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            for _ in range(options.first_line - 1):
                text.readline()
            csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
                _regular(records_of(text, options), columns, options.header, complaints)
            )
    except UnicodeDecodeError as fault:
        raise WorkflowError(f"{source}: the text is not UTF-8: {fault.reason}; choose its code page") from fault
    except csv.Error as fault:
        raise WorkflowError(f"{source}: the file cannot be read: {fault}") from fault
    complaints.close()
    if options.ignore_errors and not _is_text(path):
        context.warn(f"{source}: bytes that are not text in this code page were read as \ufffd")
    return copy


def _is_text(path: Path) -> bool:
    """Tell whether a file is UTF-8."""
    try:
        with open_text(path, "utf-8") as text:
            return all(iter(lambda: text.read(BLOCK), ""))
    except UnicodeDecodeError:
        return False


def _regular(records: Iterator[list[str]], columns: int, header: bool, complaints: _Complaints) -> Iterator[list[str]]:
    if header:
        next(records, None)
    for number, cells in enumerate(records, 1):
        if len(cells) > columns:
            complaints.add(f"too many fields in record #{number}: {len(cells)}, there are {columns} field names")
        yield cells[:columns]
