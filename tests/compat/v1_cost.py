"""What a V1 tool costs beside the same tool in V2 with ``to_pandas``: ``python -m tests.compat.v1_cost``."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pyarrow as pa

from kedge.compat.testing import SdkToolTestService
from kedge.compat.v1 import Plugin, RecordPacket
from kedge.sdk.constants import Anchor
from kedge.sdk.fields import FieldType, Metadata
from kedge.sdk.plugin import PluginV2

INPUT = Anchor("Input", "1")


class OldTwice(Plugin):
    """Adds a column, in V1."""

    def __init__(self, provider: Any) -> None:
        self.output = provider.get_output_anchor("Output")
        self.metadata = Metadata()

    def on_input_connection_opened(self, input_connection: Any) -> None:
        self.metadata = input_connection.metadata.clone()
        self.metadata.add_field("Twice", FieldType.double)
        self.output.open(self.metadata)

    def on_record_packet(self, input_connection: Any) -> None:
        frame = input_connection.read().to_dataframe()
        frame["Twice"] = frame["Value"] * 2
        self.output.write(RecordPacket.from_dataframe(self.metadata, frame))

    def on_complete(self) -> None: ...


class NewTwice(PluginV2):
    """Adds a column, in V2."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        frame = batch.to_pandas()
        frame["Twice"] = frame["Value"] * 2
        self.provider.write_to_anchor("Output", pa.Table.from_pandas(frame, preserve_index=False))

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None: ...


def v1_cost(rows: int = 100_000, batches: int = 10, pairs: int = 9) -> float:
    """The median, over pairs of runs in turns, of V1's processor seconds divided by V2's."""
    table = pa.table(
        {
            "Id": pa.array(range(rows), pa.int64()),
            "Value": [number / 7 for number in range(rows)],
            "Name": [f"name {number % 1000}" for number in range(rows)],
            "Flag": [number % 2 == 0 for number in range(rows)],
        }
    )
    for tool in (OldTwice, NewTwice):
        _seconds(tool, table, 1)
    return statistics.median(
        _seconds(OldTwice, table, batches) / _seconds(NewTwice, table, batches) for _ in range(pairs)
    )


def _seconds(tool: type, table: pa.Table, batches: int) -> float:
    service = SdkToolTestService(tool, {"Input": table.schema}, {"Output": None}, "<Configuration/>")
    start = time.process_time()
    for _ in range(batches):
        service.run_on_record_batch(table, INPUT)
    return time.process_time() - start


if __name__ == "__main__":
    print(f"a V1 tool costs {v1_cost():.2f} times the same tool in V2 with to_pandas (target: at most 1.3)")
