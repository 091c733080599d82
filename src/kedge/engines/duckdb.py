"""The relational part of a workflow on DuckDB: one database per run, out of core, cancellable."""

from __future__ import annotations

__all__ = ["DuckDBEngine"]

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from kedge.engines.files import write_file
from kedge.engines.functions import Functions
from kedge.engines.memory import available_memory
from kedge.engines.reading import TEXTS, Reading
from kedge.exceptions import KedgeError, WorkflowError
from kedge.workflow.engine import Conversions
from kedge.workflow.relations import Statement

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from kedge.tools.contract import FileSink
    from kedge.tools.schema import Schema
    from kedge.workflow.arriving import Arriving, Traffic

DIALECT = "duckdb"
MEMORY_SHARE = 0.8
BATCH_ROWS = 65_536
UNWANTED = ("partial_aggregate_pushdown", "in_clause")
"""The first groups below a join by what DuckDB expects of sizes, which it knows neither of text files nor of streams.

The second makes a join of ``x IN (a, b, …)``, which loses the order of the rows.
"""
SPARE_THREADS = 2
"""Threads beyond one for each processor once records stream: those that wait for a stream do no work."""
CANCELLED = "the run was cancelled"
RAISED = "Invalid Input Error: "
"""How DuckDB begins what a stream raised."""


class DuckDBEngine:
    """A DuckDB database that lives as long as a run.

    ``memory_limit`` is in bytes, by default 80 % of what the control group or the machine allows; what does not fit
    goes to ``temporary``, a directory. ``cancel`` may be called from any thread.
    """

    def __init__(self, temporary: Path, memory_limit: int | None = None, threads: int | None = None) -> None:
        self.conversions = Conversions()
        self.counted: dict[int, int] = {}
        self._noted: list[tuple[int, str]] = []
        self._opening = threading.Lock()
        self._may_grow = threads is None
        self._cancelled = threading.Event()
        self._cursors: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
        self._connection = duckdb.connect(":memory:", config=_settings(temporary, memory_limit, threads))
        known = {name for (name,) in self._connection.execute("SELECT name FROM duckdb_optimizers()").fetchall()}
        self._connection.execute(f"SET disabled_optimizers = '{','.join(known.intersection(UNWANTED))}'")
        self._functions = Functions(self._connection, self.conversions, self.counted)

    @property
    def statements(self) -> list[str]:
        """The texts of the statements that ran, by the place of their tools in the plan."""
        return [text for _, text in sorted(self._noted, key=lambda noted: noted[0])]

    def create(self, name: str, statement: Statement) -> int:
        """Materialise a statement as a table and return its number of rows."""
        return self.execute(f"CREATE TABLE {_quoted(name)} AS {_text(statement)}", statement)

    def store(self, arriving: Arriving, place: int) -> None:
        """Materialise a stream as a table of its name, so that it can be read more than once."""
        with self._reading(Statement(exp.Select(), {arriving: 1})) as reading:
            reading.cursor.register(f"{arriving.name} stream", arriving)
            source = exp.Table(this=exp.to_identifier(f"{arriving.name} stream", quoted=True))
            rows = exp.select("*").from_(source).sql(DIALECT)
            self._run(reading, f"CREATE TABLE {_quoted(arriving.name)} AS {rows}", place)
        arriving.stored = True

    def fetch(self, statement: Statement) -> pa.Table:
        """Run a statement and return all of its rows."""
        with self._reading(statement) as reading:
            return self._sql(reading, statement).to_arrow_table()

    def stream(self, statement: Statement, traffic: Traffic) -> pa.RecordBatchReader:
        """Run a statement and return its rows as a stream, which counts what passes; several may be open at once."""
        self._grow()
        with contextlib.ExitStack() as opening:
            reading = opening.enter_context(self._reading(statement))
            reader = self._sql(reading, statement).to_arrow_reader(BATCH_ROWS)
            opened = opening.pop_all()
        batches = _until_end(opened, reader, traffic)
        next(batches)
        traffic.close = batches.close
        return pa.RecordBatchReader.from_batches(reader.schema, batches)

    def write(self, statement: Statement, schema: Schema, sink: FileSink) -> int:
        """Write a statement's rows to a file and return their number; the file is complete or not there."""
        return write_file(self, statement, schema, sink)

    def execute(self, text: str, statement: Statement) -> int:
        """Run a text that holds the statement and return the number of rows that it made or wrote."""
        with self._reading(statement) as reading:
            found = self._run(reading, text, statement.place).fetchone()
        return int(found[0]) if found else 0

    def cancel(self) -> None:
        """End what runs now with an error, and refuse what comes later. May be called again and again."""
        self._cancelled.set()
        for connection in (self._connection, *self._cursors):
            with contextlib.suppress(duckdb.ConnectionException):  # closed by its user meanwhile
                connection.interrupt()

    def close(self) -> None:
        """Give everything back."""
        self._functions.remove()
        self._connection.close()

    @contextlib.contextmanager
    def _reading(self, statement: Statement) -> Iterator[Reading]:
        """Give a cursor of its own to a statement, with what it reads.

        Where it ends well, what it left of the streams is read, and their errors are raised; else their steps are
        ended, and their error, or that of a scan, is the one that is raised.
        """
        reading = Reading(self._cursor(), statement, self.conversions, self._aside)
        try:
            with _errors():
                reading.register()
                yield reading
            reading.finish()
        except BaseException:
            fault = reading.fail()
            if fault is not None and not self._cancelled.is_set():
                raise fault from None
            raise
        finally:
            reading.close()

    def _aside(self, text: str, texts: object) -> pa.Table:
        """Run a statement over texts of a scan, beside the statement that reads the scan."""
        with self._opening:
            self._functions.provide(text)
        cursor = self._cursor()
        try:
            with _errors():
                cursor.register(TEXTS, texts)
                return cursor.sql(text).to_arrow_table()
        finally:
            cursor.close()

    def _grow(self) -> None:
        with self._opening:
            if self._may_grow:
                self._may_grow = False
                self._connection.execute("SET threads = current_setting('threads') + ?", [SPARE_THREADS])

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._opening:
            if self._cancelled.is_set():
                raise WorkflowError(CANCELLED)
            cursor = self._connection.cursor()
            self._cursors.add(cursor)
            return cursor

    def _run(self, reading: Reading, text: str, place: int) -> duckdb.DuckDBPyConnection:
        self._check(text, place)
        reading.narrow(text)
        return reading.cursor.execute(text)

    def _sql(self, reading: Reading, statement: Statement) -> duckdb.DuckDBPyRelation:
        text = _text(statement)
        self._check(text, statement.place)
        reading.narrow(text)
        return reading.cursor.sql(text)

    def _check(self, text: str, place: int) -> None:
        if self._cancelled.is_set():
            raise WorkflowError(CANCELLED)
        with self._opening:
            self._functions.provide(text)
        self._noted.append((place, text))


