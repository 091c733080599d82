"""Processes that are started ahead: a run cannot tell them from new ones, and nothing of them stays."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge import ToolCrashed, ToolPool, ToolStartError, UsageError, run_tool
from kedge.host import pool as pool_module
from kedge.host.collector import Observer
from kedge.host.pool import wanted
from kedge.host.target import SERVICE, resolve_target
from tests.faults.processes import TOOLS, is_gone, posix_only, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COPY = f"{TOOLS}:Copy"
NUMBERS = pa.table({"number": [1, 2, 3]})

TELLS = """
import faulthandler, gc, json, os, sys, threading
from kedge import PluginV2

SEEN = {
    "variables": {k: v for k, v in os.environ.items() if not k.startswith("KEDGE_")},
    "budget": os.environ["KEDGE_BUDGET"],
    "secrets": [name for name in ("KEDGE_TOKEN", "KEDGE_PARENT_FD") if name in os.environ],
    "arguments": sys.argv[1:],
    "path": sys.path,
    "folder": os.getcwd(),
    "to read": sys.stdin.read(),
    "main": sys.modules["__main__"].__file__,
    "group": hasattr(os, "getpgrp") and os.getpgrp() == os.getpid(),
    "threads": sorted(t.name for t in threading.enumerate()),
    "collects": gc.isenabled(),
    "shows faults": faulthandler.is_enabled(),
}

class Tells(PluginV2):
    def __init__(self, provider):
        provider.io.info(json.dumps({**SEEN, "temporary": provider.environment.temp_dir != ""}, sort_keys=True))
    def on_record_batch(self, batch, anchor): ...
    def on_incoming_connection_complete(self, anchor): ...
    def on_complete(self): ...
"""


@pytest.fixture(autouse=True)
def log_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEDGE_LOG_DIR", str(tmp_path / "log"))


@pytest.fixture
def pool() -> Iterator[ToolPool]:
    """A pool of one, which waits for any tool."""
    with ToolPool(1) as opened:
        assert opened.warm_up(COPY)
        yield opened


def waiting(pool: ToolPool) -> psutil.Process:
    """The one process that waits."""
    (shelf,) = pool._shelves.values()
    (found,) = shelf.waiting
    assert found.process._process is not None
    return psutil.Process(found.process._process.pid)


class Lines(Observer):
    """Keeps what the process prints."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def on_line(self, stream: str, line: str) -> None:
        self.lines.append((stream, line))


class TestRun:
    def test_finds_in_its_process_what_it_would_find_in_a_new_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "tells.py"
        file.write_text(TELLS)
        monkeypatch.setenv("SET_BEFORE", "old")
        monkeypatch.setenv("UNSET", "x")
        with ToolPool(1) as pool:
            assert pool.warm_up(f"{file}:Tells")
            monkeypatch.setenv("SET_BEFORE", "new")
            monkeypatch.setenv("SET_AFTER", "no Unicode: \udcff" if os.name == "posix" else "any")
            monkeypatch.setenv("LARGE", "x" * 100_000)  # more than a pipe holds
            monkeypatch.delenv("UNSET")
            taken = run_tool(f"{file}:Tells", pool=pool, budget=1 << 21)
            assert pool.statistics()[2:4] == (1, 0), "handed out, and not missed"
        new = run_tool(f"{file}:Tells", budget=1 << 21)
        assert taken.messages == new.messages

    def test_leaves_the_next_one_a_process_that_ran_nothing(self, pool: ToolPool) -> None:
        first = waiting(pool)
        assert repr(pool) == "<ToolPool 1 of 1 waiting, 0 handed out, 0 missed>"
        with run_tool(COPY, {"Input": NUMBERS}, pool=pool, stream=True) as result:
            assert result.outputs["Output"].read_all().equals(NUMBERS)
        assert is_gone(first)
        assert wait_until(lambda: pool.statistics().waiting == 1, 20)
        assert waiting(pool) != first
        assert pool.statistics()._replace(waiting=0) == (0, 2, 1, 0, 0, 0)

    def test_takes_a_process_that_is_not_ready_yet_or_just_being_started(self) -> None:
        with ToolPool(1) as pool:
            assert not pool.warm_up(COPY, timeout=0.0)
            for _ in range(2):
                assert run_tool(COPY, {"Input": NUMBERS}, pool=pool).ok
            assert pool.statistics()[2:4] == (2, 0)

    @pytest.mark.parametrize(
        "command", [["other", "--port"], [sys.executable, "-X", "utf8", *SERVICE, "tools", "Copy"]]
    )
    def test_of_another_command_than_that_of_kedge_starts_its_own(self, command: list[str]) -> None:
        with ToolPool(1) as pool:
            assert pool.take(command, {}, None) is None
            assert pool.statistics() == (0, 0, 0, 1, 0, 0)

    def test_beside_which_lies_a_library_of_its_own_starts_its_own(self, tmp_path: Path) -> None:
        """What is imported ahead would go before the tool's."""
        (tmp_path / "own.py").touch()
        command = resolve_target(f"{tmp_path / 'own.py'}:Tool").require_command()
        with ToolPool(1) as pool:
            (tmp_path / "xmltodict.py").touch()
            assert pool.take(command, {}, None) is None
            assert pool.statistics() == (0, 0, 0, 1, 0, 0), "and none is started for the next, which is no better off"


