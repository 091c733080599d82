"""``kedge bench harness``: what a test of a tool in the test's own process costs beyond the tool's own calls."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from kedge.bench.measure import machine
from kedge.bench.tools import PassThrough
from kedge.sdk.constants import Anchor
from kedge.testing.harness import ToolHarness

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

__all__ = ["bench_harness"]

_TESTS = 50
_ROWS = 1000


def bench_harness(rounds: int = 5, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure ``rounds`` times the mean of 50 tests with a small batch; returns one JSON document.

    From each the time is taken off that the same callbacks take, called by hand. ``say`` hears what is being measured.
    """
    overheads = []
    table = _table()
    for number in range(rounds + 1):
        say(f"round {number} of {rounds}{' (warm-up)' if number == 0 else ''}")
        ours, theirs = _mean(lambda: _in_harness(table)), _mean(lambda: _by_hand(table))
        if number:
            overheads.append(ours - theirs)
    figure = {
        "name": f"a test in process, {_ROWS} rows, beyond the tool's own callbacks",
        "unit": "s",
        "kedge": float(f"{statistics.median(overheads):.4g}"),
        "target": "<= 0.005",
    }
    return {"benchmark": "harness", "machine": machine(), "rounds": rounds, "figures": [figure]}


def _mean(test: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(_TESTS):
        test()
    return (time.perf_counter() - start) / _TESTS


def _in_harness(table: pa.Table) -> None:
    outcome = ToolHarness(PassThrough).run(Input=table)
    assert outcome.outputs["Output"].num_rows == _ROWS


def _by_hand(table: pa.Table) -> None:
    written: list[pa.Table] = []
    tool = PassThrough(_Provider(written))  # type: ignore[arg-type]
    tool.on_record_batch(table, Anchor("Input", "1"))
    tool.on_complete()
    assert written[0].num_rows == _ROWS


class _Provider:
    """What the tool needs of a provider."""

    def __init__(self, written: list[pa.Table]) -> None:
        self.io = self
        self._written = written

    def info(self, text: str) -> None:
        """Not measured."""

    def write_to_anchor(self, _name: str, table: pa.Table) -> None:
        """Keep the batch."""
        self._written.append(table)


def _table() -> pa.Table:
    import pyarrow as pa

    return pa.table({"number": pa.array(range(_ROWS), pa.int64())})
