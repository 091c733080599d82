"""What DuckDB lacks: functions over Arrow columns that statements call where SQL has no word for it."""

from __future__ import annotations

__all__ = ["register_functions"]

import duckdb
import pyarrow as pa

from kedge.workflow.engine import Conversions


def register_functions(connection: duckdb.DuckDBPyConnection, conversions: Conversions) -> list[str]:
    """Register the functions on a connection and return their names.

    ``kedge_note(tool, text, value)`` notes a conversion that lost something and returns ``value``; statements call it in
    a CASE branch that only such rows reach, so rows that convert well cost nothing.
    """

    def note(tool: pa.ChunkedArray, text: pa.ChunkedArray, value: pa.ChunkedArray) -> pa.ChunkedArray:
        conversions.note(tool, text)
        return value

    connection.create_function(
        "kedge_note",
        note,  # type: ignore[arg-type]
        ["BIGINT", "VARCHAR", "VARCHAR"],  # type: ignore[list-item]
        "VARCHAR",  # type: ignore[arg-type]
        type="arrow",  # type: ignore[arg-type]
        null_handling="special",  # type: ignore[arg-type]
        side_effects=True,
    )
    return ["kedge_note"]
