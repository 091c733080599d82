"""New workspaces, and new tools in them.

Everything that is made works as it stands: the code runs, its tests pass, ruff and mypy have nothing to say. A change
is made as a whole or not at all, and no file that was there is replaced; what a new tool adds to ``ayx_workspace.json``
and to the package's ``__init__.py`` leaves the rest of them as it was.
"""

from __future__ import annotations

__all__ = ["NewTool", "PackageFacts", "new_tests", "new_tool", "new_workspace"]

import datetime
import json
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import UsageError
from kedge.sdk.version import __version__
from kedge.workspace.config_files import package_config, tool_config, tool_manifest
from kedge.workspace.file_changes import demand_absent, write_files
from kedge.workspace.icon import draw_icon
from kedge.workspace.names import check_tool_name, check_version, module_name_of
from kedge.workspace.project import Workspace, WorkspaceTool, find_workspace
from kedge.workspace.project_file import load_workspace, render_workspace
from kedge.workspace.rendering import render_template

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kedge.workspace.tool_types import ToolType

_PACKAGE = "ayx_plugins"
_OPENING = "kedge "
_WORKSPACE_FILES = {
    ".github/workflows/ci.yml": "ci.yml",
    ".gitignore": "gitignore",
    "README.md": "README.md",
    "backend/ayx_plugins/__init__.py": "ayx_plugins.py",
    "backend/requirements-local.txt": "requirements-local.txt",
    "backend/requirements-thirdparty.txt": "requirements-thirdparty.txt",
    "pyproject.toml": "pyproject.toml",
    "requirements-dev.txt": "requirements-dev.txt",
    "ui/README.md": "ui.md",
}
_IMPORT = re.compile(r"from \.(\w+) import \w+.*")


class PackageFacts(NamedTuple):
    """What is said of a new package; ``title`` is any text that names it."""

    title: str
    tool_category: str = "Kedge"
    author: str = ""
    company: str = ""
    description: str = ""


class NewTool(NamedTuple):
    """A tool that was made, in the workspace as it is now, with its module and its tests."""

    workspace: Workspace
    tool: WorkspaceTool
    module: Path
    tests: Path


def new_workspace(folder: Path, facts: PackageFacts, *, around: bool = False) -> Workspace:
    """Make a workspace without tools in ``folder``, and the folder; with ``around``, around files that it has.

    Then what is there already stays, README and all. Raises UsageError for a folder that lies in a workspace, that is
    one, that is not empty (without ``around``), or that cannot be written.
    """
    folder = folder.absolute()
    _demand_room(folder, around=around)
    workspace = Workspace(
        folder=folder,
        name=_one_line("the title", facts.title, required=True),
        tool_category=_one_line("the category", facts.tool_category, required=True),
        author=_one_line("the author", facts.author),
        company=_one_line("the company", facts.company),
        copyright=str(datetime.date.today().year),
        description=_one_line("the description", facts.description),
        ayx_cli_version=f"{_OPENING}{__version__}",
        python_version=f"{sys.version_info.major}.{sys.version_info.minor}",
    )
    values = {"title": workspace.name, "description": workspace.description}
    files = {folder / path: render_template(f"workspace/{name}", **values) for path, name in _WORKSPACE_FILES.items()}
    files[workspace.file] = render_workspace(workspace).encode()
    files[workspace.package_icon] = draw_icon(workspace.name, 0, 0)
    files[workspace.configuration / "Config.xml"] = package_config(workspace).encode()
    write_files({path: data for path, data in files.items() if not path.exists()})
    return load_workspace(folder)


def new_tool(
    workspace: Workspace,
    name: str,
    kind: ToolType,
    *,
    long_name: str = "",
    description: str = "",
    version: str = "1.0",
    dcm_namespace: str = "",
    writes_output_data: bool | None = None,
    write: bool = False,
) -> NewTool:
    """Add a tool with its tests to a workspace; ``name`` is that of its class.

    ``long_name`` is what users read (``name`` if not given). A workspace that was not made by Kedge is only changed
    with ``write``. Raises UsageError for a name or a version that is none, a tool or a file that is there already, and
    what cannot be written.
    """
    _demand_new(workspace, check_tool_name(name))
    if not (write or workspace.ayx_cli_version.startswith(_OPENING)):
        raise UsageError(
            f"{workspace.file} was not made by Kedge: --write adds the tool to it and to {_init_file(workspace)}, "
            "and leaves everything else in them as it is"
        )
    tool = WorkspaceTool(
        name=name,
        module=_package(workspace),
        class_name=name,
        long_name=_one_line("the long name", long_name) or name,
        description=_one_line("the description", description),
        version=check_version(version),
        icon_path=f"configuration/{name}_{version.replace('.', '_')}/icon.png",
        input_anchors=kind.inputs,
        output_anchors=kind.outputs,
        dcm_namespace=_one_line("the DCM namespace", dcm_namespace),
        writes_output_data=kind.writes_output_data if writes_output_data is None else writes_output_data,
    )
    return _add(workspace, tool, kind)


