"""Adds a calculated column."""

from ayx_python_sdk.core import (
    FieldType,
    InputConnectionBase,
    Plugin,
    ProviderBase,
    RecordPacket,
    register_plugin,
)
from ayx_python_sdk.core.exceptions import WorkflowRuntimeError


class PriceWithTax(Plugin):
    """Multiplies the column Price."""

    def __init__(self, provider: ProviderBase) -> None:
        self.provider = provider
        self.tool_config = provider.tool_config
        self.rate = float(self.tool_config.get("Rate", "19"))  # per cent
        self.output_anchor = self.provider.get_output_anchor("Output")
        self.provider.io.info("Price with tax, at {} per cent", self.rate)

    def on_input_connection_opened(self, input_connection: InputConnectionBase) -> None:
        """Check the column, announce the new one."""
        if input_connection.metadata is None:
            raise RuntimeError("Metadata must be set before the connection is opened.")
        if "Price" not in [field.name for field in input_connection.metadata]:
            raise WorkflowRuntimeError("The input needs a column Price")
        self.output_metadata = input_connection.metadata.clone()
        self.output_metadata.add_field("Gross", FieldType.double, source="PriceWithTax")
        self.output_anchor.open(self.output_metadata)

    def on_record_packet(self, input_connection: InputConnectionBase) -> None:
        packet = input_connection.read()
        df = packet.to_dataframe()
        df["Gross"] = df["Price"] * (1 + self.rate / 100)
        # what came in goes out, with one column more
        self.output_anchor.write(RecordPacket.from_dataframe(self.output_metadata, df))

    def on_complete(self) -> None:
        self.provider.io.info("Done")
        self.output_anchor.flush()
        self.output_anchor.close()


AyxPlugin = register_plugin(PriceWithTax)
