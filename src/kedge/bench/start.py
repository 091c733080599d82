"""``kedge bench start``: how long a tool is waited for, with a process that was started ahead and without.

Times are of the monotonic clock, which is one for all processes of the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from kedge.bench.measure import Figure, machine
from kedge.exceptions import ToolStartError
from kedge.host.pool import ToolPool
from kedge.host.run_tool import TableSink
from kedge.host.target import ToolTarget, resolve_target
from kedge.host.tool_call import ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["RunTimes", "bench_start", "timed_run"]

_TOOL = "kedge.bench.tools:PassThrough"
_ROWS = 10


class RunTimes(NamedTuple):
    """From the call: until the tool was constructed, and until the run was over."""

    constructed: float
    over: float


def bench_start(rounds: int = 20, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure a run of ten rows, ``rounds`` times each way; returns one JSON document.

    ``say`` hears what is being measured.
    """
    cold_start, nothing = "the same with a new process", "python -c pass"
    constructed = Figure("call to constructor, with a process of the pool", "s", cold_start, "<= 0.03 s")
    against_nothing = Figure("call to constructor, with a process of the pool", "s", nothing, "none")
    over = Figure(f"a whole run_tool of {_ROWS} rows, with a process of the pool", "s", cold_start, "none")
    with tempfile.TemporaryDirectory(prefix="kedge-") as cache, ToolPool(1) as pool:
        # As installed: the bytecode of all modules is there, written by the warm-up.
        environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache}
        for number in range(rounds + 1):
            say(f"round {number} of {rounds}{' (warm-up)' if number == 0 else ''}")
            warm = timed_run(environment, pool)
            pool.warm_up(_target(environment))  # so that nothing is started beside the peers
            cold, bare = timed_run(environment, None), _python(environment)
            if number:
                constructed.add(warm.constructed, cold.constructed)
                against_nothing.add(warm.constructed, bare)
                over.add(warm.over, cold.over)
        if pool.statistics().missed:
            raise ToolStartError(f"not every run had a process of the pool: {pool.statistics()}")
    figures = [figure.as_json() for figure in (constructed, against_nothing, over)]
    return {"benchmark": "start", "machine": machine(), "rounds": rounds, "figures": figures}


def timed_run(environment: Mapping[str, str], pool: ToolPool | None) -> RunTimes:
    """One run; where it takes its process from a pool, one waits there when the time begins."""
    call = ToolCall(_target(environment), {"Input": _table()}, pool=pool)
    if pool is not None:
        pool.warm_up(call.target)
    start = time.monotonic()
    result = call.run(lambda _anchor: TableSink())
    over = time.monotonic()
    return RunTimes(float(result.messages[0].text.split()[0]) - start, over - start)


def _target(environment: Mapping[str, str]) -> ToolTarget:
    return replace(resolve_target(_TOOL), environment=environment)


def _python(environment: Mapping[str, str]) -> float:
    """The start and the end of an interpreter that does nothing."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], env={**os.environ, **environment}, check=True)
    return time.monotonic() - start


def _table() -> pa.Table:
    return pa.table({"number": pa.array(range(_ROWS), pa.int64())})
