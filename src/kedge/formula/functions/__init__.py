"""All functions that an expression can call, one module for each family."""

from __future__ import annotations

__all__ = ["FUNCTIONS", "find"]

from typing import TYPE_CHECKING, Final

from kedge.formula.functions import conditional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.formula.typed import Function

_FAMILIES: Final = (conditional.FUNCTIONS,)

FUNCTIONS: Final[Mapping[str, Function]] = {
    function.name.lower(): function for family in _FAMILIES for function in family
}
"""Every function by its name in lower case."""


def find(name: str) -> Function | None:
    """Return the function of a name, matched without case; None when there is none."""
    return FUNCTIONS.get(name.lower())
