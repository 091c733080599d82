"""A workspace: the folder in which an author keeps the tools of one package.

Its file ``ayx_workspace.json`` describes the package and its tools, with the keys that such files have had since
version 2 of the Python SDK. :mod:`kedge.workspace.project_file` reads and writes it.

    ayx_workspace.json
    backend/ayx_plugins/                    the Python package of the tools
    backend/tests/
    backend/requirements-local.txt          requirements that are folders or files of the author
    backend/requirements-thirdparty.txt     requirements from a package index
    configuration/Config.xml                of the package
    configuration/Clean_1_0/                of one tool: Clean_1_0Config.xml, manifest.json, icon.png
    ui/Clean/                               of one tool, if it has a page of its own
"""

from __future__ import annotations

__all__ = ["WORKSPACE_FILE", "AnchorDescription", "ToolPaths", "Workspace", "WorkspaceTool", "find_workspace"]

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from kedge.exceptions import UsageError
from kedge.loading import WORKSPACE_FILE, find_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class AnchorDescription:
    """An incoming or outgoing anchor as the engine's user sees it."""

    label: str = ""
    allow_multiple: bool = False
    optional: bool = False


@dataclass(frozen=True)
class WorkspaceTool:
    """One tool of a workspace; ``name`` is its key in the file, ``module`` and ``class_name`` where its class is.

    ``icon_path`` is as the file has it, perhaps with backslashes; :meth:`Workspace.paths` has it as a path.
    """

    name: str
    module: str
    class_name: str
    ui: Mapping[str, Any] = field(default_factory=dict)
    long_name: str = ""
    description: str = ""
    version: str = "1.0"
    search_tags: tuple[str, ...] = ()
    icon_path: str = ""
    input_anchors: Mapping[str, AnchorDescription] = field(default_factory=dict)
    output_anchors: Mapping[str, AnchorDescription] = field(default_factory=dict)
    help_url: str = ""
    dcm_namespace: str = ""
    writes_output_data: bool = False

    @property
    def folder_name(self) -> str:
        """The folder's name in the package, by which workflows name the tool: ``Clean_1_0``.

        It is the folder of the icon, as older workspaces have no version in it.
        """
        folder, slash, _ = self.icon_path.replace("\\", "/").rpartition("/")
        return folder.rpartition("/")[2] if slash else f"{self.name}_{self.version.replace('.', '_')}"


class ToolPaths(NamedTuple):
    """Where the parts of one tool are, or would be."""

    configuration: Path
    config_file: Path
    manifest: Path
    icon: Path
    ui: Path


@dataclass(frozen=True)
class Workspace:
    """What ``ayx_workspace.json`` in ``folder`` says; ``document`` is the file as it was read, with unknown keys.

    Paths are as the file has them; the properties that are :class:`~pathlib.Path` are absolute.
    """

    folder: Path
    name: str
    tool_category: str = ""
    package_icon_path: str = "configuration/default_package_icon.png"
    author: str = ""
    company: str = ""
    copyright: str = ""
    description: str = ""
    ayx_cli_version: str = ""
    backend_language: str = "python"
    python_version: str = "3.10"
    requirements_local_path: str = "backend/requirements-local.txt"
    requirements_thirdparty_path: str = "backend/requirements-thirdparty.txt"
    tool_version: str = "1.0"
    tools: Mapping[str, WorkspaceTool] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The path of ``ayx_workspace.json``."""
        return self.folder / WORKSPACE_FILE

    @property
    def backend(self) -> Path:
        """The folder that holds the Python package of the tools; it belongs on the Python path."""
        return self.folder / "backend"

    @property
    def configuration(self) -> Path:
        """The folder of what engines read about the package and its tools."""
        return self.folder / "configuration"

    @property
    def package_icon(self) -> Path:
        """The icon of the package."""
        return self._inside(self.package_icon_path)

    @property
    def requirements_local(self) -> Path:
        """The requirements that are folders or files of the author; the file need not be there."""
        return self._requirements(self.requirements_local_path)

    @property
    def requirements_thirdparty(self) -> Path:
        """The requirements from a package index; the file need not be there."""
        return self._requirements(self.requirements_thirdparty_path)

    def tool(self, name: str) -> WorkspaceTool:
        """Return the tool of that name. Raises UsageError that names the tools there are."""
        if name not in self.tools:
            known = ", ".join(self.tools) or "none"
            raise UsageError(f"{self.file}: there is no tool {name!r}; its tools: {known}")
        return self.tools[name]

    def paths(self, tool: WorkspaceTool) -> ToolPaths:
        """Return where the parts of a tool are."""
        folder = self.configuration / tool.folder_name
        return ToolPaths(
            configuration=folder,
            config_file=folder / f"{tool.folder_name}Config.xml",
            manifest=folder / "manifest.json",
            icon=self._inside(tool.icon_path) if tool.icon_path else folder / "icon.png",
            ui=self.folder / "ui" / tool.name,
        )

    def _inside(self, path: str) -> Path:
        """A path of the file, with slashes of either kind, below the workspace's folder."""
        return self.folder.joinpath(*path.replace("\\", "/").split("/"))

    def _requirements(self, path: str) -> Path:
        """Existing files name folders such as ``tool_backends``, and yet the requirements are in ``backend``."""
        named = self._inside(path)
        usual = self.backend / named.name
        return named if named.is_file() or not usual.is_file() else usual
