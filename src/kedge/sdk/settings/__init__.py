"""Settings that a tool declares as one pydantic model: ``settings_class`` of a tool class.

pydantic is imported here, and nothing here is imported for a tool without such a model.

What an element of the configuration means for a field of the model:

* The element is called as the field is, or as its alias; ``@name`` is an attribute, ``#text`` the text beside those.
* An element that is missing takes the default. One that is empty is the empty text for a text, nothing for an optional
  field, no element for a list, and an error for everything else.
* A list is an element that is there any number of times; a model is an element with elements in it.
* ``<Flag value="True"/>`` is the same as ``<Flag>True</Flag>``.
* An element that no field is called after is an error, unless the model says what to do with it
  (``model_config = ConfigDict(extra="ignore")``).
"""

from __future__ import annotations

from kedge.sdk.settings.reading import read_settings
from kedge.sdk.settings.schema import SettingRow, setting_rows, settings_schema
from kedge.sdk.settings.upgrading import settings_version
from kedge.sdk.settings.writing import settings_to_config

__all__ = [
    "SettingRow",
    "read_settings",
    "setting_rows",
    "settings_schema",
    "settings_to_config",
    "settings_version",
]
