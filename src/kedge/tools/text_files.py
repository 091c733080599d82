"""Text files before anybody parses them: opened in their code page, copied to UTF-8, and looked over.

The engine's scan is fast and exact for plain files, and drops what it does not expect: blank lines, cells beyond the
last column, text behind a closing quote. So a file is looked over first, a block at a time, for what would go wrong.
"""

from __future__ import annotations

__all__ = ["Traits", "copy_place", "has_foreign_mark", "look_over", "open_text", "utf8_copy"]

import codecs
import itertools
import uuid
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

from kedge.exceptions import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

BLOCK = 1 << 20
FEW = 1 << 14
"""Numbers that are added up one by one; of more, pieces are."""
MARKS = {
    "utf-8": (codecs.BOM_UTF8,),
    "utf-16-le": (codecs.BOM_UTF16_LE,),
    "utf-16-be": (codecs.BOM_UTF16_BE,),
    "utf-32-le": (codecs.BOM_UTF32_LE,),
    "utf-32-be": (codecs.BOM_UTF32_BE,),
}


ODD_SO_FAR = bytes(sum(((value >> bit).bit_count() & 1) << bit for bit in range(8)) for value in range(256))
"""For each byte: bit by bit from the highest on, whether an odd number of bits is set up to there."""


@dataclass(frozen=True)
class Traits:
    """What a UTF-8 text file holds that a fast scan must know of.

    ``quoted_breaks``: line breaks between quotes. ``stray_quote``: a quote that nothing closes. ``blank_lines``: lines
    without a character. ``mixed_ends``: several kinds of line ends outside quotes, or another kind where the first line
    breaks, by which the scan goes. ``longest_line``: an upper bound in bytes. ``underscores``: behind the header.
    """

    quoted_breaks: bool = False
    stray_quote: bool = False
    blank_lines: bool = False
    mixed_ends: bool = False
    longest_line: int = 0
    underscores: bool = False

    @property
    def plain(self) -> bool:
        """Whether the engine's scan reads every record of the file."""
        return not (self.stray_quote or self.blank_lines or self.mixed_ends)


def open_text(path: Path, encoding: str, errors: str = "strict") -> IO[str]:
    """Open a text file behind its byte order mark, line ends as they stand; the caller closes it."""
    with path.open("rb") as file:
        start = file.read(4)
    mark = next((mark for mark in MARKS.get(encoding, ()) if start.startswith(mark)), b"")
    text = path.open("r", encoding=encoding, errors=errors, newline="")
    if mark:
        text.read(1)
    return text


def has_foreign_mark(path: Path, encoding: str) -> bool:
    """Tell whether a file that is read in another code page begins with the byte order mark of UTF-8."""
    with path.open("rb") as file:
        return not encoding.startswith("utf") and file.read(3) == codecs.BOM_UTF8


def copy_place(path: Path, temporary: Path) -> Path:
    """Return a new place in ``temporary`` for a copy of a file, under the file's own name, which errors show."""
    folder = temporary / uuid.uuid4().hex
    folder.mkdir()
    return folder / path.name


def utf8_copy(path: Path, encoding: str, temporary: Path) -> Path:
    """Return a file with the same text in UTF-8: the file itself where it is that already.

    Most files in a single-byte code page hold ASCII alone, which is UTF-8 as well. Raises ``WorkflowError`` for bytes
    that the code page does not have.
    """
    if encoding == "utf-8" or (not encoding.startswith("utf") and _is_ascii(path)):
        return path
    copy = copy_place(path, temporary)
    try:
        with open_text(path, encoding) as source, copy.open("w", encoding="utf-8", newline="") as target:
            while block := source.read(BLOCK):
                target.write(block)
    except UnicodeDecodeError as fault:
        raise WorkflowError(f"{path}: the text is not {encoding}: {fault.reason}; choose its code page") from fault
    return copy


def _is_ascii(path: Path) -> bool:
    return all(block.isascii() for block in _blocks(path))


def _blocks(path: Path, skipped: int = 0) -> Iterator[bytes]:
    with path.open("rb") as file:
        for _ in itertools.repeat(None, skipped):
            file.readline()
        yield from iter(lambda: file.read(BLOCK), b"")


