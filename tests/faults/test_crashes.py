"""A tool process that ends when it should not, and one that cannot begin."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import psutil
import pyarrow as pa
import pytest

from kedge import ToolCrashed, ToolError, ToolStartError, run_tool
from kedge.host.collector import Observer
from tests.faults.processes import PEOPLE, TOOLS, is_gone, kedge, posix_only
from tests.faults.transports import GRPC, TRANSPORTS, choosable, on_each

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE_TABLE = pa.table({"name": ["Ada", "Grace"], "age": [36, 85]})


class Lines(Observer):
    """Keeps what the process prints."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def on_line(self, stream: str, line: str) -> None:
        self.lines.append((stream, line))


def run_faulty(tool: str, **options: Any) -> Any:
    return run_tool(f"{TOOLS}:{tool}", {"Input": PEOPLE_TABLE}, **options)


@pytest.fixture(autouse=True)
def log_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "log"
    monkeypatch.setenv("KEDGE_LOG_DIR", str(folder))
    return folder


BREAKS_KEDGE = """
from kedge.lifecycle.incoming import IncomingRecords
from faulty_tools import Copy as Tool
IncomingRecords.{method} = None
"""


@posix_only
class TestOwnError:
    """What Kedge itself does wrong in a tool process ends the run with the place, over every transport."""

    @pytest.mark.parametrize("method", ["take", "next_delivery"])
    def test_is_told_with_its_place(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_folder: Path, method: str
    ) -> None:
        file = tmp_path / "breaks_kedge.py"
        file.write_text(BREAKS_KEDGE.format(method=method))
        monkeypatch.setenv("PYTHONPATH", str(TOOLS.parent))
        reason = "TypeError: 'NoneType' object is not callable"

        def run() -> str:
            with pytest.raises((ToolCrashed, ToolError)) as caught:
                run_tool(f"{file}:Tool", {"Input": PEOPLE_TABLE}, timeout=60).raise_for_status()
            if isinstance(caught.value, ToolCrashed):
                assert caught.value.cause == "exit code 3"
                assert reason in caught.value.stderr_tail
            return str(caught.value)

        with choosable():
            said = on_each(run)
        assert all(reason in text or "exit code 3" in text for text in said.values())
        if method == "take":
            assert f"what came on RecordTransfer cannot be taken: {reason}" in said[GRPC]
        (log,) = log_folder.glob("*.log")
        assert log.read_text().count("Traceback") == len(TRANSPORTS)


@posix_only
class TestCrash:
    def test_a_fault_is_named_with_the_stack_of_the_tool(self) -> None:
        observer = Lines()
        with pytest.raises(ToolCrashed) as caught:
            run_faulty("Segfaults", observer=observer)
        error = caught.value
        assert error.cause == "signal SIGSEGV"
        assert any("faulty_tools.py" in line and "on_record_batch" in line for line in error.stack)
        assert any("tool_run.py" in line for line in error.stack), "the whole stack is kept"
        first, *frames = error.headline.splitlines()
        assert first.endswith("with signal SIGSEGV; it was here, the innermost call first:")
        assert [frame.rpartition(" in ")[2] for frame in frames] == ["string_at", "on_record_batch"]
        assert observer.lines == [], "the stack is in the error, and nowhere else"

    def test_a_fault_in_the_constructor_is_one_too(self) -> None:
        with pytest.raises(ToolCrashed, match=r"faulty_tools.py.*in __init__"):
            run_faulty("SegfaultsInInit")

    def test_an_exit_behind_the_back_of_python_is_named_with_the_last_words(self) -> None:
        with pytest.raises(ToolCrashed) as caught:
            run_faulty("LeavesByOsExit")
        assert caught.value.cause == "exit code 7"
        assert caught.value.stderr_tail == ("last words",)
        assert str(caught.value).endswith("the last lines of its stderr:\n  last words")
        assert caught.value.stack == ()

    def test_a_kill_from_outside_may_be_the_systems_for_want_of_memory(self) -> None:
        with pytest.raises(ToolCrashed, match=r"signal SIGKILL .*when its memory ran out"):
            run_faulty("Killed")

    def test_the_command_shows_where_and_exits_with_3(self, tmp_path: Path) -> None:
        (tmp_path / "people.csv").write_text(PEOPLE)
        arguments = ("-i", "Input=people.csv", "-o", "Output=out.csv", "--report", "report.json")
        code, stdout, stderr = kedge("tool", "run", f"{TOOLS}:Segfaults", *arguments, folder=tmp_path)
        assert (code, stdout) == (3, "")
        assert stderr.startswith("error: the tool process ended in the middle of the run, with signal SIGSEGV")
        assert len(stderr.splitlines()) == 3, "the headline, ctypes, the tool"
        assert "tool_run.py" not in stderr
        assert not (tmp_path / "out.csv").exists()
        assert '"type": "ToolCrashed"' in (tmp_path / "report.json").read_text()


