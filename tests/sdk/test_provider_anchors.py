"""What a tool may declare of its anchors."""

from __future__ import annotations

import json
from typing import Any

from kedge.sdk.anchors import InputAnchor, ToolAnchors, anchors_from_json, anchors_to_json, declared_anchors
from kedge.sdk.plugin import PluginV2

# What a tool class says, and what it means.
DECLARATIONS: list[tuple[dict[str, Any], ToolAnchors]] = [
    ({}, ToolAnchors(None, None)),
    ({"input_anchors": (), "output_anchors": ()}, ToolAnchors({}, ())),
    (
        {"input_anchors": "Input", "output_anchors": "Output"},
        ToolAnchors({"Input": InputAnchor()}, ("Output",)),
    ),
    (
        {"input_anchors": ["L", "R"], "output_anchors": ["J"]},
        ToolAnchors({"L": InputAnchor(), "R": InputAnchor()}, ("J",)),
    ),
    (
        {"input_anchors": {"L": InputAnchor(optional=True), "R": InputAnchor(allow_multiple=True)}},
        ToolAnchors({"L": InputAnchor(True, False), "R": InputAnchor(False, True)}, None),
    ),
]


def test_a_declaration_is_read_from_the_class_and_travels_as_json() -> None:
    for members, anchors in DECLARATIONS:
        tool = type("Tool", (PluginV2,), members)
        assert declared_anchors(tool) == anchors
        assert anchors_from_json(json.loads(json.dumps(anchors_to_json(anchors)))) == anchors


def test_a_class_that_knows_nothing_of_declarations_has_none() -> None:
    assert declared_anchors(object) == ToolAnchors(None, None)
