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
from kedge.engines.functions import register_functions
from kedge.engines.memory import available_memory
from kedge.exceptions import KedgeError, WorkflowError
from kedge.tools.delimited import explained
from kedge.workflow.engine import Conversions

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from kedge.tools.contract import FileSink
    from kedge.tools.schema import Schema
    from kedge.workflow.arriving import Arriving, Traffic
    from kedge.workflow.relations import Statement

DIALECT = "duckdb"
MEMORY_SHARE = 0.8
BATCH_ROWS = 65_536
HASTY = "partial_aggregate_pushdown"
"""It groups below a join by what DuckDB expects of sizes, which it knows neither of text files nor of streams."""
SPARE_THREADS = 2
"""Threads beyond one for each processor once records stream: those that wait for a stream do no work."""
CANCELLED = "the run was cancelled"


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
        with contextlib.suppress(duckdb.Error):  # a version that does not have it
            self._connection.execute(f"SET disabled_optimizers = '{HASTY}'")
        self._functions = register_functions(self._connection, self.conversions, self.counted)

    @property
    def statements(self) -> list[str]:
        """The texts of the statements that ran, by the place of their tools in the plan."""
        return [text for _, text in sorted(self._noted, key=lambda noted: noted[0])]

    def create(self, name: str, statement: Statement) -> int:
        """Materialise a statement as a table and return its number of rows."""
        return self.execute(f"CREATE TABLE {_quoted(name)} AS {_text(statement)}", statement)

    def store(self, arriving: Arriving, place: int) -> None:
        """Materialise a stream as a table of its name, so that it can be read more than once."""
        with self._reading((arriving,)) as cursor:
            cursor.register(f"{arriving.name} stream", arriving)
            source = exp.Table(this=exp.to_identifier(f"{arriving.name} stream", quoted=True))
            rows = exp.select("*").from_(source).sql(DIALECT)
            self._run(cursor, f"CREATE TABLE {_quoted(arriving.name)} AS {rows}", place)
        arriving.stored = True

    def fetch(self, statement: Statement) -> pa.Table:
        """Run a statement and return all of its rows."""
        with self._reading(statement.arriving) as cursor:
            _register(cursor, statement)
            return cursor.sql(self._checked(_text(statement), statement.place)).to_arrow_table()

    def stream(self, statement: Statement, traffic: Traffic) -> pa.RecordBatchReader:
        """Run a statement and return its rows as a stream, which counts what passes; several may be open at once."""
        self._grow()
        with contextlib.ExitStack() as opening:
            cursor = opening.enter_context(self._reading(statement.arriving))
            _register(cursor, statement)
            reader = cursor.sql(self._checked(_text(statement), statement.place)).to_arrow_reader(BATCH_ROWS)
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
        with self._reading(statement.arriving) as cursor:
            _register(cursor, statement)
            found = self._run(cursor, text, statement.place).fetchone()
        return int(found[0]) if found else 0

    def cancel(self) -> None:
        """End what runs now with an error, and refuse what comes later. May be called again and again."""
        self._cancelled.set()
        for connection in (self._connection, *self._cursors):
            with contextlib.suppress(duckdb.ConnectionException):  # closed by its user meanwhile
                connection.interrupt()

    def close(self) -> None:
        """Give everything back."""
        for name in self._functions:
            self._connection.remove_function(name)
        self._connection.close()

    @contextlib.contextmanager
    def _reading(self, arriving: Iterable[Arriving]) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor of its own to a statement that reads streams.

        Where it ends well, what it left of them is read, and their errors are raised; else their steps are ended, and
        their error is the one that is raised.
        """
        streams = tuple(arriving)
        cursor = self._cursor()
        try:
            with _errors():
                yield cursor
            for stream in streams:
                stream.finish()
        except BaseException:
            fault = next((stream.fault for stream in streams if stream.fault is not None), None)
            for stream in streams:
                stream.abandon()
            if fault is not None and not self._cancelled.is_set():
                raise fault from None
            raise
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

    def _run(self, cursor: duckdb.DuckDBPyConnection, text: str, place: int) -> duckdb.DuckDBPyConnection:
        return cursor.execute(self._checked(text, place))

    def _checked(self, text: str, place: int) -> str:
        if self._cancelled.is_set():
            raise WorkflowError(CANCELLED)
        self._noted.append((place, text))
        return text


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


def _register(cursor: duckdb.DuckDBPyConnection, statement: Statement) -> None:
    for arriving in statement.arriving:
        cursor.register(arriving.name, arriving)


def _text(statement: Statement) -> str:
    return statement.query.sql(DIALECT)


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
        raise WorkflowError(explained(str(fault))) from fault
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
