"""The table of all functions that an expression can call, family by family."""

from __future__ import annotations

__all__ = ["FAMILIES", "FUNCTIONS", "HELPERS", "find"]

from typing import TYPE_CHECKING, Final

from kedge.formula.functions import (
    bits,
    conditional,
    conversions,
    converting,
    datetimes,
    extremes,
    finance,
    numbers,
    operators,
    regular,
    searching,
    specialized,
    strings,
    tests,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.formula.typed import Function

FAMILIES: Final[Mapping[str, tuple[Function, ...]]] = {
    "conditional": conditional.FUNCTIONS,
    "string": strings.FUNCTIONS,
    "searching": searching.FUNCTIONS,
    "regular expressions": regular.FUNCTIONS,
    "math": numbers.FUNCTIONS,
    "bits": bits.FUNCTIONS,
    "several values": extremes.FUNCTIONS,
    "conversion": converting.FUNCTIONS,
    "date and time": datetimes.FUNCTIONS,
    "finance": finance.FUNCTIONS,
    "specialized": specialized.FUNCTIONS,
    "test": tests.FUNCTIONS,
}

FUNCTIONS: Final[Mapping[str, Function]] = {
    function.name.lower(): function for family in FAMILIES.values() for function in family
}
"""Every function by its name in lower case."""


HELPERS: Final = (
    conversions.DOUBLE_TO_TEXT,
    conversions.TEXT_TO_NUMBER,
    conversions.TEXT_TO_MOMENT,
    conversions.TEXT_TO_DATE,
    operators.CONCAT,
    converting.WRITTEN,
    datetimes.ADD_MOMENT,
    datetimes.ADD_DATE,
    *finance.HELPERS,
)
"""Functions without a name of their own in expressions that can run as UDFs."""


def find(name: str) -> Function | None:
    """Return the function of a name, matched without case; None when there is none."""
    return FUNCTIONS.get(name.lower())
