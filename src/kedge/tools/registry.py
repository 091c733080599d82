"""Which standard tool answers to which plugin string or macro. Adding a tool is adding a module and its line here.

Only the modules of the tools that a workflow has are loaded: all of them take a tenth of a second.
"""

from __future__ import annotations

__all__ = ["MODULES", "find_tool", "is_documentation", "is_interface", "plugin_names"]

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.contract import Tool

MODULES: Final[Mapping[str, str]] = {
    "AlteryxBasePluginsGui.AppendFields.AppendFields": "append_fields",
    "AlteryxBasePluginsGui.AutoField.AutoField": "auto_field",
    "AlteryxBasePluginsGui.BlockUntilDone.BlockUntilDone": "block_until_done",
    "AlteryxBasePluginsGui.BrowseV2.BrowseV2": "browse",
    "AlteryxBasePluginsGui.CrossTab.CrossTab": "cross_tab",
    "AlteryxBasePluginsGui.DataCleanse.DataCleanse": "data_cleansing",
    "AlteryxBasePluginsGui.DataCleansing.DataCleansing": "data_cleansing",
    "AlteryxBasePluginsGui.DateTime.DateTime": "date_time",
    "AlteryxBasePluginsGui.DbFileInput.DbFileInput": "db_file_input",
    "AlteryxBasePluginsGui.DbFileOutput.DbFileOutput": "db_file_output",
    "AlteryxBasePluginsGui.DynamicRename.DynamicRename": "dynamic_rename",
    "AlteryxBasePluginsGui.DynamicSelect.DynamicSelect": "dynamic_select",
    "AlteryxBasePluginsGui.Filter.Filter": "filter",
    "AlteryxBasePluginsGui.FindReplace.FindReplace": "find_replace",
    "AlteryxBasePluginsGui.Formula.Formula": "formula",
    "AlteryxBasePluginsGui.GenerateRows.GenerateRows": "generate_rows",
    "AlteryxBasePluginsGui.Join.Join": "join",
    "AlteryxBasePluginsGui.JoinMultiple.JoinMultiple": "join_multiple",
    "AlteryxBasePluginsGui.MakeGroup.MakeGroup": "make_group",
    "AlteryxBasePluginsGui.Message.Message": "message",
    "AlteryxBasePluginsGui.MultiFieldFormula.MultiFieldFormula": "multi_field_formula",
    "AlteryxBasePluginsGui.MultiRowFormula.MultiRowFormula": "multi_row_formula",
    "AlteryxBasePluginsGui.RecordID.RecordID": "record_id",
    "AlteryxBasePluginsGui.RegEx.RegEx": "regex_tool",
    "AlteryxBasePluginsGui.RunningTotal.RunningTotal": "running_total",
    "AlteryxBasePluginsGui.Sample.Sample": "sample",
    "AlteryxBasePluginsGui.AlteryxSelect.AlteryxSelect": "select",
    "AlteryxBasePluginsGui.Sort.Sort": "sort",
    "AlteryxSpatialPluginsGui.Summarize.Summarize": "summarize",
    "AlteryxBasePluginsGui.Test.Test": "test",
    "AlteryxBasePluginsGui.TextInput.TextInput": "text_input",
    "AlteryxBasePluginsGui.TextToColumns.TextToColumns": "text_to_columns",
    "AlteryxBasePluginsGui.Tile.Tile": "tile",
    "AlteryxBasePluginsGui.Transpose.Transpose": "transpose",
    "AlteryxBasePluginsGui.Union.Union": "union",
    "AlteryxBasePluginsGui.Unique.Unique": "unique",
    "CountRecords.yxmc": "count_records",
    "Cleanse.yxmc": "data_cleansing",
    "DataCleansePro.yxmc": "data_cleansing",
    "SelectRecords.yxmc": "select_records",
}
"""The modules of this package by the plugin strings and the base names of the macros that their tools answer to."""

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


def find_tool(plugin: str, macro: str) -> Tool[Any] | None:
    """Return the standard tool for a node's plugin string, or for the base name of its macro's path."""
    module = _MODULES_BY_KEY.get(_key(plugin or macro.replace("\\", "/").rsplit("/", 1)[-1]))
    if module is None:
        return None
    tool: Tool[Any] = importlib.import_module(f"kedge.tools.{module}").TOOL
    return tool


def plugin_names() -> Mapping[str, str]:
    """Return the plugin strings of the standard tools by their last parts, as ``Filter``."""
    return {plugin.rsplit(".", 1)[-1]: plugin for plugin in MODULES if not plugin.endswith(".yxmc")}


def _key(name: str) -> str:
    """Macros are files, so their names are matched without case."""
    return name.lower() if name.lower().endswith(".yxmc") else name


_MODULES_BY_KEY: Final = {_key(name): module for name, module in MODULES.items()}


def is_documentation(plugin: str) -> bool:
    """Tell whether a node only documents or groups."""
    return plugin in DOCUMENTATION


def is_interface(plugin: str) -> bool:
    """Tell whether a node is an interface tool, which means something in macros and apps alone."""
    return plugin.startswith(INTERFACE_PREFIXES)
