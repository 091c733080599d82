"""A run whose records are read while it goes on.

At most ``budget`` bytes wait in memory. A reader that stops reading stalls the tool; only where somebody waits for one
anchor, or for the end of the run, while the budget is full of another, which would wait for ever, further records go
through temporary files.
"""

from __future__ import annotations

import dataclasses
import tempfile
import threading
import traceback
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.host.collector import Observer
from kedge.host.results import RunStatistics, ToolResult
from kedge.sdk.sizes import overhead_bytes

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
        self._waiting: Counter[str | None] = Counter()
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
            self.changed.wait_for(lambda: self._stopped or self._has_room(anchor) or self._is_blocking(anchor))
            if self._stopped:
                raise _Stopped
            queue = self._queues[anchor]
            if self._has_room(anchor):
                self._held += table.nbytes + overhead_bytes(table)
                queue.append(table)
            else:
                queue.append(self._to_file(table))
            self.changed.notify_all()

    def take(self, anchor: str) -> pa.Table | None:
        """The next batch; None at the end. Raises what ended the run."""
        with self.changed:
            queue = self._queues[anchor]
            self._wait_for(lambda: bool(queue), anchor)
            if not queue:
                if self.failure is not None:
                    raise self.failure
                return None
            item = queue.popleft()
            if isinstance(item, pa.Table):
                self._held -= item.nbytes + overhead_bytes(item)
            self.changed.notify_all()
        return item if isinstance(item, pa.Table) else _from_file(item)

    def schema(self, anchor: str) -> pa.Schema | None:
        """Its schema, once it is known; None where the run is over without one. Raises what ended the run."""
        with self.changed:
            self._wait_for(lambda: anchor in self.schemas, anchor)
            if anchor not in self.schemas and self.failure is not None:
                raise self.failure
            return self.schemas.get(anchor)

    def wait_for_end(self) -> None:
        """Wait until the run is over, whatever is read meanwhile."""
        with self.changed:
            self._wait_for(lambda: False, None)

    def end(self, failure: BaseException | None) -> None:
        with self.changed:
            self.over = True
            if not self._stopped:
                self.failure = failure
            elif failure is not None:
                traceback.clear_frames(failure.__traceback__)  # nobody gets it, and its frames hold records
            self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self._stopped = True
            self.changed.notify_all()

    def clean_up(self) -> None:
        if self._spill is not None:
            self._spill.cleanup()

    def _has_room(self, anchor: str) -> bool:
        """Within the budget, and for a batch that somebody is waiting for in any case."""
        return self._held < self._budget or (self._waiting[anchor] > 0 and not self._queues[anchor])

    def _wait_for(self, condition: Callable[[], bool], anchor: str | None) -> None:
        """Wait for something of an anchor, of all for None, or for the end of the run."""
        self._waiting[anchor] += 1
        self.changed.notify_all()
        try:
            self.changed.wait_for(lambda: condition() or self.over)
        finally:
            self._waiting[anchor] -= 1

    def _is_blocking(self, anchor: str) -> bool:
        waited_for = [other for other, readers in self._waiting.items() if readers]
        return any(other is None or (other != anchor and not self._queues.get(other)) for other in waited_for)

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


class _DroppingSink(_AnchorSink):
    """The end of an anchor that nobody reads."""

    def write(self, table: pa.Table) -> None:
        self._buffer.open(self._anchor, table.schema)


class _Readers(Mapping[str, pa.RecordBatchReader]):
    """Readers by anchor. Asking for one waits until its schema is known; each can be read once."""

    def __init__(self, buffer: _Buffer) -> None:
        self._buffer = buffer
        self._given: set[str] = set()

    def __getitem__(self, anchor: str) -> pa.RecordBatchReader:
        schema = self._buffer.schema(anchor)
        if schema is None:
            raise KeyError(anchor)
        if anchor in self._given:
            raise UsageError(f"the records of anchor {anchor!r} are read already; keep the reader")
        self._given.add(anchor)
        return pa.RecordBatchReader.from_batches(schema, self._batches(anchor))

    def __iter__(self) -> Iterator[str]:
        """Anchor names; waits for the end of the run, since only then all are known."""
        self._buffer.wait_for_end()
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

    def __init__(self, call: ToolCall, unread: Collection[str] = ()) -> None:
        """``unread`` are anchors whose records nobody will read: they are dropped as they come."""
        observer = _Forwarding(call.observer)
        self._buffer = _Buffer(call.budget)
        super().__init__(_Readers(self._buffer), observer.messages, {}, RunStatistics({}, {}, 0.0))
        self._call = dataclasses.replace(call, observer=observer)
        self._unread = unread
        self._thread = threading.Thread(target=self._run, name="kedge-stream", daemon=True)
        self._thread.start()

    def wait(self) -> Self:
        """Wait for the end of the run. Raises what ended it early.

        What is not read meanwhile waits in memory, up to the budget, and beyond it in temporary files.
        """
        self._buffer.wait_for_end()
        self._thread.join()
        if self._buffer.failure is not None:
            raise self._buffer.failure
        return self

    def close(self) -> None:
        """End the run, if it has not ended, and drop what was not read.

        Blocks until the tool process is gone. A tool that runs in this process cannot be ended: there it blocks until
        the tool's callback returns or writes.
        """
        self._buffer.stop()
        self._call.cancelled.set()
        self._thread.join()
        self._buffer.clean_up()

    def _sink(self, anchor: str) -> _AnchorSink:
        return (_DroppingSink if anchor in self._unread else _AnchorSink)(self._buffer, anchor)

    def _run(self) -> None:
        try:
            result = self._call.run(self._sink)
            self.metadata, self.statistics = result.metadata, result.statistics
        except BaseException as error:
            self._buffer.end(error)
        else:
            self._buffer.end(None)
