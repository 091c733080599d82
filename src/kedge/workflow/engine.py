"""What a run asks of an engine, and the notes that statements leave behind while they run."""

from __future__ import annotations

__all__ = ["Conversions", "Engine"]

import threading
from bisect import insort
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from kedge.exceptions import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kedge.tools.contract import FileSink
    from kedge.tools.schema import Schema
    from kedge.workflow.arriving import Arriving, Traffic
    from kedge.workflow.relations import Statement


class Conversions:
    """Values that a conversion changed, by tool: the first few in alphabetical order, and how many in all.

    Statements add to it from the engine's threads; which of them comes first changes nothing. Beyond ``most`` values of
    one tool, where that is a number, a statement is to fail.
    """

    def __init__(self, keep: int = 10) -> None:
        self.keep = keep
        self.most: int | None = None
        self._lock = threading.Lock()
        self._counts: Counter[int] = Counter()
        self._texts: dict[int, list[str]] = {}

    def note(self, tools: Any, texts: Any) -> None:
        """Take a column of tool ids and one of messages. Raises ``WorkflowError`` where there are too many by now."""
        for tool, text in zip(pa.chunked_array(tools).to_pylist(), pa.chunked_array(texts).to_pylist(), strict=True):
            self.add(tool, text)
        self._check()

    def note_all(self, tool: int, texts: Iterable[str]) -> None:
        """Take messages of one tool. Raises ``WorkflowError`` where there are too many by now."""
        for text in texts:
            self.add(tool, text)
        self._check()

    def _check(self) -> None:
        if self.most is not None and any(count > self.most for count in self.counts().values()):
            raise WorkflowError("there are too many conversion errors")

    def add(self, tool: int, text: str, times: int = 1) -> None:
        """Take a message of a tool, for as many values."""
        with self._lock:
            kept = self._texts.setdefault(tool, [])
            self._counts[tool] += times
            if len(kept) < self.keep or text < kept[-1]:
                insort(kept, text)
                del kept[self.keep :]

    def counts(self) -> dict[int, int]:
        """Return the number of values by tool id, of the tools that changed any."""
        with self._lock:
            return dict(self._counts)

    def texts(self, tool: int) -> list[str]:
        """Return the first messages of a tool, in alphabetical order."""
        with self._lock:
            return list(self._texts.get(tool, ()))


class Engine(Protocol):
    """Where statements run, several at once. ``statements`` are the texts of those that ran, in the plan's order.

    ``counted`` are the numbers of records that statements reported, by the numbers of their ``Counting``.
    """

    conversions: Conversions
    counted: Mapping[int, int]

    @property
    def statements(self) -> list[str]:
        """The texts of the statements that ran, by the place of their tools in the plan."""

    def create(self, name: str, statement: Statement) -> int:
        """Materialise a statement as a table and return its number of rows."""

    def store(self, arriving: Arriving, place: int) -> None:
        """Materialise a stream as a table of its name, so that it can be read more than once."""

    def fetch(self, statement: Statement) -> pa.Table:
        """Run a statement and return all of its rows."""

    def stream(self, statement: Statement, traffic: Traffic) -> pa.RecordBatchReader:
        """Run a statement and return its rows as a stream, which counts what passes."""

    def write(self, statement: Statement, schema: Schema, sink: FileSink) -> int:
        """Write a statement's rows to a file and return their number."""

    def cancel(self) -> None:
        """End what runs now."""

    def close(self) -> None:
        """Give everything back."""
