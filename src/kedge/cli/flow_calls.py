"""What ``kedge run`` and ``kedge check`` do: without typer, which is loaded only where options are to be read."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from kedge.cli import garbage
from kedge.cli.exits import CLEAN, REPORTED, errors_as_exit_codes
from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from kedge.host.sinks import Sink
    from kedge.workflow.report import RunReport
    from kedge.workflow.runner import Run

__all__ = ["check_flow", "run_flow"]

POLL = 0.2  # seconds


def run_flow(
    flow: Path,
    *,
    tools: Sequence[Path] = (),
    constants: Sequence[str] = (),
    engine: str = "duckdb",
    taps: Sequence[str] = (),
    report: Path | None = None,
    memory: int | None = None,
    counts: bool = False,
) -> NoReturn:
    """Run a workflow, show what happened, and exit; the arguments are those of the command."""
    with errors_as_exit_codes():
        from kedge.cli.flow_display import FlowDisplay, print_run
        from kedge.cli.report import peak_memory, write_report
        from kedge.workflow.workflow import Workflow

        garbage.keep_what_is_there()
        files = _taps(taps)
        sinks = _sinks({f"{tool}:{anchor}": path for (tool, anchor), path in files.items() if path != "-"})
        try:
            with FlowDisplay() as display:
                result, interrupt = _interruptible(
                    lambda on_start: Workflow.load(flow).run(
                        engine,
                        tools=tools,
                        constants=_constants(constants),
                        taps=list(files),
                        progress=display.on_tool,
                        on_start=on_start,
                        counts=counts,
                        memory_limit=None if memory is None else memory << 20,
                    )
                )
            if result.ok:
                for name, sink in sinks.items():
                    tool, _, anchor = name.partition(":")
                    sink.write(result.table(int(tool), anchor))
                    sink.close()
        finally:
            for sink in sinks.values():
                sink.abandon()
        if report is not None:
            write_report(report, {**result.to_dict(), "peak_memory": peak_memory()})
        print_run(result, [anchor for anchor, path in files.items() if path == "-"])
        if interrupt is not None:
            raise interrupt
        raise SystemExit(CLEAN if result.ok else REPORTED)


def check_flow(flow: Path, *, tools: Sequence[Path] = (), constants: Sequence[str] = ()) -> NoReturn:
    """Check a workflow, show what was found, and exit; the arguments are those of the command."""
    with errors_as_exit_codes():
        from kedge.cli.flow_display import print_check
        from kedge.workflow.workflow import Workflow

        garbage.keep_what_is_there()
        workflow = Workflow.load(flow)
        found = workflow.check(tools, _constants(constants))
        print_check(flow, found)
        raise SystemExit(CLEAN if found.ok else REPORTED)


def _sinks(files: dict[str, str]) -> dict[str, Sink]:
    if not files:
        return {}
    from kedge.host.sinks import open_sinks

    return dict(open_sinks(files))


def _taps(pairs: Iterable[str]) -> dict[tuple[int, str], str]:
    """``["12:True=out.parquet"]`` as ``{(12, "True"): "out.parquet"}``."""
    taps: dict[tuple[int, str], str] = {}
    for pair in pairs:
        place, equals, path = pair.partition("=")
        tool, colon, anchor = place.partition(":")
        if not (equals and path and tool.isdigit() and (anchor or not colon)):
            raise UsageError(f"--tap {pair!r}: write --tap TOOLID:ANCHOR=FILE, for example --tap 12:True=out.parquet")
        taps[int(tool), anchor or "Output"] = path
    return taps


def _constants(pairs: Iterable[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {pair!r}: write --set NAME=VALUE, for example --set User.Year=2026")
        values[name] = value
    return values


def _interruptible(work: Callable[[Callable[[Run], None]], RunReport]) -> tuple[RunReport, BaseException | None]:
    """Do the work in a thread of its own, since no signal is heard while the engine is at work in this one.

    Returns the report, and the interrupt that ended the run, if one did. The work is handed what takes the run that it
    starts.
    """
    started: list[Run] = []
    done: Future[RunReport] = Future()

    def target() -> None:
        try:
            done.set_result(work(started.append))
        except BaseException as fault:
            done.set_exception(fault)

    threading.Thread(target=target, name="kedge-run", daemon=True).start()
    try:
        return _wait(done), None
    except KeyboardInterrupt as interrupt:
        if done.done():
            raise
        while not started and not done.done():  # it is still being planned
            with suppress(TimeoutError, FutureTimeout):
                done.result(POLL)
        for run in started:
            run.cancel()
        return _wait(done), interrupt


def _wait(done: Future[RunReport]) -> RunReport:
    """Wait so that signals are heard on every system."""
    while not done.done():
        with suppress(TimeoutError, FutureTimeout):
            done.result(POLL)
    return done.result()
