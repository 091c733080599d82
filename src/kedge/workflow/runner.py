"""Running a plan: several tools at once, stretches of SELECTs as one statement, errors kept to what depends on them."""

from __future__ import annotations

__all__ = ["Run"]

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
from sqlglot import exp

from kedge.exceptions import KedgeError, UsageError, WorkflowError
from kedge.tools.contract import (
    FEW,
    HIDDEN,
    Context,
    Described,
    FileSink,
    Inputs,
    Query,
    Records,
    Report,
    Source,
    Step,
    Wanted,
    column,
)
from kedge.tools.schema import Schema
from kedge.workflow.arriving import Arriving, Traffic
from kedge.workflow.counting import NOTHING, Count, Counting, Counts
from kedge.workflow.graph import ResolvedTool, Wire
from kedge.workflow.journal import Journal, Limits
from kedge.workflow.relations import TINY, Relation, Statement, statement
from kedge.workflow.report import AnchorReport, FileReport, Message, ToolReport
from kedge.workflow.running_step import RunningStep
from kedge.workflow.schedule import run_in_order

if TYPE_CHECKING:
    from kedge.workflow.engine import Engine
    from kedge.workflow.planner import Anchor, Plan

CANCELLED = "the run was cancelled"
WORKERS = 4
"""Statements and waits for tool processes at once; those whose records flow into another need no worker."""
MOST_FLOWING = 16
"""Steps whose records flow on at once; the records of more are stored, so that their processes end."""
Progress = Callable[[int, str, str], None]
ContextOf = Callable[[ResolvedTool, Report], Context]
Made = TypeVar("Made")


