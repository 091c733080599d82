"""Passes its optional input on, or writes a record of its own."""

import pandas as pd
from ayx_plugin_sdk.core import (
    FieldType,
    InputConnectionBase,
    Metadata,
    Plugin,
    ProviderBase,
    RecordPacket,
    register_plugin,
)


class OptionalSeed(Plugin):
    def __init__(self, provider: ProviderBase) -> None:
        self.provider = provider
        self.seed = int(self.provider.tool_config.get("Seed") or 1)
        self.input_anchor = self.provider.get_input_anchor("Input")
        self.output_anchor = self.provider.get_output_anchor("Output")

    def on_input_connection_opened(self, input_connection: InputConnectionBase) -> None:
        assert input_connection.metadata is not None
        if not self.output_anchor.is_open:
            self.output_anchor.open(input_connection.metadata)

    def on_record_packet(self, input_connection: InputConnectionBase) -> None:
        self.output_anchor.write(input_connection.read())

    def on_complete(self) -> None:
        if not self.input_anchor.connections:
            metadata = Metadata()
            metadata.add_field(name="Seed", field_type=FieldType.int32)
            self.output_anchor.open(metadata)
            df = pd.DataFrame({"Seed": [self.seed]})
            packet = RecordPacket.from_dataframe(metadata=metadata, df=df)
            self.output_anchor.write(packet)


AyxPlugin = register_plugin(OptionalSeed, version="1.1")
