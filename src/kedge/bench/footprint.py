"""What runs leave behind in the process that starts them."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import statistics
import tempfile
import threading
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

import kedge
from kedge.bench import tools
from kedge.sdk.engine_types import from_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kedge.host.pool import ToolPool

__all__ = ["Footprint", "Growth", "footprints_of_runs", "growth", "mebibyte"]

_WARM_UP = 2
_PARTS = 10


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


class Growth(NamedTuple):
    """By how much one figure grows in 1,000 runs, and how much of that may be chance, in the same unit."""

    slope: float
    noise: float


def footprints_of_runs(count: int, pool: ToolPool | None = None) -> Iterator[Footprint]:
    """What this process holds after each of ``count`` runs in processes of their own, some runs to warm up left out.

    A ``pool`` that the runs take their processes from is full each time.
    """
    table = mebibyte()
    for number in range(count + _WARM_UP):
        kedge.run_tool(tools.Sleeping, {"Input": table}, pool=pool).raise_for_status()
        if pool is not None:
            pool.warm_up(tools.Sleeping)
        if number >= _WARM_UP:
            yield Footprint.now()


def growth(footprints: list[Footprint]) -> dict[str, Growth]:
    """The growth of each figure, three footprints and more.

    The slope is the median of those between all pairs of runs (Theil-Sen): what each run leaves is in all of them, a
    table of the interpreter's or an arena of the heap that grows once in some hundred runs is in few.
    Noise is two standard errors of the growth from one tenth of the runs to the next.
    """
    return dict(zip(Footprint._fields, map(_growth, zip(*footprints, strict=True)), strict=True))


def _growth(values: tuple[int, ...]) -> Growth:
    pairs = combinations(enumerate(values), 2)
    slope = statistics.median((later - value) / (other - number) for (number, value), (other, later) in pairs)
    parts = min(_PARTS, len(values))
    edges = [len(values) * part // parts for part in range(parts + 1)]
    levels = [statistics.median(values[start:end]) for start, end in pairwise(edges)]
    steps = [after - before for before, after in pairwise(levels)]
    noise = 2 * statistics.stdev(steps) / math.sqrt(len(steps)) * parts / len(values)
    return Growth(round(1000 * slope, 1), round(1000 * noise, 1))


def mebibyte() -> pa.Table:
    """A batch of 1 MiB, in the form that engines send."""
    return from_engine(pa.table({"number": pa.array(range((1 << 20) // 8), pa.int64())})).table
