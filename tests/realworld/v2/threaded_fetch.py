"""Spawns threads that write and report by themselves."""

from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import pyarrow as pa
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class ThreadedFetch(PluginV2):
    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.log = provider.io.info

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        thread = Thread(target=self.fetch, args=(batch.num_rows,))
        thread.start()
        thread.join()

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.fetch, range(100, 140)))
        self.log("all there")

    def fetch(self, number: int) -> None:
        table = pa.table({"Number": [number] * 3})
        self.provider.write_to_anchor("Output", table)
        self.provider.write_to_anchor("Output", table)
        self.log("fetched {}", number)
