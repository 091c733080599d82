"""Options that a tool does not know are refused with its id, its name and the place in the XML; so are wrong names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kedge.tools.element import Element, parse_element
from kedge.tools.registry import MODULES, find_tool
from tests.tools.configurations import CONFIGURATIONS, wired

if TYPE_CHECKING:
    from collections.abc import Iterator

FREE = {"Passwords", "Layout", "TempFile", "TempFileDataProfiling", "NumRows", "AllowShareWrite", "SingleThreadRead"}
FREE |= {"QuoteRecordBreak", "Priority", "Transient"}
WOBBLE = Element("Wobble", text="x")


def configuration(plugin: str) -> Element:
    return parse_element(f"<Configuration>{CONFIGURATIONS[plugin]}</Configuration>", plugin)


def problem(plugin: str, changed: Element) -> str:
    flow, tool_id = wired(plugin, changed)
    found = [each for each in flow.check().problems if each.tool_id == tool_id]
    name = plugin if plugin.endswith(".yxmc") else plugin.rsplit(".", 1)[-1]
    assert all(str(each).startswith(f"{name} ({tool_id}, ") for each in found), found
    return "\n".join(each.text for each in found)


def with_change(root: Element, path: tuple[int, ...], changed: Element) -> Element:
    if not path:
        return changed
    place, *rest = path
    children = list(root.children)
    children[place] = with_change(children[place], tuple(rest), changed)
    return root.replace(children=tuple(children))


def places(root: Element, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Element]]:
    """Yield every element that means something, with its path by positions."""
    yield path, root
    for place, child in enumerate(root.children):
        if child.tag not in FREE:
            yield from places(child, (*path, place))


PLUGINS = sorted(CONFIGURATIONS)


def test_every_tool_is_here() -> None:
    every = {id(find_tool(name, name)) for name in MODULES}
    assert {id(find_tool(plugin, plugin)) for plugin in CONFIGURATIONS} == every


@pytest.mark.parametrize("plugin", PLUGINS)
class TestOptions:
    """Whatever is put into a configuration that holds."""

    def test_designers_own_is_accepted(self, plugin: str) -> None:
        found = problem(plugin, configuration(plugin))
        assert not found or "there is no file" in found

    def test_an_element_too_many_is_refused_wherever_it_stands(self, plugin: str) -> None:
        root = configuration(plugin)
        for path, item in places(root):
            changed = item.replace(children=(*item.children, WOBBLE))
            assert "Wobble" in problem(plugin, with_change(root, path, changed)), item.tag

    def test_an_attribute_too_many_is_refused_wherever_it_stands(self, plugin: str) -> None:
        root = configuration(plugin)
        for path, item in places(root):
            changed = item.replace(attributes=(*item.attributes, ("wobble", "x")))
            found = problem(plugin, with_change(root, path, changed))
            assert "@wobble: this attribute is not known" in found, item.tag

    def test_what_is_no_truth_value_or_number_or_choice_is_refused(self, plugin: str) -> None:
        root = configuration(plugin)
        for path, item in places(root):
            value = item.get("value") if item.has("value") else item.text
            if (item.tag in CHOICES and value) or value in ("True", "False") or value.isdigit():
                changed = item.replace(text="Wobble")
                if item.has("value"):
                    changed = item.replace(attributes=(("value", "Wobble"),))
                found = problem(plugin, with_change(root, path, changed))
                assert "Wobble" in found, item.tag
                assert found.startswith("Configuration"), item.tag


CHOICES = {"Mode", "Operator", "OtherRows", "FieldType", "NewFieldAddOnPos", "ByName_ErrorMode", "ByName_OutputMode"}
CHOICES |= {"CartesianMode", "FindMode", "ReplaceMode", "ErrorWarn", "ErrorHandling", "Method", "RenameMode", "OnError"}
CHOICES |= {"When", "Type", "MultiFileType", "LineEndStyle", "ForceQuotes", "IgnoreQuotes", "Language", "FieldTypes"}


WAYS = {"option": ">{}<", "list": "<Field field='{}'/>", "expression": "[{}]"}


class TestNames:
    """A field name with two letters swapped, wherever a configuration names a field."""

    @pytest.mark.parametrize(
        ("plugin", "way"),
        [
            (plugin, way)
            for plugin in PLUGINS
            for way, pattern in WAYS.items()
            if pattern.format("Name") in CONFIGURATIONS[plugin]
        ],
    )
    def test_the_nearest_name_is_suggested(self, plugin: str, way: str) -> None:
        pattern = WAYS[way]
        text = CONFIGURATIONS[plugin].replace(pattern.format("Name"), pattern.format("Nmae"))
        found = problem(plugin, parse_element(f"<Configuration>{text}</Configuration>", plugin))
        assert "there is no field 'Nmae'; did you mean 'Name'?" in found
        assert "Configuration/" in found
