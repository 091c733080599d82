"""The way of one column into the Arrow type of its field.

No conversion changes a value, with two exceptions, which are reported: fractions of a second, which no engine
has, and the time of day of a date64. Where a field is narrower than its column, every value is checked, and
one that does not fit is an error.
"""

from __future__ import annotations

__all__ = ["ColumnConversion", "TypeWarning", "column_conversion"]

from typing import Final, NamedTuple

import pyarrow as pa
from pyarrow import types

from kedge.exceptions import UsageError
from kedge.sdk.array_steps import (
    Converted,
    Step,
    cast_or,
    cast_through,
    decode_first,
    exactly,
    first_unfit,
    floor_to,
    narrow_to,
    nulls_of,
    round_to_float,
)
from kedge.sdk.arrow_types import engine_type, is_null, unsupported_column
from kedge.sdk.fields import STRING_TYPES, Field, FieldType
from kedge.sdk.value import value

_UNITS_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_SECONDS_PER_DAY: Final = 86_400
_FRACTION: Final = "lost the fraction of a second"
_TIME_OF_DAY: Final = "lost the time of day"
_WIDEST_INTEGER: Final = pa.decimal256(20, 0)

_INTEGERS: Final = {FieldType.byte, FieldType.int16, FieldType.int32, FieldType.int64}
_FAMILIES: Final = (
    (types.is_boolean, {FieldType.bool}),
    (types.is_integer, {*_INTEGERS, FieldType.fixeddecimal, FieldType.float, FieldType.double}),
    (types.is_floating, {*_INTEGERS, FieldType.float, FieldType.double}),
    (types.is_decimal, {*_INTEGERS, FieldType.fixeddecimal}),
    (types.is_date, {FieldType.date, FieldType.datetime}),
    (types.is_timestamp, {FieldType.date, FieldType.datetime}),
    (types.is_time, {FieldType.time}),
)
"""Families of Arrow types, and the field types that can take at least some of their values as they are."""


class TypeWarning(NamedTuple):
    """What became of a column on its way to an engine; ``str()`` of it is the message for the user.

    ``values`` is the number of values that lost something, ``first_row`` the row of the first of them,
    counted from 0 at the start of the batch (at the start of the connection in what a ``BatchConverter``
    returns). With 0 ``values``, ``what`` holds for the column as a whole.
    """

    column: str
    what: str
    values: int = 0
    first_row: int = 0

    def __str__(self) -> str:
        if not self.values:
            return f"column {self.column!r} {self.what}"
        number = f"{self.values:,} values" if self.values > 1 else "1 value"
        return f"column {self.column!r}: {number} {self.what}, the first in row {self.first_row:,}"


@value
class ColumnConversion:
    """How the chunks of a column become chunks of its field's Arrow type."""

    field: Field
    source: pa.DataType
    step: Step

    def apply(self, column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, TypeWarning | None]:
        """Return the converted column, and a warning where values lost something.

        Raises ``UsageError`` with the row and the value of the first value that does not fit the field.
        """
        pieces: list[pa.Array] = []
        warning: TypeWarning | None = None
        row = 0
        for chunk in column.chunks:
            converted = self._converted(chunk, row)
            pieces += converted.pieces
            warning = _added(warning, self.field.name, row, converted)
            row += len(chunk)
        return pa.chunked_array(pieces, type=self.field.arrow_type()), warning

    def _converted(self, chunk: pa.Array, row: int) -> Converted:
        try:
            return self.step(chunk)
        except pa.ArrowInvalid:
            at = first_unfit(self.step, chunk)
            raise UsageError(
                f"column {self.field.name!r}, row {row + at:,}: {_shown(chunk[at])} ({self.source}) does not "
                f"fit {_described(self.field)}: give the field a wider type, or change the value"
            ) from None


