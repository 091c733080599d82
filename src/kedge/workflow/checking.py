"""Inferring every schema of a workflow without reading records.

A standard tool says its schemas at once; a custom tool is started for it, so custom tools that do not wait for each
other's schemas are started at the same time. What is found is told in the order of the graph, whoever was ready first.
"""

from __future__ import annotations

__all__ = ["CheckReport", "check_graph", "declared_schemas"]

import os
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from kedge.exceptions import KedgeError
from kedge.tools.contract import Context, Inputs, Report
from kedge.tools.schema import Schema, declared_schema
from kedge.workflow.graph import Graph, Problem, ResolvedTool
from kedge.workflow.report import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.workflow.document import Document, Node
    from kedge.workflow.planner import Anchor

_AT_ONCE: Final = max(2, min(4, os.cpu_count() or 1))
"""How many tool processes start at the same time; each is busy with its imports."""
_POLL: Final = 0.2  # seconds; no signal is heard during a longer wait on some systems


@dataclass(frozen=True)
class CheckReport:
    """What ``check`` found: what cannot run, the schema of every anchor that is known, warnings.

    ``open`` are anchors whose schema depends on records and that the file does not declare.
    """

    problems: tuple[Problem, ...]
    schemas: Mapping[Anchor, Schema]
    messages: tuple[Message, ...]
    open: tuple[Anchor, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the workflow would run."""
        return not self.problems


class ContextOf(Protocol):
    """Makes what a tool may know; ``cancelled`` is set where the check is to end before."""

    def __call__(self, tool: ResolvedTool, report: Report, cancelled: threading.Event, /) -> Context:
        """Return the context of a tool."""


class _Found(NamedTuple):
    """What one tool says: the schemas of its anchors, messages, and why it cannot run."""

    schemas: Mapping[str, Schema]
    messages: list[Message]
    problem: Problem | None = None


def check_graph(graph: Graph, document: Document, context_of: ContextOf) -> CheckReport:
    """Ask every tool for its schemas; those after a tool that cannot run see what the file declares for it."""
    declared = _declared_by(document, {problem.tool_id for problem in graph.problems})
    found = _examined(graph, dict(declared), context_of)
    schemas, problems, messages = declared, list(graph.problems), list[Message]()
    open_anchors: list[Anchor] = []
    for tool_id, tool in graph.tools.items():
        said = found[tool_id]
        schemas.update({(tool_id, anchor): schema for anchor, schema in said.schemas.items()})
        messages += said.messages
        problems += [said.problem] if said.problem else []
        open_anchors += [(tool_id, anchor) for anchor in tool.tool.outputs if anchor not in said.schemas]
    return CheckReport(tuple(problems), schemas, tuple(messages), tuple(open_anchors))


def _examined(graph: Graph, schemas: dict[Anchor, Schema], context_of: ContextOf) -> dict[int, _Found]:
    """Return what each tool says, asked as soon as all that it needs is known; ``schemas`` takes what they say."""
    cancelled = threading.Event()
    found: dict[int, _Found] = {}
    running: dict[Future[_Found], int] = {}
    waiting = TopologicalSorter(
        {key: [wire.origin for wire in tool.wires if wire.origin in graph.tools] for key, tool in graph.tools.items()}
    )
    waiting.prepare()

    def take(tool_id: int, said: _Found) -> None:
        found[tool_id] = said
        schemas.update({(tool_id, anchor): schema for anchor, schema in said.schemas.items()})
        waiting.done(tool_id)

    with ThreadPoolExecutor(_AT_ONCE, "kedge-check") as pool:
        try:
            while waiting.is_active():
                for tool_id in waiting.get_ready():
                    asked = graph.tools[tool_id], _inputs(graph.tools[tool_id], schemas), context_of, cancelled
                    if graph.tools[tool_id].node.is_custom:
                        running[pool.submit(_examine, *asked)] = tool_id
                    else:
                        take(tool_id, _examine(*asked))
                for done in wait(running, _POLL, FIRST_COMPLETED).done if running else ():
                    take(running.pop(done), done.result())
        except BaseException:
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


def _examine(
    tool: ResolvedTool, inputs: Inputs[Schema] | None, context_of: ContextOf, cancelled: threading.Event
) -> _Found:
    messages: list[Message] = []
    name = tool.node.name

    def report(kind: str, text: str, _times: int = 1, /) -> None:
        messages.append(Message(tool.tool_id, name, kind, text))

    if inputs is None:
        return _Found({}, messages)
    context = context_of(tool, report, cancelled)
    try:
        return _Found(tool.tool.bind(tool.config, inputs, context), messages)
    except KedgeError as fault:
        problem = Problem(tool.tool_id, name, tool.node.plugin or tool.node.macro, str(fault))
        return _Found(context.declared, messages, problem)


def _inputs(tool: ResolvedTool, schemas: Mapping[Anchor, Schema]) -> Inputs[Schema] | None:
    """Return the schemas that arrive at a tool, ``None`` where one of them is not known."""
    by_anchor: dict[str, list[Schema]] = {entry.name: [] for entry in tool.tool.inputs}
    names: dict[str, list[str]] = {entry.name: [] for entry in tool.tool.inputs}
    for wire in tool.wires:
        if (wire.origin, wire.origin_anchor) not in schemas:
            return None
        by_anchor[wire.anchor].append(schemas[wire.origin, wire.origin_anchor])
        names[wire.anchor].append(wire.name)
    return Inputs(by_anchor, names)


def _declared_by(document: Document, tool_ids: set[int]) -> dict[Anchor, Schema]:
    """Return what the file declares for tools that cannot run, so that those after them can be checked."""
    found: dict[Anchor, Schema] = {}
    for node, _ in document.walk():
        if node.tool_id in tool_ids:
            found.update({(node.tool_id, anchor): schema for anchor, schema in declared_schemas(node).items()})
    return found


def declared_schemas(node: Node) -> dict[str, Schema]:
    """Return the schemas that the file declares for a node's output anchors."""
    infos = {info.get("connection"): info.find("RecordInfo") for info in node.properties.all("MetaInfo")}
    return {anchor: declared_schema(record) for anchor, record in infos.items() if record is not None}
