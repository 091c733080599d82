"""``kedge bench flow``: whole workflows, against queries by hand in DuckDB and Polars, and plain Python loops."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from kedge.bench import flow_peers
from kedge.bench.flow_data import generating, growth, many_tools, recurrence, sales, write_data
from kedge.bench.measure import Figure, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kedge.workflow.workflow import Workflow

__all__ = ["PARTS", "bench_flow"]

ROWS, MEMORY_ROWS, LOOP_ROWS = 10_000_000, 50_000_000, 3_000_000
MIB = 1 << 20
MEMORY_LIMIT_MIB = 2048
ENGINE_SHARE = 0.75
"""The engine's part of a limit for the whole process: the rest is Python, Arrow and DuckDB's own buffers."""
CUSTOM_TOOL = "from kedge.bench.tools import PassThrough\n\n\nclass PassThrough(PassThrough): ...\n"
PARTS = ("pipeline", "custom", "memory", "start", "loops")


def bench_flow(
    rounds: int = 3,
    say: Callable[[str], None] = lambda _: None,
    *,
    rows: int = ROWS,
    parts: Iterable[str] = PARTS,
    folder: Path | None = None,
    flows: Path | None = None,
) -> dict[str, Any]:
    """Measure ``parts`` and return one JSON document; ``say`` hears what is being measured.

    ``rows`` are those of the pipeline, five times as many are read under the memory limit. Data is written to
    ``folder`` and kept there, or to a temporary folder. ``flows`` is a folder of workflow files to check.
    """
    with tempfile.TemporaryDirectory(prefix="kedge-") as temporary:
        place = folder or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        measures: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "pipeline": lambda: _pipeline(place, rows, rounds, say),
            "custom": lambda: _custom(place, rows, rounds, say),
            "memory": lambda: _memory(place, rows * MEMORY_ROWS // ROWS, say),
            "start": lambda: _starts(place, rounds, flows, say),
            "loops": lambda: _loops(max(rows * LOOP_ROWS // ROWS, 1), rounds, say),
        }
        figures = [figure for part in parts for figure in measures[part]()]
    return {
        "benchmark": "flow",
        "machine": {**machine(), "duckdb": duckdb.__version__},
        "rounds": rounds,
        "rows": rows,
        "figures": figures,
    }


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _run(flow: Workflow, tools: Path | None = None) -> None:
    flow.run(tools=[tools] if tools else ()).raise_for_status()


def _pipeline(folder: Path, rows: int, rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    say(f"writing {rows:,} rows")
    write_data(folder, rows)
    name = f"{rows:,} rows of csv through ten tools"
    duck = Figure(name, "s", "the same query by hand in DuckDB", "<= 1.3")
    polars = Figure(name, "s", "the same query in Polars, lazy and streaming", "<= 1.5")
    peers: list[tuple[Figure, Callable[[Path], None]]] = [(duck, flow_peers.by_duckdb)]
    if importlib.util.find_spec("polars"):
        peers.append((polars, flow_peers.by_polars))
    flow = sales(folder)
    for number in range(rounds + 1):
        say(f"pipeline: round {number} of {rounds}{' (warm-up)' if number == 0 else ''}")
        for figure, peer in peers:
            pair = _seconds(lambda: _run(flow)), _seconds(lambda peer=peer: peer(folder))  # type: ignore[misc]
            if number:
                figure.add(*pair)
    return [figure.as_json() for figure, _ in peers]


def _custom(folder: Path, rows: int, rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    write_data(folder, rows)
    tools = _tools(folder)
    name = f"{rows:,} rows of csv through ten tools and a custom tool"
    figure = Figure(name, "s", "the query without the custom tool by hand in DuckDB", "<= 1.8")
    flow = sales(folder, custom=True)
    for number in range(rounds + 1):
        say(f"custom tool: round {number} of {rounds}{' (warm-up)' if number == 0 else ''}")
        pair = _seconds(lambda: _run(flow, tools)), _seconds(lambda: flow_peers.by_duckdb(folder))
        if number:
            figure.add(*pair)
    return [figure.as_json()]


def _tools(folder: Path) -> Path:
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "pass_through.py").write_text(CUSTOM_TOOL, encoding="utf-8")
    return tools


def _memory(folder: Path, rows: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """The peaks of ``kedge run`` processes whose engine may hold its share of the limit, without and with a tool."""
    place = folder / "large"
    place.mkdir(exist_ok=True)
    write_data(place, rows)
    figures = []
    for custom in (False, True):
        name = f"peak of a run of {rows:,} rows{' through a custom tool' if custom else ''}"
        say(f"memory: {name}")
        peak = _peak(sales(place, custom=custom), _tools(place))
        figures.append({"name": name, "unit": "MiB", "kedge": peak, "target": f"<= {MEMORY_LIMIT_MIB}"})
    shutil.rmtree(place)
    return figures


def _peak(flow: Workflow, tools: Path) -> int:
    """Run a command and return what it, and the largest of the tool processes beside it, held at most."""
    flow.save(flow.path)
    share = str(int(MEMORY_LIMIT_MIB * ENGINE_SHARE))
    code = (
        "import os, resource as r; from kedge.cli import main\n"
        "def own():  # the system counts what the process that started this one held\n"
        "    if not os.path.exists('/proc/self/status'): return r.getrusage(r.RUSAGE_SELF).ru_maxrss\n"
        "    return int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "try: main()\n"
        "finally: print(own() + r.getrusage(r.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-c", code, "run", str(flow.path), "--memory", share, "--tools", str(tools)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - this interpreter
    return int(output.split()[-1]) * (1 if sys.platform == "darwin" else 1024) // MIB


def _starts(folder: Path, rounds: int, flows: Path | None, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Whole commands, with the bytecode of all modules in place, as installed."""
    say("whole commands")
    command = partial(_command, folder / "bytecode")
    many = many_tools(folder)
    run = Figure("200 tools on ten rows, kedge run as a whole", "s", 'python -c "import duckdb, pyarrow"', "")
    for number in range(rounds + 1):
        pair = (
            _seconds(lambda: command("-m", "kedge.cli", "run", str(many))),
            _seconds(lambda: command("-c", "import duckdb, pyarrow")),
        )
        if number:
            run.add(*pair)
    figures = [{**run.as_json(), "target": "< 1.5 s"}]
    seconds = {
        path.name: min(_seconds(lambda path=path: command("-m", "kedge.cli", "check", str(path))) for _ in range(2))  # type: ignore[misc]
        for path in sorted(flows.glob("*.yxmd") if flows else ())
    }
    if seconds:
        slowest = max(seconds, key=lambda name: seconds[name])
        name = f"kedge check as a whole, the slowest of {len(seconds)} files: {slowest}"
        figures.append({"name": name, "unit": "s", "kedge": round(seconds[slowest], 3), "target": "< 1 s"})
    return figures


