"""Tables compared, with the differences in words: which column, which row, both values."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from kedge.exceptions import UsageError
from kedge.host.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Tolerance", "assert_tables_equal", "table_differences"]

_SHOWN = 10
_VALUE_CHARACTERS = 80


class Tolerance(NamedTuple):
    """How far two floating-point numbers may be apart: ``absolute + relative * |expected|``."""

    relative: float = 0.0
    absolute: float = 0.0

    def allows(self, actual: float, expected: float) -> bool:
        """Whether the two count as equal; NaN equals NaN."""
        if math.isnan(actual) or math.isnan(expected) or math.isinf(actual) or math.isinf(expected):
            return actual == expected or (math.isnan(actual) and math.isnan(expected))
        return abs(actual - expected) <= self.absolute + self.relative * abs(expected)


def assert_tables_equal(
    actual: object,
    expected: object,
    *,
    ignore_row_order: bool = False,
    ignore_column_order: bool = False,
    check_types: bool = True,
    check_metadata: bool = False,
    rtol: float = 0.0,
    atol: float = 0.0,
) -> None:
    """Raise AssertionError that says where two tables differ, ten differences at most.

    Each is a Table, or anything else with the Arrow PyCapsule stream interface, or a dict of columns; a dict gets the
    column types of the other. Null equals null, NaN equals NaN. ``rtol`` and ``atol`` are the tolerance, relative to
    the expected value and absolute, for floating-point columns. ``check_metadata`` also compares the metadata of the
    fields, which holds the engine's types and sizes.
    """
    left, right = _as_tables(actual, expected)
    if ignore_column_order and set(left.column_names) == set(right.column_names):
        left = left.select(right.column_names)
    tolerance = Tolerance(rtol, atol)
    differences = table_differences(
        left,
        right,
        tolerance,
        ignore_row_order=ignore_row_order,
        check_types=check_types,
        check_metadata=check_metadata,
    )
    if differences:
        shown = "\n".join(f"  {difference}" for difference in differences[:_SHOWN])
        more = f"\n  and {len(differences) - _SHOWN:,} more differences" if len(differences) > _SHOWN else ""
        raise AssertionError(f"the tables differ (actual, expected):\n{shown}{more}")


def table_differences(
    actual: pa.Table,
    expected: pa.Table,
    tolerance: Tolerance = Tolerance(),  # noqa: B008 - an immutable value
    *,
    ignore_row_order: bool = False,
    check_types: bool = True,
    check_metadata: bool = False,
) -> list[str]:
    """Every difference in words, an empty list where there is none. Those of the columns come alone."""
    if structure := list(_schema_differences(actual.schema, expected.schema, check_types, check_metadata)):
        return structure
    if ignore_row_order:
        return list(_differences_in_any_order(actual, expected, tolerance))
    found = []
    if actual.num_rows != expected.num_rows:
        found.append(f"{actual.num_rows:,} rows, expected {expected.num_rows:,}")
    rows = min(actual.num_rows, expected.num_rows)
    for name, left, right in zip(actual.column_names, actual.columns, expected.columns, strict=True):
        found += _value_differences(name, left.slice(0, rows), right.slice(0, rows), tolerance)
    found += _rows_beyond("actual", actual, rows)
    found += _rows_beyond("expected", expected, rows)
    return found


def _as_tables(actual: object, expected: object) -> tuple[pa.Table, pa.Table]:
    """Both as Tables; plain columns take the types of the other side."""
    if isinstance(actual, dict):
        right = _table(expected)
        return _columns_as(actual, right.schema), right
    left = _table(actual)
    return left, _columns_as(expected, left.schema) if isinstance(expected, dict) else _table(expected)


def _table(value: object) -> pa.Table:
    if isinstance(value, pa.Table):
        return value
    if isinstance(value, dict):
        return pa.table(value)
    with open_source(value) as source:
        return pa.Table.from_batches(source.batches(), schema=source.schema)


def _columns_as(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    arrays = {}
    for name, values in columns.items():
        wanted = schema.field(name).type if name in schema.names else None
        try:
            arrays[name] = pa.array(values, wanted)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise UsageError(f"the values of column {name!r} do not go into its type {wanted}: {error}") from error
    return pa.table(arrays)


def _schema_differences(actual: pa.Schema, expected: pa.Schema, types: bool, metadata: bool) -> Iterator[str]:
    for name in expected.names:
        if name not in actual.names:
            yield f"column {name!r} is missing; there are {_listed(actual.names)}"
    for name in actual.names:
        if name not in expected.names:
            yield f"column {name!r} is not expected; expected are {_listed(expected.names)}"
    if set(actual.names) == set(expected.names) and actual.names != expected.names:
        yield f"the columns are in the order {_listed(actual.names)}, expected {_listed(expected.names)}"
    for field in expected:
        if actual.names.count(field.name) != 1:
            continue
        found = actual.field(field.name)
        if types and found.type != field.type:
            yield f"column {field.name!r} is {found.type}, expected {field.type}"
        elif metadata and (found.metadata or {}) != (field.metadata or {}):
            yield f"column {field.name!r} has the metadata {_texts(found)}, expected {_texts(field)}"


def _value_differences(
    name: str, actual: pa.ChunkedArray, expected: pa.ChunkedArray, tolerance: Tolerance
) -> Iterator[str]:
    if _plainly_equal(actual, expected):
        return
    for row, (left, right) in enumerate(zip(_pylist(actual), _pylist(expected), strict=True)):
        if not _same(left, right, tolerance):
            yield f"column {name!r}, row {row}: {_shown(left)}, expected {_shown(right)}"


def _plainly_equal(actual: pa.ChunkedArray, expected: pa.ChunkedArray) -> bool:
    """Whether Arrow finds them equal, which is quick; False where they may be equal all the same, such as with NaN."""
    return bool(actual.type == expected.type and actual.equals(expected))


def _pylist(column: pa.ChunkedArray) -> list[Any]:
    """Python's values; bytes of text that is no UTF-8, numbers of times that Python cannot hold."""
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        return pc.cast(column, pa.binary()).to_pylist()  # type: ignore[no-any-return]
    except (ValueError, OverflowError):
        return pc.cast(column, pa.int64()).to_pylist()  # type: ignore[no-any-return]


