"""Run one tool on given inputs: the planning that every way of running shares."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedge.exceptions import SettingsError, UsageError
from kedge.host.batching import rebatch
from kedge.host.collector import Collector, Observer
from kedge.host.engine_services import EngineServices, LocalEngineServices
from kedge.host.feeds import Feed
from kedge.host.in_process import run_in_process
from kedge.host.out_of_process import Launch, run_out_of_process
from kedge.host.requests import answer_request
from kedge.host.results import AnchorStatistics, RunStatistics, Stopwatch, ToolResult
from kedge.host.sources import Source, open_sources
from kedge.sdk.anchors import ToolAnchors, anchors_from_json, declared_anchors
from kedge.sdk.batch_converter import BatchConverter
from kedge.sdk.constants import Anchor, UpdateMode
from kedge.sdk.engine_types import IncomingPlan
from kedge.sdk.initialization import IncomingAnchor, IncomingConnection, Initialization, OutgoingAnchor
from kedge.sdk.tool_config import VERSION_ELEMENT, config_from_xml, config_to_xml
from kedge.sdk.version import __version__
from kedge.wire.metadata import metadata_to_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from kedge.host.pool import ToolPool
    from kedge.host.process import ToolProcess
    from kedge.host.sinks import Sink
    from kedge.host.target import ToolTarget
    from kedge.sdk.anchors import InputAnchor
    from kedge.wire.statistics import ConnectionStatistics

__all__ = ["Incoming", "ToolCall"]


@dataclass
class ToolCall:
    """One run of one tool, planned. ``budget`` in bytes each way, timeouts in seconds."""

    target: ToolTarget
    inputs: Mapping[str, object] = field(default_factory=dict)
    outputs: Sequence[str] | None = None
    """The outgoing anchors to connect; None for all that the tool declares, or ``Output`` where it declares none."""
    config_xml: str = "<Configuration/>"
    config_is_current: bool = False
    """Whether the configuration, if it does not say so itself, is of the version that the tool's settings have now.

    One that was kept as XML may be old; one that somebody writes down for this run is not.
    """
    constants: Mapping[str, str] = field(default_factory=dict)
    services: EngineServices = field(default_factory=LocalEngineServices)
    observer: Observer = field(default_factory=Observer)
    update_only: bool = False
    in_process: bool = False
    keep_partial: bool = True
    """Whether the sinks of a run that reported an error are closed, or abandoned so that nothing looks complete."""
    start_timeout: float = 30.0
    timeout: float | None = None
    """How long the whole run may take; None for any time."""
    idle_timeout: float | None = None
    """How long the tool process may give no sign of life while the host waits for it; None for any time.

    A callback that takes long gives none."""
    budget: int = 64 << 20
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set it, from any thread, to end a run in a process of its own."""
    pool: ToolPool | None = None
    """Where processes wait that were started ahead; None for a new one in any case."""

    def run(self, open_sink: Callable[[str], Sink]) -> ToolResult:
        """Run the tool and block until it is over; the records of each outgoing anchor go to its sink.

        Raises UsageError (its SettingsError for a configuration that the tool does not take), ToolStartError,
        ToolCrashed, ToolTimeout, ProtocolError, EngineGone where it was cancelled, and KeyboardInterrupt; sinks are
        abandoned then.
        What the tool itself reported is in the result.
        """
        stopwatch = Stopwatch()
        collector = Collector(open_sink, lambda request: answer_request(request, self.services), self.observer)
        with ExitStack() as opened:
            incoming = Incoming(self.inputs, opened)
            try:
                transport, tool = self._run(incoming, collector)
                if collector.failed and not self.keep_partial:
                    collector.abandon()
                else:
                    collector.finish()
            except BaseException:
                collector.abandon()
                raise
        statistics = RunStatistics(incoming.statistics, collector.statistics, stopwatch.seconds(), transport, tool)
        return ToolResult({}, collector.messages, collector.metadata, statistics)

    def _run(
        self, incoming: Incoming, collector: Collector
    ) -> tuple[ConnectionStatistics | None, Mapping[str, Any] | None]:
        """What passed, as seen from this end and from the tool's."""
        if self.in_process:
            if self.timeout is not None or self.idle_timeout is not None:
                raise UsageError("a run in this process cannot be ended by a timeout; leave one of the two out")
            if self.pool is not None:
                raise UsageError("a run in this process takes none from a pool; leave in_process or pool out")
            tool = self.target.load()
            with tempfile.TemporaryDirectory(prefix="kedge-") as folder:
                initialization = self.initialization(declared_anchors(tool), incoming, Path(folder))
                collector.open(anchor.name for anchor in initialization.outgoing)
                run_in_process(tool, self.target.name, initialization, incoming.feeds(), collector)
            return None, None
        launch = Launch(
            self.target.require_command(),
            environment={**self.target.environment, "KEDGE_BUDGET": str(self.budget)},
            start_timeout=self.start_timeout,
            timeout=self.timeout,
            idle_timeout=self.idle_timeout,
            budget=self.budget,
            on_line=self.observer.on_line,
            cancelled=self.cancelled,
            pool=self.pool,
        )

        processes: list[ToolProcess] = []

        def prepare(process: ToolProcess, folder: Path) -> tuple[Initialization, Sequence[Feed]]:
            processes.append(process)
            initialization = self.initialization(anchors_from_json(process.description or {}), incoming, folder)
            collector.open(anchor.name for anchor in initialization.outgoing)
            return initialization, incoming.feeds()

        connection = run_out_of_process(launch, prepare, collector)
        if processes[0].refusal:
            raise SettingsError(processes[0].refusal)
        return connection, processes[0].statistics

    def initialization(self, declared: ToolAnchors, incoming: Incoming, temp_dir: Path) -> Initialization:
        """The run's first message. Raises UsageError for anchors that are unknown, or needed and not there."""
        announced = incoming.anchors(declared, needed=not self.update_only)
        outgoing = self._outgoing(declared)
        return Initialization(
            config_xml=self._config_of(declared.settings_version or 1),
            incoming=announced,
            outgoing=tuple(OutgoingAnchor(name) for name in outgoing),
            constants={**_constants(temp_dir, self.update_only), **self.constants},
            update_mode=UpdateMode.FULL if self.update_only else UpdateMode.NO_UPDATE_MODE,
        )

    def _config_of(self, version: int) -> str:
        """The configuration; one that is current says so to a tool whose settings have versions."""
        if not self.config_is_current or version == 1:
            return self.config_xml
        config = config_from_xml(self.config_xml)
        return config_to_xml({VERSION_ELEMENT: str(version), **config})

    def _outgoing(self, declared: ToolAnchors) -> Sequence[str]:
        if declared.outputs is None:
            return ("Output",) if self.outputs is None else self.outputs
        for name in self.outputs or ():
            if name not in declared.outputs:
                raise _unknown_anchor("outgoing", name, declared.outputs, self.target.name)
        return declared.outputs


