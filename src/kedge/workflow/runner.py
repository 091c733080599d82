"""Running a plan: tool after tool, each stretch of SELECTs as one statement, errors kept to what depends on them."""

from __future__ import annotations

__all__ = ["Run"]

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from kedge.exceptions import KedgeError, UsageError, WorkflowError
from kedge.tools.contract import Context, Described, FileSink, Inputs, Query, Records, Source, Step, column
from kedge.tools.schema import Schema
from kedge.workflow.graph import ResolvedTool, Wire
from kedge.workflow.relations import Relation, statement
from kedge.workflow.report import AnchorReport, FileReport, Message, ToolReport

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.workflow.engine import Engine
    from kedge.workflow.planner import Anchor, Plan

CANCELLED = "the run was cancelled"
Progress = Callable[[int, str, str], None]
ContextOf = Callable[[ResolvedTool, Callable[[str, str], None]], Context]


@dataclass(frozen=True)
class Limits:
    """The document's own limits: records read per input (0 is all), conversion messages per tool, what errors do."""

    records: int = 0
    conversions: int = 10
    stop_on_conversions: bool = False
    cancel_on_error: bool = False
    write_files: bool = True


@dataclass
class Run:
    """One run of a plan on an engine. ``progress`` is told tool id, name and status as they change."""

    plan: Plan
    engine: Engine
    context_of: ContextOf
    limits: Limits
    progress: Progress
    tapped: bool = False
    relations: dict[Anchor, Relation] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    files: list[FileReport] = field(default_factory=list)
    tools: list[ToolReport] = field(default_factory=list)
    failed: set[int] = field(default_factory=set)
    cancelled: threading.Event = field(default_factory=threading.Event)
    steps: list[Step] = field(default_factory=list)

    def cancel(self) -> None:
        """End the run, from any thread: what runs now ends with an error, nothing else starts."""
        self.cancelled.set()
        self.engine.cancel()
        for step in tuple(self.steps):
            step.cancel()

    def execute(self) -> None:
        """Run every tool of the plan; errors become messages, and what depends on a failed tool is skipped.

        A tool at the end of a branch that cannot run is an error as well, a warning where the caller names taps.
        """
        kind = "warning" if self.tapped else "error"
        for item in self.plan.left_out:
            self.messages.append(Message(item.tool_id, item.name, kind, f"it is left out: {item.text}"))
        for tool in self.plan.tools:
            if self._must_skip(tool):
                self._finish(tool, "skipped", 0.0)
                self.failed.add(tool.tool_id)
                continue
            self._run_tool(tool)

    def _must_skip(self, tool: ResolvedTool) -> bool:
        ended = self.cancelled.is_set() or (bool(self.failed) and self.limits.cancel_on_error)
        return ended or any(wire.origin in self.failed for wire in tool.wires)

    def table(self, tool_id: int, anchor: str) -> pa.Table:
        """Return the records of a kept anchor; a Browse tool stands for the anchor that it looks at."""
        found = next((tool for tool in self.plan.tools if tool.tool_id == tool_id), None)
        if found and not found.tool.outputs and found.wires:
            tool_id, anchor = found.wires[0].origin, found.wires[0].origin_anchor
        relation = self.relations.get((tool_id, anchor))
        if relation is None or (tool_id, anchor) not in self.plan.kept:
            raise UsageError(f"the run kept no records of {tool_id}:{anchor}; name the anchor as a tap")
        return self.engine.fetch(relation.records()).cast(relation.schema.arrow())

    def _run_tool(self, tool: ResolvedTool) -> None:
        started = time.perf_counter()
        self.progress(tool.tool_id, tool.node.name, "running")
        errors = len([message for message in self.messages if message.kind == "error"])
        try:
            self._evaluate(tool)
        except KedgeError as fault:
            self._say(tool, "error", CANCELLED if self.cancelled.is_set() else str(fault))
        self._note_conversions()
        wrong = [message for message in self.messages if message.kind == "error"][errors:]
        if any(message.tool_id == tool.tool_id for message in wrong):
            self.failed.add(tool.tool_id)
        status = "failed" if tool.tool_id in self.failed else "done"
        self._finish(tool, status, time.perf_counter() - started)

    def _say(self, tool: ResolvedTool, kind: str, text: str) -> None:
        self.messages.append(Message(tool.tool_id, tool.node.name, kind, text))

    def _note_conversions(self) -> None:
        noted = self.engine.conversions.take()
        names = {tool.tool_id: tool.node.name for tool in self.plan.tools} if noted else {}
        for tool_id, count, texts in noted:
            kept = texts[: self.limits.conversions]
            said = [Message(tool_id, names[tool_id], "conversion", text) for text in kept]
            self.messages.extend(said)
            if count > len(kept):
                rest = f"{count - len(kept)} more conversion messages; {count} in all"
                self.messages.append(Message(tool_id, names[tool_id], "conversion", rest))
            if self.limits.stop_on_conversions and count > self.limits.conversions:
                text = f"{count} conversion errors exceed the limit of {self.limits.conversions}"
                self.messages.append(Message(tool_id, names[tool_id], "error", text))
                self.failed.update(tool.tool_id for tool in self.plan.tools if tool.tool_id == tool_id)

    def _finish(self, tool: ResolvedTool, status: str, seconds: float) -> None:
        known = ((anchor, self.relations.get((tool.tool_id, anchor))) for anchor in tool.tool.outputs)
        anchors = tuple(AnchorReport(name, made.count, made.schema) for name, made in known if made)
        plugin = tool.node.plugin or tool.node.macro
        self.tools.append(ToolReport(tool.tool_id, tool.node.name, plugin, status, seconds, anchors))
        self.progress(tool.tool_id, tool.node.name, status)

    def _evaluate(self, tool: ResolvedTool) -> None:
        context = self.context_of(tool, lambda kind, text: self._say(tool, kind, text))
        used = frozenset(anchor for anchor in tool.tool.outputs if self.plan.is_used((tool.tool_id, anchor)))
        context = replace(context, used=used)
        sources = self._inputs(tool, self._source)
        if tool.tool.probe:
            facts = {
                name: self.engine.fetch(statement(query, self._parents(tool)))
                for name, query in tool.tool.probe(tool.config, sources, context).items()
            }
            context = context.with_facts(facts)
        schemas = tool.tool.bind(tool.config, self._inputs(tool, lambda wire, _: self._relation(wire).schema), context)
        if tool.tool.build:
            self._build(tool, sources, schemas, context)
        elif tool.tool.write:
            self._write(tool, sources, context)

    def _inputs(self, tool: ResolvedTool, item: Callable[[Wire, ResolvedTool], Any]) -> Inputs[Any]:
        by_anchor: dict[str, list[Any]] = {entry.name: [] for entry in tool.tool.inputs}
        names: dict[str, list[str]] = {entry.name: [] for entry in tool.tool.inputs}
        for wire in tool.wires:
            by_anchor[wire.anchor].append(item(wire, tool))
            names[wire.anchor].append(wire.name)
        return Inputs(by_anchor, names)

    def _relation(self, wire: Wire) -> Relation:
        found = self.relations.get((wire.origin, wire.origin_anchor))
        if found is None:
            raise WorkflowError(f"tool {wire.origin} has no output anchor {wire.origin_anchor!r}")
        return found

    def _source(self, wire: Wire, _: ResolvedTool) -> Source:
        return self._relation(wire).source((wire.origin, wire.origin_anchor) in self.plan.ordered)

    def _parents(self, tool: ResolvedTool) -> tuple[Relation, ...]:
        return tuple(self._relation(wire) for wire in tool.wires)

    def _build(
        self, tool: ResolvedTool, sources: Inputs[Source], schemas: Mapping[str, Schema], context: Context
    ) -> None:
        assert tool.tool.build is not None
        built = tool.tool.build(tool.config, sources, context)
        if isinstance(built, Step):
            self._step(tool, built, schemas)
            return
        for anchor, query in built.items():
            if self.plan.is_used((tool.tool_id, anchor)):
                self._register(tool, anchor, schemas[anchor], self._limited(tool, query))

    def _limited(self, tool: ResolvedTool, query: Query) -> Query:
        if tool.wires or not self.limits.records:
            return query
        return replace(query, select=query.select.limit(self.limits.records))

    def _register(self, tool: ResolvedTool, anchor: str, schema: Schema, query: Query) -> None:
        key = (tool.tool_id, anchor)
        if key not in self.plan.ordered:
            query = replace(query, order=(), natural=False)
        relation = Relation.of(_name(tool, anchor), schema, query, self._parents(tool))
        if query.same_count:
            same = next(wire for wire in tool.wires if wire.anchor == query.same_count)
            relation = replace(relation, count=self._relation(same).count)
        if self.plan.uses.get(key, 0) > 1 or key in self.plan.kept:
            relation = relation.as_table(self.engine.create(relation.name, relation.everything()))
        self.relations[key] = relation

    def _step(self, tool: ResolvedTool, step: Step, schemas: Mapping[str, Schema]) -> None:
        streams = {wire.anchor + wire.name: self.engine.stream(self._relation(wire).records()) for wire in tool.wires}
        self.steps.append(step)
        try:
            for anchor, records in step.run(streams).items():
                if self.plan.is_used((tool.tool_id, anchor)):
                    self._load(tool, anchor, schemas.get(anchor), records)
                elif isinstance(records, Described):
                    deque(records.records, maxlen=0)  # a tool must not wait for a reader that never comes
        finally:
            step.finish()
            self.steps.remove(step)

    def _load(self, tool: ResolvedTool, anchor: str, schema: Schema | None, records: Records | Described) -> None:
        if isinstance(records, Described):
            schema, records = records.schema, records.records
        assert schema is not None
        name = _name(tool, anchor)
        count = self.engine.load(name, records, schema)
        self.relations[tool.tool_id, anchor] = Relation(name, schema, natural=True, count=count)

    def _write(self, tool: ResolvedTool, sources: Inputs[Source], context: Context) -> None:
        assert tool.tool.write is not None
        if not self.limits.write_files:
            self._say(tool, "info", "no file is written: the workflow disables all output")
            return
        relation = self._relation(tool.wires[0])
        sink = tool.tool.write(tool.config, sources.one(tool.wires[0].anchor), context)
        for part, query, schema in self._parts(sink, relation):
            count = self.engine.write(query, schema, part)
            self.files.append(FileReport(tool.tool_id, str(part.path), count, Path(part.path).stat().st_size))
            self._say(tool, "info", f"{count} records were written to {part.path}")

    def _parts(self, sink: FileSink, relation: Relation) -> Iterator[tuple[FileSink, exp.Query, Schema]]:
        """Yield each file to write with its records: one, or one for each value of the field that splits them."""
        if not sink.split or sink.place is None:
            yield sink, relation.records(sink.limit), relation.schema
            return
        if relation.query is not None:
            relation = relation.as_table(self.engine.create(relation.name, relation.everything()))
        kept = Schema(tuple(item for item in relation.schema if sink.keep_split or item.name != sink.split))
        rows = relation.records(sink.limit).subquery("records")
        text = exp.cast(column(sink.split), "text")
        values = self.engine.fetch(statement(exp.select(exp.alias_(text, "value")).from_(rows).distinct(), (relation,)))
        for value in sorted(values["value"].to_pylist(), key=lambda item: (item is not None, item)):
            same = exp.NullSafeEQ(this=text.copy(), expression=exp.convert(value))
            columns = [column(item.name) for item in kept]
            yield (
                replace(sink, path=sink.place(value or "")),
                exp.select(*columns).from_(rows.copy()).where(same),
                kept,
            )


def _name(tool: ResolvedTool, anchor: str) -> str:
    kind = (tool.node.plugin or tool.node.macro).replace("\\", "/").rsplit("/", 1)[-1].split(".")
    word = kind[-2] if kind[-1] == "yxmc" else kind[-1]
    return f"{word}_{tool.tool_id}_{anchor}"
