"""Columns as plain arrays: no dictionaries, no run-lengths, no views.

A slice of such a column is as large as its rows, whereas a slice of a dictionary or view column drags the whole
dictionary or all the shared buffers along wherever it goes.
"""

from __future__ import annotations

__all__ = ["dense_batches", "dense_schema"]

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Unpacking multiplies bytes, so it is done for so many rows at a time.
_ROWS = 65_536


def dense_schema(schema: pa.Schema) -> pa.Schema:
    """Return ``schema`` with plain types, field metadata kept: what ``dense_batches`` makes of its batches."""
    return pa.schema([field.with_type(_dense_type(field.type)) for field in schema], schema.metadata)


def dense_batches(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Unpack batches that have ``schema``; those whose columns are plain pass as they are, uncopied."""
    target = dense_schema(schema)
    if target.equals(schema):
        return iter(batches)
    return (part for batch in batches for part in _unpacked(batch, target))


def _dense_type(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(type_) or pa.types.is_run_end_encoded(type_):
        return _dense_type(type_.value_type)
    if pa.types.is_string_view(type_):
        return pa.string()
    return pa.binary() if pa.types.is_binary_view(type_) else type_


def _unpacked(batch: pa.RecordBatch, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, _ROWS):
        yield from _unpacked_part(batch.slice(start, _ROWS), schema)


def _unpacked_part(batch: pa.RecordBatch, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Unpack a slice; one whose texts outgrow the 2 GiB of a plain array is halved."""
    try:
        columns = [_unpacked_column(column, field.type) for column, field in zip(batch.columns, schema, strict=True)]
    except (pa.ArrowInvalid, pa.ArrowCapacityError):
        if batch.num_rows == 1:
            raise
        half = batch.num_rows // 2
        yield from _unpacked_part(batch.slice(0, half), schema)
        yield from _unpacked_part(batch.slice(half), schema)
    else:
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _unpacked_column(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if column.type == type_:
        return column
    if pa.types.is_dictionary(column.type):
        # Not a cast: a dictionary of views has none.
        return _unpacked_column(column.dictionary, type_).take(column.indices)
    if pa.types.is_run_end_encoded(column.type):
        # Imported here: it takes 0.1 s and hardly anybody has such columns.
        import pyarrow.compute as pc

        return _unpacked_column(pc.run_end_decode(column), type_)
    return column.cast(type_)
