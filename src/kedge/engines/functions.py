"""What DuckDB lacks: functions over Arrow columns that statements call where SQL has no word for it."""

from __future__ import annotations

__all__ = ["register_functions"]

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.formula.options import FormulaOptions
from kedge.formula.regexes import Pattern, pattern_of, replace
from kedge.formula.udfs import UDFS, register

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from kedge.workflow.engine import Conversions

OPTIONS = FormulaOptions()
Column = Any  # an Arrow array, which has no types to name


def register_functions(
    connection: duckdb.DuckDBPyConnection, conversions: Conversions, counted: dict[int, int]
) -> list[str]:
    """Register the functions on a connection and return their names.

    ``kedge_note(tool, text, value)`` notes a conversion that lost something and returns ``value``; statements call it
    in a CASE branch that only such rows reach, so rows that convert well cost nothing. ``kedge_counted(number, rows)``
    reports a number of records to ``counted`` and returns it. ``kedge_pattern_…`` are the methods of the RegEx tool.
    The functions of the expression language register themselves.
    """

    def note(tool: Column, text: Column, value: Column) -> Column:
        conversions.note(tool, text)
        return value

    def count(place: Column, rows: Column) -> Column:
        counted.update(zip(pa.chunked_array(place).to_pylist(), pa.chunked_array(rows).to_pylist(), strict=True))
        return rows

    _register(connection, "kedge_counted", count, ["BIGINT", "BIGINT"], "BIGINT", volatile=True)
    _register(connection, "kedge_note", note, ["BIGINT", "VARCHAR", "VARCHAR"], "VARCHAR", volatile=True)
    for name, (function, extra, result) in REGEX_FUNCTIONS.items():
        _register(connection, name, function, ["VARCHAR", "VARCHAR", "BOOLEAN", *extra], result)
    register(connection)
    return ["kedge_note", "kedge_counted", *REGEX_FUNCTIONS, *(udf.name for udf in UDFS())]


def _register(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    function: Callable[..., Column],
    parameters: list[str],
    result: str,
    volatile: bool = False,
) -> None:
    connection.create_function(  # type: ignore[call-overload]
        name, function, parameters, result, type="arrow", null_handling="special", side_effects=volatile
    )


def _pattern(pattern: Column, ignore_case: Column) -> Pattern:
    return pattern_of(_first(pattern), _first(ignore_case), OPTIONS)


def _first(array: Column) -> Any:
    return array[0].as_py() if len(array) else None


def _tokens(values: Column, pattern: Column, ignore_case: Column) -> Column:
    """Return every match, or its first group where the pattern marks one; null for null."""
    if not len(values):
        return pa.array([], pa.list_(pa.string()))
    compiled = _pattern(pattern, ignore_case)
    group = 1 if compiled.groups else 0
    found = [
        None if text is None else [match[group] for match in compiled.python.finditer(text)]
        for text in values.to_pylist()
    ]
    return pa.array(found, pa.list_(pa.string()))


def _groups(values: Column, pattern: Column, ignore_case: Column) -> Column:
    """Return the groups of the first match anywhere in the text; null where there is none."""
    if not len(values):
        return pa.array([], pa.list_(pa.string()))
    compiled = _pattern(pattern, ignore_case)
    found = (None if text is None else compiled.python.search(text) for text in values.to_pylist())
    return pa.array([None if match is None else list(match.groups()) for match in found], pa.list_(pa.string()))


def _matches(values: Column, pattern: Column, ignore_case: Column) -> Column:
    """Tell whether the whole text matches."""
    if not len(values):
        return pa.array([], pa.bool_())
    compiled = _pattern(pattern, ignore_case)
    return pa.array(
        [None if text is None else compiled.python.fullmatch(text) is not None for text in values.to_pylist()],
        pa.bool_(),
    )


def _replace(values: Column, pattern: Column, ignore_case: Column, replacement: Column, copy: Column) -> Column:
    """Replace every match; with ``copy`` off only the replaced matches are left of the text."""
    if not len(values):
        return pa.array([], pa.string())
    compiled = _pattern(pattern, ignore_case)
    written = _first(replacement)

    def change(text: str) -> str:
        if _first(copy):
            return replace(compiled, text, written)
        return "".join(replace(compiled, match[0], written) for match in compiled.python.finditer(text))

    return pa.array([None if text is None else change(text) for text in values.to_pylist()], pa.string())


REGEX_FUNCTIONS: dict[str, tuple[Callable[..., Column], list[str], str]] = {
    "kedge_pattern_tokens": (_tokens, [], "VARCHAR[]"),
    "kedge_pattern_groups": (_groups, [], "VARCHAR[]"),
    "kedge_pattern_matches": (_matches, [], "BOOLEAN"),
    "kedge_pattern_replace": (_replace, ["VARCHAR", "BOOLEAN"], "VARCHAR"),
}
