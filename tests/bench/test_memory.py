"""Run after run in one host leaves nothing behind; the figures of the pages come from many more of them."""

from __future__ import annotations

import sys

import pytest

from kedge import ToolPool
from kedge.bench.memory import Footprint, growth, repeated_runs

RUNS = 4


class TestGrowth:
    def test_is_the_slope_for_1000_runs(self) -> None:
        footprints = [Footprint(100 + 3 * n, 10, 2, n % 2, 0) for n in range(100)]
        assert growth(footprints)["memory"] == 3000
        assert growth(footprints)["descriptors"] == 0
        assert abs(growth(footprints)["children"]) < 1


@pytest.mark.skipif(sys.platform != "linux", reason="it is read from /proc")
@pytest.mark.parametrize("size", [0, 1], ids=["new processes", "a pool"])
def test_run_after_run_leaves_nothing_behind(size: int) -> None:
    with ToolPool(1) as pool:
        footprints = repeated_runs(RUNS, pool if size else None)
    first, last = footprints[0], footprints[-1]
    assert last[1:] == first[1:], "descriptors, threads, children and files"
    assert growth(footprints)["memory"] / 1000 < 512, "KiB for each run: a batch of 1 MiB is not kept"
