"""Which field type an Arrow type stands for, and which Arrow types no engine takes."""

from __future__ import annotations

__all__ = ["FIXED_SIZES", "EngineType", "engine_type", "has_room", "holds", "is_null", "unsupported_column"]

from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
from pyarrow import types

from kedge.exceptions import UsageError
from kedge.sdk.fields import MAX_PRECISION, MAX_VARIABLE_SIZE, STRING_TYPES, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

FIXED_SIZES: Final = {
    FieldType.bool: 1,
    FieldType.byte: 1,
    FieldType.int16: 2,
    FieldType.int32: 4,
    FieldType.int64: 8,
    FieldType.float: 4,
    FieldType.double: 8,
    FieldType.date: 10,
    FieldType.time: 8,
    FieldType.datetime: 19,
}
"""The sizes that engines give to fields of a fixed width: bytes of a number, characters of a date or time."""


class EngineType(NamedTuple):
    """A field without its name: type, size and scale as in ``Field``."""

    kind: FieldType
    size: int
    scale: int = 0


_TEXT: Final = EngineType(FieldType.v_wstring, MAX_VARIABLE_SIZE)
_BYTES: Final = EngineType(FieldType.blob, MAX_VARIABLE_SIZE)
_UINT64: Final = EngineType(FieldType.fixeddecimal, 20)  # as many digits as 2**64 - 1 has


def _fixed(kind: FieldType) -> EngineType:
    return EngineType(kind, FIXED_SIZES[kind])


_SIMPLE: Final = {
    pa.null(): _TEXT,
    pa.bool_(): _fixed(FieldType.bool),
    pa.uint8(): _fixed(FieldType.byte),
    pa.int8(): _fixed(FieldType.int16),
    pa.int16(): _fixed(FieldType.int16),
    pa.uint16(): _fixed(FieldType.int32),
    pa.int32(): _fixed(FieldType.int32),
    pa.uint32(): _fixed(FieldType.int64),
    pa.int64(): _fixed(FieldType.int64),
    pa.uint64(): _UINT64,
    pa.float16(): _fixed(FieldType.float),
    pa.float32(): _fixed(FieldType.float),
    pa.float64(): _fixed(FieldType.double),
    pa.string(): _TEXT,
    pa.large_string(): _TEXT,
    pa.string_view(): _TEXT,
    pa.date32(): _fixed(FieldType.date),
    pa.date64(): _fixed(FieldType.date),
    pa.binary(): _BYTES,
    pa.large_binary(): _BYTES,
    pa.binary_view(): _BYTES,
}

_NARROWER: Final = {
    FieldType.int16: {FieldType.byte},
    FieldType.int32: {FieldType.byte, FieldType.int16},
    FieldType.int64: {FieldType.byte, FieldType.int16, FieldType.int32},
    FieldType.float: {FieldType.byte, FieldType.int16},
    FieldType.double: {FieldType.byte, FieldType.int16, FieldType.int32, FieldType.float},
    FieldType.datetime: {FieldType.date},
    **dict.fromkeys(STRING_TYPES, STRING_TYPES),
}
"""For each field type, the others whose every value it can take."""


def engine_type(arrow_type: pa.DataType) -> EngineType | None:
    """Return what an engine makes of an Arrow type, or None where no field type can hold its values.

    A string without further word is a v_wstring and a binary a blob, both without a limit; whole numbers take
    the next wider signed type, a uint64 a fixeddecimal of 20 digits; a null column is an empty v_wstring; a
    dictionary counts as its values.
    """
    if types.is_dictionary(arrow_type):
        return engine_type(arrow_type.value_type)
    if types.is_decimal(arrow_type):
        return _decimal(arrow_type)
    if types.is_timestamp(arrow_type):
        return _fixed(FieldType.datetime)
    if types.is_time(arrow_type):
        return _fixed(FieldType.time)
    if types.is_fixed_size_binary(arrow_type):
        return _BYTES
    return None if isinstance(arrow_type, pa.BaseExtensionType) else _SIMPLE.get(arrow_type)


def holds(kind: FieldType, arrow_type: pa.DataType) -> bool:
    """Say whether a field of type ``kind`` can take every value of an Arrow type.

    A second's fraction, which no engine has, and the digits of a decimal, which are a matter of the field's
    size, count for nothing here.
    """
    found = engine_type(arrow_type)
    return found is not None and (found.kind is kind or is_null(arrow_type) or found.kind in _NARROWER.get(kind, ()))


def has_room(size: int, scale: int, needed: EngineType) -> bool:
    """Say whether a decimal of ``size`` digits, ``scale`` of them after the point, can take ``needed``."""
    return needed.scale <= scale and needed.size - needed.scale <= size - scale and size <= MAX_PRECISION


def is_null(arrow_type: pa.DataType) -> bool:
    """Say whether an Arrow type can hold nothing but nulls."""
    return types.is_null(arrow_type) or (types.is_dictionary(arrow_type) and is_null(arrow_type.value_type))


def unsupported_column(name: str, arrow_type: pa.DataType) -> UsageError:
    """Return the error for a column that ``engine_type`` has no answer for: what it is, and what to do."""
    inner = arrow_type.value_type if types.is_dictionary(arrow_type) else arrow_type
    advice = next((text for applies, text in _ADVICE if applies(inner)), "cast it to a number, text or bytes")
    return UsageError(f"column {name!r} has the Arrow type {arrow_type}, which no engine takes: {advice}")


def _decimal(arrow_type: pa.DataType) -> EngineType | None:
    """Write a negative scale out as digits before the point; 76 digits are the most that Arrow has."""
    precision, scale = arrow_type.precision, arrow_type.scale
    digits = precision + max(0, -scale)
    return EngineType(FieldType.fixeddecimal, digits, max(0, scale)) if digits <= MAX_PRECISION else None


def _is_any_list(arrow_type: pa.DataType) -> bool:
    tests = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    return any(test(arrow_type) for test in (*tests, types.is_list_view, types.is_large_list_view))


_ADVICE: Final[tuple[tuple[Callable[[pa.DataType], bool], str], ...]] = (
    (
        lambda arrow_type: isinstance(arrow_type, pa.BaseExtensionType),
        "use its storage instead (pyarrow: column.cast(column.type.storage_type)), or write it as text",
    ),
    (_is_any_list, "write it as text (for example with json.dumps), or one row for each item"),
    (types.is_map, "write it as text (for example with json.dumps), or one row for each key"),
    (types.is_struct, "write one column for each member (pyarrow: Table.flatten()), or text"),
    (types.is_union, "write one column for each alternative, or text"),
    (types.is_duration, "write a number in a unit of your choice (pyarrow: cast to int64), or text"),
    (types.is_interval, "write its months, days and nanoseconds as numbers, or text"),
    (types.is_run_end_encoded, "write it decoded (pyarrow.compute.run_end_decode)"),
    (types.is_decimal, "cast it to a decimal with a scale of 0 or more and at most 76 digits"),
)
