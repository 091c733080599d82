"""The records of one connection, wherever they come from."""

from __future__ import annotations

__all__ = ["Source"]

import threading
from typing import TYPE_CHECKING

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    import pyarrow as pa
    from typing_extensions import Self


class Source:
    """A schema and, to be read once, the batches that have it.

    ``name`` says in messages where the records come from. Reading a batch may block on a file, so a host with an event
    loop reads in a thread. Close a source when it is no longer read. One that is closed while a batch is being read in
    another thread is let go of by that thread, when it has the batch.
    """

    def __init__(
        self, name: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch], close: Callable[[], object]
    ) -> None:
        self.name = name
        self.schema = schema
        self._batches: Iterator[pa.RecordBatch] | None = batches
        self._close = close
        self._reading = threading.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"<Source {self.name}: {', '.join(self.schema.names)}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Return the batches, of any size, each with ``schema``. They come from the file as they are asked for.

        Raises UsageError at the second call, and while iterating for a file that turns out to be damaged, and once the
        source is closed.
        """
        if self._batches is None:
            raise UsageError(f"{self.name} was read already; open it again to read it again")
        batches, self._batches = self._batches, None
        return self._read(batches)

    def _read(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        while True:
            with self._reading:  # what is closed under the hands of Arrow takes the process with it
                batch = None if self._closed else next(batches, None)
            if self._closed:
                self.close()
                raise UsageError(f"{self.name} was closed before it was read to its end")
            if batch is None:
                return
            yield batch
            del batch  # before the next is made

    def close(self) -> None:
        """Let go of the file or the object behind the source. To close twice is harmless. Never blocks for a batch."""
        self._closed = True
        if self._reading.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._reading.release()
