"""The benchmark of whole workflows, on few rows."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from kedge.bench.flow import bench_flow
from kedge.bench.flow_data import generating, growth, recurrence, sales, write_data
from kedge.bench.flow_peers import by_duckdb, by_polars, generate, recur

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 4000


def rows(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sorted(
            (row["category"], row["year"], row["code"], row["orders"], row["most"]) for row in csv.DictReader(file)
        )


class TestPeers:
    """A ratio means something where both sides compute the same."""

    def test_all_write_the_same_groups(self, tmp_path: Path) -> None:
        write_data(tmp_path, ROWS)
        sales(tmp_path).run().raise_for_status()
        by_duckdb(tmp_path)
        by_polars(tmp_path)
        ours = rows(tmp_path / "kedge.csv")
        assert len(ours) > 1000
        assert ours == rows(tmp_path / "duckdb.csv") == rows(tmp_path / "polars.csv")

    def test_the_loops_compute_what_the_tools_compute(self) -> None:
        for (flow, tool), loop in ((recurrence(500), recur(500)), (generating(500), generate(growth(500)))):
            report = flow.run(taps=[(tool, "Output")])
            report.raise_for_status()
            count, largest = (report.table(tool)[place][0].as_py() for place in (0, 1))
            assert (count, largest) == (len(loop), max(loop))


class TestBench:
    def test_every_figure_has_a_value_and_a_target(self) -> None:
        found = bench_flow(1, rows=ROWS, parts=["pipeline", "loops"])
        assert (found["benchmark"], found["rows"]) == ("flow", ROWS)
        assert [figure["peer"].split()[-1] for figure in found["figures"]] == [
            "DuckDB",
            "streaming",
            "expression",
            "expression",
        ]
        assert all(figure["kedge"] > 0 and figure["peer_value"] > 0 and figure["target"] for figure in found["figures"])
