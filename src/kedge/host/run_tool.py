"""``kedge.run_tool``: one tool, from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.host.results import ToolResult
from kedge.host.streaming import StreamedResult
from kedge.host.target import resolve_target
from kedge.host.tool_call import ToolCall
from kedge.sdk.tool_config import config_from_xml, config_to_xml

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


__all__ = ["config_document", "run_tool"]


class TableSink:
    """Keeps an anchor's records as one Table, in memory."""

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        self.table: pa.Table = pa.table({})

    def announce(self, schema: pa.Schema) -> None:
        """The table of an anchor without records has the columns that were announced."""
        self.table = schema.empty_table()

    def write(self, table: pa.Table) -> None:
        """Keep a batch; nothing is copied."""
        self._tables.append(table)

    def close(self) -> None:
        """Put the batches together, without copying them."""
        if self._tables:
            self.table = pa.concat_tables(self._tables)

    def abandon(self) -> None:
        """Let go of everything."""
        self._tables.clear()


def run_tool(
    tool: str | type[Any] | Sequence[str],
    inputs: Mapping[str, object] | None = None,
    *,
    config: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    outputs: Sequence[str] | None = None,
    python: str | None = None,
    stream: bool = False,
    **options: Any,
) -> ToolResult:
    """Run one tool and return what it gave. Blocks until the run is over, unless ``stream`` is true.

    ``tool`` is ``"package:Tool"``, ``"path/to/file.py:Tool"``, a tool class, or the command line of a tool process that
    speaks protocol version 2. ``inputs`` maps incoming anchors to records: a path, anything with the Arrow PyCapsule
    stream interface, or a list of them, one for each connection. ``config`` is the configuration as a dict, as XML, or
    as the path of an XML file. ``outputs`` names the outgoing anchors to connect (without it, all that the tool
    declares, or ``Output``). ``python`` is the interpreter of the tool process.

    ``options`` are the further fields of :class:`~kedge.host.tool_call.ToolCall`: ``constants``, ``services``,
    ``observer``, ``update_only``, ``in_process``, ``start_timeout``, ``timeout``, ``idle_timeout``
    (seconds), ``budget`` (bytes) and ``pool``, a :class:`~kedge.host.pool.ToolPool` whose processes are started ahead.

    With ``stream`` the result's ``outputs`` are RecordBatchReaders. The run goes on in the background while they are
    read, and at most ``budget`` bytes wait in between; close the result, or use it in a ``with`` statement.

    Raises UsageError (its SettingsError for a configuration that does not fit the settings that the tool declares),
    ToolStartError, ToolCrashed and ProtocolError. Errors that the tool itself reported are in the
    result: ``result.ok`` is False and ``result.raise_for_status()`` raises ToolError.
    """
    call = ToolCall(
        target=resolve_target(tool, python),
        inputs=inputs or {},
        outputs=outputs,
        config_xml=config_document(config),
        config_is_current=isinstance(config, Mapping),
        **options,
    )
    if stream:
        return StreamedResult(call)
    sinks: dict[str, TableSink] = {}

    result = call.run(lambda anchor: sinks.setdefault(anchor, TableSink()))
    tables = {anchor: sink.table for anchor, sink in sinks.items()}
    return ToolResult(tables, result.messages, result.metadata, result.statistics)


def config_document(config: Mapping[str, Any] | str | os.PathLike[str] | None) -> str:
    """The configuration as XML. Raises UsageError naming the file, and line and column where it is no XML."""
    if config is None:
        return "<Configuration/>"
    if isinstance(config, Mapping):
        return config_to_xml(config)
    if isinstance(config, str) and config.lstrip().startswith("<"):
        config_from_xml(config)
        return config
    path = Path(config)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"the configuration {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the configuration {path} is not UTF-8: {error}") from error
    config_from_xml(text, str(path))
    return text
