"""Strict reading of a tool's configuration: what is not known is an error that names the XML path."""

from __future__ import annotations

__all__ = ["Options", "macro_values"]

from typing import TYPE_CHECKING, TypeVar

from kedge.exceptions import UsageError, WorkflowError
from kedge.formula.types import DesignerType
from kedge.tools.element import COMMENT, Element

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

Value = TypeVar("Value")
UNKNOWN_OPTION = "this option is not known; remove it or report the file"


def macro_values(xml: Element, known: Container[str]) -> dict[str, str]:
    """Return the answers to a macro's questions by name, and refuse questions that are not known."""
    options = Options(xml)
    found: dict[str, str] = {}
    for value in options.each("Value"):
        name = value.attribute("name")
        if name not in known:
            raise options.fault(f"Value[@name='{name}']", UNKNOWN_OPTION)
        found[name] = value.element.text
    options.finish()
    return found


class Options:
    """Reads a ``Configuration`` element and remembers what it read, so that ``finish`` can refuse the rest.

    Every method takes the name of a child element; a method without ``default`` raises ``WorkflowError`` where the
    child is absent. Texts are returned as they stand, ``name`` strips blanks and line breaks.
    """

    def __init__(self, element: Element, path: str = "Configuration") -> None:
        self.element = element
        self.path = path
        self._read: set[str] = set()
        self._read_attributes: set[str] = set()
        self._nested: list[Options] = []

    def fault(self, name: str, text: str) -> WorkflowError:
        """Return the error for one child: its path, what is wrong and what to do."""
        return WorkflowError(f"{self.path}/{name}: {text}" if name else f"{self.path}: {text}")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a child's text."""
        found = self.child(name)
        if found is not None:
            return found.element.text
        if default is None:
            raise self.fault(name, "this option is missing")
        return default

    def name(self, name: str, default: str | None = None) -> str:
        """Return a child's text without surrounding blanks; a text of blanks alone is empty."""
        return self.text(name, default).strip()

    def value(self, name: str, default: str | None = None) -> str:
        """Return a child's ``value`` attribute, or its text where it has no such attribute."""
        found = self.child(name)
        if found is None or not found.element.has("value"):
            return self.text(name, default)
        return found.element.get("value")

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Return a child's ``value`` as a truth value."""
        fallback = None if default is None else str(default)
        text = self.value(name, fallback).strip()
        if text not in {"True", "False"}:
            raise self.fault(name, f"{text!r} is neither True nor False")
        return text == "True"

    def integer(self, name: str, default: int | None = None, least: int | None = None) -> int:
        """Return a child's ``value`` or text as a whole number of at least ``least``; an empty one counts as absent."""
        text = self.value(name, None if default is None else str(default)).strip()
        return self._whole(name, text, default, least)

    def number_attribute(self, name: str, default: int) -> int:
        """Return an attribute of this element as a whole number that is not negative; an empty one counts as absent."""
        return self._whole(f"@{name}", self.attribute(name, "").strip(), default, 0)

    def _whole(self, name: str, text: str, default: int | None, least: int | None) -> int:
        if not text and default is not None:
            return default
        try:
            found = int(text)
        except ValueError:
            raise self.fault(name, f"{text!r} is not a whole number") from None
        if least is not None and found < least:
            raise self.fault(name, f"{found} is too small; it is at least {least}")
        return found

    def choice(self, name: str, known: Mapping[str, Value], default: str | None = None) -> Value:
        """Return what ``known`` says of a child's ``value`` or text."""
        text = self.value(name, default).strip()
        if text not in known:
            raise self.fault(name, f"{text!r} is not known; known are {', '.join(known)}")
        return known[text]

    def attribute(self, name: str, default: str | None = None) -> str:
        """Return an attribute of this element itself."""
        self._read_attributes.add(name)
        if not self.element.has(name) and default is None:
            raise self.fault(f"@{name}", "this attribute is missing")
        return self.element.get(name, default or "")

    def attribute_choice(self, name: str, known: Mapping[str, Value], default: str | None = None) -> Value:
        """Return what ``known`` says of an attribute of this element."""
        text = self.attribute(name, default)
        if text not in known:
            raise self.fault(f"@{name}", f"{text!r} is not known; known are {', '.join(filter(None, known))}")
        return known[text]

    def switch(self, name: str, default: bool) -> bool:
        """Return an attribute of this element as a truth value."""
        text = self.attribute(name, str(default))
        if text not in {"True", "False"}:
            raise self.fault(f"@{name}", f"{text!r} is neither True nor False")
        return text == "True"

    def field_type(self, place: str, name: str, size: str = "", scale: str = "") -> DesignerType:
        """Return the field type of these texts; empty ones are absent. ``place`` is the option that the error names."""
        try:
            return DesignerType.parse(name, size or None, scale or None)
        except UsageError as fault:
            raise self.fault(place, str(fault)) from None

    def child(self, name: str) -> Options | None:
        """Return the options below a child, ``None`` where it is absent."""
        found = self._child(name)
        return None if found is None else self._nest(found, name)

    def section(self, name: str) -> Options:
        """Return the options below a child that must be there."""
        found = self.child(name)
        if found is None:
            raise self.fault(name, "this section is missing")
        return found

    def each(self, name: str) -> list[Options]:
        """Return the options of every child with this name, in order."""
        self._read.add(name)
        found = [child for child in self.element.children if child.tag == name]
        return [self._nest(child, f"{name}[{number}]") for number, child in enumerate(found, 1)]

    def listed(self, name: str, item: str) -> list[Options]:
        """Return the options of every ``item`` below the child ``name``; none where the child is absent.

        Whether the order of a list was changed in Designer's form is of no bearing: it is the order of the list.
        """
        holder = self.child(name)
        if holder is None:
            return []
        holder.ignore_attributes("orderChanged")
        return holder.each(item)

    def ignore(self, *names: str) -> None:
        """Accept children that have no bearing on the result, such as window layouts."""
        self._read.update(names)

    def ignore_attributes(self, *names: str) -> None:
        """Accept attributes of this element that have no bearing on the result."""
        self._read_attributes.update(names)

    def finish(self) -> None:
        """Raise ``WorkflowError`` for the first child or attribute that nobody asked for."""
        for child in self.element.children:
            if child.tag not in self._read and child.tag != COMMENT:
                raise self.fault(child.tag, UNKNOWN_OPTION)
        for name, _ in self.element.attributes:
            if name not in self._read_attributes:
                raise self.fault(f"@{name}", "this attribute is not known; remove it or report the file")
        for nested in self._nested:
            nested.finish()

    def _child(self, name: str) -> Element | None:
        self._read.add(name)
        return next((child for child in self.element.children if child.tag == name), None)

    def _nest(self, element: Element, name: str) -> Options:
        nested = Options(element, f"{self.path}/{name}")
        nested.ignore_attributes("value")
        self._nested.append(nested)
        return nested
