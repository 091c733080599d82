"""``kedge bench``: the benchmarks."""

from __future__ import annotations

import json
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Any

import typer

from kedge.cli.exits import errors_as_exit_codes
from kedge.exceptions import UsageError

__all__ = ["app"]

app = typer.Typer(add_completion=False)

Rounds = Annotated[int, typer.Option(min=1, help="pairs of measurements; the median is reported")]
Gib = Annotated[float, typer.Option(min=0.01, help="how much passes a slow tool, and a reader that stalls")]
Runs = Annotated[int, typer.Option(min=4, help="runs one after the other in one host")]


@app.callback(invoke_without_command=True)
def whole(
    context: typer.Context,
    rounds: Rounds = 5,
    gib: Gib = 1.0,
    runs: Runs = 100,
    parts: Annotated[list[str] | None, typer.Option("--part", help="a command; all but report by default")] = None,
) -> None:
    """Measure, against named peers in the same run; prints JSON. Without a command: all of it, as one document."""
    if context.invoked_subcommand is not None:
        sources = {name: context.get_parameter_source(name) for name in context.params}
        if given := [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]:
            raise typer.BadParameter(f"{given[0]} is for all; put what is for {context.invoked_subcommand} behind it")
        return
    from kedge.bench.whole import PARTS, bench_whole

    _refuse_unknown(parts, PARTS)
    with errors_as_exit_codes():
        print(json.dumps(bench_whole(_say, parts=parts or PARTS, rounds=rounds, gib=gib, runs=runs), indent=2))


@app.command()
def echo(rounds: Rounds = 5) -> None:
    """A batch through a pass-through tool and back, and the start of a tool process."""
    from kedge.bench.echo import bench_echo

    print(json.dumps(bench_echo(rounds, _say), indent=2))


@app.command()
def transport(rounds: Rounds = 5) -> None:
    """Records through shared memory and inline, against Arrow Flight, raw gRPC, a pipe and memcpy."""
    from kedge.bench.transport import bench_transport

    print(json.dumps(bench_transport(rounds, _say), indent=2))


@app.command()
def start(rounds: Annotated[int, typer.Option(min=1, help="runs each way; the median is reported")] = 20) -> None:
    """The start of a tool: with a process of a pool, with a new one, and of an interpreter that does nothing."""
    from kedge.bench.start import bench_start

    print(json.dumps(bench_start(rounds, _say), indent=2))


@app.command()
def harness(rounds: Rounds = 5) -> None:
    """What a test of a tool in the test's own process costs beyond the tool's own calls."""
    from kedge.bench.harness import bench_harness

    print(json.dumps(bench_harness(rounds, _say), indent=2))


@app.command()
def flow(
    rounds: Rounds = 3,
    rows: Annotated[
        int, typer.Option(min=1, help="rows of the pipeline; 5 times as many under the memory limit")
    ] = 10_000_000,
    parts: Annotated[
        list[str] | None, typer.Option("--part", help="pipeline, custom, memory, start or loops; all by default")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="where the data is written and kept", file_okay=False)] = None,
    flows: Annotated[
        Path | None, typer.Option(help="workflow files whose check is timed", exists=True, file_okay=False)
    ] = None,
) -> None:
    """Whole workflows, against the same queries by hand in DuckDB and Polars, and against Python loops."""
    from kedge.bench.flow import PARTS, bench_flow

    _refuse_unknown(parts, PARTS)
    found = bench_flow(rounds, _say, rows=rows, parts=parts or PARTS, folder=folder, flows=flows)
    print(json.dumps(found, indent=2))


@app.command()
def memory(gib: Gib = 1.0, runs: Runs = 100) -> None:
    """The peak of memory while records wait, and what runs leave behind in the process that starts them."""
    from kedge.bench.memory import bench_memory

    with errors_as_exit_codes():
        print(json.dumps(bench_memory(gib, runs, _say), indent=2))


@app.command()
def report(files: Annotated[list[Path], typer.Argument(help="what the other commands printed", exists=True)]) -> None:
    """A page, in Markdown, of figures that were measured before."""
    from kedge.bench.report import report_page

    with errors_as_exit_codes():
        print(report_page(map(_document, files)), end="")


def _document(file: Path) -> dict[str, Any]:
    """What a file holds. Raises UsageError where that is no document of a benchmark."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    if not isinstance(found, dict) or "benchmark" not in found:
        raise UsageError(f"{file} is nothing that kedge bench has printed")
    return found


def _refuse_unknown(parts: list[str] | None, known: tuple[str, ...]) -> None:
    if wrong := [part for part in parts or () if part not in known]:
        raise typer.BadParameter(f"{wrong[0]!r} is none of {', '.join(known)}", param_hint="--part")


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr)
