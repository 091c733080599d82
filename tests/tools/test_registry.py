from __future__ import annotations

import importlib
import pkgutil

import kedge.tools
from kedge.tools.contract import Tool
from kedge.tools.registry import MODULES, find_tool


class TestModules:
    """The registry names every tool of the package, under every name that it answers to."""

    def test_names_every_tool(self) -> None:
        found = {}
        for module in pkgutil.iter_modules(kedge.tools.__path__):
            tool = getattr(importlib.import_module(f"kedge.tools.{module.name}"), "TOOL", None)
            if isinstance(tool, Tool):
                found.update(dict.fromkeys(tool.plugins, module.name))
        assert found == MODULES

    def test_finds_a_macro_by_the_name_of_its_file_in_any_case(self) -> None:
        found = find_tool("", r"..\Macros\CLEANSE.yxmc")
        assert found is not None
        assert "Cleanse.yxmc" in found.plugins

    def test_knows_no_other_names(self) -> None:
        assert find_tool("AlteryxBasePluginsGui.Filter.filter", "") is None
        assert find_tool("", "Sort.yxmc") is None
