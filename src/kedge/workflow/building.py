"""What a tool that is added in Python may be given as: short plugin names, configurations as XML text or mappings."""

from __future__ import annotations

__all__ = ["configuration_element", "plugin_string"]

from collections.abc import Mapping
from typing import Any

from kedge.exceptions import UsageError
from kedge.tools.element import Element, parse_element

Configuration = Element | str | Mapping[str, Any]


def configuration_element(given: Configuration) -> Element:
    """Return a ``Configuration`` element.

    ``given`` is such an element, XML text with or without the root ``Configuration``, or a mapping in the form of
    ``provider.tool_config``. Raises ``UsageError`` for what is none of these.
    """
    if isinstance(given, Element):
        return given.replace(tag="Configuration")
    if isinstance(given, Mapping):
        from kedge.sdk.tool_config import config_to_xml

        return parse_element(config_to_xml(given), "the configuration")
    text = given.strip()
    whole = text if text.startswith(("<Configuration", "<?xml")) else f"<Configuration>{given}</Configuration>"
    found = parse_element(whole, "the configuration")
    if found.tag != "Configuration":
        raise UsageError(f"the configuration's root element is <{found.tag}>, it must be <Configuration>")
    return found


def plugin_string(name: str) -> str:
    """Return the plugin string of a standard tool that is named by its last part, as ``Filter``; else ``name``."""
    if not name or "." in name:
        return name
    from kedge.tools.registry import plugin_names

    return plugin_names().get(name, name)
