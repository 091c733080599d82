"""``Workflow``: load, check, run, build in Python, save."""

from __future__ import annotations

__all__ = ["CheckReport", "Workflow"]

import datetime
import importlib
import shutil
import tempfile
import threading
import time
import weakref
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedge.exceptions import UsageError
from kedge.tools.contract import Context, Report
from kedge.tools.element import Element
from kedge.tools.settings import Settings
from kedge.workflow.building import Configuration, configuration_element, plugin_string
from kedge.workflow.checking import CheckReport, check_graph, declared_schemas
from kedge.workflow.constants import run_constants, typed_constants
from kedge.workflow.document import Connection, Document, Node
from kedge.workflow.graph import Graph, ResolvedTool, resolve
from kedge.workflow.journal import Limits
from kedge.workflow.planner import Anchor, make_plan
from kedge.workflow.reader import load_document, save_document
from kedge.workflow.report import RunReport
from kedge.workflow.runner import Progress, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kedge.host.pool import ToolPool
    from kedge.tools.contract import Tool
    from kedge.workflow.engine import Engine

ENGINES = {"duckdb": ("kedge.engines.duckdb", "DuckDBEngine")}


@dataclass(frozen=True)
class Workflow:
    """A workflow: its document and the file that it stands in, which relative paths start from."""

    document: Document = field(default_factory=Document)
    path: Path = field(default_factory=lambda: Path("workflow.yxmd").absolute())

    @classmethod
    def load(cls, path: str | Path) -> Workflow:
        """Read a ``.yxmd`` file."""
        return cls(load_document(path), Path(path).absolute())

    def save(self, path: str | Path) -> None:
        """Write the workflow as a ``.yxmd`` file."""
        save_document(self.document, path)

    def add(
        self, plugin: str, configuration: Configuration = "", tool_id: int | None = None, **engine: str
    ) -> tuple[Workflow, int]:
        """Return the workflow with one more tool, and its id.

        ``plugin`` is the plugin string, or for a standard tool its last part: ``Filter``. ``configuration`` is XML text
        with or without its root, a mapping in the form of ``provider.tool_config``, or an ``Element``. ``engine`` are
        the attributes of ``EngineSettings``: a custom tool has ``EngineDll="SdkEnginePlugin.dll"``.
        """
        taken = [node.tool_id for node, _ in self.document.walk()]
        number = max(taken, default=0) + 1 if tool_id is None else tool_id
        place = Element("Position", (("x", str(54 + 96 * len(taken))), ("y", "54")))
        plugin = plugin if engine else plugin_string(plugin)
        gui = Element("GuiSettings", (("Plugin", plugin),) if plugin else (), children=(place,))
        properties = Element("Properties", children=(configuration_element(configuration),))
        settings = Element("EngineSettings", tuple(engine.items())) if engine else None
        node = Node(number, gui, properties, settings)
        return replace(self, document=self.document.with_node(node)), number

    def connect(self, origin: int, anchor: str, destination: int, input_anchor: str, name: str = "") -> Workflow:
        """Return the workflow with one more connection; ``name`` is ``#n`` for anchors that take several."""
        wire = Connection(origin, anchor, destination, input_anchor, name)
        return replace(self, document=self.document.with_connection(wire))

    def check(
        self,
        tools: Iterable[str | Path] = (),
        constants: Mapping[str, str] | None = None,
        settings: Settings | None = None,
    ) -> CheckReport:
        """Resolve every tool and infer every schema without reading records; custom tools by an update-only run.

        ``tools`` are directories to look for custom tools in; ``constants`` override the document's own.
        """
        with tempfile.TemporaryDirectory(prefix="kedge-") as temporary:
            session = _Session(self, Path(temporary), constants or {}, settings or Settings(), running=False)
            return check_graph(session.graph(tools), self.document, session.context)

    def run(
        self,
        engine: str = "duckdb",
        *,
        tools: Iterable[str | Path] = (),
        constants: Mapping[str, str] | None = None,
        taps: Iterable[Anchor] = (),
        settings: Settings | None = None,
        progress: Progress = lambda _tool_id, _name, _status: None,
        on_start: Callable[[Run], None] = lambda _run: None,
        memory_limit: int | None = None,
        temporary: str | Path | None = None,
        threads: int | None = None,
        pool: ToolPool | None = None,
        counts: bool = False,
    ) -> RunReport:
        """Run the workflow and return what happened; blocks until it is done.

        ``taps`` are anchors whose records the report keeps, ``memory_limit`` is in bytes, ``temporary`` a directory for
        what does not fit, ``on_start`` is handed the run, whose ``cancel`` ends it from another thread. Custom tools
        run in processes of the ``pool``, as long as that has any. ``counts`` has the records of every anchor counted,
        also where that makes a large run slower. A tool's error is in the report; ``UsageError`` and
        ``WorkflowError`` are raised for what cannot start.
        """
        started = time.perf_counter()
        place = Path(tempfile.mkdtemp(prefix="kedge-", dir=temporary))
        opened: Engine | None = None
        try:
            session = _Session(self, place, constants or {}, settings or Settings(), running=True, pool=pool)
            taps = list(taps)
            plan = make_plan(session.graph(tools), taps, browse=not self.document.switch("DisableBrowse"))
            opened = _open_engine(engine, place, memory_limit, threads)
            run = Run(plan, opened, session.context, self._limits(), progress, bool(taps), counts)
            on_start(run)
            run.execute()
        except BaseException:
            _release(opened, place)
            raise
        return _reported(self.path, run, started, opened, place)

    def _limits(self) -> Limits:
        document = self.document
        return Limits(
            records=int(document.setting("GlobalRecordLimit", "0") or 0),
            conversions=int(document.setting("ConvErrorLimit", "10") or 0),
            stop_on_conversions=document.switch("ConvErrorLimit_Stop"),
            cancel_on_error=document.switch("CancelOnError"),
            write_files=not document.switch("DisableAllOutput"),
        )


