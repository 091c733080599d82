"""Rows generated step by step, where no series says them: any first value, any condition, any step."""

from __future__ import annotations

__all__ = ["generation"]

from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.exceptions import WorkflowError
from kedge.formula import compile_generator
from kedge.tools.contract import Context, Step
from kedge.tools.expressions import options_of
from kedge.tools.noting import noted
from kedge.tools.recurrence import report_losses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kedge.formula import Typed
    from kedge.formula.generating import Generated
    from kedge.tools.schema import Field, Schema

PIECE = 65_536


def generation(field: Field, schema: Schema, expressions: tuple[Typed, Typed, Typed], context: Context) -> Step:
    """Return the step that makes the rows; ``expressions`` are the first value, the condition and the next value."""
    first, holds, step = (noted(each, context) for each in expressions)
    generator = compile_generator(first, holds, step, field.name, field.type, options_of(context))
    result = schema.with_field(field).arrow()

    def batches(arriving: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in arriving:
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            for made in generator.run(columns, batch.num_rows, PIECE):
                _refuse_standstill(made, field)
                report_losses(context, field.name, made.problems, made.examples, generator.told)
                yield _joined(batch, made, field, result)

    def run(records: Mapping[str, pa.RecordBatchReader]) -> Mapping[str, pa.RecordBatchReader]:
        arriving = records["Input"] if "Input" in records else [_one_row()]
        return {"Output": pa.RecordBatchReader.from_batches(result, batches(arriving))}

    return Step(run)


def _one_row() -> pa.RecordBatch:
    """Return one row without fields: what stands in for the input where none is connected."""
    return pa.RecordBatch.from_struct_array(pa.array([{}], pa.struct([])))


def _joined(batch: pa.RecordBatch, made: Generated, field: Field, result: pa.Schema) -> pa.RecordBatch:
    columns = {name: batch[name].take(made.rows) for name in batch.schema.names}
    columns[field.name] = made.values
    return pa.RecordBatch.from_arrays([columns[name] for name in result.names], names=result.names).cast(result)


def _refuse_standstill(made: Generated, field: Field) -> None:
    """Raise ``WorkflowError`` for a whole piece of one value of one row: such a loop never ends."""
    if len(made.values) < PIECE or made.rows[0] != made.rows[-1]:
        return
    if all(len(values.unique()) == 1 for values in (made.values[:2], made.values)):  # the first two tell most apart
        value = made.values[0].as_py()
        raise WorkflowError(f"the loop never ends: {field.name!r} stays {value!r}; correct the loop expression")
