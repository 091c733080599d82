"""``kedge tool``: run, inspect and serve one tool."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kedge.cli.arguments import anchored_files, column_types, split_command
from kedge.cli.exits import CLEAN, REPORTED, USAGE, errors_as_exit_codes
from kedge.cli.last_run import remember_run
from kedge.exceptions import SettingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from kedge.host.results import ToolResult
    from kedge.host.sinks import Sink
    from kedge.host.sources import InputFile
    from kedge.host.tool_call import ToolCall

__all__ = ["app", "output_files", "tool_call"]

app = typer.Typer(help="Run, inspect and serve one tool.", no_args_is_help=True, add_completion=False)

ToolArgument = Annotated[str, typer.Argument(metavar="PACKAGE:TOOL", help="package:Tool or path/to/file.py:Tool")]
Inputs = Annotated[list[str] | None, typer.Option("-i", "--input", metavar="ANCHOR=FILE", help="records to read")]
Types = Annotated[
    list[str] | None, typer.Option("--type", metavar="ANCHOR.COLUMN=TYPE", help="the type of a column of a text file")
]
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
    types: Types = None,
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
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="how long the whole run may take")] = None,
    idle_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="how long the process may give no sign of life")
    ] = None,
    update_only: Annotated[bool, typer.Option("--update-only", help="construct the tool, show its schemas")] = False,
    in_process: Annotated[bool, typer.Option("--in-process", help="run in this process, for a debugger")] = False,
) -> None:
    """Run one tool on files, over the real protocol in a process of its own.

    Files by extension: .csv .tsv .json .jsonl .parquet .arrow .feather. Several -i of one anchor make several
    connections. Without -o every output is shown. --type names the Arrow type of a column that text files do not tell
    rightly: Input.zip=string, Input.price="decimal(10, 2)".
    """

    def planned_and_run() -> ToolResult:
        files = output_files(outputs or [], update_only)
        call = tool_call(tool, command, python, inputs or [], config or [], config_file, services, types or [])
        call.outputs = list(files) or None
        call.update_only, call.in_process = update_only, in_process
        call.start_timeout, call.timeout, call.idle_timeout = start_timeout, timeout, idle_timeout
        return _displayed(call, lambda: _run(call, files))

    with errors_as_exit_codes(), _refusals_as_exit_code():
        remember_run()
        result = planned_and_run() if report is None else _reported(tool, command, report, planned_and_run)
        if update_only:
            _print_announcements(result)
        raise typer.Exit(CLEAN if result.ok else REPORTED)


@app.command()
def inspect(
    tool: ToolArgument, config: ConfigPairs = None, config_file: ConfigFile = None, python: Python = None
) -> None:
    """Show a tool's anchors, what it says of itself, and the schemas that it announces."""
    with errors_as_exit_codes(), _refusals_as_exit_code():
        from kedge.cli.inspection import print_declaration

        call = tool_call(tool, None, python, [], config or [], config_file, None)
        call.update_only = True
        print_declaration(call.target)
        result = _displayed(call, lambda: call.run(lambda _anchor: _CountedOnly()))
        _print_announcements(result)
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


def output_files(pairs: list[str], update_only: bool) -> dict[str, str]:
    """The file of each anchor that ``-o`` names, ``-`` for one that is shown. Raises UsageError."""
    files = anchored_files(pairs, "-o")
    for anchor, paths in files.items():
        if len(paths) > 1:
            raise UsageError(f"-o names anchor {anchor!r} twice: {', '.join(paths)}")
        if update_only and paths != ["-"]:
            raise UsageError(f"--update-only writes no records: write -o {anchor}=- to name the anchor alone")
    return {anchor: paths[0] for anchor, paths in files.items()}


def tool_call(
    tool: str,
    command: str | None,
    python: str | None,
    inputs: list[str],
    pairs: list[str],
    config_file: Path | None,
    services: Path | None,
    types: Sequence[str] = (),
) -> ToolCall:
    """The run that the options ask for, whose outputs are not decided yet. Raises UsageError."""
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
        resolve_target(split_command(command) if command else tool, python),
        inputs=_typed_files(anchored_files(inputs, "-i"), column_types(list(types))),
        config_xml=config_document(config),
        config_is_current=config_file is None,
        keep_partial=False,
    )
    if services is not None:
        call.services = LocalEngineServices.load(services)
    return call


def _typed_files(files: dict[str, list[str]], types: dict[str, dict[str, str]]) -> dict[str, list[str | InputFile]]:
    from kedge.host.sources import InputFile

    if strange := next((anchor for anchor in types if anchor not in files), None):
        known = ", ".join(files) or "none"
        raise UsageError(f"--type names the anchor {strange!r}, for which there is no -i; there is {known}")
    return {
        anchor: [InputFile(path, types[anchor]) if anchor in types else path for path in paths]
        for anchor, paths in files.items()
    }


def _reported(tool: str, command: str | None, report: Path, run: Callable[[], ToolResult]) -> ToolResult:
    """Plan and run, and write the report whatever comes of it."""
    from kedge.cli.report import require_folder, tool_report, write_report

    require_folder(report)
    name = command or tool.rpartition(":")[2]
    try:
        result = run()
    except BaseException as error:
        write_report(report, tool_report(name, None, error))
        raise
    write_report(report, tool_report(name, result, None))
    return result


def _displayed(call: ToolCall, run: Callable[[], ToolResult]) -> ToolResult:
    from kedge.cli.display import RunDisplay

    with RunDisplay(call.target.name) as display:
        call.observer = display
        return run()


@contextmanager
def _refusals_as_exit_code() -> Iterator[None]:
    """End as a wrong call does; what is wrong with the configuration was shown when the tool process said it."""
    try:
        yield
    except SettingsError:
        raise typer.Exit(USAGE) from None


def _print_announcements(result: ToolResult) -> None:
    from kedge.cli.tables import print_schema

    for anchor, metadata in result.metadata.items():
        print_schema(anchor, metadata)


def _run(call: ToolCall, files: dict[str, str]) -> ToolResult:
    """Run with the files opened before anything else, so that a wrong path costs no work."""
    from kedge.cli.tables import PreviewSink
    from kedge.host.sinks import open_sinks

    written = {anchor: path for anchor, path in files.items() if path != "-"}
    sinks: dict[str, Sink] = {**open_sinks(written)}
    shown = [anchor for anchor, path in files.items() if path == "-"]

    def open_sink(anchor: str) -> Sink:
        if (not files or anchor in shown) and not call.update_only:
            return PreviewSink(anchor)
        return sinks.get(anchor) or _CountedOnly()

    try:
        result = call.run(open_sink)
    finally:
        for sink in sinks.values():
            sink.abandon()
    for anchor in sinks:
        count = result.statistics.outgoing[anchor].rows
        rows = f"{count:,} row{'' if count == 1 else 's'}"
        print(f"{anchor}: {f'{rows} in' if result.ok else 'errors, so not written:'} {files[anchor]}", file=sys.stderr)
    return result
