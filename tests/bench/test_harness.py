"""The benchmark of the harness."""

from __future__ import annotations

from kedge.bench.harness import bench_harness


class TestHarness:
    def test_says_what_a_test_costs(self) -> None:
        said: list[str] = []
        found = bench_harness(1, said.append)
        assert said == ["round 0 of 1 (warm-up)", "round 1 of 1"]
        assert found["figures"][0]["kedge"] > 0
        assert found["figures"][0]["target"] == "<= 0.005"
