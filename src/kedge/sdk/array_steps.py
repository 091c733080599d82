"""Steps that turn one Arrow array into another type, and say which values lost something on the way.

A step never copies what it can share. It raises ``pyarrow.ArrowInvalid`` when a value does not fit.

pyarrow.compute is imported by the steps that use it: it takes a fifth of the time in which a tool process starts.
"""

from __future__ import annotations

__all__ = [
    "Converted",
    "Step",
    "cast_or",
    "cast_through",
    "decode_first",
    "exactly",
    "first_unfit",
    "floor_to",
    "narrow_to",
    "nulls_of",
    "round_to_float",
]

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import pyarrow as pa
from pyarrow import types

MAX_ARRAY_BYTES: Final = 2_147_483_647
"""How many bytes of values the offsets of one Arrow string or binary array can address."""


class Converted(NamedTuple):
    """An array after a step: usually one piece.

    Where values lost something, ``lost`` is a boolean array that marks them, and ``what`` says what they
    lost.
    """

    pieces: list[pa.Array]
    lost: pa.Array | None = None
    what: str = ""


Step = Callable[[pa.Array], Converted]


def nulls_of(target: pa.DataType) -> Step:
    """Return the step that takes an array for its length alone."""
    return lambda array: Converted([pa.nulls(len(array), target)])


def cast_through(*stages: pa.DataType) -> Step:
    """Return the step that casts from one type to the next; every cast checks its values."""

    def step(array: pa.Array) -> Converted:
        for stage in stages:
            array = array.cast(stage)
        return Converted([array])

    return step


def cast_or(step: Step, target: pa.DataType) -> Step:
    """Return the step that casts, and leaves arrays that the cast would change to ``step``."""

    def cast_first(array: pa.Array) -> Converted:
        try:
            return Converted([array.cast(target)])
        except pa.ArrowInvalid:
            return step(array)

    return cast_first


def decode_first(values: pa.DataType, then: Step | None) -> Step:
    """Return the step that writes a dictionary array out and goes on with ``then``.

    The values are cast to ``values`` before they are gathered: it needs 64-bit offsets.
    """

    def step(array: pa.Array) -> Converted:
        decoded = array.dictionary.cast(values).take(array.indices)
        return then(decoded) if then else Converted([decoded])

    return step


def narrow_to(target: pa.DataType) -> Step:
    """Return the step that puts text of any Arrow type into string, or bytes of any into binary.

    The bytes of the values stay where they are. Where there are more of them than 32-bit offsets can address,
    the array comes out in several pieces.
    """
    wide = pa.large_string() if types.is_string(target) else pa.large_binary()
    return lambda array: Converted(list(_narrow_pieces(array.cast(wide), target)))


def floor_to(target: pa.DataType, factor: int, what: str) -> Step:
    """Return the step from small units of time to units ``factor`` times as large.

    Both count from 1970 or from midnight. What comes off is marked as lost, as ``what``. Before 1970 it comes
    off downwards too, so that a moment keeps its second.
    """

    def step(array: pa.Array) -> Converted:
        import pyarrow.compute as pc

        bits = pa.int32() if types.is_time32(array.type) else pa.int64()
        count = array.view(bits).cast(pa.int64())
        quotient = pc.divide(count, factor)
        rest = pc.subtract(count, pc.multiply(quotient, factor))
        floored = pc.subtract(quotient, pc.less(rest, 0).cast(pa.int64()))
        width = pa.int64() if types.is_timestamp(target) else pa.int32()
        return Converted([floored.cast(width).view(target)], pc.not_equal(rest, 0), what)

    return step


def round_to_float(array: pa.Array) -> Converted:
    """Round float64 to float32; values that are not the same afterwards are marked as lost."""
    import pyarrow.compute as pc

    rounded = array.cast(pa.float32())
    same = pc.or_(pc.equal(rounded.cast(pa.float64()), array), pc.is_nan(array))
    return Converted([rounded], pc.invert(same), "lost digits")


def exactly(step: Step) -> Step:
    """Return ``step``, made to refuse arrays with a value that would lose something."""

    def exact(array: pa.Array) -> Converted:
        converted = step(array)
        if converted.lost is not None and converted.lost.true_count:
            raise pa.ArrowInvalid(f"values {converted.what}")
        return Converted(converted.pieces)

    return exact


def first_unfit(step: Step, array: pa.Array) -> int:
    """Return the position of the first value that ``step`` refuses, given that it refuses ``array``."""
    start, stop = 0, len(array)
    while stop - start > 1:
        middle = (start + stop) // 2
        if _accepts(step, array.slice(start, middle - start)):
            start = middle
        else:
            stop = middle
    return start


def _accepts(step: Step, array: pa.Array) -> bool:
    try:
        step(array)
    except pa.ArrowInvalid:
        return False
    return True


def _narrow_pieces(array: pa.Array, target: pa.DataType) -> Iterator[pa.Array]:
    """Cut where the next value would need an offset beyond 32 bits; share all buffers but the offsets."""
    length = len(array)
    offsets = pa.Array.from_buffers(pa.int64(), length + 1, [None, array.buffers()[1]], offset=array.offset)
    start = 0
    while start < length:
        base = offsets[start].as_py()
        rows = range(start, length + 1)
        stop = start - 1 + bisect_right(rows, base + MAX_ARRAY_BYTES, key=lambda row: offsets[row].as_py())
        if stop == start:
            raise pa.ArrowInvalid("a single value is too large")
        yield _narrow_slice(array.slice(start, stop - start), offsets.slice(start, stop - start + 1), target)
        start = stop


def _narrow_slice(array: pa.Array, offsets: pa.Array, target: pa.DataType) -> pa.Array:
    import pyarrow.compute as pc

    base, end = offsets[0].as_py(), offsets[-1].as_py()
    narrow = pc.subtract(offsets, base).cast(pa.int32())
    data = array.buffers()[2]
    # inverting makes a bitmap that starts at bit 0, wherever the array's own began
    valid = pc.invert(pc.is_null(array)).buffers()[1] if array.null_count else None
    buffers = [valid, narrow.buffers()[1], data.slice(base, end - base) if data else data]
    return pa.Array.from_buffers(target, len(array), buffers, array.null_count)
