"""One tool, ready to be run by a test: whole, update-only, or step by step."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.host.engine_services import LocalEngineServices
from kedge.host.feeds import Feed
from kedge.host.out_of_process import Launch, run_out_of_process
from kedge.host.run_tool import config_document
from kedge.host.sources import open_sources
from kedge.host.target import resolve_target
from kedge.host.tool_call import Incoming, ToolCall
from kedge.lifecycle.events import BatchArrived, ConnectionCompleted, Initialized, NotifyComplete
from kedge.sdk.anchors import anchors_from_json, declared_anchors
from kedge.sdk.constants import Anchor
from kedge.testing.conversation import Conversation
from kedge.testing.outcome import Outcome
from kedge.testing.tape import Tape

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

    from typing_extensions import Self

    from kedge.host.engine_services import EngineServices
    from kedge.host.pool import ToolPool
    from kedge.host.process import ToolProcess
    from kedge.sdk.batch_converter import BatchConverter
    from kedge.sdk.initialization import Initialization
    from kedge.testing.tape import Told
    from kedge.tool_run import ToolFactory

__all__ = ["Connection", "ToolHarness", "read_connections"]

_SAME_EVERY_TIME = {"WorkflowRunGuid": "00000000-0000-0000-0000-000000000000"}


class Connection(NamedTuple):
    """What a run's incoming connection carries: the batches, each as it is handed to the tool."""

    anchor: Anchor
    schema: pa.Schema
    tables: Sequence[pa.Table]


