"""Delimited text files as Designer reads them: options, header, and the scan that DuckDB makes of them."""

from __future__ import annotations

__all__ = [
    "DelimitedOptions",
    "Scan",
    "explained",
    "parse_delimited",
    "parse_delimiter",
    "read_header",
    "scan_delimited",
]

import csv
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import DesignerType
from kedge.tools.code_pages import encoding_of
from kedge.tools.mending import SEPARATOR, mended_copy, records_of
from kedge.tools.sql import call, case, column, number, text
from kedge.tools.text_files import Traits, has_foreign_mark, look_over, open_text, utf8_copy

if TYPE_CHECKING:
    from kedge.tools.contract import Context
    from kedge.tools.options import Options
    from kedge.tools.schema import Field, Schema

AUTO = "auto"
QUOTES = {"DoubleQuotes": '"', "SingleQuotes": "'", "Auto": AUTO, "None": "", "True": '"', "False": ""}
SAMPLE = 1 << 16
MOST_SHOWN = 100
ESCAPES = {r"\t": "\t", r"\s": " ", r"\n": "\n", r"\0": ""}
NO_DELIMITER = "\x01"
NO_NULL = "\x02"
LONGEST_LINE = 1 << 22
BUFFER = 1 << 24
"""Larger buffers leave threads idle, and the engine wants several lines in one."""


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


def read_header(path: Path, options: DelimitedOptions) -> list[str]:
    """Return the field names of a file: its first line, or ``Field_1`` … by the number of cells of its first record.

    A file that ends before that line has no fields.
    """
    options = with_quote(path, options)
    try:
        with open_text(path, options.encoding, "replace" if options.ignore_errors else "strict") as file:
            for _ in range(options.first_line - 1):
                file.readline()
            cells = next(records_of(file, options), None)
    except UnicodeDecodeError as fault:
        raise WorkflowError(
            f"{path}: the text is not {options.encoding}: {fault.reason}; choose its code page"
        ) from fault
    except csv.Error as fault:
        raise WorkflowError(f"{path}: the first record cannot be read: {fault}") from fault
    if cells is None:
        return []
    if not options.header:
        return [f"Field_{place}" for place in range(1, len(cells) + 1)]
    return [cell.strip() or f"Field_{place}" for place, cell in enumerate(cells, 1)]


class Scan(NamedTuple):
    """A SELECT of a file's columns, and whether no cell holds an underscore."""

    select: exp.Select
    no_underscores: bool


def scan_delimited(path: Path, schema: Schema, options: DelimitedOptions, context: Context) -> Scan:
    """Return a SELECT of the file's columns; longer cells than the field length are cut and noted.

    The engine scans the file itself where that reads every record, else a copy that is regular.
    """
    options = with_quote(path, options)
    if has_foreign_mark(path, options.encoding):
        context.warn(f"{path} begins with the byte order mark of UTF-8; choose code page 65001")
    place = utf8_copy(path, options.encoding, context.temporary)
    skipped = options.first_line - 1
    traits = look_over(place, options.quote, skipped, header=options.header)
    if traits.plain and not options.ignore_errors:
        settings = _settings(options.delimiter or NO_DELIMITER, options.quote)
        settings["skip"] = number(skipped + options.header)
        settings["parallel"] = exp.Boolean(this=not traits.quoted_breaks)
    else:
        place = mended_copy(place, len(schema), options, context, path)
        settings = _settings(SEPARATOR, '"')
        settings["parallel"] = exp.false()
    settings["nullstr"] = text("" if context.settings.empty_csv_cell_is_null else NO_NULL)
    scan = call("read_csv", text(str(place)), *_arguments(settings | _sizes(traits), len(schema)))
    columns = [
        exp.alias_(_cut(column(f"c{number_}"), field, options, context), field.name, quoted=True)
        for number_, field in enumerate(schema)
    ]
    return Scan(exp.select(*columns).from_(exp.Table(this=scan)), not traits.underscores)


def _settings(delimiter: str, quote: str) -> dict[str, exp.Expr]:
    return {
        "auto_detect": exp.false(),
        "delim": text(delimiter),
        "quote": text(quote),
        "escape": text(quote),
        "header": exp.false(),
        "null_padding": exp.true(),
        "strict_mode": exp.true(),
        "encoding": text("utf-8"),
    }


def _sizes(traits: Traits) -> dict[str, exp.Expr]:
    longest = max(LONGEST_LINE, traits.longest_line)
    return {"max_line_size": number(longest), "buffer_size": number(max(BUFFER, 2 * longest))}


def _arguments(settings: dict[str, exp.Expr], columns: int) -> list[exp.Expr]:
    names = [
        exp.PropertyEQ(this=exp.to_identifier(f"c{place}"), expression=text("VARCHAR")) for place in range(columns)
    ]
    settings = {"columns": exp.Struct(expressions=names), **settings}
    return [exp.EQ(this=exp.to_identifier(name), expression=value) for name, value in settings.items()]


def _cut(value: exp.Expr, field: Field, options: DelimitedOptions, context: Context) -> exp.Expr:
    longest = number(options.field_length)
    message = call(
        "concat",
        text(f"{field.name}: "),
        call("left", value.copy(), number(MOST_SHOWN)),
        text(f" is cut to {options.field_length} characters"),
    )
    note = call("kedge_note", number(context.tool_id), message, call("left", value.copy(), longest))
    cut = case([(exp.GT(this=call("length", value.copy()), expression=longest.copy()), note)], value.copy())
    return case([(exp.GT(this=call("strlen", value.copy()), expression=longest.copy()), cut)], value)


RAISED = "Invalid Input Error: "
SCAN_ERROR = re.compile(r"CSV Error on Line: (?P<line>\d+)\s+Original Line:(?P<text>[^\n]*)\n(?P<what>[^\n]+)")
SCANNED = re.compile(r"^\s*file = (?P<path>.+)$", re.MULTILINE)
TOO_MANY = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


def explained(fault: str) -> str:
    """Say an error of the engine's scan in the words of the input tool; those that tools raise are their own words."""
    found, file = SCAN_ERROR.search(fault), SCANNED.search(fault)
    if not found or not file:
        return fault.removeprefix(RAISED)
    what = found["what"].strip().rstrip(".")
    many = TOO_MANY.search(what)
    if many:
        what = f"too many fields: {many[2]}, there are {many[1]} field names"
    elif "unterminated quote" in what:
        what = "text behind a closing quote, or a quote that is never closed"
    elif "unicode" in what:
        what = "bytes that are not text in this code page; choose the file's code page"
    text = found["text"].strip()
    shown = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
    return (
        f"{Path(file['path'].strip())}: line {found['line']}: {what}: {shown}; "
        'mend the file, or choose "Treat Read Errors as Warnings" (IgnoreErrors)'
    )
