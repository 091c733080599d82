"""From a document to the tools that run: every node resolved or refused by name, wires sorted, constants put in."""

from __future__ import annotations

__all__ = ["Graph", "Problem", "ResolvedTool", "Wire", "resolve"]

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from kedge.exceptions import UsageError, WorkflowError
from kedge.tools.registry import find_tool, is_documentation, is_interface
from kedge.workflow.document import Connection, Document, Node

if TYPE_CHECKING:
    from kedge.tools.contract import Tool
    from kedge.tools.element import Element

CONSTANT = re.compile(r"%([A-Za-z]+)\.([^%\n]+)%|%temp%", re.IGNORECASE)
TEXT_INPUT = "AlteryxBasePluginsGui.TextInput.TextInput"

CustomTools = Callable[[Node], "Tool[Any] | None"]


@dataclass(frozen=True)
class Problem:
    """Why a tool cannot run: its id, its name, its plugin string or macro, and what to do."""

    tool_id: int
    name: str
    plugin: str
    text: str

    def __str__(self) -> str:
        return f"{self.name} ({self.tool_id}, {self.plugin}): {self.text}"


@dataclass(frozen=True)
class Wire:
    """A connection as its destination sees it."""

    origin: int
    origin_anchor: str
    anchor: str
    name: str = ""


@dataclass(frozen=True)
class ResolvedTool:
    """A node with the tool that it is, its configuration parsed, and its incoming wires in connection order."""

    node: Node
    tool: Tool[Any]
    config: Any
    wires: tuple[Wire, ...]

    @property
    def tool_id(self) -> int:
        """The node's id."""
        return self.node.tool_id


@dataclass(frozen=True)
class Graph:
    """The enabled tools of a workflow in an order in which each follows its inputs, and what is wrong with the rest."""

    tools: Mapping[int, ResolvedTool]
    problems: tuple[Problem, ...] = ()
    wires: Mapping[int, tuple[Wire, ...]] = field(default_factory=dict)

    def ancestors(self, wanted: set[int]) -> set[int]:
        """Return the tools that the wanted ones need, themselves among them; unresolved ones too."""
        found: set[int] = set()
        waiting = list(wanted)
        while waiting:
            tool_id = waiting.pop()
            if tool_id not in found:
                found.add(tool_id)
                waiting.extend(wire.origin for wire in self.wires.get(tool_id, ()))
        return found


def resolve(document: Document, constants: Mapping[str, str], custom: CustomTools) -> Graph:
    """Resolve every enabled node; ``constants`` are full names (``User.X``) with their values.

    Nodes that cannot run are in ``problems``; documentation and interface tools are left out.
    """
    nodes = {node.tool_id: node for node, on in document.walk() if on and _carries_records(node)}
    wires = _wires(document.connections, nodes)
    tools: dict[int, ResolvedTool] = {}
    problems: list[Problem] = []
    for tool_id in _sorted_ids(wires):
        node = nodes[tool_id]
        try:
            wires[tool_id] = tuple(_leaving(wire, tools.get(wire.origin)) for wire in wires[tool_id])
            tools[tool_id] = _resolve_node(node, wires[tool_id], constants, custom)
        except (WorkflowError, UsageError) as fault:
            problems.append(Problem(tool_id, node.name, node.plugin or node.macro, str(fault)))
    return Graph(tools, tuple(problems), wires)


def _leaving(wire: Wire, origin: ResolvedTool | None) -> Wire:
    """Return a wire by the anchor that its origin has; the only output of a macro goes by any name."""
    if origin is None or wire.origin_anchor in origin.tool.outputs:
        return wire
    if origin.node.macro and len(origin.tool.outputs) == 1:
        return replace(wire, origin_anchor=origin.tool.outputs[0])
    known = ", ".join(origin.tool.outputs) or "none"
    raise WorkflowError(
        f"tool {wire.origin} ({origin.node.name}) has no output anchor {wire.origin_anchor!r}; it has {known}"
    )


