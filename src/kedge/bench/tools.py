"""Tools to be measured."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kedge.sdk.plugin import PluginV2

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.sdk.constants import Anchor
    from kedge.sdk.provider import AMPProviderV2

__all__ = ["PassThrough"]


class PassThrough(PluginV2):
    """Writes what it reads; says at what time of the monotonic clock it was constructed."""

    input_anchors = ("Input",)
    output_anchors = ("Output",)

    def __init__(self, provider: AMPProviderV2) -> None:
        provider.io.info(str(time.monotonic()))
        self._write = provider.write_to_anchor

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:  # noqa: ARG002 - the interface's
        """Write the batch."""
        self._write("Output", batch)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        """Nothing is left to do."""

    def on_complete(self) -> None:
        """Nothing is left to do."""
