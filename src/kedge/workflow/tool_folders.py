"""Folders of tools as packages hold them: ``…Config.xml`` with ``main.pyz`` or Python files; and where they are kept.

``kedge install`` unpacks each package into a folder of its own in the tool folder, which is ``KEDGE_TOOLS`` where that
is set, else one for the user's data, as each system has it.
"""

from __future__ import annotations

__all__ = [
    "CustomTool",
    "bare_name",
    "folder_tool",
    "in_folder",
    "installed_packages",
    "python_path",
    "same_tool",
    "tool_folder",
]

import json
import os
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from kedge.exceptions import WorkflowError
from kedge.host.target import ToolTarget, resolve_target
from kedge.tools.contract import Input, Order
from kedge.tools.element import parse_element

if TYPE_CHECKING:
    from kedge.tools.element import Element

_VERSION = re.compile(r"(_v?\d+([._]\d+)*)$")
_SERVE = "start-sdk-tool-service"
_USUAL_PACKAGE = "ayx_plugins"


@dataclass(frozen=True)
class CustomTool:
    """How to serve a custom tool, and its anchors; ``described`` is whether anything says them."""

    target: ToolTarget
    inputs: tuple[Input, ...] = ()
    outputs: tuple[str, ...] = ()
    described: bool = False


def tool_folder() -> Path:
    """The folder that holds the installed packages of this user; it need not be there."""
    given = os.environ.get("KEDGE_TOOLS")
    return Path(given) if given else platformdirs.user_data_path("kedge", appauthor=False) / "tools"


def installed_packages(folder: Path) -> list[Path]:
    """The folders of the packages in a tool folder, by name; those that begin with a dot are not whole yet."""
    if not folder.is_dir():
        return []
    return sorted(item for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))


def same_tool(name: str, plugin: str) -> bool:
    """Whether a tool's name is that of a plugin; either may carry a version, as ``Clean_1_0``."""
    return name.casefold() == plugin.casefold() or bare_name(name).casefold() == bare_name(plugin).casefold()


def bare_name(name: str) -> str:
    """A plugin's name without the version that it may carry."""
    return _VERSION.sub("", name)


def in_folder(plugin: str, folder: Path, entry: str = "") -> CustomTool | None:
    r"""The tool that a folder in ``folder`` holds; ``entry`` is the ``folder\\file.py`` of a tool of the first SDK."""
    if not folder.is_dir():
        return None
    name = entry.replace("\\", "/").split("/")[0] or plugin
    places = [item for item in sorted(folder.iterdir()) if item.is_dir() and same_tool(item.name, name)]
    places.sort(key=lambda item: item.name.casefold() != name.casefold())  # that version before others
    return folder_tool(places[0], bare_name(plugin), entry) if places else None


def folder_tool(place: Path, class_name: str, entry: str = "") -> CustomTool | None:
    """The tool that ``place`` itself holds; None where there is nothing in it that can be served.

    A ``manifest.json`` may name the package and the class (``tool_package``, ``tool_name``). Raises UsageError for a
    ``…Config.xml`` that is no XML, WorkflowError for a manifest that is no JSON object.
    """
    target = _served(place, class_name, entry)
    if target is None:
        return None
    config = next(iter(sorted(place.glob("*Config.xml"))), None)
    return _described(target, parse_element(config.read_bytes(), str(config))) if config else CustomTool(target)


def python_path(folder: Path) -> dict[str, str]:
    """The environment in which ``folder`` comes first on Python's path."""
    known = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), known)))}


def _served(place: Path, class_name: str, entry: str) -> ToolTarget | None:
    archive = place / "main.pyz"
    if archive.is_file():
        package, tool = _named_in_manifest(place / "manifest.json")
        command = (sys.executable, str(archive), _SERVE, package or _USUAL_PACKAGE, tool or class_name)
        return resolve_target(command)
    names = [entry.replace("\\", "/").rsplit("/", 1)[-1]] if entry else []
    for name in (*names, "main.py", f"{class_name}.py", f"{class_name.lower()}.py", f"{_USUAL_PACKAGE}/__init__.py"):
        path = place / name
        if not path.is_file() or not class_name.isidentifier():
            continue
        if path.name == "__init__.py":
            return replace(resolve_target(f"{_USUAL_PACKAGE}:{class_name}"), environment=python_path(place))
        return resolve_target(f"{path}:{_class_in(path, class_name)}")
    return None


def _class_in(path: Path, class_name: str) -> str:
    """Tools of the first SDK call their class ``AyxPlugin``, whatever the tool is called."""
    text = path.read_text(encoding="utf-8", errors="replace")
    first = re.search(r"^class AyxPlugin\b", text, re.MULTILINE)
    named = re.search(rf"^class {re.escape(class_name)}\b", text, re.MULTILINE)
    return "AyxPlugin" if first and not named else class_name


def _named_in_manifest(path: Path) -> tuple[str, str]:
    """The package and the class, each empty where the manifest is missing or does not say."""
    if not path.is_file():
        return "", ""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8-sig"))
        return str(manifest.get("tool_package", "")), str(manifest.get("tool_name", ""))
    except (ValueError, AttributeError) as fault:
        raise WorkflowError(f"{path}: this is no JSON object: {fault}") from None


def _described(target: ToolTarget, config: Element) -> CustomTool:
    """Read the anchors from a tool's ``Config.xml``."""
    inputs = tuple(
        Input(item.get("Name"), Order.USED, _is_true(item, "Optional"), _is_true(item, "AllowMultiple"))
        for item in config.all("GuiSettings/InputConnections/Connection")
    )
    outputs = tuple(item.get("Name") for item in config.all("GuiSettings/OutputConnections/Connection"))
    return CustomTool(target, inputs, outputs, described=True)


def _is_true(item: Element, name: str) -> bool:
    return item.get(name).casefold() == "true"
