"""Several connections on one anchor, each record with the number of its connection."""

import pyarrow as pa
from ayx_python_sdk.core import Anchor, FieldType, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2
from ayx_python_sdk.providers.amp_provider.builders.metadata_builder import MetadataBuilder


class NumberedUnion(PluginV2):
    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        first = next(iter(provider.incoming_anchors["Input"].values()))
        metadata = MetadataBuilder.from_protobuf(first["metadata"])
        metadata.add_field("Source", FieldType.int32)
        self.provider.push_outgoing_metadata("Output", pa.schema([field.to_arrow() for field in metadata]))
        self.open = len(provider.incoming_anchors["Input"])

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        number = int(anchor.connection.strip("#"))
        source = pa.array([number] * batch.num_rows, pa.int32())
        self.provider.write_to_anchor("Output", batch.append_column("Source", source))

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        self.open -= 1

    def on_complete(self) -> None:
        self.provider.io.info(f"{self.open} connections open")
