"""A run whose records are read while it goes on.

At most ``budget`` bytes wait in memory. A reader that stops reading stalls the tool; only where a reader waits for one
anchor while another is full, which would wait for ever, the full anchor's records go through a temporary file.
"""

from __future__ import annotations

import dataclasses
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.host.collector import Observer
from kedge.host.results import RunStatistics, ToolResult

if TYPE_CHECKING:
    from typing_extensions import Self

    from kedge.host.tool_call import ToolCall
    from kedge.sdk.outlet import Message

__all__ = ["StreamedResult"]


class _Stopped(Exception):
    """Whoever read the outputs has closed the result."""


class _Buffer:
    """The batches of all anchors that nobody has read yet."""

    def __init__(self, budget: int) -> None:
        self.changed = threading.Condition()
        self.schemas: dict[str, pa.Schema] = {}
        self.over = False
        self.failure: BaseException | None = None
        self._budget = budget
        self._held = 0
        self._queues: dict[str, deque[pa.Table | Path]] = {}
        self._waiting: set[str] = set()
        self._spill: tempfile.TemporaryDirectory[str] | None = None
        self._spilled = 0
        self._stopped = False

    def open(self, anchor: str, schema: pa.Schema) -> None:
        with self.changed:
            if anchor not in self.schemas:
                self.schemas[anchor] = schema
                self._queues[anchor] = deque()
                self.changed.notify_all()

    def put(self, anchor: str, table: pa.Table) -> None:
        self.open(anchor, table.schema)
        with self.changed:
            self.changed.wait_for(lambda: self._stopped or self._has_room() or self._is_blocking(anchor))
            if self._stopped:
                raise _Stopped
            queue = self._queues[anchor]
            if self._has_room():
                self._held += table.nbytes
                queue.append(table)
            else:
                queue.append(self._to_file(table))
            self.changed.notify_all()

    def take(self, anchor: str) -> pa.Table | None:
        """The next batch; None at the end. Raises what ended the run."""
        with self.changed:
            queue = self._queues[anchor]
            self._waiting.add(anchor)
            self.changed.notify_all()
            self.changed.wait_for(lambda: bool(queue) or self.over)
            self._waiting.discard(anchor)
            if not queue:
                if self.failure is not None:
                    raise self.failure
                return None
            item = queue.popleft()
            if isinstance(item, pa.Table):
                self._held -= item.nbytes
            self.changed.notify_all()
        return item if isinstance(item, pa.Table) else _from_file(item)

    def end(self, failure: BaseException | None) -> None:
        with self.changed:
            self.over = True
            self.failure = None if isinstance(failure, _Stopped) else failure
            self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self._stopped = True
            self.changed.notify_all()

    def clean_up(self) -> None:
        if self._spill is not None:
            self._spill.cleanup()

    def _has_room(self) -> bool:
        return self._held < self._budget

    def _is_blocking(self, anchor: str) -> bool:
        return any(other != anchor and not self._queues[other] for other in self._waiting)

    def _to_file(self, table: pa.Table) -> Path:
        if self._spill is None:
            self._spill = tempfile.TemporaryDirectory(prefix="kedge-")
        path = Path(self._spill.name) / f"{self._spilled}.arrow"
        self._spilled += 1
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write(table)
        return path


def _from_file(path: Path) -> pa.Table:
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as reader:
        table = reader.read_all()
    path.unlink()
    return table


class _AnchorSink:
    """One anchor's end of the buffer."""

    def __init__(self, buffer: _Buffer, anchor: str) -> None:
        self._buffer = buffer
        self._anchor = anchor
        self._announced = pa.schema([])

    def announce(self, schema: pa.Schema) -> None:
        self._announced = schema

    def write(self, table: pa.Table) -> None:
        self._buffer.put(self._anchor, table)

    def close(self) -> None:
        self._buffer.open(self._anchor, self._announced)

    def abandon(self) -> None:
        """Readers get the failure of the run."""


class _Readers(Mapping[str, pa.RecordBatchReader]):
    """Readers by anchor. Asking for one waits until its schema is known; each can be read once."""

    def __init__(self, buffer: _Buffer) -> None:
        self._buffer = buffer
        self._given: set[str] = set()

    def __getitem__(self, anchor: str) -> pa.RecordBatchReader:
        buffer = self._buffer
        with buffer.changed:
            buffer.changed.wait_for(lambda: anchor in buffer.schemas or buffer.over)
            if anchor not in buffer.schemas:
                if buffer.failure is not None:
                    raise buffer.failure
                raise KeyError(anchor)
            if anchor in self._given:
                raise UsageError(f"the records of anchor {anchor!r} are read already; keep the reader")
            self._given.add(anchor)
        return pa.RecordBatchReader.from_batches(buffer.schemas[anchor], self._batches(anchor))

    def __iter__(self) -> Iterator[str]:
        """Anchor names; waits for the end of the run, since only then all are known."""
        with self._buffer.changed:
            self._buffer.changed.wait_for(lambda: self._buffer.over)
        return iter(dict(self._buffer.schemas))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _batches(self, anchor: str) -> Iterator[pa.RecordBatch]:
        while (table := self._buffer.take(anchor)) is not None:
            yield from table.to_batches()


class _Forwarding(Observer):
    """Keeps messages as they come, and passes everything on."""

    def __init__(self, inner: Observer) -> None:
        self.messages: list[Message] = []
        self._inner = inner
        self.on_progress = inner.on_progress  # type: ignore[method-assign]
        self.on_rows = inner.on_rows  # type: ignore[method-assign]
        self.on_line = inner.on_line  # type: ignore[method-assign]

    def on_message(self, message: Message) -> None:
        self.messages.append(message)
        self._inner.on_message(message)


class StreamedResult(ToolResult):
    """A run that goes on while its outputs are read; close it, or use it in a ``with`` statement.

    ``messages``, ``metadata`` and ``statistics`` are complete once :meth:`wait` has returned.
    """

    def __init__(self, call: ToolCall) -> None:
        observer = _Forwarding(call.observer)
        self._buffer = _Buffer(call.budget)
        super().__init__(_Readers(self._buffer), observer.messages, {}, RunStatistics({}, {}, 0.0))
        self._call = dataclasses.replace(call, observer=observer)
        self._thread = threading.Thread(target=self._run, name="kedge-stream", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self) -> Self:
        """Wait for the end of the run, which comes once its outputs are read. Raises what ended it early."""
        self._thread.join()
        if self._buffer.failure is not None:
            raise self._buffer.failure
        return self

    def close(self) -> None:
        """End the run, if it has not ended, and drop what was not read."""
        self._buffer.stop()
        self._thread.join()
        self._buffer.clean_up()

    def _run(self) -> None:
        try:
            result = self._call.run(lambda anchor: _AnchorSink(self._buffer, anchor))
            self.metadata, self.statistics = result.metadata, result.statistics
        except BaseException as error:
            self._buffer.end(error)
        else:
            self._buffer.end(None)
