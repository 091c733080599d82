"""Workflows built in Python."""

from __future__ import annotations

import pytest

from kedge.exceptions import UsageError
from kedge.tools.element import parse_element
from kedge.workflow.workflow import Workflow

CONFIGURATION = "<Configuration><Mode>Custom</Mode><Expression>[n] &gt; 1</Expression></Configuration>"


class TestAdd:
    """What a plugin and a configuration may be given as."""

    @pytest.mark.parametrize(
        "given",
        [
            CONFIGURATION,
            CONFIGURATION.removeprefix("<Configuration>").removesuffix("</Configuration>"),
            {"Mode": "Custom", "Expression": "[n] > 1"},
            parse_element(CONFIGURATION, "test"),
        ],
        ids=["xml", "fragment", "mapping", "element"],
    )
    def test_every_form_makes_the_same_node(self, given: object) -> None:
        flow, tool = Workflow().add("Filter", given)  # type: ignore[arg-type]
        node = flow.document.node(tool)
        assert node.plugin == "AlteryxBasePluginsGui.Filter.Filter"
        assert node.configuration == parse_element(CONFIGURATION, "test")

    def test_an_authors_tool_keeps_its_name(self) -> None:
        flow, tool = Workflow().add("Filter", EngineDll="SdkEnginePlugin.dll")
        assert flow.document.node(tool).plugin == "Filter"

    def test_another_root_is_the_callers_error(self) -> None:
        with pytest.raises(UsageError, match="XML"):
            Workflow().add("Filter", "<Configuration>")
        with pytest.raises(UsageError, match="must be <Configuration>"):
            Workflow().add("Filter", "<?xml version='1.0'?><Other/>")
