"""Lists of fields in a configuration: by name, selected or not, with ``*Unknown`` for those that are not listed."""

from __future__ import annotations

__all__ = ["ListedFields", "parse_listed"]

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kedge.formula.errors import near_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kedge.tools.options import Options
    from kedge.tools.schema import Field, Schema

UNKNOWN = "*Unknown"


@dataclass(frozen=True)
class ListedFields:
    """Which fields are selected, by name without regard to case; ``unknown`` is for those that are not listed."""

    names: Mapping[str, bool] = field(default_factory=dict)
    unknown: bool = True

    @property
    def selected(self) -> dict[str, bool]:
        """Whether each listed field is selected, by its name in lower case."""
        return {name.casefold(): selected for name, selected in self.names.items()}

    def of(self, schema: Schema, warn: Callable[[str], None] = lambda text: None) -> list[Field]:
        """Return the selected fields of a schema, in its order; names that it lacks are ignored with a warning."""
        for name, selected in self.names.items():
            if selected and name not in schema:
                warn(f"the field {name!r} is not in the input and is ignored{near_names(name, schema.names)}")
        listed = self.selected
        return [item for item in schema if listed.get(item.name.casefold(), self.unknown)]


def parse_listed(options: Options, name: str = "Fields", unknown: bool = False) -> ListedFields:
    """Read a list; ``unknown`` is what holds for other fields where the list does not say."""
    holder = options.child(name)
    if holder is None:
        return ListedFields({}, unknown)
    holder.ignore_attributes("orderChanged")
    found: dict[str, bool] = {}
    for item in holder.each("Field"):
        key = "name" if item.element.has("name") else "field"
        found[item.attribute(key)] = item.switch("selected", True)
    return ListedFields(found, found.pop(UNKNOWN, unknown))
