"""Messages in the user's language, by callback; and what it prints is for whoever debugs."""

import pyarrow as pa
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class TranslatedReport(PluginV2):
    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.rows = 0
        self.heading = provider.io.translate_msg("Report")
        print("started 🚀")

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.rows += batch.num_rows
        self.provider.io.translate_msg_use_callback(
            "{0} rows",
            [self.rows],
            lambda answer: self.provider.io.info(f"{self.heading}: {answer.translated_message}"),
        )

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None:
        self.provider.io.translate_msg_use_callback(
            "done", None, lambda answer: self.provider.io.info(answer.translated_message)
        )
