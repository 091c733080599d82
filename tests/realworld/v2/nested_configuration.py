"""Looks at its configuration in the ways that published tools do."""

from collections import OrderedDict
from typing import Any, List, Tuple

import pyarrow as pa
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class NestedConfiguration(PluginV2):
    """Writes one record for each value, with the path to it."""

    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None: ...

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None:
        pairs = self.walk(self.provider.tool_config, "")
        self.provider.write_to_anchor(
            "Output", pa.table({"Path": [path for path, _ in pairs], "Value": [value for _, value in pairs]})
        )
        self.provider.save_tool_config({**self.provider.tool_config, "Seen": "yes"})
        self.provider.io.info("configuration has", dict(seen=self.provider.tool_config.get("Seen")))

    def walk(self, value: Any, path: str) -> List[Tuple[str, Any]]:
        if type(value) == OrderedDict or path == "":  # noqa: E721 - as tools do it
            return [pair for key, inner in value.items() for pair in self.walk(inner, f"{path}/{key}")]
        if isinstance(value, list):
            return [pair for number, inner in enumerate(value) for pair in self.walk(inner, f"{path}[{number}]")]
        return [(path, value)]
