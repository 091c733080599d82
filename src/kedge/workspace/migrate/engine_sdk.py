"""Skeletons for tools of the engine SDK: ``AyxPlugin`` and its ``IncomingInterface``."""

from __future__ import annotations

import re
from typing import NamedTuple

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from kedge.workspace.migrate.facts import methods_of
from kedge.workspace.migrate.report import TODO

__all__ = ["Skeleton", "skeleton_of"]

_MAPPING = {
    "pi_init": ("__init__", "the configuration is provider.tool_config, a dict"),
    "pi_add_incoming_connection": ("__init__", "connections are in provider.incoming_anchors"),
    "pi_add_outgoing_connection": ("__init__", "anchors are in provider.outgoing_anchors"),
    "ii_init": ("__init__", "the fields of a connection are its metadata in provider.incoming_anchors"),
    "ii_push_record": ("on_record_batch", "records come as whole tables, not one by one"),
    "ii_update_progress": ("on_record_batch", "progress is provider.io.update_progress"),
    "ii_close": ("on_incoming_connection_complete", "called once for each connection"),
    "pi_push_all_records": ("on_complete", "a tool without inputs writes everything here"),
    "pi_close": ("on_complete", "called last and once; anchors close by themselves"),
}
_CALLBACKS = {
    "__init__": "(self, provider: AMPProviderV2) -> None",
    "on_record_batch": "(self, batch: pa.Table, anchor: Anchor) -> None",
    "on_incoming_connection_complete": "(self, anchor: Anchor) -> None",
    "on_complete": "(self) -> None",
}
_CONFIGURATION_KEY = re.compile(r"""\.find(?:text)?\(\s*['"]([\w./]+)['"]""")
_OUTPUT_ANCHOR = re.compile(r"""\.get_output_anchor\(\s*['"]([^'"]+)['"]""")


class Skeleton(NamedTuple):
    """The V2 module, and how the callbacks map."""

    text: str
    notes: tuple[str, ...]


class _Method(NamedTuple):
    owner: str
    name: str
    line: int
    source: str


def skeleton_of(module: cst.Module) -> Skeleton:
    """A V2 skeleton with the old bodies as comments in the callbacks where their work belongs."""
    methods = _methods(module)
    notes = [
        f"{method.owner}.{method.name} (line {method.line}) -> {_MAPPING[method.name][0]}: {_MAPPING[method.name][1]}"
        for method in methods
        if method.name in _MAPPING
    ]
    sections = [_header(module), _class(methods, module.code)]
    return Skeleton("\n".join(sections), tuple(notes))


def _methods(module: cst.Module) -> list[_Method]:
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    positions = wrapper.resolve(PositionProvider)
    return [
        _Method(
            definition.name.value,
            method.name.value,
            positions[method].start.line,
            module.code_for_node(method.with_changes(leading_lines=[])).rstrip(),
        )
        for definition in module.body
        if isinstance(definition, cst.ClassDef)
        for method in methods_of(definition)
    ]


def _header(module: cst.Module) -> str:
    """Docstring and imports of the old module, those of the engine SDK left out, and those of V2."""
    old = [
        module.code_for_node(statement).strip()
        for statement in module.body
        if isinstance(statement, cst.SimpleStatementLine)
        and isinstance(statement.body[0], cst.Import | cst.ImportFrom)
        and "AlteryxPythonSDK" not in module.code_for_node(statement)
    ]
    new = [
        "import pyarrow as pa",
        "from ayx_python_sdk.core import Anchor, FieldType, PluginV2",
        "from ayx_python_sdk.core.utils import create_schema",
        "from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2",
    ]
    return "\n".join([f"# {TODO} fill in the callbacks; the old bodies stand in them as comments", *old, *new, "", ""])


def _class(methods: list[_Method], source: str) -> str:
    lines = ["class AyxPlugin(PluginV2):", '    """The tool of the engine SDK, for V2."""']
    for callback, signature in _CALLBACKS.items():
        lines += ["", f"    def {callback}{signature}:"]
        if callback == "__init__":
            lines += _construction(source)
        lines += _comments([method for method in methods if _place(method.name) == callback])
        if callback != "__init__":
            lines.append("        pass")
    return "\n".join([*lines, ""])


def _place(name: str) -> str:
    """The callback in which an old method stands; helpers stand in the constructor."""
    return _MAPPING[name][0] if name in _MAPPING else "__init__"


def _construction(source: str) -> list[str]:
    lines = ["        self.provider = provider", "        self.tool_config = provider.tool_config"]
    if keys := sorted(set(_CONFIGURATION_KEY.findall(source))):
        lines.append(f"        # {TODO} the configuration was asked for {', '.join(keys)}: self.tool_config.get(…)")
    for anchor in dict.fromkeys(_OUTPUT_ANCHOR.findall(source)):
        lines += [
            f"        # {TODO} name the columns of the records for {anchor!r}",
            f"        self.provider.push_outgoing_metadata({anchor!r}, create_schema({{}}))",
        ]
    return lines


def _comments(methods: list[_Method]) -> list[str]:
    lines = []
    for method in methods:
        advice = f": {_MAPPING[method.name][1]}" if method.name in _MAPPING else ": a helper, to be moved"
        lines.append(f"        # {TODO} was {method.owner}.{method.name}{advice}")
        lines += [f"        # {line}".rstrip() for line in method.source.splitlines()]
    return lines
