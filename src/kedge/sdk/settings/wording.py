"""A JSON Schema in words: what kind of value it asks for, and within which limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

__all__ = ["Schema", "allowed", "children", "is_secret", "kind", "limits", "resolved"]

Schema: TypeAlias = Mapping[str, Any]

_FORMATS = {
    "date": "date (2026-12-31)",
    "date-time": "date and time (2026-12-31T13:45:00)",
    "time": "time (13:45:00)",
    "duration": "duration (PT1H30M)",
    "decimal": "decimal number",
    "password": "secret",
    "uuid": "UUID",
    "path": "path",
    "file-path": "path of a file that is there",
    "directory-path": "path of a folder that is there",
    "uri": "web address",
    "email": "e-mail address",
}
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "boolean": "True or False",
    "string": "text",
    "null": "nothing",
}
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "above {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
    "x-decimal-places": "at most {} decimal places",
    "x-digits": "at most {} digits",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matching {}",
    "minItems": "at least {} elements",
    "maxItems": "at most {} elements",
}


def resolved(schema: Schema, root: Schema) -> Schema:
    """A schema without references: what it refers to, with what it says itself."""
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = {**root["$defs"][name], **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def children(schema: Schema, root: Schema) -> Iterable[Schema]:
    """The alternatives of a schema, references resolved; the schema itself where it has none."""
    schema = resolved(schema, root)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            for each in schema[key]:
                yield from children(each, root)
            return
    yield schema


def is_secret(schema: Schema, root: Schema) -> bool:
    """Whether a value of the schema must not be shown."""
    return any(each.get("format") == "password" or each.get("writeOnly") for each in children(schema, root))


def kind(schema: Schema, root: Schema) -> str:
    """The kind of value: ``number``, ``list of text``, ``choice``, ``group``."""
    return " or ".join(dict.fromkeys(_kind(each, root) for each in children(schema, root)))


def limits(schema: Schema, root: Schema) -> str:
    """What a value is limited to: the choices, a range, a length; empty where it is not."""
    return " or ".join(dict.fromkeys(filter(None, (_limits(each, root) for each in children(schema, root)))))


def allowed(schema: Schema, root: Schema) -> str:
    """Kind and limits in one; of a choice the choices alone."""
    parts = []
    for each in children(schema, root):
        what, within = _kind(each, root), _limits(each, root)
        parts.append(within if what == "choice" else ", ".join(filter(None, (what, within))))
    return " or ".join(dict.fromkeys(parts))


def _kind(schema: Schema, root: Schema) -> str:
    if "enum" in schema or "const" in schema:
        return "choice"
    if schema.get("type") == "array":
        items: list[Schema] = [schema["items"]] if "items" in schema else schema.get("prefixItems", [])
        return f"list of {' and '.join(dict.fromkeys(kind(item, root) for item in items)) or 'value'}"
    if schema.get("type") == "object" or "properties" in schema:
        return "group"
    return _FORMATS.get(schema.get("format", ""), _TYPES.get(schema.get("type", ""), "value"))


def _limits(schema: Schema, root: Schema) -> str:
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if choices:
        return _listed([repr(str(choice)) for choice in choices])
    if "properties" in schema:
        return _listed(list(schema["properties"]), "and")
    own = [words.format(_short(schema[key])) for key, words in _LIMITS.items() if key in schema]
    if "items" in schema and (of_items := limits(schema["items"], root)):
        own.append(f"each {of_items}")
    return ", ".join(own)


def _short(limit: Any) -> Any:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _listed(words: list[str], last: str = "or") -> str:
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))
