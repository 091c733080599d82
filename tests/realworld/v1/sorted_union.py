"""Puts all its inputs, of equal columns, together and in order; so it keeps every record until the end."""

from typing import List

import pandas as pd
from ayx_python_sdk.core import InputConnectionBase, Metadata, Plugin, RecordPacket, register_plugin
from ayx_python_sdk.core.exceptions import WorkflowRuntimeError
from ayx_python_sdk.providers.amp_provider import AMPProvider


class SortedUnion(Plugin):
    """Union, sorted by the configured column."""

    def __init__(self, provider: AMPProvider) -> None:
        self._provider = provider
        self._output = provider.get_output_anchor("Output")
        self._frames: List[pd.DataFrame] = []
        self._first: Metadata = Metadata()
        self._by = provider.tool_config["SortBy"]

    def on_input_connection_opened(self, connection: InputConnectionBase) -> None:
        connection.max_packet_size = None
        metadata = connection.metadata
        if metadata is None:
            raise RuntimeError("no metadata")
        if not self._output.is_open:
            self._first = metadata
            self._output.open(metadata.clone())
        elif [f.name for f in self._first] != [f.name for f in metadata]:
            raise WorkflowRuntimeError(f"connection {connection.name} has other columns than the first")

    def on_record_packet(self, connection: InputConnectionBase) -> None:
        self._frames.append(connection.read().to_dataframe())
        self._provider.io.info(f"packet from {connection.anchor.name} {connection.name}")

    def on_complete(self) -> None:
        if self._frames:
            df = pd.concat(self._frames).sort_values(self._by)
            self._output.write(RecordPacket.from_dataframe(self._first, df))
        self._output.update_progress(1.0)


AyxPlugin = register_plugin(SortedUnion)
