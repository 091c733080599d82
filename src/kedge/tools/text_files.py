"""Text files before anybody parses them: opened in their code page, copied to UTF-8, cut into pieces of whole lines."""

from __future__ import annotations

__all__ = [
    "Piece",
    "PieceReader",
    "has_foreign_mark",
    "is_byte_wise",
    "lines_from",
    "mark_size",
    "open_text",
    "utf8_copy",
]

import codecs
import io
import uuid
from collections import deque
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from kedge.exceptions import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path

BLOCK = 1 << 20
PIECE = 2 << 20
"""Bytes of a piece: large enough to parse fast, small enough to lie in the cache with what is made of it."""
LARGEST_PIECE = 64 << 20
"""Bytes up to which a line end outside quotes is looked for."""
MARKS = {
    "utf-8": (codecs.BOM_UTF8,),
    "utf-16-le": (codecs.BOM_UTF16_LE,),
    "utf-16-be": (codecs.BOM_UTF16_BE,),
    "utf-32-le": (codecs.BOM_UTF32_LE,),
    "utf-32-be": (codecs.BOM_UTF32_BE,),
}
FEED, RETURN = 10, 13


class Piece(NamedTuple):
    """Whole lines of a file: where they begin in it, and the memory that holds their ``size`` bytes, and perhaps more.

    A piece that is not ``sure`` is only the beginning of what stands between quotes.
    """

    start: int
    room: bytearray
    size: int
    sure: bool = True


def open_text(path: Path, encoding: str, errors: str = "strict") -> IO[str]:
    """Open a text file behind its byte order mark, line ends as they stand; the caller closes it."""
    return lines_from(path, mark_size(path, encoding), encoding, errors)


def lines_from(path: Path, start: int, encoding: str, errors: str = "strict") -> IO[str]:
    """Open a text file at a place in bytes, line ends as they stand; the caller closes it."""
    raw = path.open("rb")
    raw.seek(start)
    return io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline="")


def mark_size(path: Path, encoding: str) -> int:
    """Return the bytes of the byte order mark that a file begins with, 0 without one."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((len(mark) for mark in MARKS.get(encoding, ()) if start.startswith(mark)), 0)


def has_foreign_mark(path: Path, encoding: str) -> bool:
    """Tell whether a file that is read in another code page begins with the byte order mark of UTF-8."""
    with path.open("rb") as file:
        return not encoding.startswith("utf") and file.read(3) == codecs.BOM_UTF8


def is_byte_wise(encoding: str) -> bool:
    """Tell whether each byte stands for itself below 128 and for one character above, as in most code pages."""
    every = bytes(range(256))
    found = every.decode(encoding, "replace")
    return len(found) == len(every) and found[:128] == every[:128].decode("ascii")


def utf8_copy(path: Path, encoding: str, temporary: Path) -> Path:
    """Return a copy with the same text in UTF-8, without a mark, in a folder of its own in ``temporary``.

    Raises ``WorkflowError`` for bytes that the code page does not have.
    """
    folder = temporary / uuid.uuid4().hex
    folder.mkdir()
    copy = folder / path.name
    try:
        with open_text(path, encoding) as source, copy.open("w", encoding="utf-8", newline="") as target:
            while block := source.read(BLOCK):
                target.write(block)
    except UnicodeDecodeError as fault:
        raise WorkflowError(f"{path}: the text is not {encoding}: {fault.reason}; choose its code page") from fault
    return copy


class PieceReader:
    """Cuts a file into pieces behind line ends outside quotes, as long as quotes stand only around whole cells.

    ``quote`` is empty where quotes mean nothing. The last piece need not end with a line end. Where none comes within
    64 MiB, the last piece is one that is not sure. Memory is used again once it is handed back by :meth:`give_back`.
    """

    def __init__(self, path: Path, start: int, quote: str) -> None:
        self._path = path
        self._start = start
        self._quote = ord(quote) if quote else None
        self._end: int | None = None
        self._free: deque[bytearray] = deque()

    def __iter__(self) -> Iterator[Piece]:
        start, wanted, end = self._start, PIECE, self._path.stat().st_size
        with self._path.open("rb", buffering=0) as file:
            while True:
                room = self._room(min(wanted, max(end - start, 0) + 1))
                size = _read_at(file, start, room)
                complete = size < len(room)
                cut = size if complete else self._cut(room)
                if not cut and wanted < LARGEST_PIECE:
                    wanted *= 2
                    continue
                if size:
                    yield Piece(start, room, cut or size, bool(cut))
                if complete or not cut:
                    return
                start, wanted = start + cut, PIECE

    def give_back(self, piece: Piece) -> None:
        """Let the memory of a piece be used again, which nothing may look at any more. From any thread."""
        self._free.append(piece.room)

    def _room(self, size: int) -> bytearray:
        while self._free:
            room = self._free.popleft()
            if len(room) == size:
                return room
        return bytearray(size)

    def _cut(self, room: bytearray) -> int:
        """Return the place behind the last line end outside quotes, 0 where there is none."""
        if self._end is None:
            self._end = FEED if FEED in room else RETURN
        size = len(room) - (self._end == RETURN)  # a line feed may follow, which belongs to the line end
        if self._quote is None or self._quote not in room:
            found = room.rfind(self._end, 0, size) + 1
        else:
            text = np.frombuffer(room, np.uint8)
            ends = np.flatnonzero(text[:size] == self._end) + 1
            outside = ends[np.searchsorted(np.flatnonzero(text == self._quote), ends) % 2 == 0]
            found = int(outside[-1]) if len(outside) else 0
        return found + (self._end == RETURN and room[found] == FEED and found > 0)


def _read_at(file: FileIO, start: int, room: bytearray) -> int:
    """Fill the room as far as the file goes, and return how many bytes that are."""
    file.seek(start)
    size = 0
    with memoryview(room) as view:
        while size < len(room) and (count := file.readinto(view[size:])):
            size += count
    return size