class ToolHarness:
    """One tool with one configuration; every :meth:`run` makes a new object of its class.

    ``tool`` is a tool class, of V1 too, ``"package:Tool"`` or ``"path/to/file.py:Tool"``; ``config`` a dict, XML, or
    the path of an XML file; ``outputs`` the outgoing anchors to connect (all that the tool declares, or ``Output``);
    ``constants`` are further constants of the engine; ``services`` answers what the tool asks of it.

    With ``process`` the tool runs in a process of its own, over the real protocol; one of the ``pool``, if that has
    one. Step by step it runs in this process only. Close a harness, or use it in a ``with`` statement; the fixture
    ``tool`` does so.
    """

    def __init__(
        self,
        tool: type[Any] | str,
        *,
        config: Mapping[str, Any] | str | os.PathLike[str] | None = None,
        outputs: Sequence[str] | None = None,
        constants: Mapping[str, str] | None = None,
        services: EngineServices | None = None,
        process: bool = False,
        pool: ToolPool | None = None,
    ) -> None:
        self.target = resolve_target(tool)
        self._process = process
        self._constants = dict(constants or {})
        self._call = ToolCall(
            self.target,
            outputs=outputs,
            config_xml=config_document(config),
            config_is_current=isinstance(config, Mapping),
            constants={**_SAME_EVERY_TIME, **self._constants},
            services=services or LocalEngineServices(),
            pool=pool,
        )
        self._stack = ExitStack()
        self._conversation: Conversation | None = None
        self._converters: dict[Anchor, BatchConverter] = {}
        self._open: list[Anchor] = []
        self._anchors: tuple[str, ...] = ()
        self._started = 0.0
        self._ended = True

    def __repr__(self) -> str:
        return f"<ToolHarness of {self.target.name}, {self._conversation or 'not started'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Break off a run that is not over, and delete its temporary files."""
        self._conversation = None
        self._end()

    # --- a whole run --------------------------------------------------------------------------------------------------

    def run(
        self, inputs: Mapping[str, object] | None = None, /, *, batch_rows: int | None = None, **anchors: object
    ) -> Outcome:
        """Run the tool from its construction to its end: ``run(Input=table)``, or ``run({"My input": table})``.

        A value is anything that :func:`kedge.run_tool` takes as an input, or a list of such, one for each connection.
        Each connection's records are handed over in one batch, or in batches of ``batch_rows`` rows; one without rows
        carries no batch. Connections follow each other as they are given.

        Raises UsageError for a wrong call and, of a real process, ToolStartError, ToolCrashed and ProtocolError. What
        the tool did wrong is in the outcome.
        """
        return self.run_connections(read_connections({**(inputs or {}), **anchors}, batch_rows))

    def update_only(self, inputs: Mapping[str, object] | None = None, /, **anchors: object) -> Outcome:
        """Only construct the tool, as an engine does to learn its columns; inputs are records or schemas."""
        connections = read_connections({**(inputs or {}), **anchors}, None)
        return self.run_connections([c._replace(tables=()) for c in connections], update_only=True)

    def run_connections(
        self,
        connections: Sequence[Connection],
        *,
        update_only: bool = False,
        make_tape: Callable[[EngineServices], Tape] = Tape,
        told: Iterable[Told] | None = None,
        factory: ToolFactory | None = None,
    ) -> Outcome:
        """Run with exactly these batches; ``make_tape`` takes the place of the usual tape.

        ``told`` is another order of the batches and completions, with the end; over a process it is only noted.
        ``factory`` makes the tool in this process.
        """
        told = _told(() if update_only else connections) if told is None else told
        if self._process:
            return self._run_over_process(connections, told, update_only, make_tape(self._call.services))
        self._start(connections, update_only, make_tape(self._call.services), factory)
        assert self._conversation is not None
        for each in told:
            self._conversation.tell(each)
        self._end()
        return self.whole

    # --- step by step -------------------------------------------------------------------------------------------------

    def start(self, inputs: Mapping[str, object] | None = None, /, **anchors: object) -> Outcome:
        """Construct the tool with these connections; inputs are schemas, or records, of which only the schema counts.

        Returns what the constructor said.
        """
        if self._process:
            raise UsageError("a tool in a process of its own runs as a whole; step by step leave out process=True")
        connections = read_connections({**(inputs or {}), **anchors}, None)
        self._start(connections, False, Tape(self._call.services))
        return self.whole

    def batch(self, anchor: str, records: object, connection: str = "#1") -> Outcome:
        """Hand over one batch, of any number of rows, and return what came of it.

        Starts a tool with a single connection by itself. Raises UsageError for a connection that :meth:`start` was not
        given, or that is complete, and when the run is over.
        """
        if self._ended:
            self.start({anchor: records})
        (read,) = read_connections({anchor: records}, None)
        table = pa.concat_tables(read.tables) if read.tables else read.schema.empty_table()
        converted = self._converters[self._ready(anchor, connection)].convert(table).table
        return self._step(BatchArrived(anchor, connection, converted, converted.nbytes))

    def complete(self, anchor: str, connection: str = "#1") -> Outcome:
        """Say that a connection carries nothing more, and return what came of it."""
        self._open.remove(self._ready(anchor, connection))
        return self._step(ConnectionCompleted(anchor, connection, in_band=True))

    def finish(self) -> Outcome:
        """Complete the connections that are left, let the tool finish, and return what came of it."""
        if self._ended:
            self.start()
        assert self._conversation is not None
        before = len(self._conversation.tape.entries)
        for anchor in self._open:
            self._conversation.tell(ConnectionCompleted(*anchor, in_band=True))
        self._open = []
        outcome = self._step(NotifyComplete(), before)
        self._end()
        return outcome

    @property
    def whole(self) -> Outcome:
        """All that was said so far."""
        if self._conversation is None:
            raise UsageError("nothing has been run yet")
        return self._outcome(self._conversation.tape, self._started)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _start(
        self, connections: Sequence[Connection], update_only: bool, tape: Tape, factory: ToolFactory | None = None
    ) -> None:
        self.close()
        self._started = time.perf_counter()
        tool = self.target.load()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="kedge-")))
        incoming = _incoming(connections, self._stack)
        self._call.update_only = update_only
        initialization = self._call.initialization(declared_anchors(tool), incoming, folder)
        self._converters = incoming.converters()
        self._open = list(self._converters)
        self._anchors = tuple(anchor.name for anchor in initialization.outgoing)
        self._conversation = Conversation(factory or tool, self.target.name, tape, tool.settings_class)
        self._ended = False
        self._conversation.tell(Initialized(initialization))

    def _end(self) -> None:
        self._ended = True
        self._stack.close()

    def _ready(self, anchor: str, connection: str) -> Anchor:
        wanted = Anchor(anchor, connection)
        if self._ended or wanted not in self._converters:
            known = ", ".join(f"{name} {number}" for name, number in self._converters) or "none"
            raise UsageError(f"the tool was started without {anchor!r} {connection}; it has {known}: see start()")
        if self._conversation is not None and self._conversation.over:
            errors = "\n".join(self.whole.errors)
            raise UsageError(f"the run is over{f', it ended with: {errors}' if errors else ''}")
        if wanted not in self._open:
            raise UsageError(f"{anchor} {connection} is complete already")
        return wanted

    def _step(self, told: Told, before: int | None = None) -> Outcome:
        assert self._conversation is not None
        entries = self._conversation.tape.entries
        before = len(entries) if before is None else before
        started = time.perf_counter()
        known = Outcome(entries[:before], self._anchors).metadata
        self._conversation.tell(told)
        return Outcome(entries[before:], self._anchors, known, time.perf_counter() - started)

    def _run_over_process(
        self, connections: Sequence[Connection], told: Iterable[Told], update_only: bool, tape: Tape
    ) -> Outcome:
        started = time.perf_counter()
        call = self._call
        call.update_only = update_only
        launch = Launch(
            self.target.require_command(),
            environment={**self.target.environment, "KEDGE_BUDGET": str(call.budget)},
            start_timeout=call.start_timeout,
            budget=call.budget,
            pool=call.pool,
        )
        with ExitStack() as stack:
            incoming = _incoming(connections, stack)

            def prepare(process: ToolProcess, folder: Path) -> tuple[Initialization, list[Feed]]:
                initialization = call.initialization(anchors_from_json(process.description or {}), incoming, folder)
                for each in (Initialized(initialization), *told):
                    tape.tell(each)
                self._anchors = tuple(anchor.name for anchor in initialization.outgoing)
                return initialization, [Feed(connection.anchor, connection.tables) for connection in connections]

            run_out_of_process(launch, prepare, tape)
        return self._outcome(tape, started)

    def _outcome(self, tape: Tape, started: float) -> Outcome:
        seconds = time.perf_counter() - started
        return Outcome(tape.entries, self._anchors, seconds=seconds, constants=self._constants)


