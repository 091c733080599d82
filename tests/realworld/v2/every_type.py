"""All field types, with their metadata, there and back; the description of each field is changed on the way."""

import pyarrow as pa
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.core.utils import *
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class EveryType(PluginV2):
    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        described: Dict[str, Dict[str, str]] = {}
        for name in batch.column_names:
            metadata = get_metadata(batch, name)
            kind = FieldType(int(metadata[get_ayx_meta("type")]))
            described[name] = {"description": f"{kind.name}, {metadata['ayx.size']}"}
        self.provider.write_to_anchor("Output", set_metadata(batch, described))

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None: ...
