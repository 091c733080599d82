"""Reading a workflow file into a ``Document``, and writing it back.

``read_document(write_document(x))`` equals ``x``; a file that is read and written says the same up to white space
between elements. Byte order marks and CRLF line ends are accepted; what is written is UTF-8 with LF.
"""

from __future__ import annotations

__all__ = ["load_document", "parse_document", "render_document", "save_document"]

from pathlib import Path

from kedge.exceptions import UsageError, WorkflowError
from kedge.tools.element import COMMENT, Element, parse_element, render_element
from kedge.workflow.document import Connection, Document, Node

ROOT = "AlteryxDocument"
NODE_PARTS = frozenset({"GuiSettings", "Properties", "EngineSettings", "ChildNodes"})
DOCUMENT_PARTS = frozenset({"Nodes", "Connections", "Properties"})


def load_document(path: str | Path) -> Document:
    """Read a workflow file. Raises ``UsageError`` for a file that cannot be read, ``WorkflowError`` for a wrong one."""
    try:
        data = Path(path).read_bytes()
    except OSError as fault:
        raise UsageError(f"{path}: the workflow cannot be read: {fault.strerror}") from fault
    return parse_document(data, str(path))


def parse_document(data: bytes | str, source: str = "workflow") -> Document:
    """Parse a workflow document; ``source`` names it in errors."""
    root = parse_element(data, source)
    if root.tag != ROOT:
        raise WorkflowError(f"{source}: the root element is <{root.tag}>, a workflow has <{ROOT}>")
    document = Document(
        nodes=tuple(_read_node(node, source) for node in root.all("Nodes/Node")),
        connections=tuple(_read_connection(item, source) for item in root.all("Connections/Connection")),
        properties=root.find("Properties") or Element("Properties"),
        attributes=root.attributes,
        extras=tuple(child for child in root.children if child.tag not in DOCUMENT_PARTS),
    )
    _check_ids(document, source)
    return document


def _read_node(node: Element, source: str) -> Node:
    tool_id = _number(node.get("ToolID"), f"{source}: <Node ToolID>")
    return Node(
        tool_id=tool_id,
        gui=node.find("GuiSettings") or Element("GuiSettings"),
        properties=node.find("Properties") or Element("Properties"),
        engine=node.find("EngineSettings"),
        children=tuple(_read_node(child, source) for child in node.all("ChildNodes/Node")),
        extras=tuple(child for child in node.children if child.tag not in NODE_PARTS),
        attributes=tuple(pair for pair in node.attributes if pair[0] != "ToolID"),
    )


def _read_connection(item: Element, source: str) -> Connection:
    origin, destination = item.find("Origin"), item.find("Destination")
    if origin is None or destination is None:
        raise WorkflowError(f"{source}: a <Connection> lacks its <Origin> or <Destination>")
    return Connection(
        origin=_number(origin.get("ToolID"), f"{source}: <Origin ToolID>"),
        origin_anchor=origin.get("Connection"),
        destination=_number(destination.get("ToolID"), f"{source}: <Destination ToolID>"),
        destination_anchor=destination.get("Connection"),
        name=item.get("name"),
        wireless=item.get("Wireless") == "True",
        attributes=tuple(
            pair for pair in item.attributes if pair != ("Wireless", "True") and (pair[0] != "name" or not pair[1])
        ),
        extras=tuple(child for child in item.children if child.tag not in {"Origin", "Destination"}),
    )


def _number(text: str, place: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise WorkflowError(f"{place} is {text!r}, it must be a whole number") from None


def _check_ids(document: Document, source: str) -> None:
    seen: set[int] = set()
    for node, _ in document.walk():
        if node.tool_id in seen:
            raise WorkflowError(f"{source}: two nodes have the tool id {node.tool_id}", node.tool_id)
        seen.add(node.tool_id)
    for item in document.connections:
        missing = {item.origin, item.destination} - seen
        if missing:
            raise WorkflowError(f"{source}: a connection names tool {min(missing)}, which is not in the document")


def save_document(document: Document, path: str | Path) -> None:
    """Write a workflow file, beside its place and renamed, so that no half file is ever there."""
    target = Path(path)
    part = target.with_name(target.name + ".part")
    part.write_text(render_document(document), encoding="utf-8", newline="\n")
    part.replace(target)


def render_document(document: Document) -> str:
    """Return the document as XML text."""
    root = Element(
        ROOT,
        document.attributes,
        children=(
            Element("Nodes", children=tuple(_node_element(node) for node in document.nodes)),
            Element("Connections", children=tuple(_connection_element(item) for item in document.connections)),
            document.properties,
            *document.extras,
        ),
    )
    return f'<?xml version="1.0"?>\n{render_element(root)}\n'


def _node_element(node: Node) -> Element:
    nested = (Element("ChildNodes", children=tuple(_node_element(child) for child in node.children)),)
    parts = (
        node.gui,
        node.properties,
        *((node.engine,) if node.engine else ()),
        *(nested if node.children else ()),
        *(extra for extra in node.extras if extra.tag != COMMENT),
    )
    return Element("Node", (("ToolID", str(node.tool_id)), *node.attributes), children=parts)


def _connection_element(item: Connection) -> Element:
    attributes = (
        *((("name", item.name),) if item.name else ()),
        *((("Wireless", "True"),) if item.wireless else ()),
    )
    origin = Element("Origin", (("ToolID", str(item.origin)), ("Connection", item.origin_anchor)))
    destination = Element("Destination", (("ToolID", str(item.destination)), ("Connection", item.destination_anchor)))
    return Element("Connection", (*attributes, *item.attributes), children=(origin, destination, *item.extras))
