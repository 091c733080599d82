"""Read and write ``ayx_workspace.json``.

Every value that is there must be of its kind, and what nobody knows is kept. A file is only written where something in
it changed, with the keys in the order in which they stood and the indent that it had.
"""

from __future__ import annotations

__all__ = ["load_workspace", "render_workspace", "save_workspace"]

import json
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from kedge.exceptions import UsageError
from kedge.host.atomic_file import AtomicFile
from kedge.host.json_file import JsonObject, expect, read_json_object
from kedge.workspace.names import check_class_name, check_module_name, check_version
from kedge.workspace.project import WORKSPACE_FILE, AnchorDescription, Workspace, WorkspaceTool, find_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_SETTINGS = ("python_version", "requirements_local_path", "requirements_thirdparty_path")
_BACKEND = {"tool_module": "module", "tool_class_name": "class_name"}
_OUTSIDE = ("folder", "document", "tools", *_SETTINGS)
_TEXTS = tuple(f.name for f in fields(Workspace) if f.name not in _OUTSIDE)
_DEFAULT_INDENT = 4


def load_workspace(path: Path) -> Workspace:
    """Read the workspace of a folder; ``path`` is the folder, or its ``ayx_workspace.json``.

    Raises UsageError: for a folder that is no workspace; with line and column for a file that is no JSON; with the
    JSON path, and what may stand there, for a key that is missing or has a wrong value.
    """
    file = (path if path.name == WORKSPACE_FILE else path / WORKSPACE_FILE).absolute()
    if not file.is_file():
        around = find_workspace(file.parent)
        hint = f"the workspace around it is {around}" if around else "kedge new workspace NAME makes one"
        raise UsageError(f"{file.parent} is no workspace: it has no {WORKSPACE_FILE}; {hint}")
    document = read_json_object(file)
    root = _Place(str(file), "$", document)
    language = root.part("backend_language_settings")
    texts = {key: root.text(key, None if key == "name" else _default(key)) for key in _TEXTS}
    if texts["backend_language"] != "python":
        root.refuse("backend_language", "must be 'python'; tools in other languages are not Kedge's")
    for key in ("package_icon_path", *_SETTINGS[1:]):
        (language if key in _SETTINGS else root).check(key, _check_relative)
    version = root.check("tool_version", check_version) or texts["tool_version"]
    tools = root.part("tools", required=True)
    return Workspace(
        folder=file.parent,
        **texts,
        **{key: language.text(key, _default(key)) for key in _SETTINGS},
        tools={name: _tool(tools.part(name), name, version) for name in tools.names()},
        document=document,
    )


def render_workspace(workspace: Workspace) -> str:
    """Return the text of the file, with what the document had and the workspace does not know."""
    document = _document(workspace)
    indent = _DEFAULT_INDENT
    if workspace.file.is_file():
        written = workspace.file.read_text("utf-8-sig")
        found = re.search(r"\n([ \t]+)\"", written)
        return json.dumps(document, indent=found[1] if found else indent, ensure_ascii=False) + "\n"
    return json.dumps(document, indent=indent, ensure_ascii=False) + "\n"


def save_workspace(workspace: Workspace) -> bool:
    """Write the file if it would say something else than it says; returns whether it was written.

    Raises UsageError where it cannot be written; the file is then as it was.
    """
    if _document(workspace) == workspace.document:
        return False
    file = AtomicFile(workspace.file)
    try:
        file.stream.write(render_workspace(workspace).encode())
        file.commit()
    finally:
        file.discard()
    return True


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """An object of the file, and the JSON path at which it stands."""

    file: str
    path: str
    value: JsonObject

    def names(self) -> tuple[str, ...]:
        return tuple(self.value)

    def part(self, key: str, *, required: bool = False) -> _Place:
        if required and key not in self.value:
            self._refuse_missing(key, "an object")
        value: JsonObject = expect(self.value.get(key, {}), dict, self.file, f"{self.path}.{key}")
        return _Place(self.file, f"{self.path}.{key}", value)

    def text(self, key: str, default: str | None) -> str:
        if key not in self.value and default is None:
            self._refuse_missing(key, "a text")
        return expect(self.value.get(key, default), str, self.file, f"{self.path}.{key}")

    def flag(self, key: str, default: bool = False) -> bool:
        return expect(self.value.get(key, default), bool, self.file, f"{self.path}.{key}")

    def texts(self, key: str) -> tuple[str, ...]:
        items: list[object] = expect(self.value.get(key, []), list, self.file, f"{self.path}.{key}")
        return tuple(expect(item, str, self.file, f"{self.path}.{key}[{n}]") for n, item in enumerate(items))

    def check(self, key: str, check: Callable[[str], str]) -> str:
        """The text at ``key``, empty without one, if ``check`` accepts it; it raises UsageError that says why not."""
        text = self.text(key, "")
        try:
            return check(text) if text else ""
        except UsageError as error:
            raise UsageError(f"{self.file}: {self.path}.{key}: {error}") from None

    def refuse(self, key: str, why: str) -> None:
        raise UsageError(f"{self.file}: {self.path}.{key} {why}, but is {self.value.get(key)!r}")

    def _refuse_missing(self, key: str, kind: str) -> None:
        near = next((name for name in self.value if name.casefold().replace("-", "_") == key.casefold()), None)
        hint = f"; it has {near!r}" if near else f"; it has {', '.join(self.value) or 'no key'}"
        raise UsageError(f"{self.file}: {self.path} lacks the key {key!r} ({kind}){hint}")


