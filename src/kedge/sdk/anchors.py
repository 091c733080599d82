"""What a tool may declare of its anchors.

Optional: a tool that declares nothing takes the anchors that the engine's configuration gives it. A declaration lets a
host refuse a wrong anchor name before anything runs, and lets ``kedge tool inspect`` tell what the tool takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

__all__ = ["InputAnchor", "ToolAnchors", "anchors_from_json", "anchors_to_json", "declared_anchors"]


class InputAnchor(NamedTuple):
    """What may be connected to an incoming anchor."""

    optional: bool = False
    allow_multiple: bool = False


class ToolAnchors(NamedTuple):
    """A tool's anchors, and the version of its settings; None for what the tool does not declare."""

    inputs: dict[str, InputAnchor] | None = None
    outputs: tuple[str, ...] | None = None
    settings_version: int | None = None


def declared_anchors(tool: type[Any]) -> ToolAnchors:
    """What ``input_anchors`` and ``output_anchors`` of a tool class say."""
    inputs, outputs = getattr(tool, "input_anchors", None), getattr(tool, "output_anchors", None)
    if inputs is not None and not isinstance(inputs, Mapping):
        inputs = {name: InputAnchor() for name in _names(inputs)}
    return ToolAnchors(
        None if inputs is None else dict(inputs),
        None if outputs is None else tuple(_names(outputs)),
        _settings_version(getattr(tool, "settings_class", None)),
    )


def anchors_to_json(anchors: ToolAnchors) -> dict[str, Any]:
    """The declaration as JSON values."""
    inputs = None if anchors.inputs is None else {name: anchor._asdict() for name, anchor in anchors.inputs.items()}
    outputs = None if anchors.outputs is None else list(anchors.outputs)
    return {"inputs": inputs, "outputs": outputs, "settings_version": anchors.settings_version}


def anchors_from_json(document: Mapping[str, Any]) -> ToolAnchors:
    """The declaration from JSON values, as :func:`anchors_to_json` makes them."""
    inputs, outputs = document.get("inputs"), document.get("outputs")
    return ToolAnchors(
        None if inputs is None else {name: InputAnchor(**anchor) for name, anchor in inputs.items()},
        None if outputs is None else tuple(outputs),
        document.get("settings_version"),
    )


def _names(names: Iterable[str]) -> Iterable[str]:
    return (names,) if isinstance(names, str) else names


def _settings_version(model: type[Any] | None) -> int | None:
    if model is None:
        return None
    from kedge.sdk.settings import settings_version

    return settings_version(model)
