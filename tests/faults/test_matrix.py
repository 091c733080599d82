"""Every fault at every step, over every transport: it ends in time, with the right error, or with every record."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet
import pytest

import kedge
from kedge import KedgeError, ProtocolError, ToolCrashed, ToolStartError, ToolTimeout, UsageError
from kedge.host import out_of_process, session
from kedge.host.run_tool import TableSink, config_document
from kedge.host.sinks import open_sink
from kedge.host.target import resolve_target
from kedge.host.tool_call import ToolCall
from kedge.wire.record_socket import RecordListener
from tests.faults.matrix import (
    ELSEWHERE,
    HOST_FAULTS,
    HOST_STEPS,
    REQUIRED,
    STEPS,
    TOOL_FAULTS,
    Case,
    host_cases,
    tool_cases,
)
from tests.faults.processes import Command, is_gone, posix_only, wait_until
from tests.faults.transports import TRANSPORTS, choosable, command_over, on_each, over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kedge.wire.record_socket import RecordSocket

pytestmark = [posix_only, pytest.mark.timeout(300)]

TOOL = f"{Path(__file__).with_name('breaking_tool.py')}:Breaks"
BATCH = 1 << 17
BATCHES = 5
"""Of 1 MiB each: large enough to travel through shared memory."""
TABLE = pa.table({"x": pa.array(range(BATCHES * BATCH), pa.int64())})
AT_ONCE = 6
"""Runs; those of them that wait leave the machine to the others."""
ENDS_WITHIN = 20.0
"""Seconds, for one of several runs at once on a busy machine; none takes more than five on an idle one."""
LEAVES_NOTHING_WITHIN = 5.0


class Outcome(NamedTuple):
    """How a run ended: its error and the text of that, or whether all records came in order; the seconds."""

    error: type[KedgeError] | None
    text: str
    whole: bool
    seconds: float


class HostOutcome(NamedTuple):
    """How a command ended, and what was left of it five seconds later."""

    code: int
    left: list[str]
    files: set[str]


def run_case(case: Case) -> Outcome:
    """One run with a fault in the tool process."""
    environment = {"KEDGE_TEST_BREAK_AT_IMPORT": case.fault} if case.step == "import" else {}
    target = resolve_target(TOOL)
    sink = TableSink()
    silent = case.fault == "frozen" and case.step != "confirmed"
    call = ToolCall(
        dataclasses.replace(target, environment={**target.environment, **environment}),
        {"Input": TABLE},
        config_xml=config_document({"Step": case.step, "Fault": case.fault}),
        start_timeout=3.0 if case.step == "import" and case.fault in ("frozen", "connection_reset") else 30.0,
        idle_timeout=1.0 if silent else None,
    )
    began = time.monotonic()
    try:
        call.run(lambda _anchor: sink).raise_for_status()
    except KedgeError as error:
        return Outcome(type(error), str(error), False, time.monotonic() - began)
    return Outcome(None, "", sink.table.equals(TABLE), time.monotonic() - began)


def run_host_case(case: Case, folder: Path) -> HostOutcome:
    """One command that is ended from outside while its tool hangs."""
    pa.parquet.write_table(TABLE, folder / "in.parquet")
    program, environment = command_over(case.transport)
    temporary = Path(tempfile.mkdtemp())  # a socket's path has to be short
    environment["TMPDIR"] = str(temporary)
    if case.step == "import":
        environment["KEDGE_TEST_BREAK_AT_IMPORT"] = "hangs"
    files = ("-i", "Input=in.parquet", "-o", "Output=out.parquet", "-c", f"Step={case.step}", "-c", "Fault=hangs")
    command = Command("tool", "run", TOOL, *files, folder=folder, environment=environment, program=program)
    command.wait_until_it_says("hanging", 90.0)
    processes = command.descendants()
    command.send(getattr(signal, case.fault))
    code, _ = command.finish()

    def left() -> list[str]:
        files = [*temporary.iterdir(), *Path("/dev/shm").glob(f"kedge-shm-{command.process.pid}-*")]
        return [str(each) for each in (*files, *(process for process in processes if not is_gone(process)))]

    wait_until(lambda: not left(), LEAVES_NOTHING_WITHIN)
    outcome = HostOutcome(code, left(), {path.name for path in folder.iterdir()} - {"log"})
    shutil.rmtree(temporary)
    return outcome


SLOW = "KEDGE_TEST_SLOW" in os.environ
NIGHTLY = pytest.mark.skipif(not SLOW, reason="another transport has this; KEDGE_TEST_SLOW=1 asks for it")


def marked(cases: list[Case]) -> list[Any]:
    """Cases as parameters, of which some are for the night."""
    return [pytest.param(case, marks=() if case.daily else NIGHTLY) for case in cases]


Outcomes = dict[Case, "Future[Any]"]


def selected(request: pytest.FixtureRequest, function: str) -> list[Case]:
    """The cases of a test that this session is to run."""
    items: list[Any] = [i for i in request.session.items if i.name.startswith(f"{function}[")]
    cases = [item.callspec.params["case"] for item in items if item.path == Path(__file__)]
    return [case for case in cases if SLOW or case.daily]


@pytest.fixture(scope="module", autouse=True)
def _choosable() -> Iterator[None]:
    with choosable():
        yield


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Outcomes:
    """All runs with a fault in the tool process, several at once; first those that wait longest."""
    cases = sorted(selected(request, "test_of_a_tool_process"), key=lambda case: case.fault != "frozen")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {case: pool.submit(over, case.transport, partial(run_case, case)) for case in cases}


@pytest.fixture(scope="module")
def host_outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """All runs of which the host is ended, several at once."""
    cases = selected(request, "test_of_the_host")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {case: pool.submit(run_host_case, case, tmp_path_factory.mktemp("host")) for case in cases}


class TestTable:
    def test_names_everything_that_is_required(self) -> None:
        assert set(REQUIRED.values()) == {*TOOL_FAULTS, *HOST_FAULTS, *ELSEWHERE}

    def test_has_every_step_of_every_fault(self) -> None:
        assert {fault: tuple(steps) for fault, steps in TOOL_FAULTS.items()} == dict.fromkeys(TOOL_FAULTS, STEPS)
        assert {(f, s, t) for f in TOOL_FAULTS for s in STEPS[1:] for t in TRANSPORTS} <= set(map(tuple, tool_cases()))

    @pytest.mark.parametrize("cases", [tool_cases(), host_cases()], ids=["tool process", "host"])
    def test_leaves_no_step_no_fault_and_no_transport_to_the_night(self, cases: list[Case]) -> None:
        """Every fault at every step is met each day, and every fault over every transport."""
        daily = [case for case in cases if case.daily]
        assert {(case.fault, case.step) for case in daily} == {(case.fault, case.step) for case in cases}
        assert {(case.fault, case.transport) for case in daily} == {
            (case.fault, transport) for case in cases for transport in TRANSPORTS
        }

    @pytest.mark.parametrize(("cases", "steps"), [(tool_cases(), STEPS), (host_cases(), HOST_STEPS)])
    def test_has_every_transport_at_every_step(self, cases: list[Case], steps: tuple[str, ...]) -> None:
        daily = {(case.step, case.transport) for case in cases if case.daily}
        assert daily >= {(step, transport) for step in steps[1:] for transport in TRANSPORTS}

    def test_runs_over_the_transports_that_it_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        accepted: list[RecordListener] = []
        accept = RecordListener.accept

        def noted(listener: RecordListener, timeout: float) -> RecordSocket:
            accepted.append(listener)
            return accept(listener, timeout)

        monkeypatch.setattr(RecordListener, "accept", noted)
        found = {}
        for transport in TRANSPORTS:
            passed = over(transport, copied).statistics.transport
            assert passed is not None
            found[transport] = len(accepted), passed.pool is not None
            accepted.clear()
        assert list(found.values()) == [(0, False), (1, False), (1, True)]

    @pytest.mark.parametrize("name", sorted({name for names in ELSEWHERE.values() for name in names}))
    def test_names_tests_that_there_are(self, name: str) -> None:
        file, *path = name.split("::")
        names: list[ast.stmt] = ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8")).body
        for part in path:
            (found,) = (n for n in names if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name == part)
            names = found.body


class TestFault:
    @pytest.mark.parametrize("case", marked(tool_cases()), ids=str)
    def test_of_a_tool_process(self, case: Case, outcomes: Outcomes) -> None:
        outcome: Outcome = outcomes[case].result()
        expected = TOOL_FAULTS[case.fault][case.step]
        assert outcome.seconds < ENDS_WITHIN
        if expected.error is None:
            assert outcome.error is None, outcome.text
            assert outcome.whole, "every record once, in order"
        else:
            assert issubclass(outcome.error or Exception, expected.error), outcome
            assert re.search(expected.text, outcome.text), outcome

    @pytest.mark.parametrize("case", marked(host_cases()), ids=str)
    def test_of_the_host(self, case: Case, host_outcomes: Outcomes) -> None:
        outcome: HostOutcome = host_outcomes[case].result()
        assert outcome == HostOutcome(HOST_FAULTS[case.fault], [], {"in.parquet"})


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB; where nobody may mount one, the test is skipped."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def copied(**options: Any) -> kedge.ToolResult:
    return kedge.run_tool(TOOL, {"Input": TABLE}, **{"config": {"Step": "never", "Fault": ""}, **options})


class TestFull:
    def test_shared_memory_sends_the_records_inline(
        self, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("KEDGE_SHARED_MEMORY", str(tiny_disk))
        first_is_out = threading.Event()
        sink = PausingSink(first_is_out.set)
        inputs = pausing(lambda: first_is_out.wait(20))  # by then the two ends have agreed upon shared memory
        config = config_document({"Step": "never", "Fault": ""})
        ToolCall(resolve_target(TOOL), {"Input": inputs}, config_xml=config).run(lambda _anchor: sink)
        assert sink.table.equals(TABLE)
        assert caplog.text.count("records travel through less shared memory") == 1
        assert list(tiny_disk.iterdir()) == []

    def test_disk_for_an_output_is_named_and_leaves_no_file(self, tiny_disk: Path) -> None:
        config = config_document({"Step": "never", "Fault": ""})
        for transport in TRANSPORTS:
            call = ToolCall(resolve_target(TOOL), {"Input": TABLE}, config_xml=config)
            with pytest.raises(UsageError, match=r"out\.arrow cannot be written: .*No space left"):
                over(transport, partial(call.run, lambda _anchor: open_sink(tiny_disk / "out.arrow")))
            assert list(tiny_disk.iterdir()) == []

    def test_disk_for_temporary_files_is_named(self, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        subprocess.run(["mount", "-o", "remount,nr_inodes=1", str(tiny_disk)], check=True)
        monkeypatch.setattr("tempfile.tempdir", str(tiny_disk))
        with pytest.raises(ToolStartError, match=r"no folder for the run can be made in .*tiny: .*No space left"):
            copied()

    @pytest.mark.parametrize("step", ["constructor", "first batch"])
    def test_memory_for_what_arrives_ends_the_run_or_costs_nothing(self, step: str) -> None:
        """The process goes on with what it has: that may be enough, if the segments are mapped by then."""

        def starve() -> kedge.ToolResult | None:
            with contextlib.suppress(ToolCrashed, ToolTimeout, ProtocolError):  # of a process that is slow to die
                return copied(config={"Step": step, "Fault": "starved"}, idle_timeout=1.0)
            return None

        for transport, result in on_each(starve).items():
            assert result is None or result.errors or result.outputs["Output"].equals(TABLE), transport


class PausingSink(TableSink):
    """Takes nothing until it is told, or at all."""

    def __init__(self, pause: Callable[[], object]) -> None:
        super().__init__()
        self._pause = pause

    def write(self, table: pa.Table) -> None:
        self._pause()
        super().write(table)


def pausing(pause: Callable[[], object]) -> pa.RecordBatchReader:
    """The records of the table, after a pause in their middle."""

    def batches() -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(TABLE.to_batches(max_chunksize=BATCH)):
            if number == 2:
                pause()
            yield batch

    return pa.RecordBatchReader.from_batches(TABLE.schema, batches())


def no_host_thread_is_left() -> bool:
    return not any(thread.name.startswith(("kedge-feed", "kedge-host")) for thread in threading.enumerate())


class TestStalled:
    """The other side waits as long as it takes, which is no silence of the tool, until the run's own time is over."""

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who stands still is not waited for at the end."""
        monkeypatch.setattr(session, "_READERS_END_WITHIN", 0.2)
        monkeypatch.setattr(out_of_process, "_FEEDER_ENDS_WITHIN", 0.2)

    def call(self, sink: TableSink, inputs: object = TABLE, **options: Any) -> pa.Table:
        config = config_document({"Step": "never", "Fault": ""})
        ToolCall(resolve_target(TOOL), {"Input": inputs}, config_xml=config, **options).run(lambda _anchor: sink)
        return sink.table

    def test_a_reader_that_pauses_loses_nothing(self) -> None:
        def pause_once() -> pa.Table:
            pauses = iter([1.2])
            return self.call(PausingSink(lambda: time.sleep(next(pauses, 0))), idle_timeout=1.0)

        assert all(table.equals(TABLE) for table in on_each(pause_once).values())

    def test_a_writer_that_pauses_is_not_the_silence_of_the_tool(self) -> None:
        def pause() -> pa.Table:
            return self.call(TableSink(), pausing(lambda: time.sleep(1.2)), idle_timeout=1.0)

        assert all(table.equals(TABLE) for table in on_each(pause).values())

    @pytest.mark.parametrize("side", ["reader", "writer"])
    def test_one_that_stands_still_is_ended_by_the_timeout(self, side: str) -> None:
        over_at_last = threading.Event()

        def stand_still() -> str:
            def wait() -> object:
                return over_at_last.wait(60)

            reader, writer = (PausingSink(wait), TABLE) if side == "reader" else (TableSink(), pausing(wait))
            with pytest.raises(ToolTimeout) as caught:
                self.call(reader, writer, timeout=1.5)
            return str(caught.value)

        began = time.monotonic()
        assert set(on_each(stand_still).values()) == {"the run took longer than 1.5 s"}
        assert time.monotonic() - began < ENDS_WITHIN
        over_at_last.set()
        assert wait_until(no_host_thread_is_left, 5)


class TestClock:
    def test_of_the_tool_process_changes_nothing(self) -> None:
        results = on_each(lambda: copied(config={"Step": "constructor", "Fault": "clock_jump"}))
        assert all(result.outputs["Output"].equals(TABLE) for result in results.values())

    @pytest.mark.parametrize("floor", ["host", "service", "wire", "lifecycle", "tool_run.py"])
    def test_no_wait_looks_at_the_clock_on_the_wall(self, floor: str) -> None:
        """What is measured is measured by a clock that nobody can set."""
        place = Path(kedge.__file__).parent / floor
        files = [place] if place.is_file() else list(place.rglob("*.py"))
        assert files
        wall = re.compile(r"\btime\.time\b|\bfrom time import\b|\btime_ns\b")
        found = [f.name for f in files if wall.search(f.read_text(encoding="utf-8"))]
        assert found == []
