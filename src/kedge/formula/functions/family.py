"""What the tables of functions share: SQL from plain engine functions, and reading literal arguments."""

from __future__ import annotations

__all__ = [
    "UNKNOWN",
    "at",
    "engine",
    "fold_case",
    "known",
    "like",
    "lowered",
    "raised",
    "udf_name",
    "widest",
]

import re
from functools import reduce
from typing import TYPE_CHECKING, Final

from kedge.formula import sql
from kedge.formula.typed import Apply, Function, Literal
from kedge.formula.types import common_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlglot import exp

    from kedge.formula.typed import Typed
    from kedge.formula.types import DesignerType

UNKNOWN: Final = object()
"""What `known` says of an argument that is no literal."""


def udf_name(function: Function) -> str:
    """Return the name that a function has as a UDF, such as ``kedge_date_time_parse``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^0-9A-Za-z]+", "_", function.name)
    return f"kedge_{words.lower()}"


def engine(name: str) -> Callable[..., exp.Expr]:
    """Return what translates a function to the engine's function ``name`` with the same arguments."""
    return lambda _, *arguments: sql.call(name, *arguments)


def known(call: Apply, index: int) -> object:
    """Return the value of an argument that is a literal, `UNKNOWN` for any other."""
    argument = call.arguments[index]
    return argument.value if isinstance(argument, Literal) else UNKNOWN


def at(index: int) -> Callable[[Sequence[Typed]], DesignerType]:
    """Return the rule of results that have the type of one argument."""
    return lambda arguments: arguments[index].type


like: Final = at(0)
"""The rule of results that have the type of the first argument."""


def widest(arguments: Sequence[Typed]) -> DesignerType:
    """Return the type that holds any of the arguments, which are of one kind."""
    return reduce(lambda one, other: common_type(one, other) or one, [each.type for each in arguments])


_SPECIAL_CASES: Final = {"ß": "ẞ"}


def _upper(character: str) -> str:
    upper = character.upper()
    return upper if len(upper) == 1 else _SPECIAL_CASES.get(character, character)


def raised(text: str) -> str:
    """Return the text in upper case, each character by itself, as DuckDB does it."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def lowered(text: str) -> str:
    """Return the text in lower case, each character by itself, as DuckDB does it."""
    return text.lower() if text.isascii() else "".join(each.lower()[0] for each in text)


def fold_case(text: str, ignore_case: bool) -> str:
    """Return the text as it is compared."""
    return lowered(text) if ignore_case else text
