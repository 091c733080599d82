"""From a workspace to a wheel: the tools as the entry points ``kedge.tools`` of a Python distribution.

For environments that are put together by pip or uv: Kedge finds the tools of every wheel that is installed beside it.
The requirements are named in the wheel, and not in it.
"""

from __future__ import annotations

__all__ = ["BuiltWheel", "build_wheel"]

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import KedgeError, UsageError
from kedge.workspace.archive import backend_files
from kedge.workspace.requirements import read_needs

if TYPE_CHECKING:
    from kedge.workspace.project import Workspace

_ENTRY_POINTS = "kedge.tools"
_USUAL_PACKAGE = "ayx_plugins"


class BuiltWheel(NamedTuple):
    """A wheel, the tools in it, and remarks for the author."""

    file: Path
    tools: tuple[str, ...]
    notes: tuple[str, ...]


def build_wheel(workspace: Workspace, out: Path | None = None) -> BuiltWheel:
    """Build the wheel of a workspace; ``out`` is a folder, or the file with the name that the wheel has.

    Raises UsageError for a workspace without tools, for a name or a requirement that a wheel cannot have, and where
    ``out`` has another name than the wheel.
    """
    if not workspace.tools:
        raise UsageError(f"{workspace.file} has no tool to package; kedge new tool NAME makes one")
    needs = read_needs(workspace, with_kedge=False)
    if needs.local or needs.options:
        named = (*map(str, needs.local), *needs.options)[0]
        raise UsageError(f"a wheel can name packages as its requirements, and not {named!r}; take it out of the files")
    files = backend_files(workspace.backend)
    with tempfile.TemporaryDirectory(prefix="kedge-build-") as temporary:
        project = Path(temporary)
        for path in files:
            copied = project / "src" / path.relative_to(workspace.backend)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copied)
        (project / "pyproject.toml").write_text(_project(workspace, needs.packages), encoding="utf-8")
        made = _built(project)
        file = _place(out or workspace.folder / "build" / "wheel", made.name)
        shutil.copyfile(made, file)
    return BuiltWheel(file, tuple(workspace.tools), (*needs.notes, *_remarks(workspace)))


def _remarks(workspace: Workspace) -> list[str]:
    if any(tool.module.partition(".")[0] == _USUAL_PACKAGE for tool in workspace.tools.values()):
        return [
            f"the tools are in a package {_USUAL_PACKAGE}, as those of most workspaces: one wheel of that kind goes "
            "into an environment; give the package a name of its own where there may be more"
        ]
    return []


def _project(workspace: Workspace, requirements: tuple[str, ...]) -> str:
    """The project file; a text in JSON is one in TOML."""
    name = re.sub(r"[^a-z0-9]+", "-", workspace.name.lower()).strip("-")
    if not name:
        raise UsageError(f"{workspace.file}: the name {workspace.name!r} has no letter or digit of a wheel's name")
    points = {tool.folder_name: f"{tool.module}:{tool.class_name}" for tool in workspace.tools.values()}
    lines = [
        "[build-system]",
        'requires = ["hatchling"]',
        'build-backend = "hatchling.build"',
        "[project]",
        f"name = {json.dumps(name)}",
        f"version = {json.dumps(workspace.tool_version)}",
        f"description = {json.dumps(' '.join(workspace.description.split()))}",
        'requires-python = ">=3.10"',
        f"dependencies = {json.dumps(requirements)}",
        f'[project.entry-points."{_ENTRY_POINTS}"]',
        *(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in points.items()),
        "[tool.hatch.build.targets.wheel]",
        'include = ["src"]',
        'sources = ["src"]',
        "[tool.hatch.metadata]",
        "allow-direct-references = true",
    ]
    return "\n".join(lines) + "\n"


def _built(project: Path) -> Path:
    """Have hatchling build the wheel; it uses a fixed time, and so gives the same bytes each time."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(project / "dist")]
    done = subprocess.run(command, cwd=project, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    if done.returncode:
        raise KedgeError(f"the wheel could not be built:\n{done.stderr.strip() or done.stdout.strip()}")
    return next((project / "dist").glob("*.whl"))


def _place(out: Path, name: str) -> Path:
    if out.suffix != ".whl":
        out.mkdir(parents=True, exist_ok=True)
        return out / name
    if out.name != name:
        raise UsageError(f"a wheel's name says what it is, and this one's is {name}: write -o {out.parent / name}")
    return out
