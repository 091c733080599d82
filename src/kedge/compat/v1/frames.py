"""Frames of pandas from Arrow tables and back, in the types that V1 tools work with.

=============================  ===================================  ==================================================
field type                     dtype of the column                  a missing value
=============================  ===================================  ==================================================
bool                           ``boolean``                          ``pd.NA``
byte, int16, int32, int64      ``UInt8``, ``Int16`` … ``Int64``     ``pd.NA``; never a float
float, double                  ``float32``, ``float64``             NaN
fixeddecimal                   object of ``decimal.Decimal``        None
strings, spatialobj (WKT)      ``str`` of pandas 3, object before   NaN in pandas 3, None before
date, time                     object of ``datetime.date``/``time``  None
datetime                       ``datetime64[s]``                    NaT
blob                           object of ``bytes``                  None
=============================  ===================================  ==================================================

pandas is imported here when a frame is made, not before.
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyarrow import types

from kedge.exceptions import KedgeError, UsageError
from kedge.sdk.conversions import column_conversion
from kedge.sdk.fields import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from kedge.sdk.fields import Field, Metadata

__all__ = ["check_columns", "frame_from_table", "table_from_frame"]

_PARSERS: Final = {
    FieldType.date: date.fromisoformat,
    FieldType.time: time.fromisoformat,
    FieldType.datetime: datetime.fromisoformat,
}
"""The fields whose values may be written as ISO text."""

_CONVERSION_ERRORS: Final = (pa.ArrowException, TypeError, ValueError, OverflowError)
_SHOWN_CHARACTERS: Final = 80


def frame_from_table(table: pa.Table) -> pd.DataFrame:
    """The records of an engine's table as a frame; the table above says in which dtypes."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_nullable_dtypes().get)
    return frame


def check_columns(metadata: Metadata, frame: pd.DataFrame) -> None:
    """Raise UsageError naming the columns where a frame does not have exactly those of the metadata, in any order."""
    wanted, present = [field.name for field in metadata], [str(name) for name in frame.columns]
    twice = sorted({name for name in present if present.count(name) > 1})
    problems = [
        *(f"{name!r} is missing" for name in wanted if name not in present),
        *(f"{name!r} is not in the metadata" for name in present if name not in wanted),
        *(f"{name!r} is there more than once" for name in twice),
    ]
    if problems:
        raise UsageError(
            f"the frame does not have the columns of the metadata: {', '.join(problems)}; "
            f"the metadata has {', '.join(map(repr, wanted)) or 'no fields'}"
        )


def table_from_frame(metadata: Metadata, frame: pd.DataFrame) -> pa.Table:
    """The records of a frame as a table with the columns of the metadata in their order; its index is left out.

    Columns come in the types that Arrow finds for them, for the anchor to convert and check, except where the field's
    type is needed to understand them (dates written as text, mixed objects). Raises UsageError naming column, row and
    value for a value that cannot be of the field's type.
    """
    check_columns(metadata, frame)
    columns = {str(name): frame.iloc[:, number] for number, name in enumerate(frame.columns)}
    arrays = [_column(columns[field.name], field) for field in metadata]
    described = [_described(field, array.type) for field, array in zip(metadata, arrays, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(described))


def _described(field: Field, arrow_type: pa.DataType) -> pa.Field:
    """The field as it is announced, where the values have its type already; else the anchor will see to it."""
    return field.to_arrow() if arrow_type == field.arrow_type() else pa.field(field.name, arrow_type)


def _column(series: pd.Series[Any], field: Field) -> pa.Array | pa.ChunkedArray:
    try:
        natural = pa.array(series, from_pandas=True)
    except _CONVERSION_ERRORS:
        return _converted(series, field)
    if field.type in _PARSERS and (types.is_string(natural.type) or types.is_large_string(natural.type)):
        return _parsed(natural, series, field)
    try:
        column_conversion(natural.type, field)
    except UsageError as error:
        first = _first_present(series)
        if first is None:
            return pa.nulls(len(series), field.arrow_type())
        raise _unfit(series, field, first, str(error)) from None
    return natural


def _converted(series: pd.Series[Any], field: Field) -> pa.Array | pa.ChunkedArray:
    """Objects of several kinds, each turned into the field's type by itself."""
    target = field.arrow_type()
    try:
        return pa.array(series, type=target, from_pandas=True)
    except _CONVERSION_ERRORS as error:
        row, reason = _first_refused(series, lambda value: pa.array([value], type=target, from_pandas=True))
        raise _unfit(series, field, row, reason or str(error)) from None


def _parsed(texts: pa.Array | pa.ChunkedArray, series: pd.Series[Any], field: Field) -> pa.Array | pa.ChunkedArray:
    """Dates and times written as ISO text."""
    parse = _PARSERS[field.type]
    try:
        return pa.array([None if text is None else parse(text) for text in texts.to_pylist()])
    except ValueError as error:
        row, reason = _first_refused(texts.to_pylist(), lambda text: text is None or parse(text))
        raise _unfit(series, field, row, reason) from error


def _first_refused(values: Iterable[Any], convert: Callable[[Any], object]) -> tuple[int, str]:
    """The row of the first value that ``convert`` refuses, and why."""
    for row, value in enumerate(values):
        try:
            convert(value)
        except _CONVERSION_ERRORS as reason:  # noqa: PERF203 - one failure ends the loop
            return row, str(reason)
    return 0, ""


def _unfit(series: pd.Series[Any], field: Field, row: int, reason: str) -> UsageError:
    value = repr(series.iloc[row])
    shown = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}…"
    return UsageError(
        f"column {field.name!r}, row {row:,}: {shown} ({type(series.iloc[row]).__name__}) does not fit "
        f"{field.type.name}: {reason}"
    )


def _first_present(series: pd.Series[Any]) -> int | None:
    present = series.notna().to_numpy().nonzero()[0]
    return int(present[0]) if len(present) else None


@cache
def _nullable_dtypes() -> Mapping[pa.DataType, Any]:
    """The dtypes that keep missing values apart from numbers."""
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise KedgeError(
            f"a V1 tool works with frames of pandas, and this Python cannot import {error.name!r}: "
            "pip install 'kedge[v1]'"
        ) from error
    return {
        pa.bool_(): pd.BooleanDtype(),
        pa.uint8(): pd.UInt8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
    }
