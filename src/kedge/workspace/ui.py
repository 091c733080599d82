"""The page on which a tool is configured: a plain HTML form, made from the settings that the tool declares.

``ui/<Tool>/index.html`` has no framework and fetches nothing. Designer's HTML GUI gives it the configuration and takes
it back, by ``Alteryx.Gui.SetConfiguration`` and ``GetConfiguration``
(https://help.alteryx.com, HTML GUI SDK, "SetConfiguration and GetConfiguration"); in a browser alone it shows the
configuration's XML beside the form. ``settings.schema.json`` is the JSON Schema of the settings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from kedge.exceptions import UsageError
from kedge.sdk.tool_config import VERSION_ELEMENT
from kedge.workspace.controls import controls_of
from kedge.workspace.file_changes import demand_absent, write_files
from kedge.workspace.rendering import render_template

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["UiFiles", "write_schema", "write_ui"]

_MARK = "Made by kedge new ui"


class UiFiles(NamedTuple):
    """What was written."""

    page: Path
    schema: Path


def write_ui(tool: type[Any], folder: Path, *, overwrite: bool = False) -> UiFiles:
    """Write the form and the JSON Schema of a tool's settings into ``folder``, which is made.

    A page that :func:`write_ui` wrote is written anew; another one only with ``overwrite``. Raises UsageError for a
    tool that declares no settings, and where a file cannot be written.
    """
    files = UiFiles(folder / "index.html", folder / "settings.schema.json")
    if not overwrite and not _is_ours(files.page):
        demand_absent([files.page], folder)
    schema = _schema_of(tool)
    page = render_template(
        "ui/index.html",
        mark=_MARK,
        tool=tool.__name__,
        title=schema.get("title", tool.__name__),
        description=schema.get("description", ""),
        version=schema["x-settings-version"],
        version_element=VERSION_ELEMENT,
        controls=controls_of(schema),
    )
    write_files({files.page: page, files.schema: _as_bytes(schema)})
    return files


def write_schema(tool: type[Any], file: Path) -> None:
    """Write the JSON Schema of a tool's settings. Raises UsageError for a tool that declares none."""
    write_files({file: _as_bytes(_schema_of(tool))})


def _schema_of(tool: type[Any]) -> dict[str, Any]:
    model = getattr(tool, "settings_class", None)
    if model is None:
        raise UsageError(
            f"{tool.__name__} declares no settings, so there is nothing to make a form of: name a pydantic model in "
            "its class, settings_class = MySettings"
        )
    from kedge.sdk.settings import settings_schema

    return settings_schema(model)


def _as_bytes(schema: dict[str, Any]) -> bytes:
    return f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n".encode()


def _is_ours(page: Path) -> bool:
    return page.is_file() and _MARK in page.read_text(encoding="utf-8", errors="replace")
