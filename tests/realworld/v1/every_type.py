"""Takes all field types through frames, unchanged."""

from ayx_python_sdk.core import InputConnectionBase, Plugin, ProviderBase, RecordPacket


class EveryType(Plugin):
    def __init__(self, provider: ProviderBase) -> None:
        self.provider = provider
        self.output_anchor = provider.get_output_anchor("Output")

    def on_input_connection_opened(self, input_connection: InputConnectionBase) -> None:
        assert input_connection.metadata is not None
        self.output_anchor.open(input_connection.metadata)

    def on_record_packet(self, input_connection: InputConnectionBase) -> None:
        packet = input_connection.read()
        frame = packet.to_dataframe()
        self.provider.io.info(f"{len(frame)} rows of {len(packet.metadata.fields)} fields")
        self.output_anchor.write(RecordPacket.from_dataframe(packet.metadata, frame))

    def on_complete(self) -> None:
        pass