def _carries_records(node: Node) -> bool:
    return not is_documentation(node.plugin) and not is_interface(node.plugin)


def _wires(connections: tuple[Connection, ...], nodes: Mapping[int, Node]) -> dict[int, tuple[Wire, ...]]:
    arriving: dict[int, list[Wire]] = {tool_id: [] for tool_id in nodes}
    for item in connections:
        if item.origin in nodes and item.destination in nodes and not item.is_interface:
            arriving[item.destination].append(Wire(item.origin, item.origin_anchor, item.destination_anchor, item.name))
    return {tool_id: tuple(sorted(found, key=_connection_number)) for tool_id, found in arriving.items()}


def _connection_number(wire: Wire) -> int:
    digits = wire.name.strip("#")
    return int(digits) if digits.isdigit() else 0


def _sorted_ids(wires: Mapping[int, tuple[Wire, ...]]) -> list[int]:
    """Return the ids so that each follows its inputs: level by level, in document order within one."""
    sorter = TopologicalSorter({tool_id: [wire.origin for wire in found] for tool_id, found in wires.items()})
    try:
        sorter.prepare()
    except CycleError as fault:
        circle = ", ".join(map(str, sorted(set(fault.args[1]))))
        raise WorkflowError(f"the tools {circle} are connected in a circle") from None
    places = {tool_id: place for place, tool_id in enumerate(wires)}
    ready: list[int] = []
    while sorter.is_active():
        free = sorted(sorter.get_ready(), key=places.__getitem__)
        ready.extend(free)
        sorter.done(*free)
    return ready


def _resolve_node(
    node: Node, wires: tuple[Wire, ...], constants: Mapping[str, str], custom: CustomTools
) -> ResolvedTool:
    tool = find_tool(node.plugin, node.macro) or custom(node)
    if tool is None:
        raise WorkflowError(_refusal(node))
    configuration = node.configuration
    if node.plugin != TEXT_INPUT:
        configuration = _with_constants(configuration, constants)
    config = tool.parse(configuration)
    if node.macro and len(tool.inputs) == 1:
        wires = tuple(replace(wire, anchor=tool.inputs[0].name) for wire in wires)
    _check_wires(tool, wires)
    return ResolvedTool(node, tool, config, wires)


def _refusal(node: Node) -> str:
    if node.macro:
        return f"macros are not supported yet: {node.macro}"
    if node.is_custom:
        return "no custom tool of this name was found; name its folder with --tools DIR"
    return "this tool is not supported"


def _check_wires(tool: Tool[Any], wires: tuple[Wire, ...]) -> None:
    known = {item.name: item for item in tool.inputs}
    for wire in wires:
        if wire.anchor not in known:
            raise WorkflowError(f"it has no input anchor {wire.anchor!r}; it has {', '.join(known) or 'none'}")
    for name, item in known.items():
        count = sum(wire.anchor == name for wire in wires)
        if not count and not item.optional:
            raise WorkflowError(f"nothing is connected to the input anchor {name}; connect it")
        if count > 1 and not item.multiple:
            raise WorkflowError(f"{count} connections end in the input anchor {name}, which takes one")


def _with_constants(element: Element, constants: Mapping[str, str]) -> Element:
    return element.replace(
        text=expand(element.text, constants),
        attributes=tuple((name, expand(value, constants)) for name, value in element.attributes),
        children=tuple(_with_constants(child, constants) for child in element.children),
    )


def expand(text: str, constants: Mapping[str, str]) -> str:
    """Put the values of constants in place of ``%Namespace.Name%``, in any case; names that are not known stay."""
    if "%" not in text:
        return text
    known = {name.casefold(): value for name, value in constants.items()}
    return CONSTANT.sub(lambda match: known.get(match.group(0).strip("%").casefold(), match.group(0)), text)
