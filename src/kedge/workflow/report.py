"""What a run says of itself, as values: messages, record counts, files, timings."""

from __future__ import annotations

__all__ = ["AnchorReport", "FileReport", "Message", "RunReport", "ToolReport"]

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kedge.exceptions import UsageError, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from kedge.tools.schema import Schema


@dataclass(frozen=True)
class Message:
    """A message of a tool; ``kind`` is ``info``, ``warning``, ``conversion`` or ``error``."""

    tool_id: int
    name: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.name} ({self.tool_id}): {self.text}"


@dataclass(frozen=True)
class AnchorReport:
    """An output anchor: its number of records, and the batches and bytes (``size``) in which they passed.

    ``records`` is ``None`` where no record was counted: the anchor is fused into a statement that the engine runs as a
    whole, and no table, file or tool process with as many records tells its number. ``batches`` and ``size`` (of Arrow
    records, in bytes) are known of records that passed into or out of a tool process or another step, else ``None``.
    """

    name: str
    records: int | None
    schema: Schema
    batches: int | None = None
    size: int | None = None


@dataclass(frozen=True)
class ToolReport:
    """One tool of the run; ``status`` is ``done``, ``failed``, ``skipped`` (a tool before it failed) or ``stopped``.

    A tool is stopped in the middle of its work where nobody wants its records any more: what reads them failed.
    ``seconds`` is the time from its start to its end; a tool in the middle of a fused statement has next to none. Tools
    work at the same time: the sum may be more than the run took.
    """

    tool_id: int
    name: str
    plugin: str
    status: str
    seconds: float
    anchors: tuple[AnchorReport, ...] = ()


@dataclass(frozen=True)
class FileReport:
    """A file that an output tool wrote."""

    tool_id: int
    path: str
    records: int
    size: int


def _no_tables(tool_id: int, anchor: str) -> pa.Table:
    raise UsageError(f"the run kept no table of {tool_id}:{anchor}")


@dataclass(frozen=True)
class RunReport:
    """A run of a workflow. ``ok`` means that no tool reported an error. ``seconds`` is wall time."""

    workflow: str
    ok: bool
    seconds: float
    tools: tuple[ToolReport, ...]
    messages: tuple[Message, ...]
    files: tuple[FileReport, ...]
    statements: tuple[str, ...] = ()
    fetch: Callable[[int, str], pa.Table] = field(default=_no_tables, repr=False, compare=False)

    def table(self, tool_id: int, anchor: str = "Output") -> pa.Table:
        """Return the records of an anchor that was tapped or browsed.

        Raises ``UsageError`` for an anchor that the run did not keep: name it in ``taps``.
        """
        return self.fetch(tool_id, anchor)

    def of(self, tool_id: int) -> ToolReport:
        """Return the report of one tool."""
        return next(tool for tool in self.tools if tool.tool_id == tool_id)

    @property
    def errors(self) -> tuple[Message, ...]:
        """The error messages."""
        return tuple(message for message in self.messages if message.kind == "error")

    def raise_for_status(self) -> None:
        """Raise ``WorkflowError`` with the first error where the run was not ok."""
        if not self.ok:
            first = self.errors[0]
            raise WorkflowError(str(first), first.tool_id, first.name)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            "workflow": self.workflow,
            "ok": self.ok,
            "seconds": self.seconds,
            "tools": [_tool_dict(tool) for tool in self.tools],
            "messages": [asdict(message) for message in self.messages],
            "files": [asdict(file) for file in self.files],
            "statements": list(self.statements),
        }

    def to_json(self) -> str:
        """Return the report as one JSON document."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)


def _tool_dict(tool: ToolReport) -> dict[str, Any]:
    anchors = [
        {
            "name": anchor.name,
            "records": anchor.records,
            "batches": anchor.batches,
            "bytes": anchor.size,
            "fields": [{"name": field.name, **field.type.to_xml()} for field in anchor.schema],
        }
        for anchor in tool.anchors
    ]
    return {**asdict(replace(tool, anchors=())), "anchors": anchors}
