"""The process of a tool, without a tool: what is started, what is found in its noise, what is left of it."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time

import psutil
import pytest

from kedge import ToolStartError
from kedge.host.process import ToolProcess
from kedge.host.process_output import ProcessOutput, tool_frames, was_in_callback
from tests.faults.processes import posix_only


def python(*lines: str, **options: object) -> ToolProcess:
    return ToolProcess([sys.executable, "-S", "-c", "\n".join(lines)], **options)  # type: ignore[arg-type]


SERVES = "print('ListenPort: 4321', flush=True)"
STAYS = "import time; time.sleep(600)"


class TestStart:
    def test_gives_the_address_of_the_port_that_the_process_says(self) -> None:
        with python(SERVES) as process:
            assert process.start() == "localhost:4321"

    def test_gives_the_socket_that_the_process_says(self) -> None:
        with python("import os; print('ListenAddress: ' + os.environ['KEDGE_ADDRESS'])") as process:
            assert process.start() == f"unix:{process.run_directory}/tool.sock"

    @pytest.mark.parametrize("noise", ["print('hello')", "print('no line end', end='')", "print(chr(7) * 100_000)"])
    def test_finds_the_port_in_the_noise(self, noise: str) -> None:
        lines: list[tuple[str, str]] = []
        with python(noise, SERVES, on_line=lambda *line: lines.append(line)) as process:
            assert process.start() == "localhost:4321"
        assert all("ListenPort" not in text for _, text in lines)

    def test_takes_no_port_from_the_middle_of_a_line(self) -> None:
        with python("print('x' * (64 << 10) + 'ListenPort: 1')") as process, pytest.raises(ToolStartError):
            process.start()

    def test_takes_what_the_process_tells_of_its_tool(self) -> None:
        with python("""print('KedgeTool: {"inputs": null}')""", SERVES) as process:
            process.start()
            assert process.description == {"inputs": None}

    @pytest.mark.parametrize("told", ["KedgeTool: {", "KedgeTool: [1]", "KedgeTool: "])
    def test_overlooks_what_is_no_description(self, told: str) -> None:
        with python(f"print({told!r})", SERVES) as process:
            process.start()
            assert process.description is None

    def test_hands_the_process_a_token_and_a_folder_of_its_own(self) -> None:
        show = "import os; print(os.environ['KEDGE_TOKEN'], oct(os.stat(os.environ['KEDGE_ADDRESS'][5:-10]).st_mode))"
        lines: list[str] = []
        with python(show if os.name == "posix" else "", SERVES, on_line=lambda _, line: lines.append(line)) as process:
            process.start()
            process.wait()
        if os.name == "posix":
            assert lines == [f"{process.token} 0o40700"]


class TestEnd:
    def test_of_a_clean_exit_is_told(self) -> None:
        with python(SERVES) as process:
            process.start()
            assert process.wait(10)
            assert process.exit_cause() == "exit code 0"
            assert "exit code 0" in repr(process)

    @posix_only
    def test_by_a_signal_without_a_name_is_told(self) -> None:
        with python(SERVES, "import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 3)") as process:
            process.start()
            assert process.wait(10)
            assert (process.exit_cause() or "").startswith("signal 3")

    def test_of_a_process_that_stays_comes_within_the_patience(self) -> None:
        process = python(SERVES, STAYS, patience=0.2)
        process.start()
        began = time.monotonic()
        process.stop()
        assert time.monotonic() - began < 2
        assert process.exit_cause() is not None

    @posix_only
    def test_of_one_that_ignores_sigterm_comes_too(self) -> None:
        ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
        process = python(ignore, SERVES, STAYS, patience=0.2)
        process.start()
        process.stop()
        assert process.exit_cause() == "signal SIGKILL"

    @posix_only
    def test_of_one_that_is_frozen_comes_too(self) -> None:
        process = python(SERVES, STAYS, patience=0.2)
        process.start()
        assert process._process is not None
        psutil.Process(process._process.pid).suspend()
        process.stop()
        assert process.exit_cause() == "signal SIGTERM"  # it is woken to hear it

    def test_after_an_error_comes_at_once(self) -> None:
        process = python(SERVES, STAYS, patience=60)
        process.start()
        began = time.monotonic()
        process.__exit__(ValueError, ValueError(), None)
        assert time.monotonic() - began < 5
        assert process.exit_cause() is not None

    def test_removes_the_run_directory(self) -> None:
        with python(SERVES) as process:
            process.start()
            folder = process.run_directory
            assert folder is not None
            (folder / "something").touch()
        assert not folder.exists()

    def test_of_a_process_that_was_never_started_is_harmless(self) -> None:
        process = python(SERVES)
        process.stop()
        process.kill()
        assert "not started" in repr(process)

    @posix_only
    def test_a_hundred_starts_leave_nothing(self) -> None:
        def held() -> tuple[int, int, int]:
            gc.collect()
            children = len(psutil.Process().children())
            return psutil.Process().num_fds(), threading.active_count(), children

        def once() -> None:
            with ToolProcess(["/bin/sh", "-c", "echo 'ListenPort: 1'"]) as process:
                process.start()

        once()
        before = held()
        for _ in range(100):
            once()
        assert held() == before


FATAL = """\
Fatal Python error: Segmentation fault

