"""``kedge new``: scaffolds of workspaces and tools."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kedge.cli.exits import errors_as_exit_codes
from kedge.cli.prompts import Question, complete

if TYPE_CHECKING:
    from kedge.workspace.scaffold import NewTool

__all__ = ["app", "print_new_tool"]

app = typer.Typer(help="Make a workspace, or a tool in one.", no_args_is_help=True, add_completion=False)

Description = Annotated[str | None, typer.Option(metavar="TEXT", help="what it is for")]
NoInput = Annotated[bool, typer.Option("--no-input", help="ask nothing, take the defaults")]


@app.command()
def workspace(
    name: Annotated[str, typer.Argument(metavar="NAME", help="the new folder")] = "",
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="the package's name in Designer")] = None,
    category: Annotated[str | None, typer.Option(metavar="TEXT", help="the tab of its tools in Designer")] = None,
    description: Description = None,
    author: Annotated[str | None, typer.Option(metavar="TEXT", help="who writes it")] = None,
    company: Annotated[str | None, typer.Option(metavar="TEXT", help="for whom")] = None,
    no_input: NoInput = False,
) -> None:
    """Make a workspace: a folder for the tools of one package, with all that checks them.

    On a terminal it asks for what is not given.
    """
    from kedge.workspace.names import check_workspace_name
    from kedge.workspace.scaffold import PackageFacts, new_workspace

    questions = {
        "NAME": Question("the new folder", check=lambda text: check_workspace_name(Path(text).name)),
        "--title": Question("the package's name in Designer", Path(name).name),
        "--category": Question("the tab of its tools in Designer", "Kedge"),
        "--description": Question("what it is for", ""),
        "--author": Question("who writes it", ""),
        "--company": Question("for whom", ""),
    }
    given = {"NAME": name, "--title": title, "--category": category, "--description": description}
    given |= {"--author": author, "--company": company}
    with errors_as_exit_codes():
        answers = complete("kedge new workspace", given, questions, ask=not no_input)
        folder = Path(answers["NAME"])
        check_workspace_name(folder.name)
        facts = PackageFacts(
            title=answers["--title"] or folder.name,
            tool_category=answers["--category"],
            author=answers["--author"],
            company=answers["--company"],
            description=answers["--description"],
        )
        made = new_workspace(folder, facts)
        print(f"{folder}: a workspace without tools; add one with\n  cd {folder}\n  kedge new tool NAME --type TYPE")
        print(f"its tools are checked as {made.folder / 'README.md'} says", file=sys.stderr)


@app.command()
def tool(
    name: Annotated[str, typer.Argument(metavar="NAME", help="the name of the tool's class")] = "",
    kind: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="what goes in and comes out")] = None,
    long_name: Annotated[str | None, typer.Option(metavar="TEXT", help="the tool's name in Designer")] = None,
    description: Description = None,
    version: Annotated[str | None, typer.Option("--tool-version", metavar="VERSION", help="of this tool")] = None,
    dcm_namespace: Annotated[str, typer.Option(metavar="TEXT", help="in the connection manager")] = "",
    writes_output_data: Annotated[
        bool | None,
        typer.Option("--writes-output-data/--no-writes-output-data", help="records go elsewhere than to an anchor"),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--workspace", metavar="DIR", help="the workspace, if not around this folder")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="change a workspace that was not made by Kedge")] = False,
    no_input: NoInput = False,
) -> None:
    """Add a tool, with code that works and tests that pass, to the workspace.

    The types: single-input-single-output, input, output, multiple-inputs, multiple-outputs, optional,
    multi-connection-input-anchor. On a terminal it asks for what is not given.
    """
    from kedge.workspace.names import check_tool_name, check_version
    from kedge.workspace.project import find_workspace
    from kedge.workspace.project_file import load_workspace
    from kedge.workspace.scaffold import new_tool
    from kedge.workspace.tool_types import TOOL_TYPES, tool_type

    questions = {
        "NAME": Question("the name of the tool's class", check=check_tool_name),
        "--type": Question("what goes in and comes out", choices=tuple(TOOL_TYPES), check=tool_type),
        "--long-name": Question("the tool's name in Designer", name),
        "--description": Question("what it is for", ""),
        "--tool-version": Question("its version", "1.0", check=check_version),
    }
    given = {"NAME": name, "--type": kind, "--long-name": long_name}
    given |= {"--description": description, "--tool-version": version}
    with errors_as_exit_codes():
        place = folder or find_workspace(Path.cwd()) or Path.cwd()
        workspace = load_workspace(place)
        answers = complete("kedge new tool", given, questions, ask=not no_input)
        made = new_tool(
            workspace,
            answers["NAME"],
            tool_type(answers["--type"]),
            long_name=answers["--long-name"],
            description=answers["--description"],
            version=answers["--tool-version"],
            dcm_namespace=dcm_namespace,
            writes_output_data=writes_output_data,
            write=write,
        )
        print_new_tool(made)


def print_new_tool(made: NewTool) -> None:
    """Say where the new tool is, and how to run it."""
    name = f"{made.tool.module}:{made.tool.class_name}"
    print(f"{name} is in {os.path.relpath(made.module)}, its tests in {os.path.relpath(made.tests)}")
    print(f"  kedge tool inspect {name}\n  pytest {os.path.relpath(made.tests)}")
