"""Sums decimals that no 64-bit number holds, which come as text."""

from decimal import Decimal, localcontext

import pyarrow as pa
from ayx_python_sdk.core import Anchor, FieldType, PluginV2
from ayx_python_sdk.core.utils import create_schema
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2

EXACT = 60


class BigDecimals(PluginV2):
    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.total = Decimal(0)
        self.schema = create_schema(
            {"Total": {"type": FieldType.fixeddecimal, "size": 40, "scale": 4}, "Text": FieldType.v_string}
        )
        provider.push_outgoing_metadata("Output", self.schema)

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        with localcontext() as context:
            context.prec = EXACT
            for text in batch.column("Amount").to_pylist():
                self.total += Decimal(text or 0)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None:
        total = pa.array([self.total], pa.decimal128(38, 4))
        self.provider.write_to_anchor("Output", pa.table([total, [str(self.total)]], names=["Total", "Text"]))
