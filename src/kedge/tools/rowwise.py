"""Expressions evaluated row by row in Python, for what refers to its own results."""

from __future__ import annotations

__all__ = ["Lookup", "evaluator", "storer"]

import decimal
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kedge.formula.typed import Apply, Case, FieldRef, Literal, Nulls, Typed

if TYPE_CHECKING:
    from kedge.formula.types import DesignerType

Value = Any
Lookup = Callable[[str, int], Value]
LIMITS = {
    "Byte": (0, 255),
    "Int16": (-(2**15), 2**15 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "Int64": (-(2**63), 2**63 - 1),
}


def evaluator(node: Typed) -> Callable[[Lookup], Value]:
    """Return a function that evaluates an expression; it is handed what looks up a field ``offset`` rows away."""
    if isinstance(node, Literal):
        return lambda lookup, value=node.value: value  # type: ignore[misc]
    if isinstance(node, FieldRef):
        return lambda lookup, name=node.name, offset=node.offset: lookup(name, offset)  # type: ignore[misc]
    if isinstance(node, Case):
        return _case(node)
    return _apply(node)


def _case(node: Case) -> Callable[[Lookup], Value]:
    branches = [(evaluator(test), evaluator(value)) for test, value in node.branches]
    otherwise = evaluator(node.otherwise)

    def choose(lookup: Lookup) -> Value:
        for test, value in branches:
            if test(lookup):
                return value(lookup)
        return otherwise(lookup)

    return choose


def _apply(node: Apply) -> Callable[[Lookup], Value]:
    function, nulls = node.function.python, node.function.nulls
    arguments = [evaluator(argument) for argument in node.arguments]
    assert function is not None, node.function.name
    if nulls in (Nulls.OWN, Nulls.ALL):
        return lambda lookup: function(*(argument(lookup) for argument in arguments))
    missing = False if nulls is Nulls.FALSE else None

    def compute(lookup: Lookup) -> Value:
        values = [argument(lookup) for argument in arguments]
        return missing if None in values else function(*values)

    return compute


def storer(target: DesignerType) -> Callable[[Value], Value]:
    """Return a function that fits a value into a field of a type: rounded, cut, or null where it does not fit."""
    if target.is_integer:
        low, high = LIMITS[target.name]
        return lambda value: _whole(value, low, high)
    if target.is_string:
        return lambda value: None if value is None else str(value)[: target.size]
    if target.name in ("Double", "Float"):
        return lambda value: None if value is None else float(value)
    if target.name == "FixedDecimal":
        unit = decimal.Decimal(1).scaleb(-target.scale)
        return lambda value: (
            None if value is None else decimal.Decimal(str(value)).quantize(unit, decimal.ROUND_HALF_UP)
        )
    return lambda value: value


def _whole(value: Value, low: int, high: int) -> int | None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bool):
        return -int(value) if low else int(value)
    rounded = int(math.copysign(math.floor(abs(value) + 0.5), value)) if isinstance(value, float) else int(value)
    return rounded if low <= rounded <= high else None
