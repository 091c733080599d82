"""From a configuration to the model of the settings, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from kedge.exceptions import SettingsError
from kedge.sdk.settings.schema import described, holds_secret, schema_at
from kedge.sdk.settings.shapes import shaped
from kedge.sdk.settings.upgrading import upgraded
from kedge.sdk.settings.wording import allowed, is_secret

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["read_settings"]

M = TypeVar("M", bound=BaseModel)

_ROOT = "Configuration"
_OWN_WORDS = ("value_error", "assertion_error")
_LONGEST = 60


def read_settings(model: type[M], config: Mapping[str, Any]) -> M:
    """The settings that a configuration holds, upgraded to the model's version; ``config`` is a ``tool_config``.

    Raises SettingsError with every problem: XML path, value, and what is allowed.
    """
    problems: list[str] = []
    given = shaped(model, upgraded(model, config), _ROOT, problems)
    try:
        settings = model.model_validate(given)
    except ValidationError as error:
        problems += dict.fromkeys(_problem(details, given, model) for details in error.errors(include_url=False))
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _problem(details: ErrorDetails, given: Any, model: type[BaseModel]) -> str:
    steps = _steps(details["loc"], given)
    path = _ROOT + "".join(f"[{step + 1}]" if isinstance(step, int) else f"/{step}" for step in steps)
    root = described(model)
    schema = schema_at(root, steps) if steps else None
    what = f"; allowed: {words}" if schema is not None and (words := allowed(schema, root)) else ""
    if details["type"] == "missing":
        return f"{path} is missing{what}"
    secret = holds_secret(model) if schema is None else is_secret(schema, root)
    value = "a secret" if secret else _shown(details["input"])
    if details["type"] in _OWN_WORDS:
        said = details["msg"].partition(", ")[2] or details["msg"]
        return f"{path}: {said}" if isinstance(details["input"], BaseModel | Mapping) else f"{path} is {value}: {said}"
    return f"{path} is {value}{what}" if what else f"{path} is {value}: {details['msg']}"


def _steps(location: tuple[int | str, ...], given: Any) -> list[str | int]:
    """A place in the configuration: pydantic's, without the names of a union's members."""
    steps: list[str | int] = []
    for number, step in enumerate(location):
        is_last = number == len(location) - 1
        if isinstance(given, Mapping) and isinstance(step, str) and (step in given or is_last):
            steps.append(step)
            given = given.get(step)
        elif isinstance(given, list | tuple) and isinstance(step, int) and step < len(given):
            steps.append(step)
            given = given[step]
    return steps


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "empty"
    if isinstance(value, Mapping):
        return f"an element with {', '.join(map(str, value)) or 'nothing in it'}"
    if isinstance(value, list):
        return f"there {len(value)} times" if value else "not there"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