def _until_end(
    opened: contextlib.ExitStack, batches: Iterable[pa.RecordBatch], traffic: Traffic
) -> Generator[Any, None, None]:
    """Yield batches, count them, and leave what is open.

    The first item is nothing: only a generator that has begun ends what it holds when it is closed.
    """
    try:
        with opened:
            yield None
            yield from traffic.count(batches)
    except KedgeError as fault:
        traffic.fault = fault
        raise


def _text(statement: Statement) -> str:
    return statement.query.sql(DIALECT, copy=False)  # no tree is written twice


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(DIALECT)


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turn the errors of a statement into the run's own."""
    try:
        yield
    except duckdb.InterruptException:
        raise WorkflowError(CANCELLED) from None
    except duckdb.Error as fault:
        raise WorkflowError(str(fault).removeprefix(RAISED)) from fault
    except (pa.ArrowException, OSError) as fault:  # how a stream tells what ended its statement
        raise WorkflowError(str(fault)) from fault


def _settings(temporary: Path, memory_limit: int | None, threads: int | None) -> dict[str, Any]:
    allowed = available_memory()
    limit = memory_limit or (int(allowed * MEMORY_SHARE) if allowed else None)
    settings: dict[str, Any] = {"temp_directory": str(temporary)}
    if limit:
        settings["memory_limit"] = f"{limit // 1024 or 1}KiB"
    if threads:
        settings["threads"] = threads
    return settings
