"""Works with a frame of polars, whose text and categories are not Arrow's plain strings."""

import polars as pl
import pyarrow as pa
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class PolarsInside(PluginV2):
    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        frame = pl.DataFrame(batch)
        ranked = frame.with_columns(
            pl.col("Group").cast(pl.Categorical),
            pl.col("Value").rank("dense").cast(pl.UInt32).alias("Rank"),
            pl.col("Group").str.to_uppercase().alias("Upper"),
        ).sort("Value", nulls_last=True)
        self.provider.write_to_anchor("Output", ranked.to_arrow())

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None: ...