@dataclass
class Run:
    """One run of a plan on an engine. ``progress`` is told tool id, name and status as they change.

    Tools are put into SQL by one thread at a time, whose turn it is; the turn goes on while statements run and
    processes work. ``count_all`` says that every anchor is counted, whatever it costs.
    """

    plan: Plan
    engine: Engine
    context_of: ContextOf
    limits: Limits
    progress: Progress
    tapped: bool = False
    count_all: bool = False
    relations: dict[Anchor, Relation] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    files: list[FileReport] = field(default_factory=list)
    tools: list[ToolReport] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.journal = Journal(self.plan.tools, self.limits, self.progress)
        self._places = {tool.tool_id: place for place, tool in enumerate(self.plan.tools)}
        self._turn = threading.Lock()
        self._steps: list[RunningStep] = []
        self._arriving: dict[int, Arriving] = {}
        self._arrived: list[Arriving] = []
        self._traffic: dict[Anchor, Traffic] = {}
        self._counts = Counts()
        self._unread: dict[Anchor, Relation] = {}

    def cancel(self) -> None:
        """End the run, from any thread: what runs now ends with an error, nothing else starts."""
        self.cancelled.set()
        self.engine.cancel()
        for step in tuple(self._steps):
            step.cancel()

    def execute(self) -> None:
        """Run every tool of the plan; errors become messages, and what depends on a failed tool is skipped.

        A tool at the end of a branch that cannot run is an error as well, a warning where the caller names taps.
        """
        if self.limits.stop_on_conversions:
            self.engine.conversions.most = self.limits.conversions
        workers = 1 if self.limits.cancel_on_error else WORKERS
        try:
            run_in_order(self.plan.tools, self._perform, workers, self._look, self.cancel)
            self._drain()
            self.journal.limit_conversions(self.engine.conversions)
        except BaseException:
            self.cancel()
            raise
        finally:
            self._end()
        if self.cancelled.is_set() and self.journal.skipped and not self.journal.failed:
            first = next(tool.tool_id for tool in self.plan.tools if tool.tool_id in self.journal.skipped)
            self.journal.say(first, "error", CANCELLED)
        for key, traffic in self._traffic.items():
            if traffic.complete:
                self.relations[key].count.rows = traffic.rows
        self._counts.take(dict(self.engine.counted))
        self._counts.settle()
        self.tools = self.journal.reports(self._anchors)
        kind = "warning" if self.tapped else "error"
        left_out = [Message(it.tool_id, it.name, kind, f"it is left out: {it.text}") for it in self.plan.left_out]
        self.messages = [*left_out, *self.journal.messages(self.engine.conversions)]
        self.files = self.journal.files

    def _end(self) -> None:
        for step in self._steps:
            step.stop()
        for arriving in self._arrived:
            arriving.release()
        self._steps.clear()
        self._arrived.clear()
        self._arriving.clear()

    def _look(self) -> None:
        """Interrupt again what began while the run was being cancelled."""
        if self.cancelled.is_set():
            self.cancel()

    def _perform(self, tool: ResolvedTool) -> None:
        with self._turn:
            if self._must_skip(tool):
                self.journal.skipped.add(tool.tool_id)
                self.journal.end(tool.tool_id)
                return
            self.journal.begin(tool.tool_id)
            try:
                self._evaluate(tool)
            except KedgeError as fault:
                self.journal.limit_conversions(self.engine.conversions)
                self._fail(tool, fault)
            self.journal.limit_conversions(self.engine.conversions)
            if tool.tool_id not in self._arriving:
                self.journal.end(tool.tool_id)

    def _must_skip(self, tool: ResolvedTool) -> bool:
        ended = self.cancelled.is_set() or (bool(self.journal.failed) and self.limits.cancel_on_error)
        return ended or self.journal.broken(tool.tool_id)

    def _fail(self, tool: ResolvedTool, fault: KedgeError) -> None:
        """Say the error, unless it only comes from that of a tool before, or is said already."""
        if self.cancelled.is_set():
            self.journal.say(tool.tool_id, "error", CANCELLED)
            return
        if tool.tool_id not in self.journal.failed and not self.journal.broken(tool.tool_id):
            place = fault.tool_id if isinstance(fault, WorkflowError) else None
            self.journal.say(tool.tool_id if place is None else place, "error", str(fault))

    def _aside(self, work: Callable[[], Made]) -> Made:
        """Do work that blocks while others have their turn."""
        self._turn.release()
        try:
            return work()
        finally:
            self._turn.acquire()

    def _drain(self) -> None:
        """Let steps whose records no statement read come to their end, those before a failed tool without waiting."""
        lost = self.journal.ancestors(self.journal.failed | self.journal.skipped)
        for tool_id, arriving in self._arriving.items():
            if arriving.taken or arriving.stored:
                continue
            if self.cancelled.is_set() or tool_id in lost:
                arriving.abandon()
                continue
            try:
                arriving.finish()
            except KedgeError as fault:
                self._fail(self.journal.by_id[tool_id], fault)

    def table(self, tool_id: int, anchor: str) -> pa.Table:
        """Return the records of a kept anchor; a Browse tool stands for the anchor that it looks at."""
        found = next((tool for tool in self.plan.tools if tool.tool_id == tool_id), None)
        if found and not found.tool.outputs and found.wires:
            tool_id, anchor = found.wires[0].origin, found.wires[0].origin_anchor
        relation = self.relations.get((tool_id, anchor))
        if relation is None or (tool_id, anchor) not in self.plan.kept:
            raise UsageError(f"the run kept no records of {tool_id}:{anchor}; name the anchor as a tap")
        return self.engine.fetch(relation.records()).cast(relation.schema.arrow())

    def _anchors(self, tool: ResolvedTool) -> tuple[AnchorReport, ...]:
        found = {name: self._anchor(name, (tool.tool_id, name)) for name in tool.tool.outputs}
        return tuple(anchor for anchor in found.values() if anchor is not None)

    def _anchor(self, name: str, key: Anchor) -> AnchorReport | None:
        """Return the report of an anchor, of one that nobody reads only if its records are counted."""
        relation, traffic = self.relations.get(key), self._traffic.get(key, Traffic())
        if relation is None:
            relation = self._unread.get(key)
            if relation is None or self._counts.value(relation.count) is None:
                return None
        if not traffic.complete:
            return AnchorReport(name, self._counts.value(relation.count), relation.schema)
        return AnchorReport(name, traffic.rows, relation.schema, traffic.batches, traffic.size)

    def _evaluate(self, tool: ResolvedTool) -> None:
        context = self.context_of(tool, partial(self._say, tool.tool_id))
        used = frozenset(anchor for anchor in tool.tool.outputs if self.plan.is_used((tool.tool_id, anchor)))
        context = replace(context, used=used)
        sources = self._inputs(tool, self._source)
        if tool.tool.probe:
            facts = {
                name: self._fetch(tool, statement(query, self._parents(tool)))
                for name, query in tool.tool.probe(tool.config, sources, context).items()
            }
            context = context.with_facts(facts)
        schemas = tool.tool.bind(tool.config, self._inputs(tool, lambda wire, _: self._relation(wire).schema), context)
        context = replace(context, wanted=self._wanted(tool, schemas))
        if tool.tool.build:
            self._build(tool, sources, schemas, context)
        elif tool.tool.write:
            self._write(tool, sources, context)

    def _wanted(self, tool: ResolvedTool, schemas: Mapping[str, Schema]) -> Mapping[str, Wanted]:
        """Return how the only reader of a source's only output converts its fields."""
        if tool.wires or len(schemas) != 1:
            return {}
        anchor, schema = next(iter(schemas.items()))
        if self.plan.uses.get((tool.tool_id, anchor)) != 1 or (tool.tool_id, anchor) in self.plan.kept:
            return {}
        reader = next(item for item in self.plan.tools for wire in item.wires if wire.origin == tool.tool_id)
        return reader.tool.wants(reader.config, schema, reader.tool_id) if reader.tool.wants else {}

    def _say(self, tool_id: int, kind: str, text: str, times: int = 1, /) -> None:
        if kind == "conversion":
            self.engine.conversions.add(tool_id, text, times)
        else:
            self.journal.say(tool_id, kind, text)

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

    def _source(self, wire: Wire, tool: ResolvedTool) -> Source:
        """Return an input; its order is put into a column where its statement may be counted."""
        key = (wire.origin, wire.origin_anchor)
        relation, ordered = self._relation(wire), key in self.plan.ordered
        counted = self.count_all or all(self._relation(other).few for other in tool.wires)
        if ordered and counted and tool.tool.build:
            relation = self.relations[key] = relation.numbered(f"{HIDDEN}{wire.origin}_{wire.origin_anchor}")
        return relation.source(ordered)

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
        made = {
            anchor: self._made(tool, anchor, schemas[anchor], self._limited(tool, query))
            for anchor, query in built.items()
        }
        if tool.tool.shares:
            whole = next(self._relation(wire) for wire in tool.wires if wire.anchor == tool.tool.shares)
            self._counts.share(whole.count, [relation.count for relation in made.values()])
        used = [anchor for anchor in made if self.plan.is_used((tool.tool_id, anchor))]
        for anchor in made.keys() - used:
            self._unread[tool.tool_id, anchor] = made[anchor]
        beside = () if tool.tool.shares else tuple(made[anchor] for anchor in made if anchor not in used)
        for anchor in used:
            self._register((tool.tool_id, anchor), tool, replace(made[anchor], beside=beside))
            beside = ()

    def _limited(self, tool: ResolvedTool, query: Query) -> Query:
        if not (tool.tool.brings_in and self.limits.records):
            return query
        known, most = query.rows, self.limits.records
        rows = None if known is None else lambda inputs: min(most, known(inputs))
        return replace(query, select=query.select.limit(most), rows=rows, few=query.few or most <= FEW)

    def _made(self, tool: ResolvedTool, anchor: str, schema: Schema, query: Query) -> Relation:
        if (tool.tool_id, anchor) not in self.plan.ordered:
            query = replace(query, order=(), natural=False)
        relation = Relation.of(_name(tool, anchor), schema, query, self._parents(tool))
        count = self._count(tool, query)
        tiny = relation.tiny or (not tool.wires and (self._counts.value(count) or FEW) <= TINY)
        return replace(relation, count=count, tiny=tiny)

    def _count(self, tool: ResolvedTool, query: Query) -> Count:
        if query.same_count:
            same = next(wire for wire in tool.wires if wire.anchor == query.same_count)
            return self._relation(same).count
        if query.rows is None:
            return Count()
        counts, rows = self._inputs(tool, lambda wire, _: self._relation(wire).count), query.rows
        of = tuple(count for found in counts.by_anchor.values() for count in found)

        def rule() -> int:
            known = {anchor: [count.rows for count in found] for anchor, found in counts.by_anchor.items()}
            return rows(Inputs(known))

        return Count(of=of, rule=rule)

    def _register(self, key: Anchor, tool: ResolvedTool, relation: Relation) -> None:
        if self.plan.uses.get(key, 0) > 1 or key in self.plan.kept:
            relation = self._stored(tool, relation)
        self.relations[key] = relation

    def _stored(self, tool: ResolvedTool, relation: Relation) -> Relation:
        if relation.query is None:
            return relation
        everything = self._ready(tool, relation.everything(self._counting(relation)))
        return relation.as_table(self._aside(lambda: self.engine.create(relation.name, everything)))

    def _counting(self, relation: Relation, *, told: bool = True, flows: bool = False) -> Counting:
        """Say what a statement counts: all there is where that costs little, or has been asked for.

        ``flows`` says that its records go to a tool process, which is not to wait until all are counted.
        """
        if not (relation.few or self.count_all) or relation.query is None:
            return NOTHING
        waits = flows and any(item.arriving is not None for item in relation.chain())
        if waits and not self.count_all:
            return NOTHING
        self._counts.take(dict(self.engine.counted))
        return self._counts.counting(relation, told, self.count_all)

    def _fetch(self, tool: ResolvedTool, found: Statement) -> pa.Table:
        ready = self._ready(tool, found)
        return self._aside(lambda: self.engine.fetch(ready))

    def _ready(self, tool: ResolvedTool, found: Statement) -> Statement:
        """Return a statement that reads each stream once: what it reads more often is stored before."""
        place = self._places[tool.tool_id]
        for arriving, times in found.arriving.items():
            if times > 1:
                self._aside(partial(self.engine.store, arriving, place))
        once = {arriving: times for arriving, times in found.arriving.items() if not arriving.stored}
        return replace(found, arriving=once, place=place)

    def _step(self, tool: ResolvedTool, step: Step, schemas: Mapping[str, Schema]) -> None:
        inputs = [Traffic() for _ in tool.wires]
        running = RunningStep(tool.tool_id, step, inputs, self.journal, self.cancelled.is_set)
        self._steps.append(running)
        if self.cancelled.is_set():
            running.cancel()
        used = [anchor for anchor in tool.tool.outputs if self.plan.is_used((tool.tool_id, anchor))]
        try:
            streams = {
                wire.anchor + wire.name: self._stream(tool, wire, traffic)
                for wire, traffic in zip(tool.wires, inputs, strict=True)
            }
            with running.blamed():
                outputs = self._aside(lambda: step.run(streams))
            for anchor in used:
                with running.blamed():
                    records = self._aside(partial(outputs.__getitem__, anchor))
                self._arrive(tool, anchor, schemas.get(anchor), records, running)
            if tool.tool_id not in self._arriving:
                self._aside(running.finish)
        except BaseException:
            self._aside(running.stop)
            raise

    def _stream(self, tool: ResolvedTool, wire: Wire, traffic: Traffic) -> pa.RecordBatchReader:
        """Open the records of an input, and count what passes."""
        relation = self._relation(wire)
        ready = self._ready(tool, relation.records(counting=self._counting(relation, flows=True)))
        self._traffic.setdefault((wire.origin, wire.origin_anchor), traffic)
        return self._aside(lambda: self.engine.stream(ready, traffic))

    def _arrive(
        self, tool: ResolvedTool, anchor: str, schema: Schema | None, records: Records | Described, running: RunningStep
    ) -> None:
        """Hand the records of a step's anchor on: to the one statement that reads them, or else into a table."""
        if isinstance(records, Described):
            schema, records = records.schema, records.records
        assert schema is not None
        key, flows = (tool.tool_id, anchor), self._flows(tool, anchor)
        if not schema:
            self._aside(running.finish)
            raise WorkflowError(f"the anchor {anchor} has no fields")
        if tool.tool.brings_in and self.limits.records and isinstance(records, pa.Table):
            records = records.slice(0, self.limits.records)
        count = Count(len(records) if isinstance(records, pa.Table) else None)
        few = bool(tool.wires) and all(self._relation(wire).few for wire in tool.wires)
        few = few if count.rows is None else count.rows <= FEW

        def end(traffic: Traffic) -> None:
            if flows:
                running.finish()
            count.rows = traffic.rows

        batches = records.to_batches() if isinstance(records, pa.Table) else records
        name = _name(tool, anchor)
        arriving = Arriving(f"{name} arriving", records.schema, running.guard(batches), end, running.stop)
        self._arrived.append(arriving)
        self._traffic[key] = arriving.traffic
        relation = Relation.over(name, schema, arriving, count, few)
        if flows:
            self._arriving[tool.tool_id] = arriving
            self._register(key, tool, relation)
        else:
            self.relations[key] = self._stored(tool, relation)

    def _flows(self, tool: ResolvedTool, anchor: str) -> bool:
        """Whether the records of an anchor go straight into their reader: its only one, of the tool's only output."""
        used = [name for name in tool.tool.outputs if self.plan.is_used((tool.tool_id, name))]
        readers = self.plan.uses.get((tool.tool_id, anchor), 0)
        flowing = sum(not step.over for step in self._steps)
        return len(used) == 1 == readers and (tool.tool_id, anchor) not in self.plan.kept and flowing <= MOST_FLOWING

    def _write(self, tool: ResolvedTool, sources: Inputs[Source], context: Context) -> None:
        assert tool.tool.write is not None
        if not self.limits.write_files:
            self.journal.say(tool.tool_id, "info", "no file is written: the workflow disables all output")
            return
        relation = self._relation(tool.wires[0])
        sink = tool.tool.write(tool.config, sources.one(tool.wires[0].anchor), context)
        for part, records, schema in self._parts(tool, sink, relation):
            ready = self._ready(tool, records)
            count = self._aside(partial(self.engine.write, ready, schema, part))
            size = Path(part.path).stat().st_size
            self.journal.files.append(FileReport(tool.tool_id, str(part.path), count, size))
            self.journal.say(tool.tool_id, "info", f"{count} records were written to {part.path}")
            if part is sink and not sink.limit:
                relation.count.rows = count

    def _parts(
        self, tool: ResolvedTool, sink: FileSink, relation: Relation
    ) -> Iterator[tuple[FileSink, Statement, Schema]]:
        """Yield each file to write with its records: one, or one for each value of the field that splits them."""
        if not sink.split or sink.place is None:
            if sink.limit and relation.few:
                relation = self._stored(tool, relation)
            counting = self._counting(relation, told=not sink.limit)
            yield sink, relation.records(sink.limit, counting), relation.schema
            return
        relation = self._stored(tool, relation)
        kept = Schema(tuple(item for item in relation.schema if sink.keep_split or item.name != sink.split))
        rows = relation.records(sink.limit).query.subquery("records")
        text = exp.cast(column(sink.split), "text")
        found = exp.select(exp.alias_(text, "value")).from_(rows).distinct()
        values = self._fetch(tool, statement(found, (relation,)))
        for value in sorted(values["value"].to_pylist(), key=lambda item: (item is not None, item)):
            same = exp.NullSafeEQ(this=text.copy(), expression=exp.convert(value))
            columns = [column(item.name) for item in kept]
            query = exp.select(*columns).from_(rows.copy()).where(same)
            yield replace(sink, path=sink.place(value or "")), Statement(query), kept


def _name(tool: ResolvedTool, anchor: str) -> str:
    kind = (tool.node.plugin or tool.node.macro).replace("\\", "/").rsplit("/", 1)[-1].split(".")
    word = kind[-2] if kind[-1] == "yxmc" else kind[-1]
    return f"{word}_{tool.tool_id}_{anchor}"