def column_conversion(source: pa.DataType, field: Field) -> ColumnConversion | None:
    """Return how a column of an Arrow type becomes a field, or None where it has the field's type already.

    Raises ``UsageError``, naming the column, its type and what to do, for an Arrow type that no engine takes,
    and for one whose values are of another kind than the field's.
    """
    target = field.arrow_type()
    if source == target:
        return None
    natural = engine_type(source)
    if natural is None:
        raise unsupported_column(field.name, source)
    if not is_null(source) and field.type not in _takers(source):
        raise UsageError(
            f"column {field.name!r} has the Arrow type {source}, which would be {natural.kind.name}, and the "
            f"announced field is {_described(field)}: cast the column to {target}, or announce "
            f"{natural.kind.name}"
        )
    return ColumnConversion(field, source, _step(source, field))


def _takers(source: pa.DataType) -> set[FieldType]:
    """Return the field types that can take values of an Arrow type."""
    values = source.value_type if types.is_dictionary(source) else source
    for applies, takers in _FAMILIES:
        if applies(values):
            return takers
    return set(STRING_TYPES) if _is_text(values) else {FieldType.blob}


def _step(source: pa.DataType, field: Field) -> Step:
    target = field.arrow_type()
    if is_null(source):
        return nulls_of(target)
    if types.is_dictionary(source):
        values = _wide(source.value_type)
        return decode_first(values, None if values == target else _step(values, field))
    if target in (pa.string(), pa.binary()):
        return narrow_to(target)
    if types.is_temporal(source):
        return _temporal_step(source, field)
    if types.is_float64(source) and types.is_float32(target):
        return exactly(round_to_float)
    return cast_through(*_stages(source, target), target)


def _temporal_step(source: pa.DataType, field: Field) -> Step:
    target = field.arrow_type()
    if types.is_date32(source):
        return cast_through(target)
    if types.is_date64(source) and field.type is FieldType.date:
        return cast_or(floor_to(target, 1_000 * _SECONDS_PER_DAY, _TIME_OF_DAY), target)
    units_per_second = 1_000 if types.is_date64(source) else _UNITS_PER_SECOND[source.unit]
    if field.type is FieldType.date:
        return exactly(floor_to(target, units_per_second * _SECONDS_PER_DAY, _TIME_OF_DAY))
    return cast_or(floor_to(target, units_per_second, _FRACTION), target)


def _stages(source: pa.DataType, target: pa.DataType) -> list[pa.DataType]:
    """Return the types on the way, where Arrow's own cast looks at types instead of values, or fails."""
    if types.is_integer(source) and types.is_decimal(target):
        return [_WIDEST_INTEGER]
    natural = engine_type(source)
    if types.is_decimal(source) and natural:
        return [pa.decimal256(natural.size, natural.scale)]
    return []


def _wide(source: pa.DataType) -> pa.DataType:
    """Return the type with 64-bit offsets for text and bytes: one that can be gathered to any length."""
    if _is_text(source):
        return pa.large_string()
    return pa.large_binary() if _is_bytes(source) else source


def _is_text(source: pa.DataType) -> bool:
    tests = (types.is_string, types.is_large_string, types.is_string_view)
    return any(test(source) for test in tests)


def _is_bytes(source: pa.DataType) -> bool:
    tests = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    return any(test(source) for test in tests)


def _added(warning: TypeWarning | None, column: str, row: int, converted: Converted) -> TypeWarning | None:
    """Add the losses of the chunk that starts at ``row`` to those of the chunks before it."""
    lost = converted.lost
    if lost is None or not (count := lost.true_count):
        return warning
    if warning:
        return warning._replace(values=warning.values + count)
    return TypeWarning(column, converted.what, count, row + lost.index(True).as_py())


def _described(field: Field) -> str:
    digits = f" {field.size}.{field.scale}" if field.type is FieldType.fixeddecimal else ""
    return f"{field.type.name}{digits}"


def _shown(value: pa.Scalar) -> str:
    if types.is_dictionary(value.type):
        value = value.value
    if _is_text(value.type) or _is_bytes(value.type):
        return f"a value of {value.as_buffer().size:,} bytes"
    if types.is_timestamp(value.type):
        value = value.cast(pa.timestamp(value.type.unit))  # a zone would need a database of zones to be shown
    return str(value.cast(pa.string()).as_py())