class TestNoCrash:
    def test_leaving_by_sys_exit_is_an_error_that_the_tool_reports(self) -> None:
        result = run_faulty("LeavesBySysExit")
        (error,) = result.errors
        assert error.startswith("LeavesBySysExit.on_record_batch called sys.exit(7)")

    @posix_only
    def test_a_child_that_would_outlive_the_tool_is_gone_afterwards(self) -> None:
        result = run_faulty("ForksAChild")
        pid = int(result.messages[0].text.removeprefix("child "))
        assert not psutil.pid_exists(pid) or is_gone(psutil.Process(pid))
        assert result.ok

    def test_a_thread_that_would_keep_the_process_does_not(self) -> None:
        observer = Lines()
        assert run_faulty("LeavesAThread", observer=observer).ok
        assert ("stderr", "WARNING kedge.service: left with forgotten still running") in observer.lines

    def test_what_a_narrow_stdout_cannot_show_ends_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
        observer = Lines()
        result = run_faulty("PrintsEmoji", observer=observer)
        assert result.messages[0].text == "said \N{PARTY POPPER}"
        assert set(observer.lines) == {("stdout", "done \N{PARTY POPPER}"), ("stderr", "failed \N{BROKEN HEART}")}

    @pytest.mark.parametrize("way", [(), ("--in-process",)])
    def test_nor_does_it_end_the_command(self, tmp_path: Path, way: tuple[str, ...]) -> None:
        (tmp_path / "people.csv").write_text(PEOPLE)
        arguments = ("tool", "run", f"{TOOLS}:PrintsEmoji", "-i", "Input=people.csv", *way)
        code, stdout, stderr = kedge(*arguments, folder=tmp_path, environment={"PYTHONIOENCODING": "cp1252"})
        assert code == 0, stderr
        assert "PrintsEmoji: info: said ?" in stderr
        assert "Grace" in stdout

    def test_a_line_of_10_mib_and_a_late_port_are_passed_on_as_text(self) -> None:
        observer = Lines()
        assert run_faulty("PrintsALongLine", observer=observer).ok
        assert sum(len(line) for _, line in observer.lines if line.startswith("x")) == 10 << 20
        assert max(len(line) for _, line in observer.lines) == 64 << 10
        assert observer.lines[-1] == ("stdout", "ListenPort: 1")

    def test_an_observer_that_raises_stops_nothing(self) -> None:
        class Raising(Observer):
            def on_line(self, stream: str, line: str) -> None:
                raise BrokenPipeError

        assert run_faulty("PrintsALongLine", observer=Raising()).ok

    def test_a_tool_that_takes_stdout_away_runs_to_its_end(self) -> None:
        observer = Lines()
        assert run_faulty("ReplacesStdout", observer=observer).ok
        assert observer.lines == [("stderr", "to stderr now")]


class TestNoStart:
    def start(self, source: str, folder: Path, tool: str = "Tool") -> str:
        file = folder / "broken.py"
        file.write_text(source)
        with pytest.raises(ToolStartError) as caught:
            run_tool(f"{file}:{tool}")
        return str(caught.value)

    def test_a_missing_dependency_is_named_in_the_error_and_in_the_log(self, tmp_path: Path, log_folder: Path) -> None:
        text = self.start("import no_such_package\n", tmp_path)
        assert "broken.py needs the package 'no_such_package'" in text
        assert f"{sys.executable} -m pip install" in text
        assert "needs the package 'no_such_package'" in (log_folder / "Tool.log").read_text(encoding="utf-8")

    def test_a_syntax_error_is_shown_with_its_line(self, tmp_path: Path) -> None:
        text = self.start("def broken(:\n", tmp_path)
        assert "SyntaxError" in text
        assert "broken.py" in text

    def test_a_class_that_is_not_there_is_named_with_those_that_are(self, tmp_path: Path) -> None:
        text = self.start(TOOLS.read_text(), tmp_path, "Segfault")
        assert "has no class 'Segfault'" in text
        assert "did you mean Segfaults?" in text

    def test_an_abstract_class_is_told_what_it_lacks(self, tmp_path: Path) -> None:
        text = self.start(TOOLS.read_text(), tmp_path, "Abstract")
        assert "is abstract: it lacks on_complete, on_incoming_connection_complete, on_record_batch" in text

    @pytest.mark.parametrize("source", ["import sys; sys.exit(4)", "raise KeyError('x')", "import os; os._exit(4)"])
    def test_a_module_that_ends_or_raises_while_it_is_imported_is_an_error(self, tmp_path: Path, source: str) -> None:
        text = self.start(source, tmp_path)
        assert ("exit code 4" in text) if "os._exit" in source else ("while it was imported" in text)

    def test_a_module_that_speaks_before_the_tool_does_is_no_trouble(self, tmp_path: Path) -> None:
        file = tmp_path / "noisy.py"
        noise = "import sys\nprint('loading...', end='', flush=True)\nsys.stdout.close()\n"
        file.write_text(noise + TOOLS.read_text().replace("from __future__ import annotations\n", ""))
        assert run_tool(f"{file}:Copy", {"Input": PEOPLE_TABLE}).outputs["Output"].equals(PEOPLE_TABLE)

    @posix_only
    def test_an_import_that_hangs_is_shown_with_its_place(self, tmp_path: Path) -> None:
        file = tmp_path / "hangs.py"
        file.write_text("import time\nprint('waiting')\ntime.sleep(600)\n")
        with pytest.raises(ToolStartError) as caught:
            run_tool(f"{file}:Tool", start_timeout=4)
        assert "did not say its port within 4 s" in str(caught.value)
        assert 'hangs.py", line 3 in <module>' in str(caught.value)
