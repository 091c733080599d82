"""The benchmark of the start."""

from __future__ import annotations

from kedge.bench.start import timed_run
from kedge.host.pool import ToolPool


def test_a_run_has_its_process_from_the_pool_and_its_times_in_order() -> None:
    with ToolPool(1) as pool:
        constructed, over = timed_run({}, pool)
        assert pool.statistics().handed_out == 1
    assert 0 < constructed < over