def new_tests(workspace: Workspace, tools: Iterable[WorkspaceTool]) -> list[Path]:
    """Write tests for those of the tools that have none: the conformance kit, on a sample for their author to change.

    Returns the files that were written. Raises UsageError where one cannot be.
    """
    files: dict[Path, bytes] = {}
    for tool in tools:
        path = _tests_file(workspace, module_name_of(tool.name))
        if path.exists():
            continue
        files[path] = render_template(
            "tools/any_test.py",
            class_name=tool.class_name,
            package=tool.module,
            sample="{" + ", ".join(f"{_quoted(name)}: SAMPLE" for name in tool.input_anchors) + "}",
            outputs="[" + ", ".join(map(_quoted, tool.output_anchors)) + "]",
        )
    write_files(files)
    return list(files)


def _add(workspace: Workspace, tool: WorkspaceTool, kind: ToolType) -> NewTool:
    grown = replace(workspace, tools={**workspace.tools, tool.name: tool})
    paths, init = grown.paths(tool), _init_file(workspace)
    name = module_name_of(tool.name)
    module, tests = init.parent / f"{name}.py", _tests_file(workspace, name)
    values = {"class_name": tool.name, "module_name": name, "package": tool.module}
    made = {
        module: render_template(f"tools/{kind.name}.py", **values),
        tests: render_template(f"tools/{kind.name}_test.py", **values),
        paths.icon: draw_icon(tool.name, len(tool.input_anchors), len(tool.output_anchors)),
        paths.config_file: tool_config(grown, tool).encode(),
        paths.manifest: tool_manifest(grown, tool).encode(),
    }
    demand_absent(made, workspace.folder)
    changed = {init: _with_import(init, name, tool.class_name), workspace.file: render_workspace(grown).encode()}
    write_files({**made, **changed})
    return NewTool(load_workspace(workspace.folder), tool, module, tests)


def _demand_room(folder: Path, *, around: bool) -> None:
    workspace = find_workspace(folder)
    if workspace == folder:
        raise UsageError(f"{folder} is a workspace already: kedge new tool adds a tool to it")
    if workspace is not None:
        raise UsageError(
            f"{folder} lies in the workspace {workspace}, and a workspace in a workspace is taken for a part of it: "
            "choose a folder outside"
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: choose another name")
    if not around and folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: choose another name, or kedge sdk-workspace-init in it")


def _demand_new(workspace: Workspace, name: str) -> None:
    """No two tools that differ in upper and lower case alone: their files would be the same on some systems."""
    module = module_name_of(name)
    same = next((known for known in workspace.tools if module_name_of(known).casefold() == module.casefold()), None)
    if same is not None:
        hint = "" if same == name else f" (its module would be {module}.py for {name} too)"
        raise UsageError(f"{workspace.file} has a tool {same} already{hint}: choose another name")


def _package(workspace: Workspace) -> str:
    """The package of the workspace's other tools, if it is one."""
    used = next((tool.module for tool in workspace.tools.values()), _PACKAGE)
    return used if (workspace.backend.joinpath(*used.split(".")) / "__init__.py").is_file() else _PACKAGE


def _init_file(workspace: Workspace) -> Path:
    return workspace.backend.joinpath(*_package(workspace).split(".")) / "__init__.py"


def _tests_file(workspace: Workspace, module: str) -> Path:
    return workspace.backend / "tests" / f"test_{module}.py"


def _quoted(text: str) -> str:
    """A text as Python source, in the quotes that formatters like."""
    return json.dumps(text, ensure_ascii=False)


def _with_import(init: Path, module: str, class_name: str) -> bytes:
    """The package with the new import among the others, in the order that linters want, or at its end."""
    lines = init.read_bytes().decode().splitlines(keepends=True) if init.is_file() else []
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    new = f"from .{module} import {class_name} as {class_name}{ending}"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += ending
    imports = [(_IMPORT.match(line), n) for n, line in enumerate(lines)]
    places = [n for found, n in imports if found and _natural(found[1]) > _natural(module)]
    last = max((n + 1 for found, n in imports if found), default=0)
    if not last and lines:
        lines.append(ending)
    lines.insert(places[0] if places else last or len(lines), new)
    return "".join(lines).encode()


def _natural(name: str) -> list[tuple[int, str]]:
    """Numbers count as such: ``tool_2`` is before ``tool_10``."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _one_line(called: str, text: str, *, required: bool = False) -> str:
    if required and not text.strip():
        raise UsageError(f"{called} is empty: write one")
    if any(not character.isprintable() for character in text):
        raise UsageError(f"{called} must be one line of text without control characters, but is {text!r}")
    return text
