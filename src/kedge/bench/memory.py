"""``kedge bench memory``: what passes a slow tool costs no memory beyond the budget, and runs leave nothing behind."""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

import kedge
from kedge.bench import tools
from kedge.bench.measure import machine
from kedge.exceptions import UsageError
from kedge.host.pool import ToolPool
from kedge.host.target import resolve_target
from kedge.host.tool_call import ToolCall
from kedge.sdk.engine_types import from_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Footprint", "bench_memory", "growth", "repeated_runs"]

_MIB = 1 << 20
_WARM_UP = 2
_UNITS = ("KiB for 1,000 runs", *["for 1,000 runs"] * 4)


class Footprint(NamedTuple):
    """What this process holds of the machine; memory in KiB, files those of runs in temporary folders."""

    memory: int
    descriptors: int
    threads: int
    children: int
    files: int

    @classmethod
    def now(cls) -> Footprint:
        """Count. Linux alone tells all of it."""
        gc.collect()
        own = Path("/proc/self")
        children = 0
        for task in (own / "task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                children += len((task / "children").read_text().split())
        places = {Path(tempfile.gettempdir()), Path("/dev/shm")}  # noqa: S108 - it is looked at
        return cls(
            memory=int((own / "status").read_text().split("VmRSS:")[1].split()[0]),
            descriptors=len(list((own / "fd").iterdir())),
            threads=threading.active_count(),
            children=children,
            files=sum(1 for place in places if place.is_dir() for _ in place.glob(f"kedge-*{os.getpid()}-*")),
        )


class _PausingSink:
    """Takes nothing for a while, and keeps nothing."""

    def __init__(self, pause: float) -> None:
        self._resume = threading.Event()
        self._pause = pause
        self.rows = 0

    def announce(self, schema: pa.Schema) -> None:
        """Nothing is kept."""

    def write(self, table: pa.Table) -> None:
        """Count the rows, the first of them only after the pause."""
        self._resume.wait(self._pause)
        self._resume.set()
        self.rows += table.num_rows

    def close(self) -> None:
        """Nothing is kept."""

    def abandon(self) -> None:
        """Nothing is kept."""


def bench_memory(gib: float = 1.0, runs: int = 100, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure both; returns one JSON document. Raises UsageError where the system has no ``/proc``."""
    if not Path("/proc/self/status").exists():
        raise UsageError("memory is measured on Linux alone, by /proc")
    say(f"{gib:g} GiB past a tool that sleeps")
    sleeping = _peak("Sleeping", gib, 0.0)
    say(f"{gib:g} GiB while the reader stalls")
    stalled = _peak("PassThrough", gib, 5.0)
    say(f"{runs} runs")
    grown = {"in new processes": growth(_settled(repeated_runs(runs)))}
    say(f"{runs} runs with a pool")
    with ToolPool(1) as pool:
        grown["in processes of a pool"] = growth(_settled(repeated_runs(runs, pool)))
    limit = "<= 192 (64 each way, and 64)"
    passed = [
        {"name": f"host while {gib:g} GiB pass a tool that sleeps: peak", "kedge": sleeping},
        {"name": f"host while {gib:g} GiB pass and the reader stalls: peak", "kedge": stalled},
    ]
    return {
        "benchmark": "memory",
        "machine": machine(),
        "rounds": 1,
        "runs": runs,
        "figures": [
            *({**figure, "unit": "MiB above idle", "target": limit} for figure in passed),
            *(
                {"name": f"{name} of the host by {runs} runs {way}", "unit": unit, "kedge": value, "target": "noise"}
                for way, slopes in grown.items()
                for (name, value), unit in zip(slopes.items(), _UNITS, strict=True)
            ),
        ],
    }


def repeated_runs(count: int, pool: ToolPool | None = None) -> list[Footprint]:
    """What this process holds after each of ``count`` runs in processes of their own, some runs to warm up left out.

    A ``pool`` that the runs take their processes from is full each time.
    """
    table = _table()
    found = []
    for number in range(count + _WARM_UP):
        kedge.run_tool(tools.Sleeping, {"Input": table}, pool=pool).raise_for_status()
        if pool is not None:
            pool.warm_up(tools.Sleeping)
        if number >= _WARM_UP:
            found.append(Footprint.now())
    return found


def _settled(footprints: list[Footprint]) -> list[Footprint]:
    """The second half: pages of the heap and of stacks are touched for the first time for some hundred runs."""
    return footprints[len(footprints) // 2 :]


def growth(footprints: list[Footprint]) -> dict[str, float]:
    """By how much each figure grows in 1,000 runs: the slope of the line of least squares through them."""
    numbers = range(len(footprints))
    slopes = (statistics.linear_regression(numbers, values).slope for values in zip(*footprints, strict=True))
    return {name: round(1000 * slope, 1) for name, slope in zip(Footprint._fields, slopes, strict=True)}


def _peak(tool: str, gib: float, pause: float) -> float:
    """The most memory of this process above what it held before, in MiB."""
    _pass(tool, 8, 0.0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    idle = _status("VmHWM:")
    _pass(tool, round(gib * 1024), pause)
    return round((_status("VmHWM:") - idle) / 1024)


def _pass(tool: str, batches: int, pause: float) -> None:
    """``batches`` of 1 MiB through a tool."""
    table = _table()

    def records() -> Iterator[pa.RecordBatch]:
        for _ in range(batches):
            # New memory each time, as from a file; a slice of one buffer would hide what is kept.
            column = pa.Array.from_buffers(pa.int64(), table.num_rows, [None, pa.py_buffer(bytes(bytearray(_MIB)))])
            yield pa.record_batch([column], table.schema)

    sink = _PausingSink(pause)
    inputs = {"Input": pa.RecordBatchReader.from_batches(table.schema, records())}
    ToolCall(resolve_target(getattr(tools, tool)), inputs).run(lambda _anchor: sink)
    assert sink.rows == batches * table.num_rows, "nothing is lost"


def _status(name: str) -> int:
    return int(Path("/proc/self/status").read_text(encoding="ascii").split(name)[1].split()[0])


def _table() -> pa.Table:
    return from_engine(pa.table({"number": pa.array(range(_MIB // 8), pa.int64())})).table
