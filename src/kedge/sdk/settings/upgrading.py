"""Configurations of older versions, brought up to date step by step."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kedge.exceptions import SettingsError
from kedge.sdk.tool_config import VERSION_ELEMENT

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["settings_version", "upgraded"]


def settings_version(model: type[BaseModel]) -> int:
    """The version of a model: 1, and one more for each of its ``upgrades``.

    ``upgrades`` is a sequence of functions. The first takes the dict of a configuration of version 1, and returns that
    of version 2, and so on.
    """
    return 1 + len(getattr(model, "upgrades", ()))


def upgraded(model: type[BaseModel], config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration in the model's version, without the element that says so; ``config`` stays as it is.

    Raises SettingsError for a version that is none or that is newer than the model's, and TypeError for an upgrade that
    returns no dict. What an upgrade raises passes: its author has to act.
    """
    changed = copy.deepcopy(dict(config))
    version = _version(changed.pop(VERSION_ELEMENT, "1"), settings_version(model))
    for number, upgrade in list(enumerate(getattr(model, "upgrades", ()), 1))[version - 1 :]:
        result = upgrade(changed)
        if not isinstance(result, Mapping):
            name = getattr(upgrade, "__qualname__", repr(upgrade))
            raise TypeError(
                f"the upgrade of {model.__qualname__} from version {number}, {name}, must return the dict of the new "
                f"configuration, not {type(result).__name__}"
            )
        changed = dict(result)
    return changed


def _version(written: object, known: int) -> int:
    if not isinstance(written, str) or not written.strip().isdecimal() or int(written) < 1:
        raise SettingsError((f"Configuration/{VERSION_ELEMENT} is {written!r}; allowed: whole number, 1 to {known}",))
    if int(written) > known:
        raise SettingsError(
            (
                f"Configuration/{VERSION_ELEMENT} is {written!r}: the configuration was written by a newer version of "
                f"the tool, and this one knows settings up to version {known}: update the tool",
            )
        )
    return int(written)
