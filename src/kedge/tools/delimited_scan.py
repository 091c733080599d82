"""Scanning delimited files: pieces parsed on several threads and yielded in order, one file after the other."""

from __future__ import annotations

__all__ = ["Column", "DelimitedFile", "open_file", "plain_columns", "scan_files"]

import io
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from kedge.exceptions import WorkflowError
from kedge.tools.contract import Scan
from kedge.tools.delimited import read_heading, with_quote
from kedge.tools.text_blocks import Layout, longest_text, null_if_empty, nulls, read_block
from kedge.tools.text_files import PieceReader, has_foreign_mark, is_byte_wise, utf8_copy
from kedge.tools.text_records import Complaints, UnclosedQuote, tables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlglot import exp

    from kedge.tools.contract import Context, ScanServices
    from kedge.tools.delimited import DelimitedOptions
    from kedge.tools.text_files import Piece

BLOCK = 1 << 20
SAMPLE = 1 << 16
MOST_SHOWN = 100
THREADS = min(os.cpu_count() or 1, 8)
AHEAD = THREADS + 1
"""Pieces that are parsed while the first of them is waited for; each takes some 8 MB."""
UNREADABLE = "bytes that are not text in this code page; choose the file's code page"
Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True)
class DelimitedFile:
    """A file to scan: the user's ``path``, and the ``place`` of its text, a copy where its code page needs one.

    ``options`` are those of the text in that place, ``start`` is where its records begin, in bytes. ``picks`` are the
    fields that it yields: the place of a cell, a text that is always the same, or ``None`` for a field that it lacks.
    """

    path: Path
    place: Path
    options: DelimitedOptions
    start: int
    columns: int
    picks: tuple[int | str | None, ...]

    @property
    def expected_rows(self) -> int:
        """About how many records the file has, by the length of the first lines."""
        with self.place.open("rb") as file:
            file.seek(self.start)
            sample = file.read(SAMPLE)
        lines = max(sample.count(b"\n"), sample.count(b"\r"), 1)
        return (self.place.stat().st_size - self.start) * lines // max(len(sample), 1)

    def lines_before(self, start: int) -> int:
        """Return how many lines end before a place in bytes."""
        feeds = returns = 0
        with self.place.open("rb") as file:
            while start > 0 and (block := file.read(min(BLOCK, start))):
                feeds, returns = feeds + block.count(b"\n"), returns + block.count(b"\r")
                start -= len(block)
        return feeds or returns


def open_file(
    path: Path, options: DelimitedOptions, columns: int, picks: Sequence[int | str | None], context: Context
) -> DelimitedFile:
    """Find where the records of a file begin. Text in a code page of several bytes a character is copied as UTF-8."""
    options = with_quote(path, options)
    if has_foreign_mark(path, options.encoding):
        context.warn(f"{path} begins with the byte order mark of UTF-8; choose code page 65001")
    place = path
    if options.encoding != "utf-8" and not is_byte_wise(options.encoding):
        place = utf8_copy(path, options.encoding, context.temporary)
        options = replace(options, encoding="utf-8")
    return DelimitedFile(path, place, options, read_heading(place, options).start, columns, tuple(picks))


class Column(NamedTuple):
    """A field that a scan yields: its name for messages, and the name of the stream's column.

    Where it is wanted in a ``type``, texts that are not plainly of that are converted by an expression over ``value``.
    """

    field: str
    name: str
    type: pa.DataType = pa.string()
    convert: Callable[[], exp.Expr] | None = None


def scan_files(files: Sequence[DelimitedFile], columns: Sequence[Column], context: Context) -> Scan:
    """Return a scan of all records of the files in turn."""
    schema = pa.schema([(column.name, column.type) for column in columns])

    def scan(services: ScanServices, used: Container[str]) -> Generator[pa.RecordBatch, None, None]:
        pool = ThreadPoolExecutor(THREADS, "kedge-scan")
        finishing = _Finishing(columns, schema, services)
        try:
            for file in files:
                picks = [pick if it.name in used else None for it, pick in zip(columns, file.picks, strict=True)]
                yield from _Reading(file, picks, finishing, context).batches(pool)
        finally:
            pool.shutdown(cancel_futures=True)

    size = sum(file.place.stat().st_size - file.start for file in files)
    return Scan(context.tool_id, schema, size, scan)


