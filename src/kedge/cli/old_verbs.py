"""The verbs of ``ayx_plugin_cli``, with the options that it has: a script needs one changed word.

They are for scripts that exist, so they are not in the list of commands, and ask nothing in a pipe.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kedge.cli.exits import CLEAN, REPORTED, errors_as_exit_codes
from kedge.cli.prompts import Question, complete
from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from kedge.workspace.project import Workspace, WorkspaceTool

__all__ = [
    "create_ayx_plugin",
    "create_yxi",
    "designer_install",
    "generate_config_files",
    "generate_tests",
    "generate_ui",
    "install_package",
    "run_tests",
    "sdk_workspace_init",
]

_LIKE_BEFORE = "Python SDK Examples"

OmitUi = Annotated[bool, typer.Option("--omit-ui/--no-omit-ui", help="build no page; one that is there is packed")]
InstallType = Annotated[str, typer.Option(metavar="user", help="for whom")]
ToolName = Annotated[str | None, typer.Option("--tool-name", metavar="NAME", help="this tool alone")]


def sdk_workspace_init(
    package_name: Annotated[str | None, typer.Option(metavar="TEXT", help="the package's name in Designer")] = None,
    tool_category: Annotated[str | None, typer.Option(metavar="TEXT", help="the tab of its tools")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="what it is for")] = None,
    author: Annotated[str | None, typer.Option(metavar="TEXT", help="who writes it")] = None,
    company: Annotated[str | None, typer.Option(metavar="TEXT", help="for whom")] = None,
    backend_language: Annotated[str | None, typer.Option(metavar="python", help="the tools' language")] = None,
) -> None:
    """Make a workspace in the working folder, around the files that it has (kedge new workspace)."""
    from kedge.workspace.scaffold import PackageFacts, new_workspace

    questions = {
        "--package-name": Question("the package's name in Designer"),
        "--tool-category": Question("the tab of its tools in Designer", _LIKE_BEFORE),
        "--description": Question("what it is for", ""),
        "--author": Question("who writes it", ""),
        "--company": Question("for whom", ""),
        "--backend-language": Question("the tools' language", "python", ("python",), _python),
    }
    values = (package_name, tool_category, description, author, company, backend_language)
    with errors_as_exit_codes():
        answers = complete("kedge sdk-workspace-init", dict(zip(questions, values, strict=True)), questions, ask=True)
        title, category, about, writer, firm, language = answers.values()
        _python(language)
        made = new_workspace(Path.cwd(), PackageFacts(title, category, writer, firm, about), around=True)
        print(f"{made.file}: a workspace without tools")


def create_ayx_plugin(
    tool_name: Annotated[str | None, typer.Option(metavar="TEXT", help="the tool's name in Designer")] = None,
    tool_type: Annotated[str | None, typer.Option(metavar="TYPE", help="what goes in and comes out")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="what it is for")] = None,
    version: Annotated[str | None, typer.Option("--tool-version", "--version", metavar="VERSION")] = None,
    omit_ui: Annotated[bool, typer.Option("--omit-ui/--no-omit-ui")] = False,  # noqa: ARG001 - kedge new ui makes pages
    dcm_namespace: Annotated[str, typer.Option(metavar="TEXT", help="in the connection manager")] = "",
    writes_output_data: Annotated[
        bool | None, typer.Option("--writes-output-data/--no-writes-output-data", help="records go elsewhere")
    ] = None,
) -> None:
    """Add a tool to the workspace of the working folder (kedge new tool).

    A name of several words becomes one: A Test Tool is the class ATestTool in a_test_tool.py.
    """
    from kedge.cli.new import print_new_tool
    from kedge.workspace.names import check_tool_name, check_version, class_name_of
    from kedge.workspace.scaffold import new_tool
    from kedge.workspace.tool_types import DEFAULT_TOOL_TYPE, TOOL_TYPES
    from kedge.workspace.tool_types import tool_type as type_named

    def class_name(title: str) -> str:
        return title if title.isidentifier() else class_name_of(title)

    questions = {
        "--tool-name": Question("the tool's name in Designer", check=lambda text: check_tool_name(class_name(text))),
        "--tool-type": Question("what goes in and comes out", DEFAULT_TOOL_TYPE, tuple(TOOL_TYPES), type_named),
        "--description": Question("what it is for", ""),
        "--tool-version": Question("its version", "1.0", check=check_version),
    }
    values = (tool_name, tool_type, description, version)
    with errors_as_exit_codes():
        workspace = _workspace()
        answers = complete("kedge create-ayx-plugin", dict(zip(questions, values, strict=True)), questions, ask=True)
        title, kind, about, number = answers.values()
        made = new_tool(
            workspace,
            class_name(title) or title,
            type_named(kind),
            long_name=title,
            description=about,
            version=number,
            dcm_namespace=dcm_namespace,
            writes_output_data=writes_output_data,
            write=True,
        )
        print_new_tool(made)


def generate_config_files(
    write: Annotated[bool, typer.Option("--write", help="replace files that nobody generated, too")] = False,
) -> None:
    """Bring configuration/ to what ayx_workspace.json says.

    Exits with 1 where a file of another make says something else, and stays as it is for want of --write.
    """
    from kedge.workspace.config_files import refresh_config_files

    with errors_as_exit_codes():
        refresh = refresh_config_files(_workspace(), write=write)
        for path in refresh.written:
            print(f"written: {os.path.relpath(path)}")
        for path in refresh.left:
            print(f"left as it is, --write replaces it: {os.path.relpath(path)}", file=sys.stderr)
        if not (refresh.written or refresh.left):
            print("all as ayx_workspace.json says")
        raise typer.Exit(REPORTED if refresh.left else CLEAN)


def generate_tests(tool_name: ToolName = None) -> None:
    """Write tests for the tools that have none."""
    from kedge.workspace.scaffold import new_tests

    with errors_as_exit_codes():
        workspace = _workspace()
        tools = _chosen(workspace, tool_name)
        written = new_tests(workspace, tools)
        for path in written:
            print(f"written: {os.path.relpath(path)}")
        if not written:
            print("every tool has tests already" if tools else "there is no tool yet")


def generate_ui(tool_name: ToolName = None) -> None:
    """Make the forms of the tools that declare their settings (kedge new ui)."""
    from kedge.host.target import resolve_target
    from kedge.workspace.ui import write_ui

    with errors_as_exit_codes():
        workspace = _workspace()
        for tool in _chosen(workspace, tool_name):
            loaded = resolve_target(f"{tool.module}:{tool.class_name}").load()
            if tool_name is None and getattr(loaded, "settings_class", None) is None:
                print(f"{tool.name} declares no settings, so it gets no form", file=sys.stderr)
                continue
            files = write_ui(loaded, workspace.paths(tool).ui)
            print(f"written: {os.path.relpath(files.page)}")


def create_yxi(omit_ui: OmitUi = False) -> None:  # noqa: ARG001 - pages are packed as they are, never built
    """Build the package of the workspace, build/yxi/NAME.yxi (kedge build)."""
    from kedge.cli.build import build

    build()


def designer_install(install_type: InstallType = "user", omit_ui: OmitUi = False) -> None:  # noqa: ARG001 - as above
    """Build the package of the workspace, and install it for this user in the place of an older one."""
    from kedge.cli.install import install
    from kedge.workspace.build import build_yxi

    with errors_as_exit_codes():
        _for_the_user(install_type)
        report = build_yxi(_workspace())
        for note in report.notes:
            print(f"note: {note}", file=sys.stderr)
        install(report.file, replace=True)


def install_package(
    yxi_path: Annotated[Path | None, typer.Option(metavar="FILE.yxi", help="the package")] = None,
    install_type: InstallType = "user",
) -> None:
    """Install a package for this user, in the place of an older one (kedge install --replace)."""
    from kedge.cli.install import install

    with errors_as_exit_codes():
        _for_the_user(install_type)
        if yxi_path is None:
            raise UsageError("kedge install-yxi lacks --yxi-path FILE.yxi, the package to install")
        install(yxi_path, replace=True)


def run_tests(arguments: Annotated[list[str] | None, typer.Argument(metavar="[PYTEST ARGUMENT]...")] = None) -> None:
    """Run the tests of the workspace by pytest, with the backend on Python's path."""
    with errors_as_exit_codes():
        workspace = _workspace()
        known = os.environ.get("PYTHONPATH", "")
        path = os.pathsep.join(filter(None, (str(workspace.backend), known)))
        command = [sys.executable, "-m", "pytest", *(arguments or [str(workspace.backend / "tests")])]
        ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=False)  # noqa: S603
        raise typer.Exit(ended.returncode)


def _workspace() -> Workspace:
    from kedge.workspace.project import find_workspace
    from kedge.workspace.project_file import load_workspace

    return load_workspace(find_workspace(Path.cwd()) or Path.cwd())


def _chosen(workspace: Workspace, tool_name: str | None) -> list[WorkspaceTool]:
    return list(workspace.tools.values()) if tool_name is None else [workspace.tool(tool_name)]


def _for_the_user(install_type: str) -> None:
    if install_type != "user":
        raise UsageError(
            f"--install-type is user, but {install_type!r} was given: "
            "kedge install FILE.yxi --into DIR installs elsewhere"
        )


def _python(language: str) -> None:
    if language.casefold() != "python":
        raise UsageError(f"--backend-language is python, but {language!r} was given: Kedge's tools are in Python")
