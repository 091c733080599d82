"""Small values that travel through a run, made faster than by a frozen ``dataclass``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: object) -> Any:
        """What only type checkers need."""
        return lambda function: function


__all__ = ["value"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """Make a class of values: equal where all fields are, hashable, and not to be changed.

    To a type checker it is a frozen dataclass, and ``dataclasses.fields``, ``asdict`` and ``replace`` take it for one.
    Nothing keeps a program from changing one, though: that check, and the comparison and text that ``dataclass``
    compiles anew for each class, cost a tool process more of its start than half of the classes that it loads.
    """
    made = dataclass(eq=False, repr=False)(cls)
    for name, method in (("__eq__", _equal), ("__hash__", _hash), ("__repr__", _text)):
        if name not in cls.__dict__ or name == "__hash__":
            setattr(made, name, method)
    return made


def _equal(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return vars(self) == vars(other)


def _hash(self: Any) -> int:
    return hash((self.__class__, *(getattr(self, field.name) for field in fields(self))))


def _text(self: Any) -> str:
    content = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
    return f"{self.__class__.__qualname__}({content})"