def look_over(path: Path, quote: str, skipped: int, *, header: bool = False) -> Traits:
    """Look over a UTF-8 file behind its first ``skipped`` lines; ``quote`` is empty where quotes mean nothing.

    ``header`` says that the first of the others holds the names.
    """
    ends = _Ends()
    quotes = 0
    breaks = False
    underscores = False
    for place, block in enumerate(_blocks(path, skipped)):
        names = max(block.find(b"\n"), 0) if header and not place else 0
        underscores = underscores or block.find(b"_", names) >= 0
        outside = block
        if quote and quote.encode() in block:
            outside, found, broken = _outside(block, quote, quotes)
            quotes, breaks = quotes + found, breaks or broken
        elif quotes % 2:
            outside, breaks = b"", breaks or b"\n" in block or b"\r" in block
        ends.take(outside, block)
    mixed = len(ends.kinds) > 1 or (breaks and not ends.kinds <= {_first_end(path)})
    return Traits(breaks, bool(quotes % 2), ends.blank, mixed, ends.longest, underscores)


def _first_end(path: Path) -> bytes:
    start = next(_blocks(path), b"")
    places = [place for place in (start.find(b"\r"), start.find(b"\n")) if place >= 0]
    found = start[min(places) :][:2] if places else b""
    return found if found == b"\r\n" else found[:1]


def _outside(block: bytes, quote: str, before: int) -> tuple[bytes, int, bool]:
    """Return the block without line breaks inside quotes, the number of quotes, and whether there were such breaks."""
    characters = np.frombuffer(block, np.uint8)
    marks = characters == ord(quote)
    breaks = characters == ord("\n")
    if b"\r" in block:
        breaks |= characters == ord("\r")
    count = int(np.count_nonzero(marks))
    quoted = _between(np.packbits(marks), before) & np.packbits(breaks)
    if not quoted.any():
        return block, count, False
    outside = characters.copy()
    outside[np.unpackbits(quoted, count=len(block)).astype(bool)] = ord(" ")
    return outside.tobytes(), count, True


def _between(marks: NDArray[np.uint8], before: int) -> NDArray[np.uint8]:
    """Return a bit for each character that says whether an odd number of quotes stand up to it.

    ``marks`` has a bit for each character that is a quote, ``before`` is the number of quotes that stand before.
    """
    within = np.frombuffer(marks.tobytes().translate(ODD_SO_FAR), np.uint8)
    odd = np.full(len(within) + 1, before & 1, np.uint8)
    ends = within & 1
    if len(ends) > FEW:
        odd[1:] = np.unpackbits(_between(np.packbits(ends), before), count=len(ends))
    else:
        odd[1:] ^= np.bitwise_xor.accumulate(ends)
    return within ^ -odd[:-1]


def _has_pair(text: bytes, pair: bytes) -> bool:
    """Tell whether two bytes stand side by side, ten times as fast as ``in`` where the first is frequent."""
    wanted = np.frombuffer(pair, np.uint16)[0]
    evens = np.frombuffer(text, np.uint16, len(text) // 2)
    odds = np.frombuffer(text, np.uint16, (len(text) - 1) // 2, 1) if len(text) > 2 else evens[:0]
    return bool((evens == wanted).any() or (odds == wanted).any())


class _Ends:
    """Collects line ends over the blocks of a file; most files have line feeds alone, which need not be counted."""

    def __init__(self) -> None:
        self.blank = False
        self.longest = 0
        self._pairs = self._feeds = self._returns = 0
        self._last = b"\n"
        self._open = 0

    @property
    def kinds(self) -> set[bytes]:
        """The kinds of line ends."""
        counts = {b"\r\n": self._pairs, b"\n": self._feeds - self._pairs, b"\r": self._returns - self._pairs}
        return {kind for kind, count in counts.items() if count}

    def take(self, outside: bytes, block: bytes) -> None:
        """Take in one more block: its text outside quotes, and all of it for the length of lines."""
        seam = self._last + outside[:2]
        returns = b"\r" in outside or b"\r" in seam
        marks = (b"\n\n", b"\n\r", b"\r\r") if returns else (b"\n\n",)
        self.blank = self.blank or any(mark in seam or _has_pair(outside, mark) for mark in marks)
        if returns:
            self._feeds += outside.count(b"\n")
            self._returns += outside.count(b"\r")
            self._pairs += outside.count(b"\r\n") + (self._last.endswith(b"\r") and outside.startswith(b"\n"))
        else:
            self._feeds += b"\n" in outside
        self._last = outside[-2:] or self._last
        broken = max(block.rfind(b"\n"), block.rfind(b"\r"))
        self._open = self._open + len(block) if broken < 0 else len(block)
        self.longest = max(self.longest, self._open + BLOCK)
