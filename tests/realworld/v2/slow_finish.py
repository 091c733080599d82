"""Does its work in a long on_complete, and tells how far it is."""

import pyarrow as pa
import pyarrow.compute as pc
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2

ROUNDS = 20


class SlowFinish(PluginV2):
    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.tables: list[pa.Table] = []

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.tables.append(batch)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None:
        whole = pa.concat_tables(self.tables)
        for number in range(1, ROUNDS + 1):
            factor = pa.scalar(number, pa.int64())
            column = pc.multiply(whole.column("Value"), factor)
            self.provider.write_to_anchor("Output", pa.table({"Round": [number] * len(column), "Value": column}))
            self.provider.io.update_progress(number * 100 // ROUNDS)
        self.provider.io.update_progress(250)
