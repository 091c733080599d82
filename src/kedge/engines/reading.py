"""What one statement reads beside the tables of the database: streams of steps, and scans of sources."""

from __future__ import annotations

__all__ = ["TEXTS", "Reading"]

import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import pyarrow as pa
from sqlglot import exp

from kedge.tools.contract import aliased, select_from
from kedge.workflow.scanning import Scanning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

    from kedge.workflow.engine import Conversions
    from kedge.workflow.relations import Statement

DIALECT, TEXTS = "duckdb", "texts"
LARGE = 32 << 20
"""Bytes of a source from which it pays to ask DuckDB first which columns it will look at."""


Aside: TypeAlias = "Callable[[str, _Texts], pa.Table]"
"""Runs a statement over texts, beside the one that reads them."""


class _Texts(NamedTuple):
    """A column ``value`` of texts, as an Arrow stream."""

    column: pa.Array

    @property
    def _records(self) -> pa.RecordBatchReader:
        return pa.table({"value": self.column}).to_reader()

    def __arrow_c_schema__(self) -> object:
        """Say the schema to an engine that asks before it reads."""
        return self._records.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> object:
        """Hand over the texts."""
        return self._records.__arrow_c_stream__(requested_schema)


class _Services(NamedTuple):
    """What the scan of a tool asks of the engine."""

    tool_id: int
    conversions: Conversions
    aside: Aside

    def note(self, texts: list[str]) -> None:
        """Take a message for each value that had to be changed."""
        self.conversions.note_all(self.tool_id, texts)

    def converter(self, expression: exp.Expr) -> Callable[[pa.Array], pa.Array]:
        """Return a function of texts that computes an expression over them, as a column ``value``."""
        texts = exp.Table(this=exp.to_identifier(TEXTS, quoted=True))
        text = select_from(aliased([(expression, "value")]), texts).sql(DIALECT)
        return lambda column: self.aside(text, _Texts(column))["value"]


class Reading:
    """A cursor with the streams and scans of a statement, once they are registered.

    Afterwards :meth:`finish` or :meth:`fail`, and :meth:`close` in any case.
    """

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, statement: Statement, conversions: Conversions, aside: Aside
    ) -> None:
        self.cursor = cursor
        self._streams = tuple(statement.arriving)
        self._scans = {
            name: Scanning(scan, _Services(scan.tool_id, conversions, aside)) for name, scan in statement.scans.items()
        }

    def register(self) -> None:
        """Give the streams and scans their names."""
        for stream in self._streams:
            self.cursor.register(stream.name, stream)
        for name, scanning in self._scans.items():
            self.cursor.register(name, scanning)

    def narrow(self, text: str) -> None:
        """Leave out the columns of large scans that a statement does not look at, as DuckDB plans it."""
        large = [scanning for scanning in self._scans.values() if scanning.scan.size >= LARGE]
        if not large:
            return
        found = self.cursor.execute(f"EXPLAIN (FORMAT json) {text}").fetchall()
        used = {name for node in _nodes(json.loads(found[0][1])) for name in _projected(node)}
        for scanning in large:
            scanning.narrow(used)

    def finish(self) -> None:
        """Read what the statement left of the streams. Raises the errors of their steps."""
        for stream in self._streams:
            stream.finish()

    def fail(self) -> BaseException | None:
        """End the steps of the streams, and return the error of a stream or a scan that ended the statement."""
        faults = [*(stream.fault for stream in self._streams), *(it.fault for it in self._scans.values())]
        for stream in self._streams:
            stream.abandon()
        return next((fault for fault in faults if fault is not None), None)

    def close(self) -> None:
        """Close the cursor, and what is still open of the scans."""
        self.cursor.close()
        for scanning in self._scans.values():
            scanning.close()


def _nodes(plan: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in plan:
        yield node
        yield from _nodes(node.get("children", []))


def _projected(node: dict[str, Any]) -> list[str]:
    """Return the columns that a scan hands on; names of columns of scans are like no others."""
    names = node.get("extra_info", {}).get("Projections", [])
    return [names] if isinstance(names, str) else names
