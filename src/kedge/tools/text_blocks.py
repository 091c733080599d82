"""Pieces of delimited text as Arrow columns, by Arrow's own reader, where that reads every record as it stands.

Arrow's reader is fast, and takes texts for numbers and dates where asked. What it takes for one is what Designer takes
for one, but for ``0x1F``, ``inf`` and ``nan``, which are looked for: so a column that it converts needs no other
conversion. It also accepts text behind a closing quote, quotes in the middle of a cell, and blank lines, which it
gives cells of no text: pieces with those are for :mod:`kedge.tools.text_records`.
"""

from __future__ import annotations

__all__ = ["TYPED", "Layout", "longest_text", "null_if_empty", "nulls", "read_block"]

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from kedge.tools.text_files import FEED, RETURN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

TYPED = {
    "Byte": pa.uint8(),
    "Int16": pa.int16(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "Double": pa.float64(),
    "Date": pa.date32(),
}
"""The types, by Designer's names, that texts may be read in at once."""
NO_DELIMITER = "\x01"
GRAIN = 128
"""Bytes of the stretches that are searched for the end of a cell: one of twice as many, less one, covers a stretch."""
ISO_DATE = pa.binary(10)
MANY = 1 << 16
_NULLS: dict[pa.DataType, pa.Array] = {}
COLUMN = re.compile(r"In CSV column #(\d+)")


@dataclass(frozen=True)
class Layout:
    """How the records of a file become columns.

    ``columns`` is how many cells a record has at most, ``used`` are the places of those that are read at all, and
    ``typed`` the Arrow types that some of them are wanted in. An empty ``delimiter`` makes each line one cell.
    ``longest`` is the most characters of a cell that is not to be cut. ``declined`` are columns that had texts of
    another kind, which are not tried again.
    """

    columns: int
    used: frozenset[int]
    delimiter: str
    quote: str
    empty_is_null: bool
    longest: int
    typed: Mapping[int, pa.DataType]
    declined: set[int] = field(default_factory=set)


class Text(NamedTuple):
    """UTF-8 text: the first ``size`` bytes of some memory. A search of all of it finds at least what is in the text."""

    memory: bytes | bytearray
    size: int

    @property
    def characters(self) -> NDArray[np.uint8]:
        """The bytes, where they are."""
        return np.frombuffer(self.memory, np.uint8, self.size)


def _quotes(text: Text, layout: Layout) -> NDArray[np.intp]:
    """Return where quotes stand."""
    if not layout.quote or layout.quote.encode() not in text.memory:
        return np.empty(0, np.intp)
    return np.flatnonzero(text.characters == ord(layout.quote))


def _are_around_cells(quotes: NDArray[np.intp], text: Text, layout: Layout) -> bool:
    if len(quotes) % 2:
        return False
    characters = text.characters
    outside = np.zeros(256, bool)
    outside[[FEED, RETURN, ord(layout.quote), ord(layout.delimiter)]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    before, behind = opening[opening > 0] - 1, closing[closing < text.size - 1] + 1
    return bool(outside[characters[before]].all() and outside[characters[behind]].all())


def _has_blank_lines(table: pa.Table, text: Text, quotes: NDArray[np.intp], layout: Layout) -> bool:
    """Tell whether a line outside quotes is blank, which Arrow reads as a record of empty cells.

    Where some column has no empty cell, and most files have one, the text need not be searched.
    """
    if layout.columns == 1 or not text.size or any(map(_has_no_empty_cell, table.columns)):
        return False
    blank = _blank_lines(text.characters, returns=b"\r" in text.memory)
    return bool((np.searchsorted(quotes, blank) % 2 == 0).any())


def _has_no_empty_cell(column: pa.ChunkedArray) -> bool:
    if column.null_count or not pa.types.is_string(column.type):
        return not column.null_count
    return bool(pc.min(pc.binary_length(column)).as_py())


def _blank_lines(text: NDArray[np.uint8], *, returns: bool) -> NDArray[np.intp]:
    """Return where blank lines begin."""
    found = [np.array([0] if text[0] in (FEED, RETURN) else [], np.intp)]
    pairs = ((FEED, FEED), (FEED, RETURN), (RETURN, RETURN)) if returns else ((FEED, FEED),)
    for first, second in pairs:
        wanted = np.array([first, second], np.uint8).view(np.uint16)[0]
        for start in (0, 1):
            count = (len(text) - start) // 2
            same = text[start : start + 2 * count].view(np.uint16) == wanted
            if same.any():
                found.append(np.flatnonzero(same) * 2 + start + 1)
    return np.concatenate(found)


def read_block(memory: bytes | bytearray, size: int, layout: Layout) -> pa.Table | None:
    """Read UTF-8 text, the first ``size`` bytes of some memory, which is free afterwards.

    Returns a table of those of the columns ``0``, ``1`` … that are ``used``. One that is wanted in a type has it where
    all of its texts are plainly of that type, else it has the texts.

    ``None`` where records have to be read one by one: quotes stand elsewhere than around whole cells, a line is blank
    where records have several cells, a record has too many, or Arrow takes no such delimiter.
    """
    if not layout.delimiter.isascii():
        return None
    text = Text(memory, size)
    quotes = _quotes(text, layout)
    if len(quotes) and not _are_around_cells(quotes, text, layout):
        return None
    typed = {place: type_ for place, type_ in layout.typed.items() if place not in layout.declined}
    if typed and not _all_short(text, layout):
        typed = _of_short_columns(text, layout, typed)
    hexadecimal = (b"x" in memory or b"X" in memory) and _has_hexadecimal(text)
    columns = layout.columns
    while True:
        wrong: list[Any] = []
        try:
            table = _parse(text, layout, typed, columns, wrong, quoted=bool(len(quotes)))
            values = {place: _value(table, place, type_, hexadecimal) for place, type_ in typed.items()}
        except _NotTyped as fault:
            layout.declined.add(fault.place)
            del typed[fault.place]
            continue
        counts = {row.actual_columns for row in wrong}
        if any(count > layout.columns for count in counts) or _has_blank_lines(table, text, quotes, layout):
            return None
        if len(counts) == 1 and not len(table):  # all records lack the same cells
            columns = counts.pop()
            typed = {place: type_ for place, type_ in typed.items() if place < columns}
            continue
        if wrong and typed:  # the records that lack cells come as texts
            typed = {}
            continue
        for place, value in values.items():
            table = table.set_column(table.column_names.index(str(place)), str(place), value)
        return _with_short_records(table, layout, wrong)


class _NotTyped(Exception):
    """Raised when a column holds a text that is not plainly of the type it is wanted in."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def _parse(
    text: Text,
    layout: Layout,
    typed: Mapping[int, pa.DataType],
    columns: int,
    wrong: list[Any],
    *,
    quoted: bool,
) -> pa.Table:
    """Read text and typed columns; dates are read as ten bytes each, since Arrow ignores blanks around them."""

    def keep(row: Any) -> str:
        wrong.append(row)
        return "skip"

    names = [str(place) for place in range(columns)]
    types = {str(place): typed.get(place, pa.string()) for place in range(columns) if place in layout.used}
    types = types or {"0": pa.string()}  # of no columns Arrow makes all
    try:
        return pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(text.memory).slice(0, text.size)),
            pyarrow.csv.ReadOptions(use_threads=False, column_names=names, block_size=text.size + 1),
            pyarrow.csv.ParseOptions(
                delimiter=layout.delimiter or NO_DELIMITER,
                quote_char=layout.quote if quoted else False,
                newlines_in_values=quoted,
                ignore_empty_lines=False,
                invalid_row_handler=keep,
            ),
            pyarrow.csv.ConvertOptions(
                check_utf8=False,
                include_columns=list(types),
                column_types={name: ISO_DATE if type_ == pa.date32() else type_ for name, type_ in types.items()},
                null_values=[""],
                strings_can_be_null=layout.empty_is_null,
            ),
        )
    except pa.ArrowInvalid as fault:
        found = COLUMN.search(str(fault))
        if found is None:
            raise
        raise _NotTyped(int(found[1])) from None


def _value(table: pa.Table, place: int, type_: pa.DataType, hexadecimal: bool) -> pa.ChunkedArray:
    """Return a typed column. Raises ``_NotTyped`` where Arrow took something for a value that is none."""
    column = table[str(place)]
    if type_ == pa.date32():
        try:
            return pa.chunked_array([_dates(chunk) for chunk in column.chunks], type_)
        except pa.ArrowInvalid:
            raise _NotTyped(place) from None
    wrong = hexadecimal if pa.types.is_integer(type_) else pc.all(pc.is_finite(column)).as_py() is False
    if wrong:
        raise _NotTyped(place)
    return column


def _dates(column: pa.Array) -> pa.Array:
    """Convert texts of ten bytes, as ``2024-02-29``. Raises ``pa.ArrowInvalid`` for one that is no date."""
    width = ISO_DATE.byte_width
    first = column.offset * width
    ends = np.arange(first, first + (len(column) + 1) * width, width, dtype=np.int32)
    validity, data = column.buffers()
    if column.offset:  # the validity begins elsewhere than the texts that are made here
        validity = column.is_valid().buffers()[1] if column.null_count else None
    texts = pa.StringArray.from_buffers(len(column), pa.py_buffer(ends), data, validity, column.null_count)
    return pc.cast(texts, pa.date32())


def _has_hexadecimal(text: Text) -> bool:
    """Tell whether ``0x`` or ``0X`` stands anywhere; searching for the rarer of the two characters is faster."""
    characters = text.characters
    marks = np.flatnonzero((characters | 0x20) == ord("x"))
    return bool((characters[marks[marks > 0] - 1] == ord("0")).any())


def _all_short(text: Text, layout: Layout) -> bool:
    """Tell whether no cell is longer than ``longest``, where that can be told fast: a cell ends in every stretch."""
    if layout.longest < 2 * GRAIN - 2:
        return False
    whole = text.characters[: text.size // GRAIN * GRAIN]
    ends = whole == FEED
    if _in_every_stretch(ends):
        return True
    return bool(layout.delimiter) and _in_every_stretch(ends | (whole == ord(layout.delimiter)))


def _in_every_stretch(marks: NDArray[np.bool_]) -> bool:
    words = np.packbits(marks).view(np.uint64).reshape(-1, GRAIN // 64)
    return bool(words.any(axis=1).all())


def _of_short_columns(text: Text, layout: Layout, typed: Mapping[int, pa.DataType]) -> dict[int, pa.DataType]:
    """Leave out the columns with a cell that is longer than ``longest``, and has to be cut before it is converted."""
    texts = _parse(text, layout, {}, layout.columns, [], quoted=bool(layout.quote))
    return {place: type_ for place, type_ in typed.items() if longest_text(texts[str(place)]) <= layout.longest}


def longest_text(column: pa.ChunkedArray) -> int:
    """Return the bytes of the longest text."""
    return pc.max(pc.binary_length(column)).as_py() or 0


def nulls(count: int, type_: pa.DataType) -> pa.Array:
    """Return so many nulls, which lie in the same memory each time, and so in the cache."""
    known = _NULLS.get(type_)
    if known is None or len(known) < count:
        known = _NULLS[type_] = pa.nulls(max(count, MANY), type_)
    return known.slice(0, count)


def _with_short_records(table: pa.Table, layout: Layout, short: list[Any]) -> pa.Table:
    """Add what the table lacks: columns that no record has, and the records that lack cells, where they stand."""
    for place in sorted(layout.used):
        if str(place) not in table.column_names:
            table = table.append_column(str(place), nulls(len(table), pa.string()))
    if not short:
        return table
    cells = [next(_cells(row.text, layout)) for row in short]
    texts = list(zip(*(record + [None] * (layout.columns - len(record)) for record in cells), strict=True))
    arrays = [null_if_empty(pa.array(texts[int(name)], pa.string()), layout) for name in table.column_names]
    both = pa.concat_tables([table, pa.table(arrays, schema=table.schema)])
    places = np.array([row.number - 1 for row in short])
    order = np.empty(len(both), np.int64)
    order[places] = np.arange(len(table), len(both))
    order[np.delete(np.arange(len(both)), places)] = np.arange(len(table))
    return both.take(pa.array(order))


def null_if_empty(column: Any, layout: Layout) -> Any:
    """Return texts as the layout has them: an empty one may be null."""
    return pc.if_else(pc.equal(column, ""), None, column) if layout.empty_is_null else column


def _cells(record: str, layout: Layout) -> Iterator[list[Any]]:
    if layout.quote:
        lines = io.StringIO(record, newline="")  # it ends a line where the format does, and not at U+2028
        return csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote)
    return iter([record.split(layout.delimiter)])
