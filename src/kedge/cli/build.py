"""``kedge build``: the package of a workspace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kedge.cli.exits import errors_as_exit_codes
from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from kedge.workspace.build import BuildReport

__all__ = ["build"]


def build(
    path: Annotated[Path, typer.Argument(metavar="[PATH]", help="the workspace, or a folder in it")] = Path(),
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="the .yxi to write")] = None,
    wheel: Annotated[
        bool, typer.Option("--wheel", help="a wheel for pip instead, which brings no requirement")
    ] = False,
    from_environment: Annotated[
        bool, typer.Option("--from-environment", help="take requirements from what is installed here, ask no index")
    ] = False,
    python: Annotated[str, typer.Option(metavar="VERSION", help="the Python that runs the tools, this one's")] = "",
    platform: Annotated[
        str, typer.Option(metavar="SYSTEM", help="where the tools run: linux, macos, windows; this one")
    ] = "",
    refresh: Annotated[bool, typer.Option("--refresh", help="resolve the requirements again")] = False,
) -> None:
    """Build the package of a workspace: build/yxi/NAME.yxi, for Designer and for kedge install.

    Every tool is in it with Kedge and all that the requirement files name. The same sources, requirements and versions
    give the same bytes.
    """
    with errors_as_exit_codes():
        from kedge.cli.console import Console
        from kedge.workspace.build import build_yxi
        from kedge.workspace.built_for import built_for
        from kedge.workspace.project import find_workspace
        from kedge.workspace.project_file import load_workspace
        from kedge.workspace.wheel import build_wheel

        workspace = load_workspace(find_workspace(path) or path)
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        if wheel:
            if from_environment or python or platform or refresh:
                raise UsageError("a wheel brings no requirement: --wheel goes with -o alone")
            made = build_wheel(workspace, out)
            print(f"{_from_here(made.file)}: {', '.join(made.tools)}; {_bytes(made.file.stat().st_size)}")
            _remark(made.notes)
            return
        with console.status("bringing the requirements together, and packing them"):
            report = build_yxi(
                workspace,
                out,
                target=built_for(python, platform),
                from_environment=from_environment,
                refresh=refresh,
            )
        _remark(report.notes)
        _print_sizes(report)


def _remark(notes: tuple[str, ...]) -> None:
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def _print_sizes(report: BuildReport) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    shown = Table()
    for heading in ("package", "version"):
        shown.add_column(heading)
    for heading in ("unpacked", "in main.pyz"):
        shown.add_column(heading, justify="right")
    for size in report.packages:
        shown.add_row(escape(size.name), size.version, _bytes(size.unpacked), _bytes(size.packed))
    unpacked, packed = sum(it.unpacked for it in report.packages), sum(it.packed for it in report.packages)
    shown.add_section()
    shown.add_row("all", "", _bytes(unpacked), _bytes(packed))
    console.print(shown)
    kept = " (requirements as an earlier build resolved them)" if report.reused else ""
    console.print(
        f"{escape(_from_here(report.file))}: {escape(', '.join(report.tools))} for Python {report.target.python} on "
        f"{report.target.platform}; {_bytes(report.size)}, in {report.seconds:.1f} s{kept}"
    )


def _bytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB" if size >= 1 << 20 else f"{size / (1 << 10):,.1f} KiB"


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
