"""An XML element as an immutable value, and strict reading of a tool's configuration from it.

Workflow files are read into these values and written from them, so what no tool understands is still there when a
file is saved. White space between elements is layout and is not kept; text in an element without children is kept as
it stands. XML is read with entity expansion and document types off.
"""

from __future__ import annotations

__all__ = ["COMMENT", "Element", "element", "parse_element", "render_element"]

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMMENT = "#comment"


@dataclass(frozen=True)
class Element:
    """One XML element: tag, attributes in their order, text, child elements, and the text after it (``tail``)."""

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""
    children: tuple[Element, ...] = ()
    tail: str = ""

    def get(self, attribute: str, default: str = "") -> str:
        """Return an attribute's value, ``default`` where it is absent."""
        return dict(self.attributes).get(attribute, default)

    def has(self, attribute: str) -> bool:
        """Tell whether the attribute is there, empty or not."""
        return any(name == attribute for name, _ in self.attributes)

    def find(self, path: str) -> Element | None:
        """Return the first descendant at a path such as ``SelectFields/SelectField``."""
        found: Element | None = self
        for tag in path.split("/"):
            found = next((child for child in found.children if child.tag == tag), None) if found else None
        return found

    def all(self, path: str) -> tuple[Element, ...]:
        """Return every child with the last tag of ``path``, below the first element of the path before it."""
        parent, _, tag = path.rpartition("/")
        holder = self.find(parent) if parent else self
        return tuple(child for child in holder.children if child.tag == tag) if holder else ()

    def content(self, path: str, default: str = "") -> str:
        """Return the text of the element at ``path``, ``default`` where it is absent."""
        found = self.find(path)
        return default if found is None else found.text

    def walk(self) -> Iterator[Element]:
        """Yield this element and everything below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def replace(self, **changes: object) -> Element:
        """Return a copy with fields changed."""
        return Element(**{**self.__dict__, **changes})


def element(tag: str, attributes: Mapping[str, str] | None = None, *children: Element, text: str = "") -> Element:
    """Build an element in Python."""
    return Element(tag, tuple((attributes or {}).items()), text, children)


def parse_element(data: bytes | str, source: str) -> Element:
    """Parse an XML document; ``source`` names it in errors. A byte order mark is accepted.

    Raises ``UsageError`` for text that is not XML and for documents with entities or a document type.
    """
    builder = ElementTree.TreeBuilder(insert_comments=True)
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    try:
        tree = ElementTree.parse(io.BytesIO(_as_utf8(data)), parser=parser)  # noqa: S314 - the parser is defusedxml's
    except ElementTree.ParseError as fault:
        raise UsageError(f"{source}: this is not well-formed XML: {fault}") from fault
    except DefusedXmlException as fault:
        raise UsageError(
            f"{source}: the XML declares entities or a document type, which is refused: {fault}"
        ) from fault
    return _freeze(tree.getroot())


def _as_utf8(data: bytes | str) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else data


def _freeze(node: ElementTree.Element) -> Element:
    if callable(node.tag):  # a comment's tag is the function that makes comments
        return Element(COMMENT, (), node.text or "", (), _solid(node.tail))
    children = tuple(_freeze(child) for child in node)
    text = _solid(node.text) if children else node.text or ""
    return Element(node.tag, tuple(node.attrib.items()), text, children, _solid(node.tail))


def _solid(text: str | None) -> str:
    return text if text and text.strip() else ""


def render_element(root: Element, indent: int = 0) -> str:
    """Write an element as XML text, two spaces an indent; text with child elements stays as it is."""
    pad = "  " * indent
    if root.tag == COMMENT:
        return f"{pad}<!--{root.text}-->"
    opening = root.tag + "".join(f' {name}="{_attribute_text(value)}"' for name, value in root.attributes)
    if not root.children:
        return f"{pad}<{opening}>{_escape(root.text)}</{root.tag}>" if root.text else f"{pad}<{opening} />"
    if root.text or any(child.tail for child in root.children):
        inner = "".join(render_element(child) + _escape(child.tail) for child in root.children)
        return f"{pad}<{opening}>{_escape(root.text)}{inner}</{root.tag}>"
    lines = (render_element(child, indent + 1) for child in root.children)
    return "\n".join((f"{pad}<{opening}>", *lines, f"{pad}</{root.tag}>"))


def _escape(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#xD;")


def _attribute_text(text: str) -> str:
    return _escape(text).replace('"', "&quot;").replace("\n", "&#xA;").replace("\t", "&#x9;")
