"""What has to run, and where row order matters: decided before anything runs, from the graph alone."""

from __future__ import annotations

__all__ = ["Plan", "make_plan"]

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kedge.exceptions import UsageError, WorkflowError
from kedge.tools.contract import Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kedge.workflow.graph import Graph, Problem, ResolvedTool

Anchor = tuple[int, str]


@dataclass(frozen=True)
class Plan:
    """The tools to run in order, and what each output anchor is for.

    ``uses`` counts the SELECTs that read an anchor, ``ordered`` are the anchors whose row order somebody looks at,
    ``kept`` those whose records stay for taps and browses. ``left_out`` are tools at the end of a branch that cannot
    run.
    """

    tools: tuple[ResolvedTool, ...]
    uses: Mapping[Anchor, int]
    ordered: frozenset[Anchor]
    kept: frozenset[Anchor]
    left_out: tuple[Problem, ...] = ()

    def is_used(self, anchor: Anchor) -> bool:
        """Whether anybody reads the anchor."""
        return anchor in self.kept or self.uses.get(anchor, 0) > 0


def make_plan(graph: Graph, taps: Iterable[Anchor], browse: bool = True) -> Plan:
    """Plan a run that ends at the sinks and the taps; ``browse`` says whether Browse tools count as sinks.

    Raises ``UsageError`` for a tap that is not there and ``WorkflowError`` where a needed tool cannot run.
    """
    kept = frozenset(taps)
    _check_taps(graph, kept)
    sinks = {tool.tool_id for tool in graph.tools.values() if tool.tool.sink and (browse or not _is_browse(tool))}
    needed = graph.ancestors(sinks | {tool_id for tool_id, _ in kept})
    _refuse(graph, needed)
    tools = tuple(tool for tool_id, tool in graph.tools.items() if tool_id in needed)
    browsed = {(w.origin, w.origin_anchor) for tool in tools if _is_browse(tool) for w in tool.wires}
    kept |= browsed
    origins = {wire.origin for wires in graph.wires.values() for wire in wires}
    left_out = tuple(problem for problem in graph.problems if problem.tool_id not in origins)
    return Plan(tools, _count_uses(tools, kept), _find_ordered(tools, kept), kept, left_out)


def _is_browse(tool: ResolvedTool) -> bool:
    return tool.tool.sink and tool.tool.write is None and tool.tool.probe is None


def _check_taps(graph: Graph, taps: Iterable[Anchor]) -> None:
    for tool_id, anchor in taps:
        found = graph.tools.get(tool_id)
        if found is None and not any(problem.tool_id == tool_id for problem in graph.problems):
            raise UsageError(f"tap {tool_id}:{anchor}: the workflow has no enabled tool {tool_id}")
        if found is not None and anchor not in found.tool.outputs:
            known = ", ".join(found.tool.outputs) or "none"
            raise UsageError(f"tap {tool_id}:{anchor}: the output anchors of {found.node.name} are {known}")


def _refuse(graph: Graph, needed: set[int]) -> None:
    wrong = [problem for problem in graph.problems if problem.tool_id in needed]
    if wrong:
        raise WorkflowError("\n".join(map(str, wrong)), wrong[0].tool_id, wrong[0].name)


def _count_uses(tools: tuple[ResolvedTool, ...], kept: frozenset[Anchor]) -> dict[Anchor, int]:
    """Count from the end: an input is read once for every output anchor of the reader that is used itself."""
    uses: Counter[Anchor] = Counter()
    for tool in reversed(tools):
        used = sum(uses[tool.tool_id, anchor] > 0 or (tool.tool_id, anchor) in kept for anchor in tool.tool.outputs)
        readers = max(used, 1)
        for wire in tool.wires:
            uses[wire.origin, wire.origin_anchor] += readers + (wire.anchor in tool.tool.probes)
    return dict(uses)


def _find_ordered(tools: tuple[ResolvedTool, ...], kept: frozenset[Anchor]) -> frozenset[Anchor]:
    ordered = set(kept)
    for tool in reversed(tools):
        wanted = any((tool.tool_id, anchor) in ordered for anchor in tool.tool.outputs)
        for wire in tool.wires:
            need = tool.tool.order_of(tool.config, wire.anchor)
            if need is Order.USED or (need is Order.KEPT and wanted):
                ordered.add((wire.origin, wire.origin_anchor))
    return frozenset(ordered)
