"""Adds a column from an optional second input."""

from typing import Dict, List

import pyarrow as pa
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class OptionalLookup(PluginV2):
    """Keeps the main input until the lookup is complete, whichever comes first."""

    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.names: Dict[object, object] = {}
        self.waiting: List[pa.Table] = []
        self.has_lookup = bool(provider.incoming_anchors.get("Lookup"))

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        if anchor.name == "Lookup":
            self.names.update(zip(batch.column("Key").to_pylist(), batch.column("Name").to_pylist()))
        else:
            self.waiting.append(batch)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        self.provider.io.info(f"{anchor.name} complete, lookup {'there' if self.has_lookup else 'not connected'}")

    def on_complete(self) -> None:
        for batch in self.waiting:
            names = [self.names.get(key, "?") for key in batch.column("Key").to_pylist()]
            self.provider.write_to_anchor("Output", batch.append_column("Name", pa.array(names, pa.string())))
