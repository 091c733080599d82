"""``kedge run`` and ``kedge check``: whole workflows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kedge.cli.flow_calls import check_flow, run_flow

__all__ = ["check", "run"]

FlowArgument = Annotated[Path, typer.Argument(metavar="FLOW.yxmd", help="the workflow")]
ToolFolders = Annotated[list[Path] | None, typer.Option("--tools", metavar="DIR", help="where custom tools are")]
Constants = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="a constant, as User.X")]


def run(
    flow: FlowArgument,
    tools: ToolFolders = None,
    constants: Constants = None,
    engine: Annotated[str, typer.Option(metavar="NAME", help="where the relational part runs")] = "duckdb",
    taps: Annotated[
        list[str] | None, typer.Option("--tap", metavar="TOOLID:ANCHOR=FILE", help="write any anchor; - shows it")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.json", help="write what happened")] = None,
    counts: Annotated[
        bool, typer.Option("--counts", help="count the records of every anchor, also where that makes the run slower")
    ] = False,
    memory: Annotated[int | None, typer.Option(metavar="MIB", help="what the engine may hold in memory")] = None,
) -> None:
    """Run a workflow: standard tools on the engine, custom tools in processes of their own."""
    run_flow(
        flow,
        tools=tools or (),
        constants=constants or (),
        engine=engine,
        taps=taps or (),
        report=report,
        memory=memory,
        counts=counts,
    )


def check(flow: FlowArgument, tools: ToolFolders = None, constants: Constants = None) -> None:
    """Parse a workflow, resolve every tool and infer every schema, without reading records.

    Exits with 0 only if the workflow would run.
    """
    check_flow(flow, tools=tools or (), constants=constants or ())
