"""``kedge install`` and ``kedge uninstall``: packages of tools on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kedge.cli.exits import errors_as_exit_codes
from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from kedge.workspace.install import Package

__all__ = ["install", "uninstall"]

Into = Annotated[
    Path | None, typer.Option("--into", metavar="DIR", help="the tool folder, if not KEDGE_TOOLS or the user's")
]


def install(
    file: Annotated[Path | None, typer.Argument(metavar="FILE.yxi", help="the package")] = None,
    into: Into = None,
    replace: Annotated[bool, typer.Option("--replace", help="put it in the place of the one that is there")] = False,
    listed: Annotated[bool, typer.Option("--list", help="show what is installed, install nothing")] = False,
) -> None:
    """Install the tools of a package for this user, so that kedge run and kedge check find them.

    A package holds programs, and nothing tells who made it: install those whose maker you trust.
    """
    from kedge.workflow.tool_folders import tool_folder
    from kedge.workspace.install import install_yxi, installed

    with errors_as_exit_codes():
        if (file is None) != listed:
            raise UsageError("name one FILE.yxi to install, or --list without one")
        if file is None:
            packages = installed(into)
            for package in packages:
                _print(package)
            print(f"{len(packages)} in {into or tool_folder()}", file=sys.stderr)
            return
        package = install_yxi(file, into, replace=replace)
        print(f"{file}: this package is not signed, so nothing tells who made it", file=sys.stderr)
        print(f"installed in {package.folder}", file=sys.stderr)
        if into is not None:
            print(f"kedge run finds it with KEDGE_TOOLS={into} or --tools {package.folder}", file=sys.stderr)
        _print(package)


def uninstall(
    name: Annotated[str, typer.Argument(metavar="NAME", help="the package, as kedge install --list shows it")],
    into: Into = None,
) -> None:
    """Remove an installed package, and what its tools unpacked when they ran."""
    from kedge.workspace.install import uninstall as remove

    with errors_as_exit_codes():
        print(f"removed {remove(name, into)}", file=sys.stderr)


def _print(package: Package) -> None:
    print(package)
    for tool in package.tools:
        print(f"  {tool.name}{f': cannot be run: {tool.lacks}' if tool.lacks else ''}")
