"""What a form has a place for: the settings of a tool, from their JSON Schema."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from kedge.sdk.settings.wording import allowed, children, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.sdk.settings.wording import Schema

__all__ = ["Control", "controls_of"]

_BY_FORMAT = {
    "date": "date",
    "date-time": "datetime",
    "time": "time",
    "password": "secret",
    "decimal": "decimal",
}
_BY_TYPE = {"integer": "integer", "number": "number", "boolean": "flag", "string": "text"}
_LIMITS = {
    "minimum": "min",
    "maximum": "max",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "multipleOf": "step",
    "minLength": "minlength",
    "maxLength": "maxlength",
    "pattern": "pattern",
    "minItems": "minitems",
    "maxItems": "maxitems",
    "x-decimal-places": "places",
}


class Control(NamedTuple):
    """One place of a form.

    ``kind`` is text, secret, number, integer, decimal, flag, choice, date, datetime, time; group (a fieldset with
    ``children``), list (its one child is repeated), or other: a setting of a shape that a form has no place for.
    ``default`` is JSON of what an element that is missing stands for, in texts; ``limits`` are in the names of
    ``data-`` attributes.
    """

    kind: str
    name: str
    label: str
    description: str = ""
    allowed: str = ""
    required: bool = False
    nullable: bool = False
    default: str = "null"
    choices: tuple[str, ...] = ()
    limits: Mapping[str, str] = {}
    children: tuple[Control, ...] = ()


def controls_of(root: Schema) -> tuple[Control, ...]:
    """The controls for the settings that a JSON Schema describes, as ``settings_schema`` makes it."""
    return _members(root, root, (json.dumps(root.get("properties"), sort_keys=True),))


def _members(schema: Schema, root: Schema, around: tuple[str, ...]) -> tuple[Control, ...]:
    required = schema.get("required", ())
    return tuple(
        _control(name, each, root, around, required=name in required)
        for name, each in schema.get("properties", {}).items()
    )


def _control(name: str, schema: Schema, root: Schema, around: tuple[str, ...], *, required: bool) -> Control:
    whole = resolved(schema, root)
    parts = [part for part in children(schema, root) if part.get("type") != "null"]
    nullable = len(parts) < sum(1 for _ in children(schema, root))
    control = Control(
        kind="other",
        name=name,
        label=_label(name, schema.get("title", "")),
        description=schema.get("description") or whole.get("description", "") if "$ref" not in schema else "",
        allowed=allowed(schema, root),
        required=required,
        nullable=nullable,
        default=json.dumps(_texts(whole.get("default")), ensure_ascii=False),
    )
    if len(parts) == 1:
        return _of_one_kind(control, parts[0], root, around)
    return control._replace(kind="text") if parts and all(part.get("type") in _BY_TYPE for part in parts) else control


def _label(name: str, title: str) -> str:
    """The title that the author gave, or the name in words: ``At least`` for ``AtLeast``."""
    if title and title != name.title().replace("_", " ").strip():
        return title
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name.lstrip("@#")).strip()
    return words[:1].upper() + words[1:].lower() if not words.isupper() else words


def _of_one_kind(control: Control, schema: Schema, root: Schema, around: tuple[str, ...]) -> Control:
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if choices:
        return control._replace(kind="choice", choices=tuple(_texts(choices)))
    limits = {name: str(schema[key]) for key, name in _LIMITS.items() if key in schema}
    if "properties" in schema:
        return _group(control, schema, root, around)
    if schema.get("type") == "array" and "items" in schema:
        item = _control("", schema["items"], root, around, required=False)
        if item.kind in ("other", "list"):
            return control
        return control._replace(kind="list", children=(item._replace(label=control.label),), limits=limits)
    kind = _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", ""), "other"))
    default = "null" if kind == "secret" else control.default  # a schema hides it
    return control._replace(kind=kind, limits=limits, default=default)


def _group(control: Control, schema: Schema, root: Schema, around: tuple[str, ...]) -> Control:
    """A fieldset; a group that holds itself has no end, and so no place."""
    mark = json.dumps(schema["properties"], sort_keys=True)
    if mark in around:
        return control
    members = _members(schema, root, (*around, mark))
    return control._replace(kind="group", children=members)


def _texts(value: Any) -> Any:
    """A JSON value as a configuration has it."""
    if isinstance(value, dict):
        return {name: _texts(content) for name, content in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return None if value is None else str(value)
