"""Delimited text files as Designer reads them: options, header, and the scan that DuckDB makes of them."""

from __future__ import annotations

__all__ = ["DelimitedOptions", "parse_delimited", "read_header", "scan_delimited"]

import csv
import itertools
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import DesignerType
from kedge.tools.code_pages import encoding_of
from kedge.tools.sql import call, case, column, number, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kedge.tools.contract import Context
    from kedge.tools.options import Options
    from kedge.tools.schema import Field, Schema

QUOTES = {"DoubleQuotes": '"', "SingleQuotes": "'", "Auto": '"', "None": "", "True": '"', "False": ""}
ESCAPES = {r"\t": "\t", r"\s": " ", r"\n": "\n", r"\0": ""}
NO_DELIMITER = "\x01"
NO_NULL = "\x02"
BLOCK = 1 << 20
LONGEST_LINE = 1 << 22
BUFFER = 1 << 24
"""Larger buffers leave threads idle, and the engine wants several lines in one."""


@dataclass(frozen=True)
class DelimitedOptions:
    """How to read a delimited file; an empty ``delimiter`` makes each line one field, ``first_line`` counts from 1."""

    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    first_line: int = 1
    field_length: int = 254
    ignore_errors: bool = False
    line_breaks: bool = False
    encoding: str = "latin-1"
    wide: bool = False

    @property
    def type(self) -> DesignerType:
        """The type of every field."""
        return DesignerType("V_WString" if self.wide else "V_String", self.field_length)


def parse_delimited(options: Options) -> DelimitedOptions:
    """Read the format options of a delimited file."""
    delimiter = options.text("Delimeter", ",")
    page = options.integer("CodePage", 28591)
    options.ignore("AllowShareWrite", "SingleThreadRead", "ForceQuotes", "LineEndStyle", "WriteBOM")
    encoding = encoding_of(page, f"{options.path}/CodePage")
    return DelimitedOptions(
        delimiter=ESCAPES.get(delimiter, delimiter),
        quote=options.choice("IgnoreQuotes", QUOTES, "DoubleQuotes"),
        header=options.flag("HeaderRow", True),
        first_line=options.integer("ImportLine", 1),
        field_length=options.integer("FieldLen", 254),
        ignore_errors=options.flag("IgnoreErrors", False),
        line_breaks=options.flag("QuoteRecordBreak", False),
        encoding=encoding,
        wide=encoding.startswith("utf"),
    )


def read_header(path: Path, options: DelimitedOptions) -> list[str]:
    """Return the field names of a file: its first line, or ``Field_1`` … by the number of cells of its first record."""
    try:
        with path.open("r", encoding=_with_mark(options.encoding), newline="") as file:
            cells = next(_records(file, options), [])
    except UnicodeDecodeError as fault:
        raise WorkflowError(
            f"{path}: the text is not {options.encoding}: {fault.reason}; choose its code page"
        ) from fault
    if not options.header:
        return [f"Field_{place}" for place in range(1, max(len(cells), 1) + 1)]
    return [cell.strip() or f"Field_{place}" for place, cell in enumerate(cells, 1)]


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _records(lines: Iterator[str], options: DelimitedOptions) -> Iterator[list[str]]:
    rest = itertools.islice(lines, options.first_line - 1, None)
    if not options.delimiter:
        return ([line.rstrip("\r\n")] for line in rest)
    if not options.quote:
        return (line.rstrip("\r\n").split(options.delimiter) for line in rest)
    if len(options.delimiter) > 1:
        raise WorkflowError(f"the delimiter {options.delimiter!r} has more than one character")
    return iter(csv.reader(rest, delimiter=options.delimiter, quotechar=options.quote))


def scan_delimited(path: Path, schema: Schema, options: DelimitedOptions, context: Context) -> exp.Select:
    """Return a SELECT of the file's columns; longer cells than the field length are cut and noted."""
    place, encoding = _readable(path, options.encoding, context)
    struct = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier(f"c{number_}"), expression=text("VARCHAR"))
            for number_ in range(len(schema))
        ]
    )
    settings: dict[str, exp.Expr] = {
        "auto_detect": exp.false(),
        "columns": struct,
        "delim": text(options.delimiter or NO_DELIMITER),
        "quote": text(options.quote if options.delimiter else ""),
        "escape": text(options.quote if options.delimiter else ""),
        "header": exp.false(),
        "skip": number(options.first_line - 1 + options.header),
        "nullstr": text("" if context.settings.empty_csv_cell_is_null else NO_NULL),
        "null_padding": exp.true(),
        "strict_mode": exp.false(),
        "ignore_errors": exp.Boolean(this=options.ignore_errors),
        "parallel": exp.Boolean(this=not options.line_breaks),
        "max_line_size": number(LONGEST_LINE),
        "buffer_size": number(BUFFER),
        "encoding": text(encoding),
    }
    arguments = [exp.EQ(this=exp.to_identifier(name), expression=value) for name, value in settings.items()]
    scan = call("read_csv", text(str(place)), *arguments)
    columns = [
        exp.alias_(_cut(column(f"c{number_}"), field, options, context), field.name, quoted=True)
        for number_, field in enumerate(schema)
    ]
    return exp.select(*columns).from_(exp.Table(this=scan))


def _cut(value: exp.Expr, field: Field, options: DelimitedOptions, context: Context) -> exp.Expr:
    longest = number(options.field_length)
    message = call(
        "concat",
        text(f"{field.name}: "),
        call("left", value.copy(), number(100)),
        text(f" is cut to {options.field_length} characters"),
    )
    note = call("kedge_note", number(context.tool_id), message, call("left", value.copy(), longest))
    cut = case([(exp.GT(this=call("length", value.copy()), expression=longest.copy()), note)], value.copy())
    return case([(exp.GT(this=call("strlen", value.copy()), expression=longest.copy()), cut)], value)


def _readable(path: Path, encoding: str, context: Context) -> tuple[Path, str]:
    """Return a file that DuckDB reads, and its encoding: the file itself, or a copy in UTF-8.

    Most files in a single-byte code page hold ASCII alone, which is UTF-8 as well.
    """
    if encoding == "utf-8" or _is_ascii(path):
        return path, "utf-8"
    copy = context.temporary / f"{uuid.uuid4().hex}.csv"
    try:
        with (
            path.open("r", encoding=encoding, newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            while block := source.read(BLOCK):
                target.write(block)
    except UnicodeDecodeError as fault:
        raise WorkflowError(f"{path}: the text is not {encoding}: {fault.reason}; choose its code page") from fault
    return copy, "utf-8"


def _is_ascii(path: Path) -> bool:
    with path.open("rb") as file:
        return all(block.isascii() for block in iter(lambda: file.read(BLOCK), b""))
