"""A field that is computed from its own values in other rows: evaluated in order, group by group."""

from __future__ import annotations

__all__ = ["recurrence"]

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.formula.typed import FieldRef, Typed, walk
from kedge.tools.contract import Context, Step
from kedge.tools.rowwise import evaluator, storer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kedge.formula.types import DesignerType
    from kedge.tools.schema import Field, Schema

Value = Any


def recurrence(
    groups: Sequence[str], other_rows: str, field: Field, schema: Schema, value: Typed, context: Context
) -> Step:
    """Return the step that appends or changes ``field``.

    Rows of a group need not stand together. ``other_rows`` says what rows beyond a group's edges hold: ``empty``, ``null``
    or ``nearest``. The input is held in memory.
    """
    del context
    result = schema.with_field(field).arrow()
    keys = [schema.need(name, "").name for name in groups]
    reads = {node.name for node in walk(value) if isinstance(node, FieldRef)}

    def run(records: Mapping[str, pa.RecordBatchReader]) -> Mapping[str, pa.Table]:
        table = records["Input"].read_all()
        columns = {name: table[name].to_pylist() for name in reads if name in table.column_names}
        computed = [empty_value(field.type)] * len(table) if field.name not in columns else list(columns[field.name])
        columns[field.name] = computed
        types = {node.name: node.type for node in walk(value) if isinstance(node, FieldRef)}
        _fill(columns, computed, list(_grouped(table, keys)), value, field, other_rows, types)
        array = pa.array(computed, field.type.arrow)
        place = table.schema.get_field_index(field.name)
        changed = table.append_column(field.name, array) if place < 0 else table.set_column(place, field.name, array)
        return {"Output": changed.cast(result)}

    return Step(run)


def _grouped(table: pa.Table, keys: Sequence[str]) -> Iterator[list[int]]:
    """Yield the row numbers of each group."""
    if not keys:
        yield list(range(len(table)))
        return
    found: dict[tuple[Value, ...], list[int]] = {}
    for row, key in enumerate(zip(*(table[name].to_pylist() for name in keys), strict=True)):
        found.setdefault(key, []).append(row)
    yield from found.values()


def _fill(
    columns: Mapping[str, list[Value]],
    computed: list[Value],
    groups: Sequence[list[int]],
    value: Typed,
    field: Field,
    other_rows: str,
    types: Mapping[str, DesignerType],
) -> None:
    evaluate, store = evaluator(value), storer(field.type)
    for rows in groups:
        last = len(rows) - 1
        for position, row in enumerate(rows):

            def lookup(
                name: str, offset: int, position: int = position, rows: list[int] = rows, last: int = last
            ) -> Value:
                other = position + offset
                if 0 <= other <= last:
                    return columns[name][rows[other]]
                if other_rows == "nearest":
                    return columns[name][rows[0 if other < 0 else last]]
                return empty_value(types[name]) if other_rows == "empty" else None

            computed[row] = store(evaluate(lookup))


def empty_value(type_: DesignerType) -> Value:
    """Return what a row that is not there holds: 0, an empty text, or null for dates."""
    if type_.is_string:
        return ""
    if type_.is_bool:
        return False
    return 0 if type_.is_numeric else None
