"""Asks the connection manager, and waits for its answers."""

from ayx_python_sdk.core import FieldType, InputConnectionBase, Metadata, Plugin, ProviderBase, RecordPacket
from ayx_python_sdk.core.exceptions import DcmEException


class SecretReader(Plugin):
    def __init__(self, provider: ProviderBase) -> None:
        self.provider = provider
        self.output_anchor = provider.get_output_anchor("Output")
        self.metadata = Metadata()
        self.metadata.add_field("User", FieldType.v_wstring, size=200)
        self.output_anchor.open(self.metadata)

    def on_input_connection_opened(self, input_connection: InputConnectionBase) -> None:
        pass

    def on_record_packet(self, input_connection: InputConnectionBase) -> None:
        pass

    def on_complete(self) -> None:
        import pandas as pd

        connection_id = self.provider.tool_config["ConnectionId"]
        try:
            connection = self.provider.dcm.get_connection(connection_id)
        except DcmEException as error:
            self.provider.io.error(f"no connection: {error.dcm_error.message}")
            return
        frame = pd.DataFrame({"User": [connection["username"]]})
        self.output_anchor.write(RecordPacket.from_dataframe(self.metadata, frame))
