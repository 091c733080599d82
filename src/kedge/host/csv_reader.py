"""Read CSV and TSV files as typed batches, with errors that name the line and the column.

pyarrow parses the text; the columns stay text until ``text_types`` converts them. That takes no longer than letting
pyarrow convert (27 MB, 12 columns: 0.28 s against 0.41 s), and a value that does not fit is known by its place.
"""

from __future__ import annotations

__all__ = ["open_csv"]

import csv
import io
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv

from kedge.exceptions import UsageError
from kedge.host.batch_source import Source
from kedge.host.text_types import MOMENTS, NUMBERS, BadValue, as_text, convert, suggested_type, type_hint

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping
    from pathlib import Path

    from kedge.host.formats import Compression

# pyarrow reads 32 blocks ahead, so the size is paid in memory: reading 280 MB takes 52 MiB and 4.4 s of CPU time with
# this one, 86 MiB and 3.4 s with twice, 45 MiB and 6.0 s with a quarter of it.
_BLOCK_BYTES = 1 << 19
_LONGEST_ROW_BYTES = 64 << 20
_SAMPLE_BYTES = 4 << 20


def open_csv(path: Path, delimiter: str, compression: Compression | None, types: Mapping[str, pa.DataType]) -> Source:
    """Open a file of delimited text with a header line, UTF-8 with or without BOM.

    A column has the type that ``types`` says, otherwise the one that its values in the first 4 MiB suggest. A field
    that is empty and not quoted is null; other words for null (``NA``, ``NULL``, …) count in number and date columns
    alone. In a file of one column an empty line is a null. Batches are what 512 KiB of text hold.

    Raises UsageError for an empty file, two columns of one name and text that is not UTF-8; while reading, for a row
    with too few or too many fields and a value that does not fit its column.
    """
    file = _read_header(path, delimiter, compression)
    for unknown in set(types) - set(file.names):
        raise UsageError(
            f"{path} has no column {unknown!r}, for which a type was given; it has {', '.join(file.names)}"
        )
    texts = file.texts()
    sample = list(_sample(texts))
    columns = pa.Table.from_batches(sample, file.text_schema())
    suggested = [suggested_type(column, (*NUMBERS, *MOMENTS)) for column in columns.columns]
    schema = pa.schema((name, types.get(name, type_)) for name, type_ in zip(file.names, suggested, strict=True))
    batches = file.typed(
        itertools.chain(_taken(sample), texts), schema, {name for name in file.names if name not in types}
    )
    return Source(str(path), schema, batches, texts.close)


