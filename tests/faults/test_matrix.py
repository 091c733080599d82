"""Every fault at every step, over both transports: it ends in time, with the right error, or with every record."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet
import pytest

import kedge
from kedge import KedgeError, ToolCrashed, ToolStartError, ToolTimeout, UsageError
from kedge.host import session
from kedge.host.run_tool import TableSink, config_document
from kedge.host.sinks import open_sink
from kedge.host.target import resolve_target
from kedge.host.tool_call import ToolCall
from tests.faults.matrix import (
    ELSEWHERE,
    HOST_FAULTS,
    REQUIRED,
    STEPS,
    TOOL_FAULTS,
    TRANSPORTS,
    Case,
    host_cases,
    tool_cases,
)
from tests.faults.processes import Command, is_gone, posix_only, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [posix_only, pytest.mark.timeout(300)]

TOOL = f"{Path(__file__).with_name('breaking_tool.py')}:Breaks"
BATCH = 1 << 17
BATCHES = 5
"""Of 1 MiB each: large enough to travel through shared memory."""
TABLE = pa.table({"x": pa.array(range(BATCHES * BATCH), pa.int64())})
AT_ONCE = 4
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
    environment = {} if case.transport == "shared memory" else {"KEDGE_SHARED_MEMORY": ""}
    if case.step == "import":
        environment["KEDGE_TEST_BREAK_AT_IMPORT"] = "hangs"
    files = ("-i", "Input=in.parquet", "-o", "Output=out.parquet", "-c", f"Step={case.step}", "-c", "Fault=hangs")
    command = Command("tool", "run", TOOL, *files, folder=folder, environment=environment)
    command.wait_until_it_says("hanging")
    processes = command.descendants()
    places = [p for p in (Path("/dev/shm"),) if p.is_dir()]
    command.send(getattr(signal, case.fault))
    code, _ = command.finish()

    def left() -> list[str]:
        shared = [str(path) for place in places for path in place.glob(f"kedge-shm-{command.process.pid}-*")]
        return [str(p) for p in processes if not is_gone(p)] + shared

    wait_until(lambda: not left(), LEAVES_NOTHING_WITHIN)
    return HostOutcome(code, left(), {path.name for path in folder.iterdir()} - {"log"})


def over_grpc_alone(patch: pytest.MonkeyPatch) -> None:
    """Let hosts of this process offer no more than gRPC has."""
    patch.setenv("KEDGE_SHARED_MEMORY", "")
    patch.setattr(session, "SOCKETS_SUPPORTED", False)


SLOW = "KEDGE_TEST_SLOW" in os.environ
NIGHTLY = pytest.mark.skipif(not SLOW, reason="no records are on their way; KEDGE_TEST_SLOW=1 asks for it")


def is_alike(case: Case) -> bool:
    """Whether a case differs from its twin over the other transport by nothing that the transport does."""
    return case.transport == "inline" and case.step in ("constructor", "connection complete", "end")


Outcomes = dict[Case, "Future[Any]"]


def selected(request: pytest.FixtureRequest, function: str) -> list[Case]:
    """The cases of a test that this session is to run."""
    items: list[Any] = [i for i in request.session.items if i.name.startswith(f"{function}[")]
    cases = [item.callspec.params["case"] for item in items if item.path == Path(__file__)]
    return [case for case in cases if SLOW or not is_alike(case)]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Outcomes:
    """All runs with a fault in the tool process, several at once, one transport after the other."""
    cases = selected(request, "test_of_a_tool_process")
    done: Outcomes = {}
    for transport in TRANSPORTS:
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(AT_ONCE) as pool:
            if transport == "inline":
                over_grpc_alone(patch)
            done |= {case: pool.submit(run_case, case) for case in cases if case.transport == transport}
    return done


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
        ways = {(case.fault, case.step, case.transport) for case in tool_cases()}
        assert {(f, s, t) for f in TOOL_FAULTS for s in STEPS[1:] for t in TRANSPORTS} <= ways

    @pytest.mark.parametrize("name", sorted({name for names in ELSEWHERE.values() for name in names}))
    def test_names_tests_that_there_are(self, name: str) -> None:
        file, *path = name.split("::")
        names: list[ast.stmt] = ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8")).body
        for part in path:
            (found,) = (n for n in names if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name == part)
            names = found.body


class TestFault:
    @pytest.mark.parametrize(
        "case", [pytest.param(case, marks=NIGHTLY if is_alike(case) else ()) for case in tool_cases()], ids=str
    )
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

    @pytest.mark.parametrize("case", host_cases(), ids=str)
    def test_of_the_host(self, case: Case, host_outcomes: Outcomes) -> None:
        outcome: HostOutcome = host_outcomes[case].result()
        assert outcome == HostOutcome(HOST_FAULTS[case.fault], [], {"in.parquet"})


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "inline":
        over_grpc_alone(monkeypatch)
    return str(request.param)


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


def copied(inputs: object = TABLE, **options: Any) -> kedge.ToolResult:
    return kedge.run_tool(TOOL, {"Input": inputs}, config={"Step": "never", "Fault": "none"}, **options)


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

    def test_disk_for_an_output_is_named_and_leaves_no_file(self, tiny_disk: Path, transport: str) -> None:
        call = ToolCall(
            resolve_target(TOOL), {"Input": TABLE}, config_xml=config_document({"Step": transport, "Fault": ""})
        )
        with pytest.raises(UsageError, match=r"out\.arrow cannot be written: .*No space left"):
            call.run(lambda _anchor: open_sink(tiny_disk / "out.arrow"))
        assert list(tiny_disk.iterdir()) == []

    def test_disk_for_temporary_files_is_named(self, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        subprocess.run(["mount", "-o", "remount,nr_inodes=1", str(tiny_disk)], check=True)
        monkeypatch.setattr("tempfile.tempdir", str(tiny_disk))
        with pytest.raises(ToolStartError, match=r"no folder for the run can be made in .*tiny: .*No space left"):
            copied()

    @pytest.mark.parametrize("step", ["constructor", "first batch"])
    def test_memory_for_what_arrives_ends_the_run_or_costs_nothing(self, step: str, transport: str) -> None:
        """The process goes on with what it has: that may be enough, if the segments are mapped by then."""
        config = {"Step": step, "Fault": "starved"}
        with contextlib.suppress(ToolCrashed, ToolTimeout):
            result = kedge.run_tool(TOOL, {"Input": TABLE}, config=config, idle_timeout=1.0)
            assert result.errors or result.outputs["Output"].equals(TABLE), transport


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

    def call(self, sink: TableSink, inputs: object = TABLE, **options: Any) -> TableSink:
        config = config_document({"Step": "never", "Fault": ""})
        ToolCall(resolve_target(TOOL), {"Input": inputs}, config_xml=config, **options).run(lambda _anchor: sink)
        return sink

    @pytest.mark.usefixtures("transport")
    def test_a_reader_that_pauses_loses_nothing(self) -> None:
        pauses = iter([1.2])
        sink = PausingSink(lambda: time.sleep(next(pauses, 0)))
        assert self.call(sink, idle_timeout=1.0).table.equals(TABLE)

    def test_a_reader_that_stands_still_is_ended_by_the_timeout(self) -> None:
        over = threading.Event()
        began = time.monotonic()
        with pytest.raises(ToolTimeout, match=r"longer than 1\.5 s"):
            self.call(PausingSink(lambda: over.wait(60)), timeout=1.5)
        assert time.monotonic() - began < ENDS_WITHIN
        over.set()
        assert wait_until(no_host_thread_is_left, 5)

    @pytest.mark.usefixtures("transport")
    def test_a_writer_that_pauses_is_not_the_silence_of_the_tool(self) -> None:
        inputs = pausing(lambda: time.sleep(1.2))
        assert self.call(TableSink(), inputs, idle_timeout=1.0).table.equals(TABLE)

    def test_a_writer_that_stands_still_is_ended_by_the_timeout(self) -> None:
        over = threading.Event()
        began = time.monotonic()
        with pytest.raises(ToolTimeout, match=r"longer than 1\.5 s"):
            self.call(TableSink(), pausing(lambda: over.wait(60)), timeout=1.5)
        assert time.monotonic() - began < ENDS_WITHIN
        over.set()
        assert wait_until(no_host_thread_is_left, 5)


class TestClock:
    def test_of_the_tool_process_changes_nothing(self, transport: str) -> None:
        result = kedge.run_tool(TOOL, {"Input": TABLE}, config={"Step": "constructor", "Fault": "clock_jump"})
        assert result.outputs["Output"].equals(TABLE), transport

    @pytest.mark.parametrize("floor", ["host", "service", "wire", "lifecycle", "tool_run.py"])
    def test_no_wait_looks_at_the_clock_on_the_wall(self, floor: str) -> None:
        """What is measured is measured by a clock that nobody can set."""
        place = Path(kedge.__file__).parent / floor
        files = [place] if place.is_file() else list(place.rglob("*.py"))
        assert files
        found = [f.name for f in files if re.search(r"\btime\.time\(", f.read_text(encoding="utf-8"))]
        assert found == []