Current thread 0x00007f (most recent call first):
  File "/usr/lib/python3/ctypes/__init__.py", line 519 in string_at
  File "/home/ada/tools.py", line 12 in on_record_batch
  File "/venv/kedge/tool_run.py", line 168 in _invoke
  File "C:\\venv\\kedge\\service\\server.py", line 83 in serve
  File "<frozen runpy>", line 88 in _run_code

Extension modules: numpy, pyarrow.lib (total: 2)
"""


class TestStacks:
    def read(self, stderr: str) -> ProcessOutput:
        lines: list[tuple[str, str]] = []
        output = ProcessOutput(lambda *line: lines.append(line))
        ends = [os.pipe(), os.pipe()]
        for (_, write), text in zip(ends, ("", stderr), strict=True):
            os.write(write, text.encode())
            os.close(write)
        output.read(*(os.fdopen(read, "rb") for read, _ in ends))
        output.join(5)
        assert [line for _, line in lines][-50:] == list(output.tail)
        return output

    def test_are_kept_apart_from_what_the_tool_wrote(self) -> None:
        output = self.read(f"before\n{FATAL}after\n")
        assert output.tail == ("before", "after")
        assert "\n".join(output.stack) == FATAL.rstrip("\n")

    def test_show_of_a_tool_what_it_ran(self) -> None:
        assert tool_frames(self.read(FATAL).stack) == (
            '  File "/usr/lib/python3/ctypes/__init__.py", line 519 in string_at',
            '  File "/home/ada/tools.py", line 12 in on_record_batch',
        )

    def test_tell_whether_a_callback_ran(self) -> None:
        assert was_in_callback(self.read(FATAL).stack)
        assert was_in_callback(("Tool stack: Tool.on_complete has run for 3.0 s",))
        assert not was_in_callback(self.read(FATAL.replace("_invoke", "_next_call")).stack)

    def test_of_the_service_name_the_callback(self) -> None:
        stack = self.read('Tool stack: T.on_complete has run for 3.0 s\n  File "t.py", line 3, in f\n    f()\n').stack
        assert tool_frames(stack) == ("T.on_complete has run for 3.0 s", '  File "t.py", line 3, in f', "    f()")

    def test_keep_the_last_fifty_lines_of_the_rest(self) -> None:
        assert self.read("".join(f"{n}\n" for n in range(60))).tail == tuple(map(str, range(10, 60)))


@posix_only
def test_the_guard_removes_what_a_killed_host_left() -> None:
    """The host's end is closed as if it had died; the tool process knows nothing of that."""
    process = ToolProcess(["/bin/sh", "-c", "echo 'ListenPort: 1'; exec sleep 600"])
    process.start()
    assert process._parent_pipe is not None
    os.close(process._parent_pipe)
    process._parent_pipe = None
    assert process.wait(5)
    assert process.exit_cause() == "signal SIGKILL"
    assert process._guard is not None
    process._guard.wait(5)
    assert process.run_directory is not None
    assert not process.run_directory.exists()
    process.stop()
