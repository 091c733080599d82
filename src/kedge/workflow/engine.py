"""What a run asks of an engine, and the notes that statements leave behind while they run."""

from __future__ import annotations

__all__ = ["Conversions", "Engine"]

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from sqlglot import exp

    from kedge.tools.contract import FileSink, Records
    from kedge.tools.schema import Schema


class Conversions:
    """Values that a conversion changed, by tool: the first few in words, and how many in all.

    Statements add to it from the engine's threads.
    """

    def __init__(self, keep: int = 10) -> None:
        self.keep = keep
        self._lock = threading.Lock()
        self._counts: Counter[int] = Counter()
        self._texts: dict[int, list[str]] = {}

    def note(self, tools: Any, texts: Any) -> None:
        """Take a column of tool ids and one of messages."""
        with self._lock:
            for tool, text in zip(
                pa.chunked_array(tools).to_pylist(), pa.chunked_array(texts).to_pylist(), strict=True
            ):
                self._counts[tool] += 1
                kept = self._texts.setdefault(tool, [])
                if len(kept) < self.keep:
                    kept.append(text)

    def take(self) -> list[tuple[int, int, list[str]]]:
        """Return and forget what was noted: tool id, count, the first messages in alphabetical order."""
        with self._lock:
            found = [(tool, count, sorted(self._texts[tool])) for tool, count in sorted(self._counts.items())]
            self._counts.clear()
            self._texts.clear()
        return found


class Engine(Protocol):
    """Where statements run. ``statements`` are the texts of those that ran, in order."""

    conversions: Conversions
    statements: list[str]

    def create(self, name: str, query: exp.Query) -> int:
        """Materialise a query as a table and return its number of rows."""

    def load(self, name: str, records: Records, schema: Schema) -> int:
        """Materialise Arrow records as a table and return its number of rows."""

    def fetch(self, query: exp.Query) -> pa.Table:
        """Run a query and return all of its rows."""

    def stream(self, query: exp.Query) -> pa.RecordBatchReader:
        """Run a query and return its rows as a stream."""

    def write(self, query: exp.Query, schema: Schema, sink: FileSink) -> int:
        """Write a query's rows to a file and return their number."""

    def drop(self, name: str) -> None:
        """Drop a table."""

    def cancel(self) -> None:
        """End what runs now."""

    def close(self) -> None:
        """Give everything back."""
