"""A segment of shared memory, as the end sees it that writes into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.wire.ipc import END_MARKER
from kedge.wire.shared_memory import BODY, FREE, make_segment

if TYPE_CHECKING:
    from pathlib import Path

    from kedge.wire.ipc import Layout

__all__ = ["OVERFLOW", "Segment"]

OVERFLOW = (OSError, pa.ArrowInvalid)
"""What Arrow raises on a batch that does not fit."""

_OPTIONS = pa.ipc.IpcWriteOptions()
"""Those of every stream. Where it is given none, Arrow looks for them in the environment."""


class Segment:
    """A new file of ``size`` bytes at a ``path``, with room for the stream of one batch. Raises OSError.

    While the file is open, which takes a descriptor, the schema at its beginning stays there for the batches that
    follow.
    """

    def __init__(self, number: int, path: Path, size: int) -> None:
        self.number = number
        self.path = path
        self.size = size
        self.fitted = 0
        """The batches that its pool had placed when it was last used for one of about its size."""
        self.memory, file = make_segment(path, size)
        self._file: pa.MemoryMappedFile | None = file
        self._body = pa.py_buffer(memoryview(self.memory)[BODY:])
        self._layout: Layout | None = None
        self._begun: pa.RecordBatchStreamWriter = None
        self._batches_at = BODY

    def __repr__(self) -> str:
        return f"<Segment {self.number}, {self.size} bytes, {'free' if self.free else 'taken'}>"

    @property
    def free(self) -> bool:
        """Whether no end reads what lies here."""
        return bool(self.memory[0] == self.memory[1] == FREE)

    @property
    def is_open(self) -> bool:
        """Whether the file is."""
        return self._file is not None

    def close_file(self) -> None:
        """Do with no descriptor from now on. What is mapped stays so."""
        if self._file is not None:
            self._begun = self._layout = None
            self._file.close()
            self._file = None

    def write(self, table: pa.Table, layout: Layout) -> int:
        """Lay the stream of a batch of this layout; its length in bytes. Raises one of OVERFLOW."""
        file = self._file
        if file is None or not layout.plain or not table.num_rows:  # of no rows Arrow writes nothing before the end
            return self._write_anew(table)
        if layout is self._layout:
            file.seek(self._batches_at)
        else:  # what is written next gets the schema before it
            self._begun = pa.RecordBatchStreamWriter(file, layout.schema, options=_OPTIONS)
            self._batches_at = BODY + len(layout.message)
            file.seek(BODY)
        self._layout = None  # until it is known to lie there
        self._begun.write_table(table)
        end: int = file.tell()
        file.write(END_MARKER)
        self._layout = layout
        return end + len(END_MARKER) - BODY

    def _write_anew(self, table: pa.Table) -> int:
        self._layout = None
        body = pa.FixedSizeBufferWriter(self._body)
        body.set_memcopy_threshold(self.size)  # one thread: to hand a copy to others takes longer than the copy
        with pa.RecordBatchStreamWriter(body, table.schema, options=_OPTIONS) as stream:
            stream.write_table(table)
        length: int = body.tell()
        return length