def _tool(place: _Place, name: str, workspace_version: str) -> WorkspaceTool:
    backend, described = place.part("backend", required=True), place.part("configuration", required=True)
    if not name or re.search(r"[^\w .-]|^\.|[ .]$", name):
        raise UsageError(f"{place.file}: {place.path}: a tool's name must be one that a folder may have")
    for key, check in {"tool_module": check_module_name, "tool_class_name": check_class_name}.items():
        backend.text(key, None)
        backend.check(key, check)
    described.check("icon_path", _check_relative)
    return WorkspaceTool(
        name=name,
        **{attribute: backend.text(key, None) for key, attribute in _BACKEND.items()},
        ui=place.part("ui").value,
        long_name=described.text("long_name", name),
        **{key: described.text(key, "") for key in ("description", "icon_path", "help_url", "dcm_namespace")},
        version=described.check("version", check_version) or workspace_version,
        search_tags=described.texts("search_tags"),
        input_anchors=_anchors(described, "input_anchors"),
        output_anchors=_anchors(described, "output_anchors"),
        writes_output_data=described.flag("writes_output_data"),
    )


def _anchors(described: _Place, key: str) -> dict[str, AnchorDescription]:
    places = described.part(key, required=True)
    if "" in places.value:
        raise UsageError(f"{places.file}: {places.path}: an anchor must have a name")
    anchors = {name: places.part(name) for name in places.names()}
    return {
        name: AnchorDescription(anchor.text("label", ""), anchor.flag("allow_multiple"), anchor.flag("optional"))
        for name, anchor in anchors.items()
    }


def _default(key: str) -> str:
    return str(getattr(Workspace, key))


def _check_relative(path: str) -> str:
    parts = path.replace("\\", "/").split("/")
    if parts[0] == "" or ":" in parts[0] or ".." in parts:
        raise UsageError(f"{path!r} must be a path below the workspace's folder")
    return path


# --- writing --------------------------------------------------------------------------------------------------------


def _document(workspace: Workspace) -> JsonObject:
    old = workspace.document
    settings = {key: getattr(workspace, key) for key in _SETTINGS}
    known = {key: getattr(workspace, key) for key in _TEXTS if key != "tool_version"}
    known["backend_language_settings"] = _kept(settings, old.get("backend_language_settings"), _workspace_defaults())
    written = old.get("tools", {})
    known["tools"] = {name: _tool_document(tool, written.get(name)) for name, tool in workspace.tools.items()}
    known["tool_version"] = workspace.tool_version
    defaults = {**_workspace_defaults(), "backend_language_settings": {}}
    return _kept(known, old or None, defaults)


def _tool_document(tool: WorkspaceTool, old: Mapping[str, Any] | None) -> JsonObject:
    described: JsonObject = {
        "long_name": tool.long_name,
        "description": tool.description,
        "version": tool.version,
        "search_tags": list(tool.search_tags),
        "help_url": tool.help_url,
        "icon_path": tool.icon_path,
        **{key: _anchors_document(tool, old, key) for key in ("input_anchors", "output_anchors")},
        "dcm_namespace": tool.dcm_namespace,
        "writes_output_data": tool.writes_output_data,
    }
    defaults = {key: type(value)() for key, value in described.items()}
    known: JsonObject = {
        "backend": {key: getattr(tool, attribute) for key, attribute in _BACKEND.items()},
        "ui": dict(tool.ui),
        "configuration": described,
    }
    if old is not None:
        known["backend"] = _kept(known["backend"], old["backend"], {})
        inherited = {**defaults, "long_name": tool.name, "version": tool.version}
        known["configuration"] = _kept(described, old["configuration"], inherited)
    return _kept(known, old, {"ui": {}})


def _anchors_document(tool: WorkspaceTool, old: Mapping[str, Any] | None, key: str) -> JsonObject:
    written = old["configuration"][key] if old else {}
    defaults = vars(AnchorDescription())
    anchors: Mapping[str, AnchorDescription] = getattr(tool, key)
    return {name: _kept(vars(anchor), written.get(name), defaults) for name, anchor in anchors.items()}


def _workspace_defaults() -> JsonObject:
    return {key: _default(key) for key in (*_TEXTS, *_SETTINGS) if key != "name"}


def _kept(known: Mapping[str, Any], old: Mapping[str, Any] | None, defaults: Mapping[str, Any]) -> JsonObject:
    """The known values, in the place and the company that they had; one that says nothing new stays unwritten."""
    if old is None:
        return dict(known)
    said = {key: value for key, value in known.items() if key in old or value != defaults.get(key, _NOTHING)}
    return {**old, **said}


_NOTHING = object()
