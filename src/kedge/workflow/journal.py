"""What a run tells: messages, files, how each tool ended. Told from any thread, put together in the plan's order."""

from __future__ import annotations

__all__ = ["Journal", "Limits"]

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kedge.workflow.report import FileReport, Message, ToolReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kedge.workflow.engine import Conversions
    from kedge.workflow.graph import ResolvedTool
    from kedge.workflow.report import AnchorReport


@dataclass(frozen=True)
class Limits:
    """The document's own limits: records read per input (0 is all), conversion messages per tool, what errors do."""

    records: int = 0
    conversions: int = 10
    stop_on_conversions: bool = False
    cancel_on_error: bool = False
    write_files: bool = True


@dataclass
class Journal:
    """How each tool went: ``failed`` have an error, ``skipped`` and ``stopped`` are what ``ToolReport`` says."""

    tools: Sequence[ResolvedTool]
    limits: Limits
    progress: Callable[[int, str, str], None]
    failed: set[int] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    stopped: set[int] = field(default_factory=set)
    files: list[FileReport] = field(default_factory=list)
    _said: dict[int, list[Message]] = field(default_factory=lambda: defaultdict(list))
    _started: dict[int, float] = field(default_factory=dict)
    _seconds: dict[int, float] = field(default_factory=dict)
    _limited: dict[int, Message] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_id = {tool.tool_id: tool for tool in self.tools}

    def say(self, tool_id: int, kind: str, text: str) -> None:
        """Take a message; an error fails the tool."""
        self._said[tool_id].append(Message(tool_id, self.by_id[tool_id].node.name, kind, text))
        if kind == "error":
            self.failed.add(tool_id)

    def begin(self, tool_id: int) -> None:
        """Note that a tool begins."""
        self._started[tool_id] = time.perf_counter()
        self.progress(tool_id, self.by_id[tool_id].node.name, "running")

    def end(self, tool_id: int) -> None:
        """Note that a tool ended, in whatever way."""
        if tool_id in self._started:
            self._seconds[tool_id] = time.perf_counter() - self._started[tool_id]
        self.progress(tool_id, self.by_id[tool_id].node.name, self.status(tool_id))

    def status(self, tool_id: int) -> str:
        """Say how a tool ended."""
        if tool_id in self.failed:
            return "failed"
        if tool_id in self.skipped:
            return "skipped"
        return "stopped" if tool_id in self.stopped else "done"

    def broken(self, tool_id: int) -> bool:
        """Whether something that a tool depends on failed or was skipped."""
        return bool((self.failed or self.skipped) and self.ancestors([tool_id]) & (self.failed | self.skipped))

    def ancestors(self, tool_ids: Iterable[int]) -> set[int]:
        """Return all that the tools depend on."""
        found: set[int] = set()
        waiting = list(tool_ids)
        while waiting:
            origins = {wire.origin for wire in self.by_id[waiting.pop()].wires} - found
            found |= origins
            waiting.extend(origins)
        return found

    def limit_conversions(self, conversions: Conversions) -> None:
        """Fail the tools with too many conversion errors, where the document wants that."""
        if not self.limits.stop_on_conversions:
            return
        for tool_id, count in conversions.counts().items():
            if count > self.limits.conversions:
                text = f"{count} conversion errors exceed the limit of {self.limits.conversions}"
                self._limited[tool_id] = Message(tool_id, self.by_id[tool_id].node.name, "error", text)
                self.failed.add(tool_id)

    def messages(self, conversions: Conversions) -> list[Message]:
        """Return all messages: tool after tool as the plan has them, each tool's in the order in which it said them."""
        counts = conversions.counts()
        found: list[Message] = []
        for tool in self.tools:
            found.extend(self._said.get(tool.tool_id, ()))
            found.extend(self._converted(tool, counts.get(tool.tool_id, 0), conversions))
            found.extend(self._limited[tool_id] for tool_id in (tool.tool_id,) if tool_id in self._limited)
        return found

    def _converted(self, tool: ResolvedTool, count: int, conversions: Conversions) -> list[Message]:
        if not count:
            return []
        texts = conversions.texts(tool.tool_id)[: self.limits.conversions]
        if count > len(texts):
            texts.append(f"{count - len(texts)} more conversion messages; {count} in all")
        return [Message(tool.tool_id, tool.node.name, "conversion", text) for text in texts]

    def reports(self, anchors: Callable[[ResolvedTool], tuple[AnchorReport, ...]]) -> list[ToolReport]:
        """Return how each tool ended, once nothing runs any more; those that a failed tool broke count as skipped."""
        self.skipped |= {tool.tool_id for tool in self.tools if self.broken(tool.tool_id)}
        order = {tool.tool_id: place for place, tool in enumerate(self.tools)}
        self.files.sort(key=lambda file: order[file.tool_id])
        return [self._report(tool, anchors(tool)) for tool in self.tools]

    def _report(self, tool: ResolvedTool, anchors: tuple[AnchorReport, ...]) -> ToolReport:
        plugin = tool.node.plugin or tool.node.macro
        status, seconds = self.status(tool.tool_id), self._seconds.get(tool.tool_id, 0.0)
        return ToolReport(tool.tool_id, tool.node.name, plugin, status, seconds, anchors)
