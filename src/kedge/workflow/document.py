"""A workflow document as a value: nodes, connections, constants and properties.

``Document`` holds everything that a ``.yxmd`` file says, as frozen dataclasses; what this project gives no meaning to
is kept as ``Element``. Nodes nest in containers, connections are global by tool id (workflow format: kedge docs,
section 1).
"""

from __future__ import annotations

__all__ = ["Connection", "Constant", "Document", "Node", "Position"]

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kedge.exceptions import WorkflowError
from kedge.tools.element import Element

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTAINER = "AlteryxGuiToolkit.ToolContainer.ToolContainer"
CUSTOM_ENGINES = frozenset({"SdkEnginePlugin.dll", "Python"})
INTERFACE_ANCHORS = frozenset({"Question", "Action", "Condition"})


@dataclass(frozen=True)
class Position:
    """Where a tool stands on the canvas, in pixels; ``width`` and ``height`` of containers and text boxes."""

    x: str = "0"
    y: str = "0"
    width: str = ""
    height: str = ""


@dataclass(frozen=True)
class Node:
    """One node of the document.

    ``plugin`` is the plugin string, empty for a macro; ``macro`` is the macro's path as written, empty for a tool.
    ``gui``, ``properties`` and ``engine`` are the three parts of the node as they stand in the file; ``extras`` are
    further child elements, ``children`` the nodes inside a container.
    """

    tool_id: int
    gui: Element = field(default_factory=lambda: Element("GuiSettings"))
    properties: Element = field(default_factory=lambda: Element("Properties"))
    engine: Element | None = None
    children: tuple[Node, ...] = ()
    extras: tuple[Element, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def plugin(self) -> str:
        """The plugin string, empty for a macro."""
        return self.gui.get("Plugin")

    @property
    def macro(self) -> str:
        """The macro's path as the file writes it, empty for a tool."""
        return self.engine.get("Macro") if self.engine else ""

    @property
    def configuration(self) -> Element:
        """The ``Configuration`` element, an empty one where the file has none."""
        return self.properties.find("Configuration") or Element("Configuration")

    @property
    def position(self) -> Position:
        """The place on the canvas."""
        place = self.gui.find("Position") or Element("Position")
        return Position(place.get("x", "0"), place.get("y", "0"), place.get("width"), place.get("height"))

    @property
    def is_container(self) -> bool:
        """Whether this is a tool container."""
        return self.plugin == CONTAINER

    @property
    def is_custom(self) -> bool:
        """Whether this is a tool of an author, which runs in a process of its own."""
        return self.engine is not None and self.engine.get("EngineDll") in CUSTOM_ENGINES

    @property
    def is_disabled(self) -> bool:
        """Whether this is a container that is switched off, with all that it holds."""
        switch = self.configuration.find("Disabled")
        return self.is_container and switch is not None and switch.get("value") == "True"

    @property
    def name(self) -> str:
        """The name that messages call the tool by: its annotation's name, else the last part of plugin or macro."""
        given = self.properties.content("Annotation/Name").strip()
        if given:
            return given
        if self.plugin:
            return self.plugin.split(".")[-1]
        return self.macro.replace("\\", "/").rsplit("/", 1)[-1]

    def declared(self, anchor: str) -> Element | None:
        """Return the ``RecordInfo`` that the file declares for an output anchor, ``None`` where there is none."""
        for info in self.properties.all("MetaInfo"):
            if info.get("connection") == anchor:
                return info.find("RecordInfo")
        return None


@dataclass(frozen=True)
class Connection:
    """A connection from an output anchor to an input anchor; ``name`` is ``#n`` for anchors that take several."""

    origin: int
    origin_anchor: str
    destination: int
    destination_anchor: str
    name: str = ""
    wireless: bool = False
    attributes: tuple[tuple[str, str], ...] = ()
    extras: tuple[Element, ...] = ()

    @property
    def is_interface(self) -> bool:
        """Whether it ties interface tools, which carry no records."""
        return self.destination_anchor in INTERFACE_ANCHORS or self.origin_anchor in INTERFACE_ANCHORS


@dataclass(frozen=True)
class Constant:
    """A document constant: ``%User.X%`` has namespace ``User`` and name ``X``."""

    namespace: str
    name: str
    value: str
    is_numeric: bool = False


@dataclass(frozen=True)
class Document:
    """A whole workflow document. ``extras`` are child elements of the root beside the three known ones."""

    nodes: tuple[Node, ...] = ()
    connections: tuple[Connection, ...] = ()
    properties: Element = field(default_factory=lambda: Element("Properties"))
    attributes: tuple[tuple[str, str], ...] = (("yxmdVer", "2022.1"),)
    extras: tuple[Element, ...] = field(default=())

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The constants of the document's properties."""
        return tuple(
            Constant(
                item.content("Namespace"),
                item.content("Name"),
                item.content("Value"),
                _is_true(item.find("IsNumeric")),
            )
            for item in self.properties.all("Constants/Constant")
        )

    def setting(self, name: str, default: str = "") -> str:
        """Return the ``value`` of a property such as ``GlobalRecordLimit``."""
        found = self.properties.find(name)
        return default if found is None else found.get("value", default)

    def switch(self, name: str) -> bool:
        """Tell whether a property such as ``CancelOnError`` is on."""
        return _is_true(self.properties.find(name))

    def walk(self) -> Iterator[tuple[Node, bool]]:
        """Yield every node with whether it is enabled, in document order; nodes in a disabled container are not."""

        def descend(nodes: tuple[Node, ...], enabled: bool) -> Iterator[tuple[Node, bool]]:
            for node in nodes:
                on = enabled and not node.is_disabled
                yield node, on
                yield from descend(node.children, on)

        return descend(self.nodes, True)

    def node(self, tool_id: int) -> Node:
        """Return the node with this tool id; raises ``WorkflowError`` where there is none."""
        for node, _ in self.walk():
            if node.tool_id == tool_id:
                return node
        raise WorkflowError(f"no tool has the id {tool_id}", tool_id)

    def with_node(self, node: Node) -> Document:
        """Return the document with one more node, at the top level."""
        if any(other.tool_id == node.tool_id for other, _ in self.walk()):
            raise WorkflowError(f"the tool id {node.tool_id} is taken", node.tool_id)
        return replace(self, nodes=(*self.nodes, node))

    def with_connection(self, connection: Connection) -> Document:
        """Return the document with one more connection; both tools must be there."""
        self.node(connection.origin), self.node(connection.destination)
        return replace(self, connections=(*self.connections, connection))


def _is_true(found: Element | None) -> bool:
    return found is not None and found.get("value") == "True"
