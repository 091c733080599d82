"""What engines read about a package and its tools, made from ``ayx_workspace.json``.

``configuration/Config.xml`` describes the package; a folder for each tool holds ``<folder>Config.xml``, by which
Designer shows the tool and its anchors, and ``manifest.json``, by which it starts the tool's process. Formats: as the
files of published tools have them.
"""

from __future__ import annotations

__all__ = ["Refresh", "package_config", "refresh_config_files", "tool_config", "tool_manifest"]

import json
from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import UsageError
from kedge.host.atomic_file import AtomicFile
from kedge.tools.element import COMMENT, Element, element, parse_element, render_element

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kedge.workspace.project import AnchorDescription, Workspace, WorkspaceTool

_GENERATED = "Generated from ayx_workspace.json; changes here are lost."
_OTHER_GENERATED = "FILE AUTOMATICALLY GENERATED"
_SDK_VERSION = "2.2.0"
"""The version of the SDK interface that the tools are for, as published tools name it."""
_GUI_VERSION = "10.1"


class Refresh(NamedTuple):
    """What became of the files: those written, and those of other makes that were left as they are."""

    written: tuple[Path, ...]
    left: tuple[Path, ...]


def refresh_config_files(workspace: Workspace, *, write: bool = False) -> Refresh:
    """Bring the configuration files of a workspace to what its ``ayx_workspace.json`` says.

    A file that says the same already is not touched, nor, without ``write``, is one that no program generated. Raises
    UsageError where a file cannot be written.
    """
    stale = {path: text for path, text in _files(workspace).items() if not _says_the_same(path, text)}
    left = {path for path in stale if not write and path.is_file() and not _is_generated(path)}
    for path, text in stale.items():
        if path not in left:
            _write(path, text)
    return Refresh(tuple(path for path in stale if path not in left), tuple(sorted(left)))


def tool_config(workspace: Workspace, tool: WorkspaceTool) -> str:
    """Return the text of a tool's ``…Config.xml``."""
    custom = (_value("Version", _SDK_VERSION), _value("ToolVersion", tool.version))
    gui = {"Html": "index.html", "Icon": workspace.paths(tool).icon.name, "SDKVersion": _GUI_VERSION}
    return _document(
        element(
            "EngineSettings",
            {
                "EngineDll": "SdkEnginePlugin.dll",
                "EngineDllEntryPoint": "SdkEnginePlugin",
                "SDKVersion": _GUI_VERSION,
            },
        ),
        element("SdkSettings", {"Manifest": "True", "Language": "Python"}, element("CustomParameters", {}, *custom)),
        element(
            "GuiSettings",
            gui | ({"Help": tool.help_url} if tool.help_url else {}),
            _connections("InputConnections", tool.input_anchors),
            _connections("OutputConnections", tool.output_anchors),
        ),
        _meta_info(
            Name=tool.long_name or tool.name,
            RootToolName=tool.long_name or tool.name,
            Description=tool.description,
            ToolVersion=tool.version,
            DcmNamespace=tool.dcm_namespace,
            CategoryName=workspace.tool_category,
            SearchTags=", ".join(tool.search_tags),
            Author=workspace.author,
            Company=workspace.company,
            Copyright=workspace.copyright,
        ),
    )


def package_config(workspace: Workspace) -> str:
    """Return the text of the package's ``Config.xml``."""
    return _document(
        element("EngineSettings", {"EngineDLL": "Python", "SDKVersion": _GUI_VERSION}),
        _meta_info(
            Name=workspace.name,
            RootToolName=workspace.name,
            Description=workspace.description,
            CategoryName=workspace.tool_category,
            ToolVersion=workspace.tool_version,
            DcmNamespace="",
            Author=workspace.author,
            Company=workspace.company,
            Copyright=workspace.copyright,
            Icon=workspace.package_icon.name,
        ),
    )


def tool_manifest(workspace: Workspace, tool: WorkspaceTool) -> str:
    """Return the text of a tool's ``manifest.json``: the command is ``main.pyz`` with the module and the class."""
    manifest = {
        "version": workspace.python_version,
        "entry_point": f"{tool.folder_name}\\main.pyz",
        "tool_package": tool.module,
        "tool_name": tool.class_name,
    }
    return json.dumps(manifest, indent=4) + "\n"


def _files(workspace: Workspace) -> dict[Path, str]:
    files = {workspace.configuration / "Config.xml": package_config(workspace)}
    for tool in workspace.tools.values():
        paths = workspace.paths(tool)
        files[paths.config_file] = tool_config(workspace, tool)
        files[paths.manifest] = tool_manifest(workspace, tool)
    return files


def _document(*children: Element) -> str:
    root = element("AlteryxJavaScriptPlugin", {}, *children)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<!-- {_GENERATED} -->\n{render_element(root)}\n'


def _connections(tag: str, anchors: Mapping[str, AnchorDescription]) -> Element:
    return element(tag, {}, *(_connection(name, anchor) for name, anchor in anchors.items()))


def _connection(name: str, anchor: AnchorDescription) -> Element:
    attributes = {
        "Name": name,
        "AllowMultiple": str(anchor.allow_multiple),
        "Optional": str(anchor.optional),
        "Type": "Connection",
        "Label": anchor.label,
    }
    return element("Connection", attributes)


def _meta_info(**texts: str) -> Element:
    items = (element(tag, text=text) for tag, text in texts.items())
    return element("Properties", {}, element("MetaInfo", {}, *items))


def _value(tag: str, value: str) -> Element:
    return element(tag, {"Value": value})


def _says_the_same(path: Path, text: str) -> bool:
    """Whether the file says what ``text`` does, however it is laid out."""
    if not path.is_file():
        return False
    try:
        if path.suffix == ".json":
            return bool(json.loads(path.read_bytes()) == json.loads(text))
        return _plain(parse_element(path.read_bytes(), str(path))) == _plain(parse_element(text, ""))
    except (UsageError, ValueError):
        return False


def _plain(part: Element) -> Element:
    """Without comments, and with the attributes in one order."""
    children = tuple(_plain(child) for child in part.children if child.tag != COMMENT)
    return Element(part.tag, tuple(sorted(part.attributes)), part.text.strip(), children)


def _is_generated(path: Path) -> bool:
    """Whether a program made the file, and says so; a manifest has no place to say it, and nothing of its own."""
    text = path.read_text("utf-8", "replace")
    return path.suffix == ".json" or _GENERATED in text or _OTHER_GENERATED in text


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    file = AtomicFile(path)
    try:
        file.stream.write(text.encode())
        file.commit()
    finally:
        file.discard()