@dataclass(frozen=True)
class _CsvFile:
    """A file of delimited text whose header was read. ``header_line`` is the number of its line, from 1."""

    path: Path
    delimiter: str
    compression: Compression | None
    names: tuple[str, ...]
    header_line: int
    has_rows: bool

    def text_schema(self) -> pa.Schema:
        return pa.schema((name, pa.string()) for name in self.names)

    def texts(self, block_bytes: int = _BLOCK_BYTES, done: int = 0) -> Generator[pa.RecordBatch, None, None]:
        """Yield the rows after the first ``done`` as text; one that straddles blocks is read with a larger block."""
        try:
            for batch in self._blocks(block_bytes, done):
                yield self._decoded(batch, done)
                done += batch.num_rows
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error):
                raise self._unparsable(error) from None
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read to its end: {error}") from None
        else:
            return
        if block_bytes == _LONGEST_ROW_BYTES:
            raise UsageError(f"{self.place(done)}: the row exceeds 64 MiB; is there a quote that is never closed?")
        yield from self.texts(_LONGEST_ROW_BYTES, done)

    def typed(
        self, texts: Iterable[pa.RecordBatch], schema: pa.Schema, suggested: set[str]
    ) -> Iterator[pa.RecordBatch]:
        """Convert rows of text to ``schema``; the columns named in ``suggested`` have a type that nobody asked for."""
        done, last_field = 0, None
        for batch in texts:
            columns = [
                self._typed_column(column, field, done, suggested=field.name in suggested)
                for column, field in zip(batch.columns, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
            done += batch.num_rows
            last_field = batch.column(batch.num_columns - 1)[-1].as_py() if batch.num_rows else last_field
        if last_field and "\n" in last_field and not self._ends_with_quote():
            raise UsageError(f"{self.place(done - 1)}: a quote is opened in this row and never closed")

    def place(self, row: int) -> str:
        """Return path and line of a data row, counted from 0; where lines cannot be told, the row's number from 1."""
        try:
            line, _ = next(itertools.islice(self._rows(), row, None))
        except (csv.Error, StopIteration):
            return f"{self.path}, row {row + 1}"
        return f"{self.path}, line {line}"

    def _blocks(self, block_bytes: int, skip: int) -> Iterator[pa.RecordBatch]:
        if not self.has_rows:
            return  # pyarrow refuses a file that ends in its header
        with (
            pa.input_stream(str(self.path), compression=self.compression) as stream,
            pa.csv.open_csv(
                stream,
                pa.csv.ReadOptions(
                    block_size=block_bytes,
                    use_threads=False,
                    skip_rows=self.header_line - 1,
                    skip_rows_after_names=skip,
                ),
                pa.csv.ParseOptions(
                    delimiter=self.delimiter, newlines_in_values=True, ignore_empty_lines=len(self.names) > 1
                ),
                pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(self.names, pa.binary()),
                    check_utf8=False,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            ) as reader,
        ):
            yield from reader

    def _decoded(self, batch: pa.RecordBatch, first_row: int) -> pa.RecordBatch:
        columns = [
            self._decoded_column(column, name, first_row)
            for column, name in zip(batch.columns, self.names, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.text_schema())

    def _decoded_column(self, column: pa.Array, name: str, first_row: int) -> pa.Array:
        try:
            return as_text(column)
        except BadValue as bad:
            place = self.place(first_row + bad.row)
            raise UsageError(f"{place}, column {name!r}: {bad.problem}; save the file as UTF-8") from None

    def _typed_column(self, column: pa.Array, field: pa.Field, first_row: int, *, suggested: bool) -> pa.Array:
        try:
            return convert(column, field.type, suggested=suggested)
        except BadValue as bad:
            text = f"{self.place(first_row + bad.row)}, column {field.name!r}: {bad.problem}"
        if not suggested:
            raise UsageError(f"{text}, the type given for this column")
        hint = type_hint(field.name, "string")
        raise UsageError(f"{text}, the type that the first 4 MiB suggest; give the column its type, such as {hint}")

    def _unparsable(self, error: pa.ArrowInvalid) -> UsageError:
        """Return what a parse error means: nearly always a row with the wrong number of fields."""
        expected = len(self.names)
        uneven = ((line, len(fields)) for line, fields in self._rows() if len(fields) != expected)
        try:
            line, count = next(uneven)
        except (csv.Error, StopIteration):
            return UsageError(f"{self.path} cannot be parsed: {error}")
        return UsageError(f"{self.path}, line {line}: {count} fields, but the header names {expected} columns")

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield number of the first line and fields of each data row. Slow: only to explain an error."""
        records = _records(self.path, self.delimiter, self.compression)
        rows = ((line, fields) for line, fields in records if line > self.header_line)
        return rows if len(self.names) == 1 else ((line, fields) for line, fields in rows if fields)

    def _ends_with_quote(self) -> bool:
        tail = b""
        with pa.input_stream(str(self.path), compression=self.compression) as stream:
            while block := stream.read(_BLOCK_BYTES):
                tail = block.rstrip(b"\r\n") or tail
        return tail.endswith(b'"')


def _read_header(path: Path, delimiter: str, compression: Compression | None) -> _CsvFile:
    records = _records(path, delimiter, compression)
    try:
        line, names = next(((line, fields) for line, fields in records if fields), (0, []))
        has_rows = any(fields or len(names) == 1 for _, fields in records)
    except csv.Error as error:
        raise UsageError(f"{path} is no {delimiter!r}-delimited text: {error}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if not line:
        raise UsageError(f"{path} is empty; a header line with the names of the columns is needed")
    for number, name in enumerate(names, start=1):
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise UsageError(f"{path}, line {line}: the name of column {number} is not UTF-8; save the file as UTF-8")
        if name in names[: number - 1]:
            first = names.index(name) + 1
            raise UsageError(f"{path}, line {line}: columns {first} and {number} are both called {name!r}; rename one")
    return _CsvFile(path, delimiter, compression, tuple(names), line, has_rows)


def _records(path: Path, delimiter: str, compression: Compression | None) -> Iterator[tuple[int, list[str]]]:
    """Yield number of the first line (from 1) and fields of each record; an empty line has none."""
    with (
        pa.input_stream(str(path), compression=compression) as stream,
        io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="") as text,
    ):
        reader = csv.reader(text, delimiter=delimiter)
        line = 1
        for fields in reader:
            yield line, fields
            line = reader.line_num + 1


def _taken(sample: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches and keep none: the sample is to be gone when the rest of the file is read."""
    while sample:
        yield sample.pop(0)


def _sample(texts: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the first batches, until there is enough text to suggest types."""
    size = 0
    for batch in texts:
        yield batch
        size += batch.nbytes
        if size >= _SAMPLE_BYTES:
            return