class TestFaults:
    @posix_only
    def test_of_the_tool_are_told_with_its_stack_as_ever(self, pool: ToolPool) -> None:
        observer = Lines()
        with pytest.raises(ToolCrashed) as caught:
            run_tool(f"{TOOLS}:Segfaults", {"Input": NUMBERS}, pool=pool, observer=observer)
        assert caught.value.cause == "signal SIGSEGV"
        first, *frames = caught.value.headline.splitlines()
        assert first.endswith("with signal SIGSEGV; it was here, the innermost call first:")
        assert [frame.rpartition(" in ")[2] for frame in frames] == ["string_at", "on_record_batch"]
        assert observer.lines == []

    def test_of_its_import_are_told_once(self, pool: ToolPool, tmp_path: Path) -> None:
        file, counts = tmp_path / "broken.py", tmp_path / "counts"
        file.write_text(f"open({str(counts)!r}, 'a').write('x')\nimport no_such_package\n")
        with pytest.raises(ToolStartError, match="needs the package 'no_such_package'"):
            run_tool(f"{file}:Tool", pool=pool)
        assert counts.read_text() == "x"

    @posix_only
    def test_of_one_that_was_stopped_while_it_waited_are_none(self, pool: ToolPool) -> None:
        process = waiting(pool)
        process.suspend()
        result = run_tool("kedge.bench.tools:PassThrough", {"Input": NUMBERS}, pool=pool)
        assert result.messages[0].text.endswith(f" {process.pid}")

    @posix_only
    @pytest.mark.parametrize("seen", [True, False], ids=["seen", "not seen yet"])
    def test_of_one_that_died_while_it_waited_cost_a_new_start(
        self, pool: ToolPool, monkeypatch: pytest.MonkeyPatch, seen: bool
    ) -> None:
        process = waiting(pool)
        process.kill()
        if seen:
            (shelf,) = pool._shelves.values()
            assert shelf.waiting[0].process.wait(10)
        else:
            monkeypatch.setattr(pool_module._Waiting, "is_fit", True)
        assert run_tool(COPY, {"Input": NUMBERS}, pool=pool).outputs["Output"].equals(NUMBERS)
        assert pool.statistics().discarded == int(seen)

    @pytest.mark.parametrize("says", ["print('noise')", "sys.exit(5)"])
    def test_of_an_interpreter_that_prints_or_ends_cost_a_new_start_and_no_second_try(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
    ) -> None:
        (tmp_path / "sitecustomize.py").write_text(f"import sys\nif 'wait-for-order' in sys.orig_argv: {says}\n")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
        with ToolPool(1) as pool:
            assert pool.warm_up(COPY) is ("print" in says)
            observer = Lines()
            assert run_tool(COPY, {"Input": NUMBERS}, pool=pool, observer=observer).ok
            assert observer.lines == []
            statistics = pool.statistics()
        assert statistics[2:5] == (0, 1, 1)
        assert "print" in says or statistics.started == 1, "the next would end, too"


