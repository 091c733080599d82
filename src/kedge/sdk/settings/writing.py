"""From the model of the settings to a configuration that reads as the same model again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretBytes, SecretStr

from kedge.exceptions import SettingsError, UsageError
from kedge.sdk.settings.reading import read_settings
from kedge.sdk.settings.schema import holds_secret
from kedge.sdk.settings.upgrading import settings_version
from kedge.sdk.tool_config import VERSION_ELEMENT, config_from_xml, config_to_xml

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["settings_to_config"]


def settings_to_config(settings: BaseModel, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The dict of a configuration with these settings, every one of them, secrets in plain text.

    A value that stood in an attribute ``value`` in the configuration ``before`` stands there again. ``SettingsVersion``
    is first, where the settings have had upgrades. Raises UsageError naming a setting that would read differently: XML
    has no way to write a list of one empty text, for instance.
    """
    model = type(settings)
    written = _texts(settings)
    version = settings_version(model)
    config = {**({VERSION_ELEMENT: str(version)} if version > 1 else {}), **_as_before(written, before or {})}
    again = _read_again(model, config)
    if different := next(_differences(written, again, "Configuration"), None):
        raise UsageError(
            f"{different[0]} cannot be written as XML: {_shown(settings, different[1])} would be read as "
            f"{_shown(settings, different[2])}"
        )
    return config


def _read_again(model: type[BaseModel], config: Mapping[str, Any]) -> Any:
    try:
        return _texts(read_settings(model, config_from_xml(config_to_xml(config))))
    except SettingsError as error:
        raise UsageError(f"the settings would not be read again as they are written: {error}") from error


def _texts(settings: BaseModel) -> Any:
    """The settings with texts for values, under the names of their elements."""
    plain = settings.model_dump(by_alias=True, round_trip=True)  # without what is computed from other fields
    return _merged(plain, settings.model_dump(mode="json", by_alias=True, round_trip=True))


def _merged(plain: Any, json: Any) -> Any:
    """The texts of JSON; but those of secrets, which JSON hides, from the values themselves."""
    if isinstance(plain, SecretStr | SecretBytes):
        secret = plain.get_secret_value()
        return secret.decode() if isinstance(secret, bytes) else secret
    if isinstance(plain, Mapping) and isinstance(json, Mapping):
        pairs = zip(plain.values(), json.items(), strict=True)
        return {name: text for value, (name, content) in pairs if (text := _merged(value, content)) != []}
    if isinstance(json, list):
        items = list(plain) if isinstance(plain, list | tuple) and len(plain) == len(json) else json
        return [_merged(item, content) for item, content in zip(items, json, strict=True)]
    return json if json is None else str(json)


def _as_before(written: Any, before: Any) -> Any:
    """Values in the attribute ``value`` where they were in one."""
    if isinstance(written, str) and isinstance(before, Mapping) and set(before) == {"@value"}:
        return {"@value": written}
    if isinstance(written, Mapping):
        known = before if isinstance(before, Mapping) else {}
        return {name: _as_before(value, known.get(name)) for name, value in written.items()}
    return written


def _differences(one: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in {**one, **other}:
            yield from _differences(one.get(name, []), other.get(name, []), f"{path}/{name}")
    elif one != other:
        yield path, one, other


def _shown(settings: BaseModel, value: Any) -> str:
    return "a value" if holds_secret(type(settings)) else repr(value)