def read_connections(inputs: Mapping[str, object], batch_rows: int | None) -> list[Connection]:
    """The connections that inputs describe, in the types that engines send. Raises UsageError."""
    with ExitStack() as opened:
        schemas = {name: _values(value) for name, value in inputs.items()}
        converters = Incoming(schemas, opened).converters()
    tables = [table for values in schemas.values() for table in values]
    connections = []
    for (anchor, converter), table in zip(converters.items(), tables, strict=True):
        converted = converter.convert(table).table.combine_chunks()
        rows = batch_rows or max(1, table.num_rows)
        batches = [converted.slice(start, rows) for start in range(0, table.num_rows, rows)]
        connections.append(Connection(anchor, converted.schema, batches))
    return connections


def _values(value: object) -> list[pa.Table]:
    return [table for each in (value if isinstance(value, list | tuple) else [value]) for table in _tables(each)]


def _tables(value: object) -> Iterable[pa.Table]:
    """One table for a value, whatever it is; the empty one of a schema."""
    if isinstance(value, pa.Schema):
        yield value.empty_table()
        return
    for source in open_sources(value):
        with source:
            yield pa.Table.from_batches(source.batches(), schema=source.schema)


def _incoming(connections: Sequence[Connection], opened: ExitStack) -> Incoming:
    schemas: dict[str, list[pa.Table]] = {}
    for connection in connections:
        schemas.setdefault(connection.anchor.name, []).append(connection.schema.empty_table())
    return Incoming(schemas, opened)


def _told(connections: Iterable[Connection]) -> Iterable[Told]:
    for anchor, _, tables in connections:
        for table in tables:
            yield BatchArrived(*anchor, table, table.nbytes)
        yield ConnectionCompleted(*anchor, in_band=True)
    yield NotifyComplete()
