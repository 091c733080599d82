"""How large the whole numbers of an expression can be, so that nobody tests what is certain to fit.

``[n] + 1`` is an Int64, as every sum of whole numbers is; of a Byte it is 1 to 256, and storing it in an Int32 field
needs neither a test nor a message for what does not fit.
"""

from __future__ import annotations

__all__ = ["narrowest"]

from typing import TYPE_CHECKING, Final, NamedTuple

from kedge.formula.functions import operators as op
from kedge.formula.functions.conversions import WIDEN
from kedge.formula.typed import Apply, Case, Literal
from kedge.formula.types import INTEGER_LIMITS, DesignerType

if TYPE_CHECKING:
    from kedge.formula.typed import Typed

_MOST_DEPTH: Final = 20
"""How deep an expression is looked into; below, a value counts as anything that its type holds."""


class _Range(NamedTuple):
    least: int
    most: int


def narrowest(value: Typed) -> DesignerType:
    """Return the smallest integer type that surely holds the value, or its own type where it is no integer.

    Null is held by every type.
    """
    if not value.type.is_integer:
        return value.type
    found = _range(value, _MOST_DEPTH)
    names = (name for name, (least, most) in INTEGER_LIMITS.items() if least <= found.least and found.most <= most)
    name = next(names, value.type.name)
    return value.type if name == value.type.name else DesignerType(name)


def _range(value: Typed, depth: int) -> _Range:
    if isinstance(value, Literal) and isinstance(value.value, int):
        return _Range(value.value, value.value)
    if isinstance(value, Apply) and depth:
        found = _of_call(value, depth - 1)
    elif isinstance(value, Case) and depth:
        found = _either(*(each for _, each in value.branches), value.otherwise, depth=depth - 1)
    else:
        found = None
    return found or _Range(*INTEGER_LIMITS[value.type.name])


def _of_call(call: Apply, depth: int) -> _Range | None:
    """Return the range of an operation; ``None`` for a function of which nothing is known."""
    if call.function is WIDEN:
        return _range(call.arguments[0], depth)
    if call.function is op.NEGATE:
        least, most = _range(call.arguments[0], depth)
        return _Range(-most, -least)
    if call.function not in (op.ADD, op.SUBTRACT, op.MULTIPLY):
        return None
    left, right = (_range(each, depth) for each in call.arguments)
    if call.function is op.ADD:
        return _Range(left.least + right.least, left.most + right.most)
    if call.function is op.SUBTRACT:
        return _Range(left.least - right.most, left.most - right.least)
    products = [one * other for one in left for other in right]
    return _Range(min(products), max(products))


def _either(*values: Typed, depth: int) -> _Range | None:
    present = [_range(each, depth) for each in values if not (isinstance(each, Literal) and each.value is None)]
    return _Range(min(each.least for each in present), max(each.most for each in present)) if present else None
