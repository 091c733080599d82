"""Hypothesis strategies for fields, Arrow arrays and tables, for every test that wants some.

``tables()`` is what an engine sends; ``foreign_tables()`` is what tools and files hold, in every Arrow type that an
engine takes after conversion. Both come with nulls, with any number of rows from 0 on, and cut into chunks of any size.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import strategies as st
from pyarrow import types

from kedge.sdk.fields import Field, FieldType, Metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WHOLE_NUMBERS = [getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
TEXTS = [pa.string(), pa.large_string(), pa.string_view()]
BLOBS = [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3)]
TIMES = [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")]
TIMESTAMPS = [pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Asia/Kolkata")]
DATES = [pa.date32(), pa.date64()]

_UNITS_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


@cache
def column_names() -> st.SearchStrategy[str]:
    """Names as users write them: any text that UTF-8 can hold, but not empty."""
    return st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def decimal_types(make: Callable[[int, int], pa.DataType] = pa.decimal256) -> st.SearchStrategy[pa.DataType]:
    """Decimal types of up to 18 digits (which every decimal of Arrow from 64 bits on can have)."""
    digits = st.integers(1, 18)
    return digits.flatmap(lambda precision: st.integers(0, precision).map(lambda scale: make(precision, scale)))


@cache
def foreign_types() -> st.SearchStrategy[pa.DataType]:
    """Every Arrow type that an engine takes, as it is or after conversion."""
    plain = st.sampled_from(
        [*WHOLE_NUMBERS, *FLOATS, *TEXTS, *BLOBS, *TIMES, *TIMESTAMPS, *DATES, pa.bool_(), pa.null()]
    )
    encoded = st.sampled_from([*WHOLE_NUMBERS, *TEXTS, pa.float64(), pa.date32(), pa.binary()])
    dictionaries = st.builds(pa.dictionary, st.sampled_from([pa.int8(), pa.uint32(), pa.int64()]), encoded)
    return plain | decimal_types() | decimal_types(pa.decimal128) | dictionaries


@cache  # a strategy that is used again is validated only once, which is half of its cost
def arrays(arrow_type: pa.DataType, size: int) -> st.SearchStrategy[pa.Array]:
    """Arrays of one type and length, nulls among the values, often a slice of a longer one."""
    if types.is_null(arrow_type):
        return st.just(pa.nulls(size))
    if types.is_dictionary(arrow_type):
        positions = st.lists(st.none() | st.integers(0, 2), min_size=size, max_size=size)
        return st.builds(
            lambda indices, values: pa.DictionaryArray.from_arrays(pa.array(indices, arrow_type.index_type), values),
            positions,
            arrays(arrow_type.value_type, 3),
        )
    values = st.lists(st.none() | _values(arrow_type), min_size=size, max_size=size)
    skipped = st.lists(_values(arrow_type), max_size=4)
    return st.builds(lambda first, rest: _array([*first, *rest], arrow_type).slice(len(first)), skipped, values)


def fields(names: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Field]:
    """Fields of all types, with sizes that their types allow and with sources and descriptions."""
    named = column_names() if names is None else names
    notes = st.text(st.characters(codec="utf-8"), max_size=10)
    plain = [kind for kind in FieldType if kind is not FieldType.fixeddecimal]
    sizes = st.integers(0, 4_294_967_295)
    return st.one_of(
        st.builds(Field, named, st.sampled_from(plain), sizes, st.just(0), notes, notes),
        decimal_types().flatmap(
            lambda kind: st.builds(
                Field,
                named,
                st.just(FieldType.fixeddecimal),
                st.just(kind.precision),
                st.just(kind.scale),
                notes,
                notes,
            )
        ),
    )


@cache
def metadata(max_fields: int = 5) -> st.SearchStrategy[Metadata]:
    """One field or more, each of a different name."""
    several = st.lists(fields(), min_size=1, max_size=max_fields, unique_by=lambda field: field.name)
    return several.map(Metadata)


@st.composite
def tables(draw: st.DrawFn, max_rows: int = 8, max_columns: int = 4) -> pa.Table:
    """Tables as an engine sends them: the engine's Arrow types, ayx metadata on every column."""
    described = draw(metadata(max_columns))
    return _table(draw, [field.to_arrow() for field in described], max_rows)


@st.composite
def foreign_tables(draw: st.DrawFn, max_rows: int = 8, max_columns: int = 4) -> pa.Table:
    """Tables of any Arrow types that an engine takes after conversion, without ayx metadata."""
    names = draw(st.lists(column_names(), min_size=1, max_size=max_columns, unique=True))
    return _table(draw, [pa.field(name, draw(foreign_types())) for name in names], max_rows)


def _table(draw: st.DrawFn, columns: Sequence[pa.Field], max_rows: int) -> pa.Table:
    rows = draw(st.integers(0, max_rows))
    whole = pa.table([draw(arrays(column.type, rows)) for column in columns], schema=pa.schema(columns))
    cuts = sorted({0, rows, *draw(st.lists(st.integers(0, rows), max_size=3))})
    parts = [whole.slice(start, stop - start) for start, stop in pairwise(cuts)]
    return pa.concat_tables(parts or [whole])


def _array(values: list[Any], arrow_type: pa.DataType) -> pa.Array:
    if types.is_timestamp(arrow_type) or types.is_date64(arrow_type) or types.is_time64(arrow_type):
        return pa.array(values, pa.int64()).view(arrow_type)
    if types.is_time32(arrow_type):
        return pa.array(values, pa.int32()).view(arrow_type)
    if types.is_float16(arrow_type):
        return pa.array(values, pa.float32()).cast(arrow_type)
    return pa.array(values, arrow_type)


@cache
def _values(arrow_type: pa.DataType) -> st.SearchStrategy[Any]:
    """Values of a type, as ``_array`` wants them: of temporal types the numbers that they are stored as."""
    if types.is_integer(arrow_type):
        bits, low = arrow_type.bit_width, -1 if types.is_signed_integer(arrow_type) else 0
        return st.integers(low << (bits - 1), (1 << (bits + low)) - 1)
    if types.is_floating(arrow_type):
        return st.floats(width=arrow_type.bit_width, allow_nan=False)
    if types.is_decimal(arrow_type):
        most = 10**arrow_type.precision - 1
        return st.integers(-most, most).map(lambda digits: Decimal(digits).scaleb(-arrow_type.scale))
    if types.is_timestamp(arrow_type):
        return _around(_UNITS_PER_DAY[arrow_type.unit], days=40_000)
    if types.is_date64(arrow_type):
        return _around(_UNITS_PER_DAY["ms"], days=40_000)
    if types.is_time(arrow_type):
        return st.integers(0, _UNITS_PER_DAY[arrow_type.unit] - 1)
    return _OTHERS[str(arrow_type)]


def _around(units_per_day: int, days: int) -> st.SearchStrategy[int]:
    """Moments before and after 1970, many of them midnights."""
    midnights = st.integers(-days, days).map(lambda day: day * units_per_day)
    return midnights | st.integers(-days * units_per_day, days * units_per_day)


_OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "date32[day]": st.dates(min_value=date(1400, 1, 1)),
    **dict.fromkeys(map(str, TEXTS), st.text(st.characters(codec="utf-8"), max_size=20)),
    **dict.fromkeys(map(str, BLOBS), st.binary(max_size=20)),
    "fixed_size_binary[3]": st.binary(min_size=3, max_size=3),
}
