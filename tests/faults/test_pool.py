"""Processes that wait, when their host ends: none is left, and nobody hears of them."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path

import psutil
import pytest

from tests.faults.processes import SIGKILL, TOOLS, Command, is_gone, posix_only, wait_until

LEAVES_NOTHING_WITHIN = 5.0

WAITS = """
import sys
import kedge

pool = kedge.ToolPool(2)
assert pool.warm_up(TOOL)
print("waiting", file=sys.stderr, flush=True)
"""
STAYS = "import threading\nthreading.Event().wait(60)\n"

FORKS = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # newer interpreters warn of a fork beside threads
child = os.fork()
if child == 0:
    try:
        pool.fill()
        assert pool.take(kedge.host.target.resolve_target(TOOL).require_command(), {}, None) is None
        pool.close()
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
    os._exit(0)
os.waitpid(child, 0)
result = kedge.run_tool(TOOL, pool=pool)
assert pool.statistics().handed_out == 1 and result.ok, pool
"""


def waiting(folder: Path, then: str, *options: str) -> Command:
    """A program with two processes that wait, and what it does then."""
    script = folder / "waits.py"
    script.write_text(f"TOOL = {f'{TOOLS}:Copy'!r}\n{WAITS}{then}")
    command = Command(folder=folder, program=(*options, str(script)))
    command.wait_until_it_says("waiting")
    return command


def left(host: int) -> list[Path]:
    """Folders of runs, of the pool's host or of any."""
    places = {Path("/dev/shm"), Path(tempfile.gettempdir())}
    found = [path for place in places if place.is_dir() for path in place.glob("kedge-*")]
    return [path for path in found if not path.name.startswith("kedge-shm-") or f"-{host}-" in path.name]


@posix_only
class TestHost:
    def test_that_is_killed_leaves_neither_process_nor_file(self, tmp_path: Path) -> None:
        command = waiting(tmp_path, STAYS)
        processes = command.descendants()
        assert len(processes) == 4, "two that wait, and their guards"
        assert left(command.process.pid)
        command.send(SIGKILL)
        command.finish()
        assert wait_until(lambda: all(map(is_gone, processes)), LEAVES_NOTHING_WITHIN), processes
        assert wait_until(lambda: left(command.process.pid) == [], LEAVES_NOTHING_WITHIN)

    @pytest.mark.parametrize("then", ["", FORKS], ids=["at once", "after a fork and a run"])
    def test_that_does_not_close_its_pool_ends_without_a_word(self, tmp_path: Path, then: str) -> None:
        command = waiting(tmp_path, then, "-X", "dev")
        assert command.finish() == (0, "")
        assert command.stderr == "waiting\n"
        assert left(command.process.pid) == []

    def test_that_is_interrupted_shows_its_own_traceback_alone(self, tmp_path: Path) -> None:
        """As at a terminal, where all processes of the group get the signal."""
        command = waiting(tmp_path, STAYS)
        processes = command.descendants()
        for process in [psutil.Process(command.process.pid), *processes]:
            process.send_signal(signal.SIGINT)
        command.finish()
        assert command.stderr.count("Traceback") == 1
        assert command.stderr.rstrip().endswith("KeyboardInterrupt")
        assert wait_until(lambda: all(map(is_gone, processes)), LEAVES_NOTHING_WITHIN)
        assert wait_until(lambda: left(command.process.pid) == [], LEAVES_NOTHING_WITHIN)