class TestSurroundings:
    def test_that_changed_since_the_start_make_the_process_give_way_to_one_of_its_own_kind(
        self, pool: ToolPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = waiting(pool)
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert run_tool(COPY, {"Input": NUMBERS}, pool=pool).ok
        assert pool.statistics()[2:4] == (0, 1)
        assert wait_until(lambda: pool.statistics()[:2] == (1, 2) and is_gone(first), 20)
        (kind,) = (kind for kind, shelf in pool._shelves.items() if shelf.waiting)
        assert ("OMP_NUM_THREADS", "1") in kind.variables

    def test_that_changed_before_the_start_let_none_begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        command = resolve_target(COPY).require_command()
        with ToolPool(1) as pool:
            monkeypatch.setenv("OMP_NUM_THREADS", "1")
            assert pool.take(command, {}, None) is None
            monkeypatch.delenv("OMP_NUM_THREADS")
            pool.fill()
            (shelf,) = pool._shelves.values()
            assert wait_until(lambda: shelf.is_away, 5)
            assert pool.statistics().started == 0


class TestPool:
    def test_is_emptied_when_nobody_uses_it(self) -> None:
        with ToolPool(1, idle_seconds=0.2) as pool:
            pool.warm_up(COPY)
            assert wait_until(lambda: pool.statistics().ended == 1, 10)
            assert pool.statistics().waiting == 0
            assert wait_until(lambda: not psutil.Process().children(), 5)

    def test_refuses_what_makes_no_sense(self) -> None:
        with pytest.raises(UsageError, match="size from 1"):
            ToolPool(0)
        with pytest.raises(UsageError, match="above 0, and not 2 and 0"):
            ToolPool(2, 0.0)
        with ToolPool() as pool, pytest.raises(UsageError, match="leave in_process or pool out"):
            run_tool(COPY, pool=pool, in_process=True)
        with ToolPool() as pool, pytest.raises(UsageError, match="only processes of Kedge's own"):
            pool.warm_up(["some", "command"])
        with pytest.raises(UsageError, match="the pool is closed"):
            run_tool(COPY, pool=pool)
        assert repr(pool) == "<ToolPool closed, 0 handed out, 0 missed>"

    def test_is_no_trouble_where_an_interpreter_is_missing(self) -> None:
        with ToolPool() as pool:
            assert pool.warm_up(COPY, python="no-such-python") is False
            with pytest.raises(ToolStartError, match="cannot start 'no-such-python'"):
                run_tool(COPY, python="no-such-python", pool=pool)

    def test_gives_no_process_to_two_threads(self, pool: ToolPool) -> None:
        results: list[Any] = []
        threads = [
            threading.Thread(target=lambda: results.append(run_tool(COPY, {"Input": NUMBERS}, pool=pool).ok))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [True] * 2
        assert pool.statistics()[2:4] == (1, 1)


KINDS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9))


class TestWanted:
    def test_is_all_of_one_kind(self) -> None:
        assert wanted({"a": 0}, 3) == {"a": 3}

    def test_is_shared_among_the_kinds_that_were_used_last(self) -> None:
        assert wanted({"a": 0, "b": 2}, 2) == {"a": 1, "b": 1}
        assert wanted({"a": 0, "b": 1, "c": 1}, 2) == {"a": 1, "b": 1}

    def test_leaves_what_does_not_divide_with_the_kind_that_has_it(self) -> None:
        assert wanted({"a": 0, "b": 2}, 3) == {"a": 1, "b": 2}

    def test_is_nothing_without_a_kind(self) -> None:
        assert wanted({}, 2) == {}

    @given(KINDS, st.integers(1, 8))
    def test_fills_the_pool_exactly_and_gives_each_kind_its_share(self, waiting: dict[str, int], size: int) -> None:
        goal = wanted(waiting, size)
        assert list(goal) == list(waiting)[:size]
        assert sum(goal.values()) == (size if waiting else 0)
        assert all(count >= size // len(goal) for count in goal.values())

    @given(KINDS, st.integers(1, 8))
    def test_is_at_rest_once_it_is_had(self, waiting: dict[str, int], size: int) -> None:
        goal = wanted(waiting, size)
        assert wanted(goal, size) == goal
