"""``kedge bench memory``: what passes a slow tool costs no memory beyond the budget, and runs leave nothing behind."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from kedge.bench import tools
from kedge.bench.footprint import Growth, footprints_of_runs, growth, mebibyte
from kedge.bench.measure import machine
from kedge.exceptions import UsageError
from kedge.host.collector import Observer
from kedge.host.pool import ToolPool
from kedge.host.target import resolve_target
from kedge.host.tool_call import ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kedge.sdk.outlet import Message

__all__ = ["Peaks", "bench_memory", "peaks", "require_proc"]

_LIMIT = "<= 192 (64 each way, and 64)"
_STALLS = 5.0
"""Seconds for which the reader takes nothing, at the first batch and in the middle."""
_ANSWERS_WITHIN = 60.0
_OF_THIS_PROCESS = Path("/proc/self/status")
_UNITS = ("KiB for 1,000 runs", *["for 1,000 runs"] * 4)
_TRANSPORTS = {"shared memory": None, "inline": ""}
"""What ``KEDGE_SHARED_MEMORY`` is for each."""
_CASES = {"a tool that sleeps": ("Sleeping", 0.0), "while the reader stalls": ("PassThrough", _STALLS)}


class Peaks(NamedTuple):
    """The most memory of both processes above what each held when nothing had passed, and that; in MiB."""

    host: int
    tool: int
    host_idle: int
    tool_idle: int


def bench_memory(gib: float = 1.0, runs: int = 100, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure both; returns one JSON document. Raises UsageError where the system has no ``/proc``."""
    require_proc()
    figures = []
    for transport, (case, (tool, stalls)) in product(_TRANSPORTS, _CASES.items()):
        what = f"{gib:g} GiB past {case}" if tool == "Sleeping" else f"{gib:g} GiB {case}"
        say(f"{what}, {transport}")
        figures += _peak_figures(f"{what}, {transport}", peaks(tool, round(gib * 1024), transport, stalls))
    say(f"{2 * runs} runs")
    figures += _growth_figures(f"{runs} runs after as many, in new processes", _settled_growth(runs))
    say(f"{2 * runs} runs with a pool")
    with ToolPool(1) as pool:
        figures += _growth_figures(f"{runs} runs after as many, in processes of a pool", _settled_growth(runs, pool))
    return {"benchmark": "memory", "machine": machine(), "rounds": 1, "runs": runs, "figures": figures}


def require_proc() -> None:
    """Raises UsageError where the system does not tell what its processes hold."""
    if not _OF_THIS_PROCESS.exists():
        raise UsageError("memory is measured on Linux alone, by /proc")


def peaks(tool: str, batches: int, transport: str = "shared memory", stalls: float = 0.0) -> Peaks:
    """The peaks of the memory of both processes while ``batches`` of 1 MiB pass a tool and the reader ``stalls``."""
    with _over(transport):
        _pass(tool, 8, 0.0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        idle = _kib("self", "VmHWM:")
        passed = _pass(tool, batches, stalls)
    return Peaks(*(kib >> 10 for kib in (_kib("self", "VmHWM:") - idle, passed.peak - passed.idle, idle, passed.idle)))


class _Passing(Observer):
    """Both ends of a run: makes the records, takes them, and looks at the memory of the tool process.

    It takes nothing for some seconds, twice, and keeps nothing.
    """

    def __init__(self, batches: int, stalls: float) -> None:
        self._table = mebibyte()
        self._batches = batches
        self._stalls_at = {0, batches // 2} if stalls else set()
        self._stalls = stalls
        self._constructed = threading.Event()
        self._pid = ""
        self.idle = self.peak = self.rows = 0

    def on_message(self, message: Message) -> None:
        """Hear which process the tool runs in, before any record goes there."""
        self._pid = message.text.split()[1]
        self.idle = _kib(self._pid, "VmRSS:")
        self._constructed.set()

    def records(self) -> Iterator[pa.RecordBatch]:
        """New memory each time, as from a file; a slice of one buffer would hide what is kept."""
        self._constructed.wait(_ANSWERS_WITHIN)
        for _ in range(self._batches):
            data = pa.py_buffer(bytes(bytearray(self._table.nbytes)))
            yield pa.record_batch(
                [pa.Array.from_buffers(pa.int64(), self._table.num_rows, [None, data])], self._table.schema
            )

    def reader(self) -> pa.RecordBatchReader:
        """The records, to be read by a run."""
        return pa.RecordBatchReader.from_batches(self._table.schema, self.records())

    @property
    def is_whole(self) -> bool:
        """Whether all that went in came out."""
        return bool(self.rows == self._batches * self._table.num_rows)

    # --- the sink -----------------------------------------------------------------------------------------------------

    def announce(self, schema: pa.Schema) -> None:
        """Nothing is kept."""

    def write(self, table: pa.Table) -> None:
        """Count the rows; the tool process has done its work, and is there still, when the last come."""
        if self.rows // self._table.num_rows in self._stalls_at:
            self._stalls_at.discard(self.rows // self._table.num_rows)
            threading.Event().wait(self._stalls)
        self.rows += table.num_rows
        if self.is_whole:
            self.peak = _kib(self._pid, "VmHWM:")

    def close(self) -> None:
        """Nothing is kept."""

    def abandon(self) -> None:
        """Nothing is kept."""


def _pass(tool: str, batches: int, stalls: float) -> _Passing:
    passing = _Passing(batches, stalls)
    call = ToolCall(resolve_target(getattr(tools, tool)), {"Input": passing.reader()}, observer=passing)
    call.run(lambda _anchor: passing).raise_for_status()
    assert passing.is_whole, "nothing is lost"
    return passing


@contextmanager
def _over(transport: str) -> Iterator[None]:
    """Meanwhile records travel so."""
    before = os.environ.pop("KEDGE_SHARED_MEMORY", None)
    if (chosen := _TRANSPORTS[transport]) is not None:
        os.environ["KEDGE_SHARED_MEMORY"] = chosen
    try:
        yield
    finally:
        os.environ.pop("KEDGE_SHARED_MEMORY", None)
        if before is not None:
            os.environ["KEDGE_SHARED_MEMORY"] = before


def _kib(pid: str, name: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text(encoding="ascii").split(name)[1].split()[0])


def _settled_growth(runs: int, pool: ToolPool | None = None) -> dict[str, Growth]:
    """That of so many runs after as many: pages of the heap and of stacks are touched first for some hundred runs."""
    return growth(list(footprints_of_runs(2 * runs, pool))[runs:])


def _peak_figures(what: str, found: Peaks) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{what}: peak of the {process}",
            "unit": "MiB above idle",
            "kedge": above,
            "peer": f"{idle} MiB when idle",
            "target": _LIMIT,
        }
        for process, above, idle in (
            ("host", found.host, found.host_idle),
            ("tool process", found.tool, found.tool_idle),
        )
    ]


def _growth_figures(what: str, grown: dict[str, Growth]) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{name} of the host by {what}",
            "unit": unit,
            "kedge": each.slope,
            "peer": "chance: two standard errors",
            "peer_value": each.noise,
            "target": "no more than chance",
        }
        for (name, each), unit in zip(grown.items(), _UNITS, strict=True)
    ]
