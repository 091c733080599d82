"""``kedge tool``: run, inspect and serve one tool."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kedge.cli.arguments import anchored_files
from kedge.cli.exits import CLEAN, REPORTED, errors_as_exit_codes
from kedge.exceptions import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.host.results import ToolResult
    from kedge.host.sinks import Sink
    from kedge.host.tool_call import ToolCall

__all__ = ["app"]

app = typer.Typer(help="Run, inspect and serve one tool.", no_args_is_help=True)

ToolArgument = Annotated[str, typer.Argument(metavar="PACKAGE:TOOL", help="package:Tool or path/to/file.py:Tool")]
Inputs = Annotated[list[str] | None, typer.Option("-i", "--input", metavar="ANCHOR=FILE", help="records to read")]
ConfigPairs = Annotated[list[str] | None, typer.Option("-c", metavar="KEY=VALUE", help="one setting")]
ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE.xml", help="the configuration as XML")]
Python = Annotated[str | None, typer.Option(metavar="PATH", help="the interpreter of the tool process")]
Services = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="folder of translations.json, passwords.json, connections.json"),
]


@app.command()
def run(
    tool: Annotated[str, typer.Argument(metavar="[PACKAGE:TOOL]", help="package:Tool or path/to/file.py:Tool")] = "",
    inputs: Inputs = None,
    outputs: Annotated[
        list[str] | None, typer.Option("-o", "--output", metavar="ANCHOR=FILE", help="records to write; - shows them")
    ] = None,
    config: ConfigPairs = None,
    config_file: ConfigFile = None,
    command: Annotated[str | None, typer.Option(metavar="COMMAND", help="a tool process of any make")] = None,
    python: Python = None,
    services: Services = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.json", help="write what happened")] = None,
    start_timeout: Annotated[float, typer.Option(metavar="SECONDS", help="how long the process may start")] = 30.0,
    update_only: Annotated[bool, typer.Option("--update-only", help="construct the tool, show its schemas")] = False,
    in_process: Annotated[bool, typer.Option("--in-process", help="run in this process, for a debugger")] = False,
) -> None:
    """Run one tool on files, over the real protocol in a process of its own.

    Files by extension: .csv .tsv .json .jsonl .parquet .arrow .feather. Several -i of one anchor make several
    connections. Without -o every output is shown.
    """
    from kedge.cli.display import RunDisplay, print_schema

    with errors_as_exit_codes():
        files = _output_files(outputs or [])
        call = _tool_call(tool, command, python, inputs or [], config or [], config_file, services)
        call.outputs = list(files) or None
        call.update_only, call.in_process, call.start_timeout = update_only, in_process, start_timeout
        with RunDisplay(call.target.name) as display:
            call.observer = display
            result = _reported(call, files, report)
        if update_only:
            for anchor, metadata in result.metadata.items():
                print_schema(anchor, metadata)
        raise typer.Exit(CLEAN if result.ok else REPORTED)


@app.command()
def inspect(
    tool: ToolArgument, config: ConfigPairs = None, config_file: ConfigFile = None, python: Python = None
) -> None:
    """Show a tool's anchors, what it says of itself, and the schemas that it announces."""
    from kedge.cli.display import RunDisplay, print_schema
    from kedge.cli.inspection import print_declaration

    with errors_as_exit_codes():
        call = _tool_call(tool, None, python, [], config or [], config_file, None)
        call.update_only = True
        print_declaration(call.target)
        with RunDisplay(call.target.name) as display:
            call.observer = display
            result = call.run(lambda _anchor: _CountedOnly())
        for anchor, metadata in result.metadata.items():
            print_schema(anchor, metadata)
        raise typer.Exit(CLEAN if result.ok else REPORTED)


@app.command()
def serve(package: str, tool: str) -> None:
    """Serve one run of one tool to an engine; prints ``ListenPort: N`` when it is ready."""
    from kedge.loading import ToolName
    from kedge.service.__main__ import serve_tool

    raise typer.Exit(serve_tool(ToolName(package, tool)))


class _CountedOnly:
    """An anchor that nobody asked for: its rows are counted, and dropped."""

    def announce(self, schema: pa.Schema) -> None:
        """Nothing is kept."""

    def write(self, table: pa.Table) -> None:
        """Drop a batch; the run's statistics count it."""

    def close(self) -> None:
        """Nothing was kept."""

    def abandon(self) -> None:
        """Nothing was kept."""


def _output_files(pairs: list[str]) -> dict[str, str]:
    files = anchored_files(pairs, "-o")
    for anchor, paths in files.items():
        if len(paths) > 1:
            raise UsageError(f"-o names anchor {anchor!r} twice: {', '.join(paths)}")
    return {anchor: paths[0] for anchor, paths in files.items()}


def _tool_call(
    tool: str,
    command: str | None,
    python: str | None,
    inputs: list[str],
    pairs: list[str],
    config_file: Path | None,
    services: Path | None,
) -> ToolCall:
    from kedge.host.engine_services import LocalEngineServices
    from kedge.host.run_tool import config_document
    from kedge.host.target import resolve_target
    from kedge.host.tool_call import ToolCall
    from kedge.sdk.tool_config import config_from_pairs

    if bool(tool) == bool(command):
        raise UsageError("name one tool: PACKAGE:TOOL, path/to/file.py:Tool, or --command with a command line")
    if pairs and config_file is not None:
        raise UsageError("-c and --config exclude each other: put the settings into the file")
    config: Any = config_file if config_file is not None else config_from_pairs(pairs)
    call = ToolCall(
        resolve_target(shlex.split(command) if command else tool, python),
        inputs=anchored_files(inputs, "-i"),
        config_xml=config_document(config),
        keep_partial=False,
    )
    if services is not None:
        call.services = LocalEngineServices.load(services)
    return call


def _reported(call: ToolCall, files: dict[str, str], report: Path | None) -> ToolResult:
    """Run, and write the report whatever comes of it."""
    from kedge.cli.report import tool_report, write_report

    result, failure = None, None
    try:
        result = _run(call, files)
    except BaseException as error:
        failure = error
        raise
    finally:
        if report is not None:
            write_report(report, tool_report(call.target.name, result, failure))
    return result


def _run(call: ToolCall, files: dict[str, str]) -> ToolResult:
    """Run with the files opened before anything else, so that a wrong path costs no work."""
    from kedge.cli.display import PreviewSink
    from kedge.host.sinks import open_sinks

    sinks: dict[str, Sink] = {**open_sinks({anchor: path for anchor, path in files.items() if path != "-"})}
    shown = [anchor for anchor, path in files.items() if path == "-"]

    def open_sink(anchor: str) -> Sink:
        if not files or anchor in shown:
            return PreviewSink(anchor)
        return sinks.get(anchor) or _CountedOnly()

    try:
        result = call.run(open_sink)
    finally:
        for sink in sinks.values():
            sink.abandon()
    if sinks and not result.ok:
        print(f"not written, since the tool reported an error: {', '.join(files.values())}", file=sys.stderr)
    return result
