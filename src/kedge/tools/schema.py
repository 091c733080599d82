"""The schema of an anchor: fields with Designer's types, in order."""

from __future__ import annotations

__all__ = ["Field", "Schema", "declared_schema", "distinct"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.exceptions import WorkflowError
from kedge.formula.errors import near_names
from kedge.formula.types import DesignerType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kedge.tools.element import Element


@dataclass(frozen=True)
class Field:
    """A field: name, type, and where its values come from, as Designer's ``source`` writes it."""

    name: str
    type: DesignerType
    source: str = ""
    description: str = ""

    def named(self, name: str) -> Field:
        """Return the field under another name."""
        return replace(self, name=name)

    def typed(self, type_: DesignerType) -> Field:
        """Return the field with another type."""
        return replace(self, type=type_)


@dataclass(frozen=True)
class Schema:
    """Fields in order; names are unique without regard to case, as Designer has it."""

    fields: tuple[Field, ...] = ()

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for place, item in enumerate(self.fields, 1):
            if not item.name:
                raise WorkflowError(f"field {place} has no name; give it one")
            if item.name.casefold() in seen:
                raise WorkflowError(f"two fields are called {item.name!r}; rename one")
            seen.add(item.name.casefold())

    @classmethod
    def of(cls, fields: Iterable[Field]) -> Schema:
        """Return a schema of these fields; a name that is taken gets the suffix 2, 3 and so on."""
        return cls(tuple(distinct(fields)))

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: str) -> bool:
        return self.find(name) is not None

    @property
    def names(self) -> list[str]:
        """The field names in order."""
        return [item.name for item in self.fields]

    def find(self, name: str) -> Field | None:
        """Return the field with this name, without regard to case; ``None`` where there is none."""
        folded = name.casefold()
        return next((item for item in self.fields if item.name.casefold() == folded), None)

    def need(self, name: str, place: str) -> Field:
        """Return the field with this name; the ``WorkflowError`` without one names ``place``, an XML path."""
        found = self.find(name)
        if found is None:
            near = near_names(name, self.names) or f"; there are {', '.join(self.names) or 'no fields'}"
            raise WorkflowError(f"{place}: there is no field {name!r}{near}")
        return found

    def with_field(self, field: Field) -> Schema:
        """Return the schema with a field replaced where its name is there already, appended where not."""
        if field.name in self:
            return Schema(tuple(field if item.name.casefold() == field.name.casefold() else item for item in self))
        return Schema((*self.fields, field))

    def arrow(self) -> pa.Schema:
        """Return the Arrow schema that records of this schema have inside the engine."""
        return pa.schema([pa.field(item.name, item.type.arrow) for item in self])


def distinct(fields: Iterable[Field], joint: str = "") -> list[Field]:
    """Return the fields with names made unique by the suffixes 2, 3 and so on, behind ``joint``."""
    seen: set[str] = set()
    result: list[Field] = []
    for item in fields:
        name, number = item.name, 2
        while name.casefold() in seen:
            name, number = f"{item.name}{joint}{number}", number + 1
        seen.add(name.casefold())
        result.append(item.named(name))
    return result


def declared_schema(record_info: Element) -> Schema:
    """Read the schema that a ``RecordInfo`` element declares."""
    return Schema.of(
        Field(
            item.get("name"),
            DesignerType.parse(item.get("type"), item.get("size") or None, item.get("scale") or None),
            item.get("source"),
            item.get("description"),
        )
        for item in record_info.all("Field")
        if item.has("name")
    )
