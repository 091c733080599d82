"""``kedge new ui``: the form on which a tool is configured."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kedge.cli.exits import errors_as_exit_codes
from kedge.cli.new import app

__all__ = ["new_ui"]


@app.command("ui")
def new_ui(
    tool: Annotated[
        str, typer.Argument(metavar="TOOL", help="a tool of the workspace, package:Tool or path/to/file.py:Tool")
    ],
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="where to write; ui/TOOL of the workspace")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="also a page that Kedge did not make")] = False,
) -> None:
    """Make an HTML form for the settings that a tool declares, and their JSON Schema.

    Made anew, the form follows the tool's settings.
    """
    from kedge.host.target import resolve_target
    from kedge.workspace.project import find_workspace
    from kedge.workspace.ui import write_ui

    with errors_as_exit_codes():
        workspace = find_workspace(Path.cwd())
        found = resolve_target(_full_name(tool, workspace)).load()
        place = folder or (workspace or Path.cwd()) / "ui" / found.__name__
        files = write_ui(found, place, overwrite=overwrite)
        print(f"{os.path.relpath(files.page)} is the form, {os.path.relpath(files.schema)} the JSON Schema")


def _full_name(tool: str, workspace: Path | None) -> str:
    """The name of a tool by which it is loaded, for one of the workspace by its name alone."""
    if workspace is None or ":" in tool:
        return tool
    from kedge.workspace.project_file import load_workspace

    described = load_workspace(workspace).tool(tool)
    return f"{described.module}:{described.class_name}"