def plain_columns(file: DelimitedFile, typed: Mapping[int, pa.DataType], context: Context) -> frozenset[int]:
    """Return the places of those typed columns whose texts at the beginning of a file are plainly of their type."""
    piece = next(iter(PieceReader(file.place, file.start, file.options.quote)), None)
    if piece is None or not piece.sure or not piece.room.isascii():
        return frozenset()
    table = read_block(piece.room, piece.size, _layout(file, typed, frozenset(typed), context))
    found = () if table is None else zip(table.column_names, table.schema.types, strict=True)
    return frozenset(int(name) for name, type_ in found if not pa.types.is_string(type_))


def _layout(file: DelimitedFile, typed: Mapping[int, pa.DataType], used: frozenset[int], context: Context) -> Layout:
    options, empty_is_null = file.options, context.settings.empty_csv_cell_is_null
    used = used or frozenset({0})  # records are counted by one column at least
    return Layout(file.columns, used, options.delimiter, options.quote, empty_is_null, options.field_length, typed)


class _Finishing:
    """Makes batches of the cells of a file: long texts cut, and those converted that are not in the wanted type."""

    def __init__(self, columns: Sequence[Column], schema: pa.Schema, services: ScanServices) -> None:
        self.columns = columns
        self._schema = schema
        self._services = services
        self._converters: dict[Column, Callable[[pa.Array], pa.Array]] = {}

    def batches(self, table: pa.Table, picks: Sequence[int | str | None], longest: int) -> list[pa.RecordBatch]:
        """Return the picked columns: of a table, or a text that is always the same, or null."""
        pairs = zip(self.columns, picks, strict=True)
        arrays = [self._column(table, column, pick, longest) for column, pick in pairs]
        batches: list[pa.RecordBatch] = pa.table(arrays, schema=self._schema).combine_chunks().to_batches()
        return batches

    def _column(self, table: pa.Table, column: Column, pick: int | str | None, longest: int) -> Any:
        if pick is None:
            return nulls(len(table), column.type)
        if isinstance(pick, str):
            return pa.repeat(pa.scalar(pick, pa.string()), len(table))
        found = table[str(pick)]
        if not pa.types.is_string(found.type):
            return found
        texts = _cut(found, column.field, longest, self._services.note)
        return texts if column.convert is None else self._converter(column)(texts).cast(column.type)

    def _converter(self, column: Column) -> Callable[[pa.Array], pa.Array]:
        if column not in self._converters:
            assert column.convert is not None
            self._converters[column] = self._services.converter(column.convert())
        return self._converters[column]


