"""A run that is ended from outside: by a signal, by a timeout, by the death of its host."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from kedge import EngineGone, ToolTimeout, UsageError, run_tool
from kedge.host.collector import Observer
from kedge.host.run_tool import TableSink
from kedge.host.target import resolve_target
from kedge.host.tool_call import ToolCall
from tests.faults.processes import PEOPLE, SIGKILL, TOOLS, Command, is_gone, posix_only, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kedge.sdk.outlet import Message

WAITS = """
import sys, threading
import pyarrow as pa
import kedge
from kedge.host.collector import Observer

class Show(Observer):
    def on_line(self, stream, line):
        print("LINE", line, file=sys.stderr)

def batches():
    print("hanging", file=sys.stderr, flush=True)
    threading.Event().wait(60)
    yield from ()

reader = pa.RecordBatchReader.from_batches(pa.schema({"x": pa.int64()}), batches())
kedge.run_tool(TOOL, {"Input": reader}, observer=Show())
"""

ENDS_WITHIN = 3.0
LEAVES_NOTHING_WITHIN = 5.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "people.csv").write_text(PEOPLE)
    return tmp_path


def hanging(tool: str, folder: Path, *arguments: str) -> Command:
    """A run, once its tool hangs; one that is to hang in C code says so a little before."""
    files = ("-i", "Input=people.csv", "-o", "Output=out.csv")
    command = Command("tool", "run", f"{TOOLS}:{tool}", *files, *arguments, folder=folder)
    command.wait_until_it_says("hanging")
    if tool == "HangsInC":
        time.sleep(0.5)
    return command


def run_directories() -> list[Path]:
    return [path for path in Path(tempfile.gettempdir()).iterdir() if path.name.startswith("kedge-")]


def shared_folders(host: int) -> list[Path]:
    places = {Path("/dev/shm"), Path(tempfile.gettempdir())}
    return [path for place in places if place.is_dir() for path in place.glob(f"kedge-shm-{host}-*")]


@posix_only
class TestSignals:
    @pytest.mark.parametrize(
        ("tool", "callback"),
        [
            ("HangsInInit", "HangsInInit.__init__"),
            ("HangsInBatch", "HangsInBatch.on_record_batch"),
            ("HangsInComplete", "HangsInComplete.on_complete"),
        ],
    )
    def test_an_interrupt_ends_a_hanging_tool_and_shows_where_it_hangs(
        self, folder: Path, tool: str, callback: str
    ) -> None:
        command = hanging(tool, folder, "--report", "report.json")
        processes = command.descendants()
        sent = command.send(signal.SIGINT)
        code, stdout = command.finish()
        assert time.monotonic() - sent < ENDS_WITHIN
        assert (code, stdout) == (130, "")
        shown = command.stderr.splitlines()
        assert f"{callback} has run for " in shown[1]
        assert str(TOOLS) in shown[2]
        assert shown[3:] == ["    time.sleep(600)", "interrupted"]
        assert all(is_gone(process) for process in processes)
        assert not (folder / "out.csv").exists()
        assert '"type": "Interrupted"' in (folder / "report.json").read_text()

    def test_a_tool_that_holds_the_interpreter_is_shown_too(self, folder: Path) -> None:
        command = hanging("HangsInC", folder)
        sent = command.send(signal.SIGINT)
        assert command.finish()[0] == 130
        assert time.monotonic() - sent < ENDS_WITHIN
        assert 'faulty_tools.py", line ' in command.stderr
        assert "in on_record_batch" in command.stderr
        assert "tool_run.py" not in command.stderr

    @pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
    def test_other_signals_end_the_command_as_cleanly(self, folder: Path, name: str, code: int) -> None:
        command = hanging("HangsInBatch", folder)
        command.send(getattr(signal, name))
        assert command.finish()[0] == code
        assert command.stderr.endswith(f"ended by {name}\n")
        assert not (folder / "out.csv").exists()

    def test_a_tool_that_prints_without_end_is_ended(self, folder: Path) -> None:
        command = hanging("PrintsWithoutEnd", folder)
        sent = command.send(signal.SIGINT)
        assert command.finish()[0] == 130
        assert time.monotonic() - sent < ENDS_WITHIN + 1

    def test_an_interrupt_between_callbacks_shows_no_stack(self, folder: Path) -> None:
        """The tool waits for records which never come: the pipe that a library reads from stays open."""
        script = folder / "waits.py"
        script.write_text(WAITS.replace("TOOL", repr(f"{TOOLS}:Copy")))
        command = Command(folder=folder, program=(str(script),))
        command.wait_until_it_says("hanging")
        sent = command.send(signal.SIGINT)
        command.finish()
        assert time.monotonic() - sent < ENDS_WITHIN + 1
        assert "LINE" not in command.stderr
        assert command.stderr.rstrip().endswith("KeyboardInterrupt")


@posix_only
class TestDeathOfTheHost:
    @pytest.mark.parametrize("tool", ["HangsInBatch", "HangsInC", "PrintsWithoutEnd"])
    def test_leaves_no_process_and_no_file(self, folder: Path, tool: str) -> None:
        command = hanging(tool, folder)
        processes = command.descendants()
        assert len(processes) >= 2, "the tool process and its guard"
        assert run_directories()
        command.send(SIGKILL)
        command.finish()
        assert wait_until(lambda: all(map(is_gone, processes)), LEAVES_NOTHING_WITHIN), processes
        assert wait_until(lambda: run_directories() == [], LEAVES_NOTHING_WITHIN)
        assert sorted(path.name for path in folder.iterdir()) == ["log", "people.csv"]

    def test_while_records_flow_leaves_neither(self, folder: Path) -> None:
        arguments = ("-o", "Output=out.parquet", "-c", "MiB=100000", "--report", "report.json")
        command = Command("tool", "run", f"{TOOLS}:Produces", *arguments, folder=folder)
        assert wait_until(lambda: len(command.descendants()) >= 2, 30)
        processes = command.descendants()
        assert wait_until(lambda: any(p.cpu_times().user > 1.5 for p in processes), 30), "records flow"
        (shared,) = shared_folders(command.process.pid)
        assert list(shared.glob("out-*")), "records flow through shared memory"
        command.send(SIGKILL)
        command.finish()
        assert wait_until(lambda: all(map(is_gone, processes)), LEAVES_NOTHING_WITHIN), processes
        assert wait_until(lambda: run_directories() == [], LEAVES_NOTHING_WITHIN)
        assert wait_until(lambda: shared_folders(command.process.pid) == [], LEAVES_NOTHING_WITHIN)
        assert not (folder / "out.parquet").exists()


class TestTimeout:
    @posix_only
    def test_says_where_the_tool_was(self) -> None:
        for seconds in (2, 20):  # a busy machine may not have come to the callback after the first
            began = time.monotonic()
            with pytest.raises(ToolTimeout) as caught:
                run_tool(f"{TOOLS}:HangsInComplete", timeout=seconds)
            assert time.monotonic() - began < seconds + ENDS_WITHIN
            headline, *stack = str(caught.value).splitlines()
            assert headline == f"the run took longer than {seconds} s"
            if "on_complete" in str(stack):
                break
        callback, place, line = stack
        assert callback.startswith("HangsInComplete.on_complete has run for ")
        assert "faulty_tools.py" in place
        assert line == "    time.sleep(600)"
        assert caught.value.stack == (callback, place, line)

    def test_is_an_option_of_the_command(self, folder: Path) -> None:
        command = Command("tool", "run", f"{TOOLS}:HangsInComplete", "--timeout", "2", folder=folder)
        assert command.finish()[0] == 3
        assert "error: the run took longer than 2 s\n" in command.stderr

    @posix_only
    def test_counts_the_start_of_the_process(self, folder: Path) -> None:
        slow = folder / "slow.py"
        slow.write_text("import time\ntime.sleep(600)\n")
        with pytest.raises(ToolTimeout, match=r"the run took longer than 0\.2 s"):
            run_tool(f"{slow}:Tool", timeout=0.2)

    def test_cannot_be_had_without_a_process_to_end(self) -> None:
        with pytest.raises(UsageError, match="cannot be ended by a timeout"):
            run_tool(f"{TOOLS}:Copy", timeout=3, in_process=True)


class _Cancelling(Observer):
    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def on_message(self, message: Message) -> None:
        self.cancelled.set()


class TestCancelling:
    def test_ends_a_run_from_another_thread(self) -> None:
        observer = _Cancelling()
        call = ToolCall(resolve_target(f"{TOOLS}:HangsInComplete"), observer=observer, cancelled=observer.cancelled)
        began = time.monotonic()
        with pytest.raises(EngineGone, match="cancelled"):
            call.run(lambda _anchor: TableSink())
        assert time.monotonic() - began < 30

    @pytest.mark.parametrize("tool", ["HangsInBatch", "Sleeps"])
    def test_closing_a_streamed_result_ends_the_process(self, tool: str) -> None:
        def batches() -> Iterator[pa.RecordBatch]:
            while True:
                yield pa.record_batch({"x": list(range(1000))})

        reader = pa.RecordBatchReader.from_batches(pa.schema({"x": pa.int64()}), batches())
        with run_tool(f"{TOOLS}:{tool}", {"Input": reader}, stream=True) as result:
            if tool == "Sleeps":
                assert result.outputs["Output"].read_next_batch().num_rows > 0
            else:
                assert wait_until(lambda: result.messages != [], 30)
            closed = time.monotonic()
        assert time.monotonic() - closed < ENDS_WITHIN + 1
