"""Which standard tool answers to which plugin string or macro. Adding a tool is adding a module with a ``TOOL``."""

from __future__ import annotations

__all__ = ["find_tool", "is_documentation", "is_interface", "plugin_names", "standard_tools"]

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Any

import kedge.tools
from kedge.tools.contract import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENTATION = frozenset(
    {
        "AlteryxGuiToolkit.ToolContainer.ToolContainer",
        "AlteryxGuiToolkit.TextBox.TextBox",
        "AlteryxGuiToolkit.HtmlBox.HtmlBox",
        "AlteryxBasePluginsGui.ExplorerBox.ExplorerBox",
        "AlteryxGuiToolkit.ExplorerBox.ExplorerBox",
    }
)
INTERFACE_PREFIXES = (
    "AlteryxGuiToolkit.Questions.",
    "AlteryxGuiToolkit.Action.",
    "AlteryxGuiToolkit.Condition.",
    "AlteryxBasePluginsGui.Action.",
    "AlteryxBasePluginsGui.Condition.",
)


@cache
def standard_tools() -> Mapping[str, Tool[Any]]:
    """Return every standard tool by its plugin strings and macro base names; macro names are lower-case."""
    found: dict[str, Tool[Any]] = {}
    for module in pkgutil.iter_modules(kedge.tools.__path__, "kedge.tools."):
        tool = getattr(importlib.import_module(module.name), "TOOL", None)
        if isinstance(tool, Tool):
            found.update((_key(plugin), tool) for plugin in tool.plugins)
    return found


def find_tool(plugin: str, macro: str) -> Tool[Any] | None:
    """Return the standard tool for a node's plugin string, or for the base name of its macro's path."""
    if plugin:
        return standard_tools().get(_key(plugin))
    return standard_tools().get(_key(macro.replace("\\", "/").rsplit("/", 1)[-1]))


def plugin_names() -> Mapping[str, str]:
    """Return the plugin strings of the standard tools by their last parts, as ``Filter``."""
    return {plugin.rsplit(".", 1)[-1]: plugin for plugin in standard_tools() if not plugin.endswith(".yxmc")}


def _key(name: str) -> str:
    return name.lower() if name.lower().endswith(".yxmc") else name


def is_documentation(plugin: str) -> bool:
    """Tell whether a node only documents or groups."""
    return plugin in DOCUMENTATION


def is_interface(plugin: str) -> bool:
    """Tell whether a node is an interface tool, which means something in macros and apps alone."""
    return plugin.startswith(INTERFACE_PREFIXES)
