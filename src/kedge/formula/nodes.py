"""The syntax tree of an expression, as it was written: no types, no coercions.

Two trees are equal when they say the same; the positions (``span``) do not count.
"""

from __future__ import annotations

__all__ = [
    "Binary",
    "Boolean",
    "Call",
    "Conditional",
    "Constant",
    "Field",
    "Membership",
    "Node",
    "Number",
    "Span",
    "Text",
    "Unary",
]

from dataclasses import dataclass, field
from typing import NamedTuple


class Span(NamedTuple):
    """Where a node stands in the text: offsets of its first character and of the one after its last."""

    start: int
    end: int


@dataclass(frozen=True)
class _Placed:
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Number(_Placed):
    """A number as it was written, such as ``12`` or ``.5``."""

    text: str

    @property
    def value(self) -> int | float:
        """The value: an int when the text is digits alone."""
        return int(self.text) if self.text.isdigit() else float(self.text)


@dataclass(frozen=True)
class Text(_Placed):
    """A string between quotes; the value is what stands between them, unchanged."""

    value: str


@dataclass(frozen=True)
class Boolean(_Placed):
    """``TRUE`` or ``FALSE``."""

    value: bool


@dataclass(frozen=True)
class Field(_Placed):
    """A name, in brackets or bare: a field, a row of a field, or a constant, which binding finds out."""

    name: str


@dataclass(frozen=True)
class Constant(_Placed):
    """A constant between percent signs, such as ``%User.X%``."""

    name: str


@dataclass(frozen=True)
class Unary(_Placed):
    """``-`` or ``!`` before an operand."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Binary(_Placed):
    """Two operands; ``operator`` is one of ``* / + - < <= > >= = != AND OR``, however it was written."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Membership(_Placed):
    """``value IN (items)``, or ``NOT IN`` when ``negated``."""

    value: Node
    items: tuple[Node, ...]
    negated: bool


@dataclass(frozen=True)
class Call(_Placed):
    """A function by the name that was written, with its arguments."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Conditional(_Placed):
    """``IF … THEN … ELSEIF … THEN … ELSE … ENDIF``: pairs of condition and value, and the value of ELSE."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node


Node = Number | Text | Boolean | Field | Constant | Unary | Binary | Membership | Call | Conditional