def _command(bytecode: Path, *arguments: str) -> None:
    """Run Python, its bytecode in a folder that the rounds share, whatever the environment wants of bytecode."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
    with tempfile.TemporaryFile() as output:
        subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, *arguments], stdout=output, stderr=output, check=False, env=environment
        )


def _loops(rows: int, rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Rows a second of the tools that the interpreter runs, on one thread, each with a sum of its rows."""
    peer = "a plain Python loop over the same expression"
    cases: list[tuple[Figure, tuple[Workflow, int], Callable[[], object]]] = [
        (
            Figure("MultiRowFormula with a recurrence", "rows/s", peer, ">= 1,000,000 rows/s"),
            recurrence(rows),
            lambda: flow_peers.recur(rows),
        ),
        (
            Figure("GenerateRows, not a series", "rows/s", peer, ">= 3,000,000 rows/s"),
            generating(rows),
            lambda: flow_peers.generate(growth(rows)),
        ),
    ]
    for figure, (flow, tool), loop in cases:
        say(figure.name)
        for number in range(rounds + 1):
            ours = _seconds(lambda: flow.run(taps=[(tool, "Output")], threads=1).raise_for_status())  # noqa: B023
            theirs = _seconds(loop)
            if number:
                figure.add(rows / ours, rows / theirs)
    return [figure.as_json() for figure, _, _ in cases]
