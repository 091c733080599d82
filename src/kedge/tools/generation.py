"""Rows generated step by step, where no series says them: any first value, any condition, any step."""

from __future__ import annotations

__all__ = ["generation"]

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.exceptions import WorkflowError
from kedge.tools.contract import Context, Step
from kedge.tools.rowwise import evaluator, storer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kedge.formula.typed import Typed
    from kedge.tools.schema import Field, Schema

BATCH_ROWS = 65_536
MOST_STEPS = 1 << 31


def generation(field: Field, schema: Schema, expressions: tuple[Typed, Typed, Typed], context: Context) -> Step:
    """Return the step that makes the rows; ``expressions`` are the first value, the condition and the next value."""
    del context
    first, holds, following = map(evaluator, expressions)
    store = storer(field.type)
    result = schema.with_field(field)

    def values(row: dict[str, Any]) -> Iterator[Any]:
        row = {**row, field.name: None}
        row[field.name] = store(first(lambda name, _: row[name]))
        before: Any = None
        for count in range(MOST_STEPS):
            if not holds(lambda name, _: row[name]):
                return
            if count and row[field.name] == before:
                raise WorkflowError(
                    f"the loop never ends: {field.name!r} stays {before!r}; correct the loop expression"
                )
            yield row[field.name]
            before = row[field.name]
            row[field.name] = store(following(lambda name, _: row[name]))

    def batches(rows: Iterator[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
        made: list[dict[str, Any]] = []
        for row in rows:
            for value in values(row):
                made.append({**row, field.name: value})
                if len(made) == BATCH_ROWS:
                    yield pa.RecordBatch.from_pylist(made, result.arrow())
                    made = []
        yield pa.RecordBatch.from_pylist(made, result.arrow())

    def run(records: Mapping[str, pa.RecordBatchReader]) -> Mapping[str, pa.RecordBatchReader]:
        rows: Iterator[dict[str, Any]] = iter([{}])
        if "Input" in records:
            rows = (row for batch in records["Input"] for row in batch.to_pylist())
        return {"Output": pa.RecordBatchReader.from_batches(result.arrow(), batches(rows))}

    return Step(run)
