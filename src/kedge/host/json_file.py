"""Read a JSON file that people write, with errors that say where."""

from __future__ import annotations

__all__ = ["JsonObject", "expect", "read_json_object"]

import json
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from pathlib import Path

JsonObject: TypeAlias = dict[str, Any]
T = TypeVar("T")

_NAMES = {dict: "an object", list: "a list", str: "a text", type(None): "null", bool: "true or false"}


def read_json_object(path: Path) -> JsonObject:
    """Return the object that the file holds.

    Raises UsageError, with line and column, for a file that is missing, not JSON, not an object, or names a key twice.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    try:
        value = json.loads(text, object_pairs_hook=_without_repeated_keys)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}, line {error.lineno}, column {error.colno}: {error.msg}") from None
    except _RepeatedKeyError as repeated:
        raise UsageError(f"{path} names the key {repeated} twice in one object; keep one") from None
    return expect(value, dict, f"{path}", "the file")


def expect(value: object, kind: type[T], path: str, place: str) -> T:
    """Return ``value`` if it is a ``kind``; raise UsageError that says what stands at ``place`` instead."""
    if isinstance(value, kind):
        return value
    found = _NAMES.get(type(value), "a number")
    raise UsageError(f"{path}: {place} must be {_NAMES[kind]}, but is {found}")


class _RepeatedKeyError(ValueError):
    """An object names a key twice."""


def _without_repeated_keys(pairs: list[tuple[str, object]]) -> JsonObject:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(repr(next(key for key in keys if keys.count(key) > 1)))
    return result
