"""Works with a frame of pandas, whose index comes along."""

import pandas as pd
import pyarrow as pa
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class PandasInside(PluginV2):
    """Counts and sums per group."""

    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.frames: list[pd.DataFrame] = []

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.frames.append(batch.to_pandas())

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        self.provider.io.info(f"{len(self.frames)} frames")

    def on_complete(self) -> None:
        frame = pd.concat(self.frames)
        sums = frame.groupby("Group")["Value"].agg(["count", "sum"])
        self.provider.write_to_anchor("Output", pa.Table.from_pandas(sums))  # the index Group is a column
