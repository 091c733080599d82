"""``kedge dev``: a tool's run, repeated whenever its sources change."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kedge.cli import tool
from kedge.cli.arguments import anchored_files
from kedge.cli.exits import errors_as_exit_codes
from kedge.cli.last_run import last_run
from kedge.exceptions import KedgeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import pyarrow as pa

    from kedge.host.results import ToolResult
    from kedge.host.sinks import Sink
    from kedge.host.tool_call import ToolCall

__all__ = ["dev"]

_WAKES_AFTER = 200  # milliseconds
_SHOWN = 10  # differences
_PREVIEW_ROWS = 10
_NOT_REPEATED = {"in_process": "--in-process", "report": "--report", "update_only": "--update-only"}


def dev(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- TOOL RUN ARGS]", help="as kedge tool run takes them")
    ] = None,
) -> None:
    """Run a tool again whenever its sources, inputs or configuration change, and show what differs in its outputs.

    Without arguments it repeats the last kedge tool run on this terminal's folder. Each run is compared with the last
    one without errors. Ctrl-C ends it.
    """
    with errors_as_exit_codes():
        given = arguments or last_run()
        if not given:
            raise UsageError("no run in this folder is known: write kedge dev -- PACKAGE:TOOL -i ANCHOR=FILE")
        run = _Run(_parsed(given))
        while True:
            with closing(_changes(run)) as changes:
                next(changes)  # from here on a change is seen
                run.again()
                sys.stdout.flush()
                print("waiting for changes; Ctrl-C ends", file=sys.stderr)
                changed = next(paths for paths in changes if paths)
            print(f"\nchanged: {', '.join(sorted(path.name for path in changed))}", file=sys.stderr)


class _Run:
    """A run that is repeated, and what its outputs were the last time without errors."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._before: dict[str, pa.Table] = {}
        self._has_begun = False

    def again(self) -> None:
        """Run, and show what differs; an error is shown and ends nothing, unless the very first call was wrong."""
        try:
            result, outputs = self._result()
        except KedgeError as error:
            if isinstance(error, UsageError) and not self._has_begun:
                raise
            print(f"error: {error}", file=sys.stderr)
            return
        finally:
            self._has_begun = True
        if not result.ok:
            print("the run reported errors; its outputs are not compared", file=sys.stderr)
            return
        for anchor, table in outputs.items():
            _show(anchor, table, self._before.get(anchor))
        self._before = outputs

    def files(self) -> set[Path]:
        """The files beside the sources that the run reads."""
        inputs = anchored_files(self._options["inputs"] or [], "-i")
        named = [Path(path) for paths in inputs.values() for path in paths]
        config = self._options["config_file"]
        return {path.resolve() for path in (*named, *([config] if config else [])) if path.is_file()}

    def sources(self) -> set[Path]:
        """The folders of the tool's sources: that of its file, or its workspace's, or the working folder."""
        from kedge.loading import find_workspace, parse_tool_name

        if self._options["tool"] and (name := parse_tool_name(self._options["tool"])).is_file:
            return {Path(name.package).resolve().parent}
        workspace = find_workspace(Path.cwd())
        return {(workspace / "backend" if workspace else Path.cwd()).resolve()}

    def _planned(self) -> ToolCall:
        options = self._options
        call = tool.tool_call(
            options["tool"],
            options["command"],
            options["python"],
            options["inputs"] or [],
            options["config"] or [],
            options["config_file"],
            options["services"],
            options["types"] or [],
        )
        call.start_timeout, call.timeout = options["start_timeout"], options["timeout"]
        return call

    def _result(self) -> tuple[ToolResult, dict[str, pa.Table]]:
        from kedge.cli.display import RunDisplay
        from kedge.host.sinks import open_sinks

        files = tool.output_files(self._options["outputs"] or [], update_only=False)
        call = self._planned()
        call.outputs = list(files) or None
        written = open_sinks({anchor: path for anchor, path in files.items() if path != "-"})
        kept: dict[str, _Kept] = {}

        def open_sink(anchor: str) -> Sink:
            kept[anchor] = _Kept(written.get(anchor))
            return kept[anchor]

        try:
            with RunDisplay(call.target.name) as display:
                call.observer = display
                result = call.run(open_sink)
        finally:
            for sink in written.values():
                sink.abandon()
        shown = {anchor: sink.table for anchor, sink in kept.items() if sink.table is not None}
        return result, {anchor: table for anchor, table in shown.items() if not files or anchor in files}


class _Kept:
    """Keeps the records of an anchor, and hands them on to its file, where it has one."""

    def __init__(self, file: Sink | None) -> None:
        self._file = file
        self._tables: list[pa.Table] = []

    @property
    def table(self) -> pa.Table | None:
        """What was written, None where not even a schema was announced."""
        import pyarrow as pa

        return pa.concat_tables(self._tables) if self._tables else None

    def announce(self, schema: pa.Schema) -> None:
        """Keep the columns of an anchor that may have no records."""
        if not self._tables:
            self._tables = [schema.empty_table()]
        if self._file is not None:
            self._file.announce(schema)

    def write(self, table: pa.Table) -> None:
        """Keep a batch; what was announced before gives way to it."""
        self._tables = [*(kept for kept in self._tables if kept.num_rows or kept.schema == table.schema), table]
        if self._file is not None:
            self._file.write(table)

    def close(self) -> None:
        """Let the file be whole."""
        if self._file is not None:
            self._file.close()

    def abandon(self) -> None:
        """Let there be no file."""
        if self._file is not None:
            self._file.abandon()


def _parsed(arguments: list[str]) -> Mapping[str, Any]:
    """What ``kedge tool run`` makes of arguments. Raises UsageError for what it does not take, or dev does not."""
    command: Any = typer.main.get_command(tool.app)
    run = command.commands["run"]
    try:
        options: Mapping[str, Any] = run.make_context("kedge dev --", list(arguments)).params
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        raise UsageError(f"kedge dev -- {' '.join(arguments)}: {error.format_message()}") from None
    for key, option in _NOT_REPEATED.items():
        if options[key]:
            raise UsageError(f"{option} does not go with kedge dev, which runs the tool whole, in processes of its own")
    return options


def _changes(run: _Run) -> Generator[set[Path], None, None]:
    """The paths that changed, again and again; an empty set where none did for a while, and at once to begin with."""
    from watchfiles import Change, PythonFilter, watch

    files = run.files()
    is_source = PythonFilter()

    def is_ours(change: Change, path: str) -> bool:
        return Path(path) in files or is_source(change, path)

    for changes in watch(
        *run.sources(), *files, watch_filter=is_ours, rust_timeout=_WAKES_AFTER, yield_on_timeout=True
    ):
        yield {Path(path) for _, path in changes}


def _show(anchor: str, table: pa.Table, before: pa.Table | None) -> None:
    from kedge.cli.tables import print_table
    from kedge.testing.comparison import table_differences

    if before is None:
        print_table(table.slice(0, _PREVIEW_ROWS), f"{anchor}: {table.num_rows:,} rows")
        return
    differences = table_differences(table, before)
    if not differences:
        print(f"{anchor}: {table.num_rows:,} rows, as before")
        return
    count = "1 difference" if len(differences) == 1 else f"{len(differences):,} differences"
    print(f"{anchor}: {table.num_rows:,} rows, {count} (expected is the run before):")
    for difference in differences[:_SHOWN]:
        print(f"  {difference}")
    if len(differences) > _SHOWN:
        print(f"  and {len(differences) - _SHOWN:,} more")
