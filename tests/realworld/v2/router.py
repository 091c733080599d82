"""Several outputs: records to the anchor that a rule names, metadata again and again, writes without rows."""

import pyarrow as pa
import pyarrow.compute as pc
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class Router(PluginV2):
    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        rules = provider.tool_config["Rules"]["Rule"]
        self.rules = rules if isinstance(rules, list) else [rules]

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        left = batch
        for rule in self.rules:
            self.provider.push_outgoing_metadata(rule["@anchor"], batch.schema)
            chosen = pc.equal(left.column(rule["@column"]), rule["#text"])
            self.provider.write_to_anchor(rule["@anchor"], left.filter(chosen))
            left = left.filter(pc.invert(chosen))
        for part in left.to_batches():
            self.provider.write_to_anchor("Rest", part)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        pass

    def on_complete(self) -> None:
        self.provider.close_outgoing_anchor("Rest")
