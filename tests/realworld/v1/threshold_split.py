"""Two outputs, one of which carries what the other does not."""

from ayx_python_sdk.core import InputConnectionBase, Plugin, ProviderBase, RecordPacket


class ThresholdSplit(Plugin):
    """Large values to one anchor, all others to the other."""

    def __init__(self, provider: ProviderBase):
        self.provider = provider
        self.column = provider.tool_config["Column"]
        self.threshold = float(provider.tool_config["Threshold"])
        self.large = provider.get_output_anchor("Large")
        self.others = provider.get_output_anchor("Others")

    def on_input_connection_opened(self, input_connection: InputConnectionBase) -> None:
        for anchor in (self.large, self.others):
            self.provider.logger.info("anchor %s", anchor)
        assert input_connection.metadata is not None
        self.large.open(input_connection.metadata)
        self.others.open(input_connection.metadata)

    def on_record_packet(self, input_connection: InputConnectionBase) -> None:
        assert input_connection.metadata is not None
        df = input_connection.read().to_dataframe()
        is_large = (df[self.column] >= self.threshold).fillna(False)
        large = RecordPacket(input_connection.metadata, df[is_large])
        others = RecordPacket(input_connection.metadata, df[~is_large])
        self.large.write(large)
        self.others.write(others)
        if self.large.num_connections == 0:
            self.provider.io.warn("nobody takes the large ones")

    def on_complete(self) -> None:
        self.large.close()
        self.others.close()
