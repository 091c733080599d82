"""What tools that put records of two inputs side by side share: names, prefixes, and keys that can be compared."""

from __future__ import annotations

__all__ = ["both_orders", "comparable", "paired_candidates"]

from dataclasses import replace
from typing import TYPE_CHECKING

from kedge.exceptions import WorkflowError
from kedge.tools.selection import Candidate
from kedge.tools.sql import aliased, column

if TYPE_CHECKING:
    from sqlglot import exp

    from kedge.tools.contract import Context, OrderKey, Source
    from kedge.tools.schema import Field, Schema

RENAMED = 500
"""The first number of hidden columns that are named anew."""


def paired_candidates(left: Schema, right: Schema, prefixes: tuple[str, str]) -> list[Candidate]:
    """Return the fields of both sides as candidates; the columns are those of the relations ``l`` and ``r``.

    An entry may call a field by its prefix and name, or by its name alone where no other side has it. A right field
    whose name the left side has is called by prefix and name by default.
    """
    candidates = [
        Candidate(field, (prefixes[0] + field.name, field.name), field.name, column(field.name, "l")) for field in left
    ]
    for field in right:
        taken = field.name in left
        keys = (prefixes[1] + field.name,) if taken else (prefixes[1] + field.name, field.name)
        name = prefixes[1] + field.name if taken else field.name
        candidates.append(Candidate(field, keys, name, column(field.name, "r")))
    return candidates


def both_orders(left: Source, right: Source, context: Context) -> tuple[list[exp.Expr], tuple[OrderKey, ...]]:
    """Return the hidden columns of pairs of ``l`` and ``r``, and the order by left, then right, that they carry.

    Both sides may come from one relation, with the same hidden columns: those of the right one are named anew.
    """
    taken = {key.column for key in left.order}
    keys = tuple(
        replace(key, column=context.hidden(RENAMED + place)) if key.column in taken else key
        for place, key in enumerate(right.order)
    )
    own = [column(key.column, "l") for key in left.order]
    others = [(column(key.column, "r"), new.column) for key, new in zip(right.order, keys, strict=True)]
    return [*own, *aliased(others)], (*left.order, *keys)


def comparable(left: Field, right: Field, place: str) -> None:
    """Raise ``WorkflowError`` where two key fields cannot be compared: text with numbers, dates with either."""
    if _family(left) != _family(right):
        raise WorkflowError(
            f"{place}: {left.name!r} is {left.type} and {right.name!r} is {right.type}, which cannot be compared; "
            "convert one of them"
        )


def _family(field: Field) -> str:
    type_ = field.type
    if type_.is_string:
        return "text"
    return "number" if type_.is_numeric or type_.is_bool else type_.name
