"""A field that is computed from its own values in other rows: evaluated in order, group by group."""

from __future__ import annotations

__all__ = ["recurrence", "report_losses"]

from itertools import accumulate
from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.formula import compile_fold
from kedge.tools.contract import Context, Step
from kedge.tools.expressions import options_of
from kedge.tools.noting import noted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.formula import Typed
    from kedge.formula.folding import Edges
    from kedge.tools.schema import Field, Schema


def recurrence(
    groups: Sequence[str], edges: Edges, field: Field, schema: Schema, value: Typed, context: Context
) -> Step:
    """Return the step that appends or changes ``field``.

    Rows of a group need not stand together; ``edges`` says what rows beyond a group's edges hold. The input is held in
    memory.
    """
    result = schema.with_field(field).arrow()
    keys = [schema.need(name, "").name for name in groups]
    created = field.name not in schema
    told = noted(value, context)
    fold = compile_fold(told, field.name, field.type, created=created, edges=edges, options=options_of(context))

    def run(records: Mapping[str, pa.RecordBatchReader]) -> Mapping[str, pa.Table]:
        import pyarrow.compute as pc  # for this alone

        table = records["Input"].read_all()
        places = _grouped(table, keys)
        order = pa.array([row for rows in places for row in rows], pa.int64()) if keys else None
        starts = list(accumulate((len(rows) for rows in places[:-1]), initial=0))
        columns = {name: table[name].combine_chunks() for name in table.column_names}
        if order is not None:
            columns = {name: column.take(order) for name, column in columns.items()}
        folded = fold.run(columns, len(table), starts)
        report_losses(context, field.name, folded.problems, folded.examples, folded.told)
        computed = folded.values if order is None else folded.values.take(pc.sort_indices(order))
        place = table.schema.get_field_index(field.name)
        changed = (
            table.append_column(field.name, computed) if created else table.set_column(place, field.name, computed)
        )
        return {"Output": changed.cast(result)}

    return Step(run)


def _grouped(table: pa.Table, keys: Sequence[str]) -> list[Sequence[int]]:
    """Return the row numbers of each group."""
    if not keys:
        return [range(len(table))]
    found: dict[tuple[object, ...], list[int]] = {}
    for row, key in enumerate(zip(*(table[name].to_pylist() for name in keys), strict=True)):
        found.setdefault(key, []).append(row)
    return list(found.values()) or [range(0)]


def report_losses(context: Context, field: str, problems: int, examples: Sequence[object], told: str) -> None:
    """Report values that were lost when they were stored in a field."""
    for example in examples:
        context.report("conversion", f"{field}: {example} {told}")
    if problems > len(examples):
        context.report("conversion", f"{field}: {examples[-1]} {told}", problems - len(examples))
