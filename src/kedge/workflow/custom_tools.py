"""Custom tools in a workflow: found by the node's plugin name, run by the host as tool processes.

Looked for, in this order: in the given folders and the workflow's own, the workspace (``ayx_workspace.json``) that each
is or lies in, if that has the tool, a folder of the tool's name as an unpacked ``.yxi`` leaves it (``…Config.xml`` with
``main.pyz`` or Python files), or a Python file with a class of that name; then the packages that ``kedge install``
unpacked; then the entry points of the group ``kedge.tools``. A plugin name may carry the tool's version: ``Clean_1_0``.
"""

from __future__ import annotations

__all__ = ["CustomTool", "custom_tools", "find_custom_tool"]

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from kedge.exceptions import UsageError, WorkflowError
from kedge.formula.types import DesignerType
from kedge.host.json_file import JsonObject, expect, read_json_object
from kedge.host.streaming import StreamedResult
from kedge.host.target import resolve_target
from kedge.host.tool_call import ToolCall
from kedge.loading import WORKSPACE_FILE, find_workspace
from kedge.sdk.constants import MessageType
from kedge.sdk.fields import Field as SdkField
from kedge.sdk.fields import FieldType
from kedge.sdk.schemas import metadata_from_schema, schema_from_metadata
from kedge.tools.contract import Built, Context, Described, Input, Inputs, Order, Source, Step, Tool
from kedge.tools.element import render_element
from kedge.tools.schema import Field, Schema
from kedge.workflow.tool_folders import (
    CustomTool,
    bare_name,
    in_folder,
    installed_packages,
    python_path,
    same_tool,
    tool_folder,
)

if TYPE_CHECKING:
    from pathlib import Path

    from kedge.host.pool import ToolPool
    from kedge.sdk.outlet import Message
    from kedge.workflow.document import Node

GROUP = "kedge.tools"
KINDS = {
    MessageType.INFO: "info",
    MessageType.WARN: "warning",
    MessageType.ERROR: "error",
    MessageType.FILEINPUT: "info",
    MessageType.FILEOUTPUT: "info",
}


def custom_tools(
    folders: Sequence[Path],
    constants: Mapping[str, str],
    wired: Mapping[int, tuple[set[str], set[str]]],
    pool: ToolPool | None = None,
) -> Callable[[Node], Tool[Any] | None]:
    """Return a function that makes the ``Tool`` of a node; ``None`` where no custom tool has its name.

    ``wired`` are the input and output anchors that the document connects, by tool id: they stand in where the tool's
    own description is missing. ``pool`` has processes that were started ahead.
    """

    def find(node: Node) -> Tool[Any] | None:
        engine = node.engine
        entry = engine.get("EngineDllEntryPoint") if engine and engine.get("EngineDll") == "Python" else ""
        found = find_custom_tool(node.plugin, folders, entry)
        if found is None:
            return None
        if not found.described:
            inputs, outputs = wired.get(node.tool_id, (set(), set()))
            connected = tuple(Input(name, Order.USED, True, True) for name in sorted(inputs))
            found = replace(found, inputs=connected, outputs=tuple(sorted(outputs)) or ("Output",))
        return _as_tool(found, constants, pool)

    return find


def find_custom_tool(plugin: str, folders: Sequence[Path], entry: str = "") -> CustomTool | None:
    r"""Find a custom tool by its plugin name; ``entry`` is the ``folder\\file.py`` of a tool of the first SDK."""
    for folder in folders:
        found = _in_workspace(plugin, folder) or in_folder(plugin, folder, entry) or _in_file(plugin, folder)
        if found:
            return found
    for package in installed_packages(tool_folder()):
        if found := in_folder(plugin, package, entry):
            return found
    for point in entry_points(group=GROUP):
        if same_tool(point.name, plugin):
            return CustomTool(resolve_target(point.value))
    return None


def _in_workspace(plugin: str, folder: Path) -> CustomTool | None:
    workspace = find_workspace(folder)
    if workspace is None:
        return None
    path = workspace / WORKSPACE_FILE
    try:
        tools = _part(read_json_object(path), "tools", path, "$")
        name = next((name for name in tools if same_tool(name, plugin)), None)
        return None if name is None else _described_tool(name, _part(tools, name, path, "$.tools"), path)
    except UsageError as error:
        raise WorkflowError(str(error)) from None


def _described_tool(name: str, described: JsonObject, path: Path) -> CustomTool:
    place = f"$.tools.{name}"
    backend, configuration = (_part(described, key, path, place) for key in ("backend", "configuration"))
    inputs = _part(configuration, "input_anchors", path, f"{place}.configuration")
    anchors = {key: _part(inputs, key, path, f"{place}.configuration.input_anchors") for key in inputs}
    target = resolve_target(f"{backend.get('tool_module', 'ayx_plugins')}:{backend.get('tool_class_name', name)}")
    return CustomTool(
        replace(target, environment=python_path(path.parent / "backend")),
        tuple(_input(key, anchor) for key, anchor in anchors.items()),
        tuple(_part(configuration, "output_anchors", path, f"{place}.configuration")),
        described="output_anchors" in configuration,
    )


