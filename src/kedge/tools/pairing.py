"""What tools that put records of two inputs side by side share: names, prefixes, and keys that can be compared."""

from __future__ import annotations

__all__ = ["comparable", "paired_candidates"]

from typing import TYPE_CHECKING

from kedge.exceptions import WorkflowError
from kedge.tools.selection import Candidate
from kedge.tools.sql import column

if TYPE_CHECKING:
    from kedge.tools.schema import Field, Schema


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