class Incoming:
    """The inputs of a run, opened, in the types that engines send."""

    def __init__(self, inputs: Mapping[str, object], opened: ExitStack) -> None:
        self.statistics: dict[str, AnchorStatistics] = {}
        self._sources: dict[str, list[tuple[Anchor, Source, BatchConverter]]] = {}
        for name, value in inputs.items():
            sources = open_sources(value)
            for source in sources:
                opened.callback(source.close)
            self._sources[name] = [
                (Anchor(name, f"#{number}"), source, BatchConverter(IncomingPlan, _fields(source, name)))
                for number, source in enumerate(sources, 1)
            ]

    def anchors(self, declared: ToolAnchors, *, needed: bool) -> tuple[IncomingAnchor, ...]:
        """The incoming anchors to announce.

        Raises UsageError for one that the tool does not have, or, where they are ``needed``, lacks.
        """
        if declared.inputs is not None:
            self._check(declared.inputs, needed)
        names = self._sources if declared.inputs is None else declared.inputs
        return tuple(
            IncomingAnchor(
                name,
                tuple(
                    IncomingConnection(anchor.connection, metadata_to_wire(converter.metadata or ()))
                    for anchor, _, converter in self._sources.get(name, [])
                ),
            )
            for name in names
        )

    def converters(self) -> dict[Anchor, BatchConverter]:
        """What brings the records of each connection into the types that engines send."""
        return {anchor: converter for part in self._sources.values() for anchor, _, converter in part}

    def feeds(self) -> list[Feed]:
        """The batches of each connection."""
        return [
            Feed(anchor, self._tables(anchor, source, converter))
            for connections in self._sources.values()
            for anchor, source, converter in connections
        ]

    def _tables(self, anchor: Anchor, source: Source, converter: BatchConverter) -> Iterator[pa.Table]:
        label = f"{anchor.name} {anchor.connection}"
        self.statistics[label] = AnchorStatistics()
        for table in rebatch(source.batches()):
            converted = converter.convert(table).table
            self.statistics[label] = self.statistics[label].plus(converted)
            yield converted

    def _check(self, declared: Mapping[str, InputAnchor], needed: bool) -> None:
        for name, connections in self._sources.items():
            if name not in declared:
                raise _unknown_anchor("incoming", name, declared, "the tool")
            if len(connections) > 1 and not declared[name].allow_multiple:
                raise UsageError(f"incoming anchor {name!r} takes one connection, and {len(connections)} were given")
        for name, anchor in declared.items():
            if needed and not anchor.optional and name not in self._sources:
                raise UsageError(f"the tool needs an input on its anchor {name!r}, and none was given")


def _fields(source: Source, anchor: str) -> Any:
    try:
        return IncomingPlan(source.schema).metadata
    except UsageError as error:
        raise UsageError(f"{source.name}, for anchor {anchor!r}: {error}") from error


def _unknown_anchor(kind: str, name: str, known: Mapping[str, object] | Sequence[str], tool: str) -> UsageError:
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(map(repr, known)) or "none"
    return UsageError(f"{tool} has no {kind} anchor {name!r}: it has {listed}{hint}")


def _constants(temp_dir: Path, update_only: bool) -> dict[str, str]:
    """The constants that every engine sends, and some that tools ask for."""
    return {
        "Engine.Version": __version__,
        "AlteryxExecutable": str(Path(sys.executable).parent),
        "Engine.WorkflowDirectory": f"{Path.cwd()}{os.sep}",
        "Engine.TempFilePath": f"{temp_dir}{os.sep}",
        "Engine.WorkflowFileName": "",
        "Engine.IterationNumber": "0",
        "ToolId": "1",
        "WorkflowRunGuid": str(uuid.uuid4()),
        "UpdateOnly": "True" if update_only else "False",
        "GlobalRecordLimit": "0",
    }