def _same(left: Any, right: Any, tolerance: Tolerance) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return tolerance.allows(left, right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_same(a, b, tolerance) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key], tolerance) for key in left)
    return bool(left == right)


def _differences_in_any_order(actual: pa.Table, expected: pa.Table, tolerance: Tolerance) -> Iterator[str]:
    """Rows that only one side has; as many on both sides are told apart value by value."""
    only_actual, only_expected = _unmatched(_rows(actual), _rows(expected), tolerance)
    if actual.num_rows != expected.num_rows:
        yield f"{actual.num_rows:,} rows, expected {expected.num_rows:,}"
    if len(only_actual) != len(only_expected):
        yield from (f"not expected: the row {_row_text(actual, row)}" for row in only_actual)
        yield from (f"missing: the row {_row_text(expected, row)}" for row in only_expected)
        return
    for found, wanted in zip(only_actual, only_expected, strict=True):
        where = f"in the row {_row_text(expected, wanted)}"
        for name, left, right in zip(actual.column_names, found.values, wanted.values, strict=True):
            if not _same(left, right, tolerance):
                yield f"column {name!r}, {where}: {_shown(left)}, expected {_shown(right)}"


def _unmatched(actual: list[_Row], expected: list[_Row], tolerance: Tolerance) -> tuple[list[_Row], list[_Row]]:
    """The rows of either side without a counterpart, sorted.

    Near rows are paired in the order of their numbers, among those that are equal in all other columns.
    """
    left, right = Counter(actual), Counter(expected)
    only_left, only_right = sorted((left - right).elements()), sorted((right - left).elements())
    if tolerance == Tolerance():
        return only_left, only_right
    waiting: dict[str, deque[_Row]] = {}
    for row in only_right:
        waiting.setdefault(row.exact, deque()).append(row)
    far = []
    for row in only_left:
        near = waiting.get(row.exact)
        if near and _same(row.values, near[0].values, tolerance):
            near.popleft()
        else:
            far.append(row)
    return far, sorted(row for rows in waiting.values() for row in rows)


class _Row:
    """The values of a row, hashable and sortable whatever they are."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values
        self.exact = repr([value for value in values if not isinstance(value, float)])
        # Adding zero makes one of the two zeros; NaN sorts last.
        self._numbers = [(math.isnan(v), 0.0 if math.isnan(v) else v + 0.0) for v in values if isinstance(v, float)]
        self._places = [isinstance(value, float) for value in values]

    def _key(self) -> tuple[str, list[bool], list[tuple[bool, float]]]:
        return self.exact, self._places, self._numbers

    def __lt__(self, other: _Row) -> bool:
        return self._key() < other._key()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Row) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.exact, *self._numbers))


def _rows(table: pa.Table) -> list[_Row]:
    return [_Row(list(row)) for row in zip(*map(_pylist, table.columns), strict=True)]


def _row_text(table: pa.Table, row: _Row) -> str:
    return ", ".join(f"{name}={_shown(value)}" for name, value in zip(table.column_names, row.values, strict=True))


def _rows_beyond(side: str, table: pa.Table, rows: int) -> Iterator[str]:
    for row in _rows(table.slice(rows, _SHOWN)):
        yield f"only {side} has the row {_row_text(table, row)}"


def _shown(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[:_VALUE_CHARACTERS]}… ({len(value):,} long)"


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _texts(field: pa.Field) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
