"""Tools to be measured."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from kedge.sdk.plugin import PluginV2

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.sdk.constants import Anchor
    from kedge.sdk.provider import AMPProviderV2

__all__ = ["PassThrough", "Sleeping", "Translating"]


class PassThrough(PluginV2):
    """Writes what it reads; says at what time of the monotonic clock it was constructed, and in which process."""

    input_anchors = ("Input",)
    output_anchors = ("Output",)

    def __init__(self, provider: AMPProviderV2) -> None:
        provider.io.info(f"{time.monotonic()} {os.getpid()}")
        self._write = provider.write_to_anchor

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:  # noqa: ARG002 - the interface's
        """Write the batch."""
        self._write("Output", batch)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        """Nothing is left to do."""

    def on_complete(self) -> None:
        """Nothing is left to do."""


class Sleeping(PassThrough):
    """Takes its time over each batch."""

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        """Sleep, then write the batch."""
        time.sleep(0.002)
        super().on_record_batch(batch, anchor)


class Translating(PassThrough):
    """Asks for translations, one after the other, on a thread of its own; says at the end how long 99 in 100 took."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        self._io = provider.io
        self._seconds: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="translating", daemon=True)
        self._thread.start()

    def on_complete(self) -> None:
        """Say the figure, in seconds."""
        self._over.set()
        self._thread.join()
        import statistics

        self._io.info(str(statistics.quantiles(self._seconds, n=100)[98]))

    def _ask(self) -> None:
        while not self._over.wait(0.001):
            start = time.perf_counter()
            self._io.translate_msg("text")
            self._seconds.append(time.perf_counter() - start)
