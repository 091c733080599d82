"""The functions that the engine gives to DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlglot import exp

from kedge.engines.duckdb import DuckDBEngine
from kedge.formula.sql import call, integer, text
from kedge.workflow.relations import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    opened = DuckDBEngine(tmp_path)
    yield opened
    opened.close()


def value(engine: DuckDBEngine, expression: exp.Expr) -> object:
    """Return what the engine makes of an expression."""
    return engine.fetch(Statement(exp.select(exp.alias_(expression, "value")))).column("value")[0].as_py()


def known(engine: DuckDBEngine) -> set[str]:
    """Return Kedge's functions that the database has."""
    count = exp.select("list(function_name) AS value").from_("duckdb_functions()")
    found = engine.fetch(Statement(count.where("starts_with(function_name, 'k' || 'edge_')")))
    return set(found.column("value")[0].as_py() or ())


class TestFunctions:
    """Each is registered when a statement calls it."""

    def test_there_are_none_before(self, engine: DuckDBEngine) -> None:
        assert known(engine) == set()

    def test_a_statement_has_those_that_it_calls_and_no_more(self, engine: DuckDBEngine) -> None:
        parts = call("kedge_get_part", text("a,b"), text(","), integer(1))
        assert value(engine, parts) == "b"
        assert value(engine, parts) == "b"
        assert known(engine) == {"kedge_get_part"}

    def test_notes_of_conversions_and_the_methods_of_the_regex_tool_are_among_them(self, engine: DuckDBEngine) -> None:
        noted = call("kedge_note", integer(7), text("cut"), text("abc"))
        assert value(engine, noted) == "abc"
        assert engine.conversions.counts() == {7: 1}
        assert value(engine, call("kedge_pattern_tokens", text("a1b22"), text("[0-9]+"), exp.false())) == ["1", "22"]
        assert known(engine) == {"kedge_note", "kedge_pattern_tokens"}
