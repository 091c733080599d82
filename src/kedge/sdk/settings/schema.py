"""The JSON Schema of a model of settings, and the same as a list of settings for people."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema

from kedge.sdk.settings.upgrading import settings_version
from kedge.sdk.settings.wording import Schema, children, is_secret, kind, limits, resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel
    from pydantic_core import core_schema

__all__ = ["SettingRow", "described", "holds_secret", "schema_at", "setting_rows", "settings_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION_KEY = "x-settings-version"

_DECIMAL_LIMITS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "decimal_places": "x-decimal-places",
    "max_digits": "x-digits",
}


class _Generator(GenerateJsonSchema):
    """As pydantic has it, but that a decimal is a number, and not either a number or a text."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> dict[str, Any]:
        """A number with the format ``decimal``; ``x-decimal-places`` and ``x-digits`` are the most that it has."""
        found: dict[str, Any] = {"type": "number", "format": "decimal"}
        given: dict[str, Any] = {**schema}
        for key, name in _DECIMAL_LIMITS.items():
            if (limit := given.get(key)) is not None:
                found[name] = int(limit) if limit == int(limit) else float(limit)
        return found


class SettingRow(NamedTuple):
    """One setting, for people: ``path`` below Configuration, and the rest in words."""

    path: str
    kind: str
    default: str
    allowed: str
    description: str


@cache
def settings_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a model, with elements under the names that they have in a configuration.

    ``x-settings-version`` is the version of the settings. Raises what pydantic raises for a type that no schema
    describes.
    """
    schema = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    return {"$schema": DIALECT, VERSION_KEY: settings_version(model), **schema}


def described(model: type[BaseModel]) -> Schema:
    """The JSON Schema of a model; an empty one where a type of it has none."""
    try:
        return settings_schema(model)
    except PydanticInvalidForJsonSchema:
        return {}


def holds_secret(model: type[BaseModel]) -> bool:
    """Whether a secret may be somewhere in a model, so that a value whose place is not known is better not shown."""
    schema = described(model)
    return not schema or "'writeOnly': True" in repr(schema)


def schema_at(root: Schema, steps: list[str | int]) -> Schema | None:
    """The schema of an element below ``root``; None where the schema says nothing of it."""
    found: list[Schema] = [root]
    for step in steps:
        found = [inner for each in found for part in children(each, root) for inner in _below(part, step)]
    return resolved(found[0], root) if found else None


def setting_rows(model: type[BaseModel]) -> list[SettingRow]:
    """Every setting of a model, those of groups under ``Group/Name``, of repeated groups under ``Group[]/Name``."""
    root = settings_schema(model)
    return list(_rows(root, root, "", ()))


def _below(schema: Schema, step: str | int) -> Iterator[Schema]:
    if isinstance(step, int):
        prefix = schema.get("prefixItems", [])
        if step < len(prefix):
            yield prefix[step]
        elif "items" in schema:
            yield schema["items"]
    elif step in schema.get("properties", {}):
        yield schema["properties"][step]
    elif isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"]


def _rows(schema: Schema, root: Schema, path: str, around: tuple[str, ...]) -> Iterator[SettingRow]:
    """The rows below a group; ``around`` are the groups that it is in, for one may hold itself."""
    for name, reference in schema.get("properties", {}).items():
        of_element = resolved(reference, root)
        here = f"{path}{name}"
        default = _default(of_element, name in schema.get("required", ()), root)
        words = limits(of_element, root) if kind(of_element, root) != "group" else ""
        yield SettingRow(here, kind(of_element, root), default, words, of_element.get("description", ""))
        for part in children(of_element, root):
            repeated = part.get("type") == "array"
            inner = resolved(part.get("items", {}), root) if repeated else part
            title = json.dumps(inner, sort_keys=True, default=str)
            if "properties" in inner and title not in around:
                yield from _rows(inner, root, f"{here}{'[]' if repeated else ''}/", (*around, title))


def _default(schema: Schema, required: bool, root: Schema) -> str:
    if required:
        return "required"
    if "default" not in schema:
        return ""
    value = schema["default"]
    if value is None or value == []:
        return "nothing"
    if is_secret(schema, root):
        return "secret"
    return str(value) if isinstance(value, str | bool) else json.dumps(value, ensure_ascii=False)
