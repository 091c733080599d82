"""Arrow columns as Python lists and back, the quick way for numbers."""

from __future__ import annotations

__all__ = ["Column", "to_array", "to_list"]

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.formula.types import DesignerType

Column: TypeAlias = "pa.Array | pa.ChunkedArray"

_CODES: Final[Mapping[pa.DataType, Any]] = {
    pa.int8(): "b",
    pa.uint8(): "B",
    pa.int16(): "h",
    pa.int32(): "i",
    pa.int64(): "q",
    pa.float32(): "f",
    pa.float64(): "d",
}


def to_list(column: Column) -> list[Any]:
    """Return the values of a column; None for nulls."""
    if column.type not in _CODES:
        return list(column.to_pylist())
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    values: list[Any] = []
    for chunk in chunks:
        values += _numbers(chunk)
    return values


def _numbers(chunk: pa.Array) -> list[Any]:
    """Read the buffer of values at once, then put None where the bitmap says so."""
    if not len(chunk):
        return []
    width = chunk.type.bit_width // 8
    raw = memoryview(chunk.buffers()[1])[chunk.offset * width : (chunk.offset + len(chunk)) * width]
    values: list[Any] = raw.cast("B").cast(_CODES[chunk.type]).tolist()
    if chunk.null_count:
        import pyarrow.compute as pc  # takes longer to load than most workflows to plan

        for place in pc.indices_nonzero(chunk.is_null()).to_pylist():
            values[place] = None
    return values


def to_array(values: list[Any], kind: DesignerType) -> pa.Array:
    """Return values of a Designer type as an Arrow array of its column type."""
    return pa.array(values, kind.arrow)
