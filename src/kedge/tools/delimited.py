"""Delimited text files as Designer reads them: their options, and their first line."""

from __future__ import annotations

__all__ = ["DelimitedOptions", "Heading", "parse_delimited", "parse_delimiter", "read_heading", "with_quote"]

import csv
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import WorkflowError
from kedge.formula.types import DesignerType
from kedge.tools.code_pages import encoding_of
from kedge.tools.text_files import lines_from, mark_size, open_text
from kedge.tools.text_records import UnclosedQuote, records_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kedge.tools.options import Options

AUTO = "auto"
QUOTES = {"DoubleQuotes": '"', "SingleQuotes": "'", "Auto": AUTO, "None": "", "True": '"', "False": ""}
SAMPLE = 1 << 16
ESCAPES = {r"\t": "\t", r"\s": " ", r"\n": "\n", r"\0": ""}


@dataclass(frozen=True)
class DelimitedOptions:
    """How to read a delimited file.

    An empty ``delimiter`` makes each line one field, then there are no quotes; a ``quote`` that is ``auto`` is the one
    that the file begins its cells with. ``first_line`` counts from 1.
    """

    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    first_line: int = 1
    field_length: int = 254
    ignore_errors: bool = False
    encoding: str = "latin-1"
    wide: bool = False

    @property
    def type(self) -> DesignerType:
        """The type of every field."""
        return DesignerType("V_WString" if self.wide else "V_String", self.field_length)


def parse_delimited(options: Options) -> DelimitedOptions:
    """Read the format options of a delimited file. Quoted cells may always hold line breaks."""
    delimiter = parse_delimiter(options)
    page = options.integer("CodePage", 28591)
    options.ignore("AllowShareWrite", "SingleThreadRead", "QuoteRecordBreak", "ForceQuotes", "LineEndStyle", "WriteBOM")
    encoding = encoding_of(page, f"{options.path}/CodePage")
    quote = options.choice("IgnoreQuotes", QUOTES, "DoubleQuotes")
    return DelimitedOptions(
        delimiter=delimiter,
        quote=quote if delimiter else "",
        header=options.flag("HeaderRow", True),
        first_line=options.integer("ImportLine", 1, least=1),
        field_length=options.integer("FieldLen", 254, least=1),
        ignore_errors=options.flag("IgnoreErrors", False),
        encoding=encoding,
        wide=encoding.startswith("utf"),
    )


def parse_delimiter(options: Options) -> str:
    r"""Read ``Delimeter``: one character, or an escape as ``\t``; ``\0`` is none, an empty text."""
    written = options.text("Delimeter", ",")
    delimiter = ESCAPES.get(written, written)
    if len(delimiter) > 1 or delimiter in ('"', "'", "\r", "\n"):
        raise options.fault("Delimeter", rf"{written!r} is no delimiter; write one character, \t, \s or \0")
    return delimiter


def with_quote(path: Path, options: DelimitedOptions) -> DelimitedOptions:
    """Settle which quote a file uses where the options leave it open: the one that whole cells stand in."""
    if options.quote != AUTO:
        return options
    with open_text(path, options.encoding, "replace") as file:
        sample = file.read(SAMPLE)
    mark = re.escape(options.delimiter)
    single = re.search(rf"(?:^|{mark})'[^'\r\n]*'(?:$|{mark})", sample, re.MULTILINE)
    double = re.search(rf'(?:^|{mark})"', sample, re.MULTILINE)
    return replace(options, quote="'" if single and not double else '"')


class Heading(NamedTuple):
    """The field names of a file, none where it ends before them, and where its records begin, in bytes."""

    names: list[str]
    start: int


def read_heading(path: Path, options: DelimitedOptions) -> Heading:
    """Read the first line, or take ``Field_1`` … by the number of cells of the first record.

    Raises ``WorkflowError`` for what is not text in the file's code page, and for a quote that is never closed.
    """
    mark = mark_size(path, options.encoding)
    size = mark

    def measured(text: Iterable[str]) -> Iterator[str]:
        nonlocal size
        for line in text:
            size += len(line.encode(options.encoding, errors))
            yield line

    errors = "surrogateescape" if options.ignore_errors else "strict"
    try:
        with lines_from(path, mark, options.encoding, errors) as file:
            lines = measured(file)
            skipped = [next(lines, "") for _ in range(options.first_line - 1)]
            start = mark + sum(len(line.encode(options.encoding, errors)) for line in skipped)
            cells = next(records_of(lines, options), None)
    except UnicodeDecodeError as fault:
        raise WorkflowError(
            f"{path}: the text is not {options.encoding}: {fault.reason}; choose its code page"
        ) from fault
    except UnclosedQuote as fault:
        line = options.first_line - 1 + fault.line
        raise WorkflowError(f"{path}: the quote that opens in line {line} is never closed; mend the file") from None
    except csv.Error as fault:
        raise WorkflowError(f"{path}: the first record cannot be read: {fault}") from fault
    if cells is None:
        return Heading([], size)
    if not options.header:
        return Heading([f"Field_{place}" for place in range(1, len(cells) + 1)], start)
    texts = [cell.encode(options.encoding, errors).decode(options.encoding, "replace").strip() for cell in cells]
    return Heading([cell or f"Field_{place}" for place, cell in enumerate(texts, 1)], size)
