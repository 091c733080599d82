"""An input tool: the days of a month, by way of a temporary file."""

import calendar
import datetime

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


class CalendarSource(Plugin):
    """Writes a record for each day."""

    def __init__(self, provider: ProviderBase) -> None:
        self.provider = provider
        self.config = provider.tool_config
        self.year, self.month = int(self.config["Year"]), int(self.config["Month"])
        self.output_anchor = self.provider.get_output_anchor("Days")
        self.output_metadata = Metadata()
        self.output_metadata.add_field("Day", FieldType.date)
        self.output_metadata.add_field("Name", FieldType.v_wstring, size=100)
        self.output_metadata.add_field("Week", FieldType.int16)
        self.output_anchor.open(self.output_metadata)

    def on_input_connection_opened(self, input_connection: InputConnectionBase) -> None:
        """An input tool has no input."""
        raise NotImplementedError("Input tools have no connections.")

    def on_record_packet(self, input_connection: InputConnectionBase) -> None:
        """An input tool gets no packets."""
        raise NotImplementedError("Input tools get no packets.")

    def on_complete(self) -> None:
        """Write everything."""
        scratch = self.provider.io.create_temp_file("txt")
        count = calendar.monthrange(self.year, self.month)[1]
        days = [datetime.date(self.year, self.month, day) for day in range(1, count + 1)]
        with scratch.open("w") as file:
            for number, day in enumerate(days, 1):
                print(day.isoformat(), file=file)
                self.provider.io.update_progress(number / count)
        df = pd.DataFrame({"Day": days})
        df["Week"] = [day.isocalendar()[1] for day in days]
        df["Name"] = [calendar.day_name[day.weekday()] for day in days]
        self.output_anchor.write(RecordPacket.from_dataframe(self.output_metadata, df))


AyxPlugin = register_plugin(CalendarSource)
