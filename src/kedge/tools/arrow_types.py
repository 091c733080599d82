"""Which Designer type an Arrow column has that comes from a file."""

from __future__ import annotations

__all__ = ["designer_type"]

import pyarrow as pa

from kedge.exceptions import WorkflowError
from kedge.formula.types import (
    BLOB,
    BOOL,
    BYTE,
    DATE,
    DATETIME,
    DOUBLE,
    FLOAT,
    INT16,
    INT32,
    INT64,
    TIME,
    V_WSTRING,
    DesignerType,
)

PLAIN = {
    pa.bool_(): BOOL,
    pa.uint8(): BYTE,
    pa.int8(): INT16,
    pa.int16(): INT16,
    pa.uint16(): INT32,
    pa.int32(): INT32,
    pa.uint32(): INT64,
    pa.int64(): INT64,
    pa.uint64(): DesignerType("FixedDecimal", 20, 0),
    pa.float16(): FLOAT,
    pa.float32(): FLOAT,
    pa.float64(): DOUBLE,
    pa.date32(): DATE,
    pa.date64(): DATE,
    pa.null(): V_WSTRING,
}


def designer_type(field: pa.Field, place: str) -> DesignerType:
    """Return the type of an Arrow field; ``place`` names the file in the ``WorkflowError`` for nested types."""
    type_ = field.type
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    if type_ in PLAIN:
        return PLAIN[type_]
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return V_WSTRING
    if pa.types.is_timestamp(type_):
        return DATETIME
    if pa.types.is_time(type_):
        return TIME
    if pa.types.is_decimal(type_):
        return DesignerType("FixedDecimal", type_.precision, type_.scale)
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_):
        return BLOB
    raise WorkflowError(
        f"{place}: the column {field.name!r} has the type {type_}, which a workflow has no field type for"
    )