def _part(document: JsonObject, key: str, path: Path, place: str) -> JsonObject:
    """The object at a key of the file, empty without one."""
    value: JsonObject = expect(document.get(key, {}), dict, str(path), f"{place}.{key}")
    return value


def _input(name: str, described: Mapping[str, Any]) -> Input:
    return Input(name, Order.USED, bool(described.get("optional")), bool(described.get("allow_multiple")))


def _in_file(plugin: str, folder: Path) -> CustomTool | None:
    """Find the tool as a class of a Python file. Nothing is imported: only a tool process runs a tool's code."""
    class_line = re.compile(rf"^class ({re.escape(bare_name(plugin))})\b", re.MULTILINE | re.IGNORECASE)
    for path in sorted(folder.glob("*.py")):
        match = class_line.search(path.read_text(encoding="utf-8", errors="replace"))
        if match:
            return CustomTool(resolve_target(f"{path}:{match[1]}"))
    return None


def _as_tool(found: CustomTool, constants: Mapping[str, str], pool: ToolPool | None) -> Tool[str]:
    """Wrap a custom tool in the contract; its configuration is the XML text."""

    def call(config: str, context: Context, inputs: Mapping[str, object], update_only: bool) -> ToolCall:
        known = {**constants, "ToolId": str(context.tool_id), "UpdateOnly": str(update_only)}
        return ToolCall(
            found.target,
            inputs,
            outputs=list(found.outputs),
            config_xml=config,
            constants=known,
            update_only=update_only,
            pool=pool,
            cancelled=context.cancelled,
        )

    def bind(config: str, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
        if context.running:
            return {}
        empty = {
            name: [_arrow_schema(schema).empty_table() for schema in schemas]
            for name, schemas in inputs.by_anchor.items()
            if schemas
        }
        result = call(config, context, empty, update_only=True).run(lambda _: _Nothing())
        _report((message for message in result.messages if message.kind is not MessageType.ERROR), context)
        result.raise_for_status()
        announced = {name: _schema(metadata) for name, metadata in result.metadata.items() if name in found.outputs}
        return {**{name: schema for name, schema in context.declared.items() if name in found.outputs}, **announced}

    def build(config: str, inputs: Inputs[Source], context: Context) -> Built:
        return _step(found, lambda records: call(config, context, records, update_only=False), inputs, context)

    return Tool(
        plugins=(found.target.name,),
        inputs=found.inputs,
        outputs=found.outputs,
        parse=lambda xml: render_element(xml),
        bind=bind,
        build=build,
        sink=not found.outputs,
    )


def _step(
    found: CustomTool,
    call: Callable[[Mapping[str, object]], ToolCall],
    inputs: Inputs[Source],
    context: Context,
) -> Step:
    running: list[StreamedResult] = []
    ended = threading.Event()

    def run(streams: Mapping[str, Any]) -> Mapping[str, Described]:
        records: dict[str, list[object]] = {}
        for name, sources in inputs.by_anchor.items():
            wires = inputs.names.get(name, ())
            for source, wire in zip(sources, wires, strict=True):
                schema = _arrow_schema(source.schema)
                records.setdefault(name, []).append(streams[name + wire].cast(schema))
        unread = frozenset(found.outputs) - context.used
        result = StreamedResult(replace(call(records), cancelled=ended), unread)
        running.append(result)
        return _Outputs(result, found.outputs)

    def finish() -> None:
        while running:
            with running.pop() as result:
                try:
                    result.wait()
                finally:
                    _report(result.messages, context)

    return Step(run, finish, ended.set)


class _Outputs(Mapping[str, Described]):
    """The outputs of a running tool, each asked for when it is its turn."""

    def __init__(self, result: StreamedResult, names: Sequence[str]) -> None:
        self._result = result
        self._names = names

    def __getitem__(self, name: str) -> Described:
        reader = self._result.outputs[name]
        schema = _schema(metadata_from_schema(reader.schema))
        return Described(schema, reader.cast(schema.arrow()))

    def __iter__(self) -> Any:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Nothing:
    """Takes the records of an update-only run, of which there are none."""

    def announce(self, schema: object) -> None:
        """Nothing to do."""

    def write(self, table: object) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def abandon(self) -> None:
        """Nothing to do."""


def _report(messages: Iterable[Message], context: Context) -> None:
    for message in messages:
        if message.kind in KINDS:
            context.report(KINDS[message.kind], message.text)


def _arrow_schema(schema: Schema) -> Any:
    """Return the Arrow schema that tells a tool the types, sizes and sources of the fields."""
    return schema_from_metadata(
        SdkField(
            field.name,
            FieldType[field.type.name.lower()],
            field.type.size,
            field.type.scale,
            field.source,
            field.description,
        )
        for field in schema
    )


def _schema(metadata: Any) -> Schema:
    return Schema.of(
        Field(field.name, _designer_type(field), field.source or "", field.description or "") for field in metadata
    )


def _designer_type(field: SdkField) -> DesignerType:
    size = field.size if field.type.name not in ("date", "time", "datetime") else 0
    return DesignerType.parse(FieldType(field.type).name, str(size), str(field.scale))
