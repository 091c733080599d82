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
from kedge.exceptions import WorkflowError
from kedge.tools.contract import column
from kedge.tools.delimited import explained
from kedge.workflow.engine import Conversions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kedge.tools.contract import FileSink, Records
    from kedge.tools.schema import Schema

DIALECT = "duckdb"
MEMORY_SHARE = 0.8
BATCH_ROWS = 65_536
CANCELLED = "the run was cancelled"


class DuckDBEngine:
    """A DuckDB database that lives as long as a run.

    ``memory_limit`` is in bytes, by default 80 % of what the control group or the machine allows; what does not fit
    goes to ``temporary``, a directory. ``cancel`` may be called from any thread.
    """

    def __init__(self, temporary: Path, memory_limit: int | None = None, threads: int | None = None) -> None:
        self.conversions = Conversions()
        self.statements: list[str] = []
        self._cancelled = threading.Event()
        self._cursors: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
        self._connection = duckdb.connect(":memory:", config=_settings(temporary, memory_limit, threads))
        self._functions = register_functions(self._connection, self.conversions)

    def create(self, name: str, query: exp.Query) -> int:
        """Materialise a query as a table and return its number of rows."""
        target = exp.to_identifier(name, quoted=True).sql(DIALECT)
        return self.execute(f"CREATE TABLE {target} AS {query.sql(DIALECT)}")

    def load(self, name: str, records: Records, schema: Schema) -> int:
        """Materialise Arrow records as a table, cast to the schema's types, and return its number of rows."""
        guarded = _Guarded(records)
        cursor = self._cursor()
        try:
            cursor.register("arriving", guarded.reader)
            columns = [
                exp.alias_(exp.cast(column(field.name), field.type.sql), field.name, quoted=True) for field in schema
            ]
            select = exp.select(*columns).from_("arriving").sql(DIALECT)
            target = exp.to_identifier(name, quoted=True).sql(DIALECT)
            with _errors():
                found = cursor.execute(f"CREATE TABLE {target} AS {select}").fetchone()
        except WorkflowError:
            guarded.raise_fault()
            raise
        finally:
            cursor.close()
        return int(found[0]) if found else 0

    def fetch(self, query: exp.Query) -> pa.Table:
        """Run a query and return all of its rows."""
        with _errors():
            return self._sql(self._connection, query).to_arrow_table()

    def stream(self, query: exp.Query) -> pa.RecordBatchReader:
        """Run a query and return its rows as a stream; several streams may be open at once."""
        with _errors():
            return self._sql(self._cursor(), query).to_arrow_reader(BATCH_ROWS)

    def write(self, query: exp.Query, schema: Schema, sink: FileSink) -> int:
        """Write a query's rows to a file and return their number; the file is complete or not there."""
        return write_file(self, query, schema, sink)

    def drop(self, name: str) -> None:
        """Drop a table, so that its memory is free."""
        self._connection.execute(f"DROP TABLE IF EXISTS {exp.to_identifier(name, quoted=True).sql(DIALECT)}")

    def cancel(self) -> None:
        """End what runs now with an error, and refuse what comes later."""
        self._cancelled.set()
        for connection in (self._connection, *self._cursors):
            with contextlib.suppress(duckdb.ConnectionException):  # closed by its user meanwhile
                connection.interrupt()

    def close(self) -> None:
        """Give everything back."""
        for name in self._functions:
            self._connection.remove_function(name)
        self._connection.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if self._cancelled.is_set():
            raise WorkflowError(CANCELLED)
        cursor = self._connection.cursor()
        self._cursors.add(cursor)
        return cursor

    def _sql(self, connection: duckdb.DuckDBPyConnection, query: exp.Query) -> duckdb.DuckDBPyRelation:
        return connection.sql(self._noted(query.sql(DIALECT)))

    def execute(self, text: str) -> int:
        """Run a statement and return the number of rows that it made or wrote."""
        with _errors():
            found = self._connection.execute(self._noted(text)).fetchone()
        return int(found[0]) if found else 0

    def _noted(self, text: str) -> str:
        if self._cancelled.is_set():
            raise WorkflowError(CANCELLED)
        self.statements.append(text)
        return text


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turn the errors of a statement into the run's own."""
    try:
        yield
    except duckdb.InterruptException:
        raise WorkflowError(CANCELLED) from None
    except duckdb.Error as fault:
        raise WorkflowError(explained(str(fault))) from fault


class _Guarded:
    """Records whose own errors are kept, since the engine that reads them tells them in other words."""

    def __init__(self, records: Records) -> None:
        self._fault: BaseException | None = None
        batches = records.to_batches() if isinstance(records, pa.Table) else records
        self.reader = pa.RecordBatchReader.from_batches(records.schema, self._batches(batches))

    def _batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except BaseException as fault:
            self._fault = fault
            raise

    def raise_fault(self) -> None:
        """Raise the error that the records raised themselves, if they did."""
        if self._fault is not None:
            raise self._fault


def _settings(temporary: Path, memory_limit: int | None, threads: int | None) -> dict[str, Any]:
    allowed = available_memory()
    limit = memory_limit or (int(allowed * MEMORY_SHARE) if allowed else None)
    settings: dict[str, Any] = {"temp_directory": str(temporary)}
    if limit:
        settings["memory_limit"] = f"{limit // 1024 or 1}KiB"
    if threads:
        settings["threads"] = threads
    return settings
