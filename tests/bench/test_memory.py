"""Memory while records wait, and after run upon run; the figures of the pages come from many more of both."""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from random import Random
from statistics import median, stdev

import pytest

from kedge import ToolPool
from kedge.bench import memory
from kedge.bench.footprint import Footprint, footprints_of_runs, growth
from kedge.bench.memory import Peaks, bench_memory, peaks
from kedge.bench.report import report_page

RUNS = 6

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")


class TestGrowth:
    def test_is_the_slope_for_1000_runs_and_what_may_be_chance(self) -> None:
        levels = (0, 6, 0, 6, 0, 6, 0, 6, 0, 6)
        footprints = [Footprint(100 + 3 * n, 10, 2, n % 2, levels[n // 10]) for n in range(100)]
        found = growth(footprints)
        assert found["memory"] == (3000, 0)
        assert found["descriptors"] == (0, 0)
        assert found["children"] == (0, 0)
        steps = [6, -6, 6, -6, 6, -6, 6, -6, 6]
        assert found["files"].slope == 0
        assert found["files"].noise == pytest.approx(2 * stdev(steps) / 3 * 100, abs=0.1)

    def test_of_a_leak_is_more_than_chance(self) -> None:
        noise = Random(1)
        found = growth([Footprint(1000 + n // 2 + noise.randrange(200), 0, 0, 0, 0) for n in range(1000)])
        assert found["memory"].slope == pytest.approx(500, abs=50)
        assert found["memory"].slope > 5 * found["memory"].noise

    @pytest.mark.parametrize("at", [100, 400])
    def test_is_none_where_a_table_has_grown_once(self, at: int) -> None:
        found = growth([Footprint(1000 + 940 * (n >= at) + n % 3, 0, 0, 0, 0) for n in range(500)])
        assert abs(found["memory"].slope) < 10


@linux_only
@pytest.mark.parametrize("size", [0, 1], ids=["new processes", "a pool"])
def test_run_after_run_leaves_nothing_behind(size: int) -> None:
    with ToolPool(1) as pool:
        footprints = list(footprints_of_runs(RUNS, pool if size else None))
    before, after = footprints[: RUNS // 2], footprints[RUNS // 2 :]
    for name in ("descriptors", "threads", "children", "files"):  # what ends by itself may end a moment later
        assert min(getattr(it, name) for it in after) <= min(getattr(it, name) for it in before), name
    added = [after.memory - before.memory for before, after in pairwise(footprints)]
    assert median(added) < 512, "KiB: the heap may grow now and then, and a batch of 1 MiB is not kept each time"


@linux_only
class TestPeaks:
    @pytest.mark.parametrize("transport", ["shared memory", "inline"])
    def test_are_those_of_both_processes(self, transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEDGE_SHARED_MEMORY", "/as/before")
        found = peaks("PassThrough", 200, transport, stalls=0.5)
        assert 1 <= found.host <= 192, "at least a batch waits for a reader that stalls"
        assert 1 <= found.tool <= 192
        assert min(found.host_idle, found.tool_idle) > 30
        assert os.environ["KEDGE_SHARED_MEMORY"] == "/as/before"

    def test_are_figures_with_their_limit_on_the_page(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def measured(tool: str, batches: int, transport: str, stalls: float) -> Peaks:
            asked.append((tool, batches, transport, stalls > 0))
            return Peaks(70, 60, 140, 80)

        asked: list[tuple[str, int, str, bool]] = []
        monkeypatch.setattr(memory, "peaks", measured)
        page = report_page([bench_memory(2.0, RUNS)])
        assert sorted(asked) == sorted(
            (tool, 2048, transport, stalls)
            for tool, stalls in (("Sleeping", False), ("PassThrough", True))
            for transport in ("shared memory", "inline")
        )
        limit = "<= 192 (64 each way, and 64)"
        for what in ("past a tool that sleeps", "while the reader stalls"):
            for way in ("shared memory", "inline"):
                row = f"| 2 GiB {what}, {way}: peak of the"
                assert f"{row} host | 70 MiB above idle | 140 MiB when idle |  | {limit} |" in page
                assert f"{row} tool process | 60 MiB above idle | 80 MiB when idle |  | {limit} |" in page
        for way in ("new processes", "processes of a pool"):
            none = "0 for 1,000 runs | chance: two standard errors: 0 for 1,000 runs |  | no more than chance |"
            assert f"| files of the host by 6 runs after as many, in {way} | {none}" in page
            assert f"| memory of the host by 6 runs after as many, in {way} | " in page