class _Reading:
    """One file on its way into tables, as :func:`kedge.tools.text_blocks.read_block` describes them."""

    def __init__(
        self, file: DelimitedFile, picks: Sequence[int | str | None], finishing: _Finishing, context: Context
    ) -> None:
        self._file = file
        self._picks = picks
        self._finishing = finishing
        self._context = context
        self._complaints = Complaints(file.path, context.warn if file.options.ignore_errors else None)
        self._was_replaced = False
        places = {pick: column for pick, column in zip(picks, finishing.columns, strict=True) if isinstance(pick, int)}
        typed = {place: column.type for place, column in places.items() if column.convert is not None}
        self._layout = _layout(file, typed, frozenset(places), context)

    def batches(self, pool: ThreadPoolExecutor) -> Iterator[pa.RecordBatch]:
        """Yield the records. Raises ``WorkflowError`` for what cannot be read."""
        pieces = PieceReader(self._file.place, self._file.start, self._file.options.quote)
        for piece, batches in _ahead(pool, partial(self._parse, pieces), pieces):
            if batches is not None:
                yield from batches
                continue
            try:
                alone = piece.sure and not self._file.options.ignore_errors  # else what is wrong might be told twice
                found = list(self._records(piece.start, piece.size)) if alone else None
            except UnclosedQuote:
                found = None
            if found is None:  # what looked like the end of a quoted cell was none
                for table in self._rest(piece.start):
                    yield from self._finished(table)
                break
            for table in found:
                yield from self._finished(table)
        self._complaints.close()
        if self._was_replaced:
            self._context.warn(f"{self._file.path}: bytes that are not text in this code page were read as \ufffd")

    def _parse(self, pieces: PieceReader, piece: Piece) -> list[pa.RecordBatch] | None:
        """Read a piece; ``None`` where it has to be read record by record."""
        if not piece.sure:
            return None
        try:
            table = read_block(*self._utf8(piece), self._layout)
        finally:
            pieces.give_back(piece)
        return None if table is None else self._finished(table)

    def _finished(self, table: pa.Table) -> list[pa.RecordBatch]:
        return self._finishing.batches(table, self._picks, self._file.options.field_length)

    def _utf8(self, piece: Piece) -> tuple[bytes | bytearray, int]:
        """Return memory that begins with the text in UTF-8, and how many bytes that has."""
        encoding, options = self._file.options.encoding, self._file.options
        if piece.room.isascii():
            return piece.room, piece.size
        raw = bytes(memoryview(piece.room)[: piece.size])
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as fault:
            if not options.ignore_errors:
                self._refuse(piece.start + fault.start)
            self._was_replaced = True
            text = raw.decode(encoding, "replace")
        else:
            if encoding == "utf-8":
                return raw, piece.size
        made = text.encode()
        return made, len(made)

    def _rest(self, start: int) -> Iterator[pa.Table]:
        """Yield the records of all that follows a place."""
        try:
            yield from self._records(start)
        except UnclosedQuote as fault:
            line = self._file.lines_before(start) + fault.line
            text = f"{self._file.path}: the quote that opens in line {line} is never closed; mend the file"
            raise WorkflowError(text) from None

    def _records(self, start: int, size: int | None = None) -> Iterator[pa.Table]:
        """Yield the records of so many bytes, or of all that follow. Raises ``UnclosedQuote`` where they end in one."""
        file, layout = self._file, self._layout
        with file.place.open("rb") as raw:
            raw.seek(start)
            lines = self._decoded(start, raw if size is None else io.BytesIO(raw.read(size)))
            for table in tables_of(
                lines, file.columns, file.options, self._complaints, partial(file.lines_before, start)
            ):
                yield pa.table({name: null_if_empty(table[name], layout) for name in table.column_names})

    def _decoded(self, start: int, raw: Iterable[bytes]) -> Iterator[str]:
        """Yield lines as texts; a carriage return alone ends one, too."""
        encoding = self._file.options.encoding
        for lines in raw:
            for line in lines.splitlines(keepends=True):
                try:
                    text = line.decode(encoding)
                except UnicodeDecodeError as fault:
                    if not self._file.options.ignore_errors:
                        self._refuse(start + fault.start)
                    self._was_replaced = True
                    text = line.decode(encoding, "replace")
                yield text
                start += len(line)

    def _refuse(self, start: int) -> NoReturn:
        """Raise the error for a byte that is not text."""
        with self._file.place.open("rb") as file:
            file.seek(max(start - MOST_SHOWN, 0))
            before = file.read(min(start, MOST_SHOWN)).splitlines(keepends=True)[-1:]
            behind = file.readline(MOST_SHOWN)
        begun = b"".join(line for line in before if not line.endswith((b"\n", b"\r")))
        shown = (begun + behind).decode(self._file.options.encoding, "replace").rstrip("\r\n")
        self._complaints.fail(self._file.lines_before(start) + 1, UNREADABLE, shown)


def _ahead(
    pool: ThreadPoolExecutor, work: Callable[[Item], Made], items: Iterable[Item]
) -> Generator[tuple[Item, Made], None, None]:
    """Yield items with what is made of them, in order, while that of the next few is being made."""
    waiting: deque[tuple[Item, Future[Made]]] = deque()
    for item in items:
        waiting.append((item, pool.submit(work, item)))
        if len(waiting) >= AHEAD:
            first, made = waiting.popleft()
            yield first, made.result()
    for first, made in waiting:
        yield first, made.result()


def _cut(column: Any, name: str, longest: int, note: Callable[[list[str]], None]) -> Any:
    """Cut texts to the field length, and note those that are longer."""
    if column.null_count == len(column) or longest_text(column) <= longest:
        return column
    long = column.filter(pc.greater(pc.utf8_length(column), longest))
    if not len(long):
        return column
    shown = pc.utf8_slice_codeunits(long, 0, MOST_SHOWN).to_pylist()
    note([f"{name}: {text} is cut to {longest} characters" for text in shown])
    return pc.utf8_slice_codeunits(column, 0, longest)
