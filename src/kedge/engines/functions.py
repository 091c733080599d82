"""What DuckDB lacks: functions over Arrow columns that statements call where SQL has no word for it."""

from __future__ import annotations

__all__ = ["Functions"]

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.formula.options import FormulaOptions
from kedge.formula.regexes import Pattern, pattern_of, replace
from kedge.formula.udfs import register

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from kedge.workflow.engine import Conversions

OPTIONS = FormulaOptions()
NOTE, COUNTED = "kedge_note", "kedge_counted"
_NAMES = re.compile(r"\bkedge_\w+", re.IGNORECASE)  # sqlglot writes the names of functions in capitals
Column = Any  # an Arrow array, which has no types to name


class Functions:
    """The functions of one database, each registered when the first statement that calls it comes.

    To register all of them takes longer than the statement of a small workflow. Not for several threads at once.
    ``kedge_note(tool, text, value)`` notes a conversion that lost something and returns ``value``; statements call it
    in a CASE branch that only such rows reach, so rows that convert well cost nothing. ``kedge_counted(number, rows)``
    reports a number of records to ``counted`` and returns it. ``kedge_pattern_…`` are the methods of the RegEx tool.
    The functions of the expression language register themselves.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, conversions: Conversions, counted: dict[int, int]
    ) -> None:
        self._connection = connection
        self._conversions = conversions
        self._counted = counted
        self._looked_for: set[str] = set()
        self._registered: list[str] = []

    def provide(self, statement: str) -> None:
        """Register what a statement calls, for all connections of the database."""
        names = {name.lower() for name in _NAMES.findall(statement)} - self._looked_for
        if not names:
            return
        self._looked_for |= names
        if NOTE in names:
            self._add(NOTE, self._note, ["BIGINT", "VARCHAR", "VARCHAR"], "VARCHAR", volatile=True)
        if COUNTED in names:
            self._add(COUNTED, self._count, ["BIGINT", "BIGINT"], "BIGINT", volatile=True)
        for name in names & REGEX_FUNCTIONS.keys():
            function, extra, result = REGEX_FUNCTIONS[name]
            self._add(name, function, ["VARCHAR", "VARCHAR", "BOOLEAN", *extra], result)
        self._registered += register(self._connection, names)

    def remove(self) -> None:
        """Take the functions from the database, which else holds what they hold."""
        for name in self._registered:
            self._connection.remove_function(name)
        self._registered.clear()

    def _note(self, tool: Column, text: Column, value: Column) -> Column:
        self._conversions.note(tool, text)
        return value

    def _count(self, place: Column, rows: Column) -> Column:
        places, counts = pa.chunked_array(place).to_pylist(), pa.chunked_array(rows).to_pylist()
        self._counted.update(zip(places, counts, strict=True))
        return rows

    def _add(
        self, name: str, function: Callable[..., Column], parameters: list[str], result: str, volatile: bool = False
    ) -> None:
        self._connection.create_function(  # type: ignore[call-overload]
            name, function, parameters, result, type="arrow", null_handling="special", side_effects=volatile
        )
        self._registered.append(name)


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
