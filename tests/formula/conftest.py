"""The three evaluators of expressions, as one function each, for every test of the room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sqlglot import exp

from kedge.formula import FormulaOptions, bind, convert, evaluate, register_udfs, to_sql
from kedge.formula.types import DesignerType

OPTIONS = FormulaOptions(started=dt.datetime(2024, 2, 29, 13, 14, 15, 987654), zone="Europe/Madrid")

Fields = Mapping[str, DesignerType]
Rows = Mapping[str, list[Any]]
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Evaluators:
    """Runs an expression over a table of named fields; each method returns one value for each row."""

    connection: duckdb.DuckDBPyConnection
    options: FormulaOptions = OPTIONS

    def table(self, fields: Fields, rows: Rows) -> pa.Table:
        return pa.table({name: pa.array(rows[name], kind.arrow) for name, kind in fields.items()})

    def query(self, table: pa.Table | None, select: exp.Expr) -> pa.ChunkedArray:
        statement = exp.select(exp.alias_(select, "value"))
        if table is not None:
            self.connection.register("given", table)
            statement = statement.from_("given")
        return self.connection.sql(statement.sql("duckdb")).to_arrow_table().column("value")

    def sql(self, text: str, fields: Fields = NOTHING, rows: Rows = NOTHING, *, udfs: bool = False) -> list[Any]:
        expression = bind(text, fields, options=self.options)
        table = self.table(fields, rows) if fields else None
        return list(self.query(table, to_sql(expression, force_udfs=udfs)).to_pylist())

    def python(self, text: str, fields: Fields = NOTHING, rows: Rows = NOTHING) -> list[Any]:
        expression = bind(text, fields, options=self.options)
        table = self.table(fields, rows)
        count = table.num_rows if fields else 1
        return list(evaluate(expression, dict(zip(table.column_names, table.columns, strict=True)), count).to_pylist())

    def stored(self, text: str, fields: Fields, rows: Rows, target: DesignerType) -> pa.ChunkedArray:
        conversion = convert(bind(text, fields, options=self.options), target, self.options)
        return self.query(self.table(fields, rows), to_sql(conversion.value))


@pytest.fixture(scope="session")
def evaluators() -> Iterator[Evaluators]:
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    register_udfs(connection)
    yield Evaluators(connection)
    connection.close()


@pytest.fixture
def same() -> Callable[[Any, Any], bool]:
    """Equality of values, with a little room for what libraries round differently."""

    def equal(left: Any, right: Any) -> bool:
        if isinstance(left, float) and isinstance(right, int | float):
            return left == right or abs(left - right) <= 1e-10 * max(abs(left), abs(right), 1e-3)
        return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)

    return equal