def _reported(path: Path, run: Run, started: float, engine: Engine, place: Path) -> RunReport:
    """Return the report, which holds the engine and its folder; no frame of the run may hold it by a traceback."""
    report = RunReport(
        workflow=str(path),
        ok=not any(message.kind == "error" for message in run.messages),
        seconds=time.perf_counter() - started,
        tools=tuple(run.tools),
        messages=tuple(run.messages),
        files=tuple(run.files),
        statements=tuple(engine.statements),
        fetch=run.table,
    )
    weakref.finalize(report, _release, engine, place)
    return report


def _release(engine: Engine | None, place: Path) -> None:
    if engine is not None:
        engine.close()
    shutil.rmtree(place, ignore_errors=True)


def _open_engine(name: str, temporary: Path, memory_limit: int | None, threads: int | None) -> Engine:
    if name not in ENGINES:
        raise UsageError(f"there is no engine {name!r}; the engines are {', '.join(ENGINES)}")
    module, class_name = ENGINES[name]
    opened: Engine = getattr(importlib.import_module(module), class_name)(temporary, memory_limit, threads)
    return opened


@dataclass(frozen=True)
class _Session:
    """What all tools of one check or run share."""

    workflow: Workflow
    temporary: Path
    given: Mapping[str, str]
    settings: Settings
    running: bool
    pool: ToolPool | None = None
    started: datetime.datetime = field(default_factory=datetime.datetime.now)

    @cached_property
    def constants(self) -> Mapping[str, str]:
        return run_constants(self.workflow.document, self.workflow.path, self.temporary, self.given)

    @cached_property
    def typed_constants(self) -> Mapping[str, str | float]:
        return typed_constants(self.workflow.document, self.constants)

    def graph(self, tools: Iterable[str | Path]) -> Graph:
        folders = [*map(Path, tools), self.workflow.path.parent]
        wired: dict[int, tuple[set[str], set[str]]] = {}
        for wire in self.workflow.document.connections:
            wired.setdefault(wire.destination, (set(), set()))[0].add(wire.destination_anchor)
            wired.setdefault(wire.origin, (set(), set()))[1].add(wire.origin_anchor)
        constants = self.constants
        typed_constants(self.workflow.document, constants)

        def custom(node: Node) -> Tool[Any] | None:
            if not node.is_custom:
                return None
            from kedge.workflow.custom_tools import custom_tools  # the host is loaded where a tool process runs

            return custom_tools(folders, constants, wired, self.pool)(node)

        return resolve(self.workflow.document, constants, custom)

    def context(self, tool: ResolvedTool, report: Report, cancelled: threading.Event | None = None) -> Context:
        return Context(
            tool_id=tool.tool_id,
            name=tool.node.name,
            directory=self.workflow.path.parent,
            constants=self.typed_constants,
            settings=self.settings,
            started=self.started,
            temporary=self.temporary,
            report=report,
            amp=self.workflow.document.switch("RunWithE2"),
            running=self.running,
            declared=declared_schemas(tool.node),
            cancelled=cancelled or threading.Event(),
        )
