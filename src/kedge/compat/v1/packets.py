"""Records on their way between a V1 tool and its anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kedge.compat.bases import RecordPacketBase
from kedge.exceptions import UsageError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from kedge.sdk.fields import Metadata

__all__ = ["AMPRecordPacket", "RecordPacket"]


class RecordPacket(RecordPacketBase):
    """Some records and their fields.

    A packet that was read and is written as it is never becomes a frame. The frame of :meth:`to_dataframe` is the
    packet's own: what a tool changes in it is what is written.
    """

    def __init__(self, metadata: Metadata, df: pd.DataFrame) -> None:
        """Take a frame of exactly the metadata's columns; raises UsageError naming the columns that are wrong."""
        from kedge.compat.v1.frames import check_columns

        check_columns(metadata, df)
        self._metadata = metadata
        self._frame: pd.DataFrame | None = df
        self._table: pa.Table | None = None

    @classmethod
    def from_dataframe(cls, metadata: Metadata, df: pd.DataFrame) -> RecordPacket:
        """A packet of the records of a frame; raises UsageError naming the columns that are wrong."""
        return cls(metadata, df)

    @classmethod
    def from_table(cls, metadata: Metadata, table: pa.Table) -> RecordPacket:
        """A packet of records as an engine sends them."""
        packet = cls.__new__(cls)
        packet._metadata, packet._frame, packet._table = metadata, None, table
        return packet

    def __repr__(self) -> str:
        held = self._frame if self._frame is not None else self._table
        rows = 0 if held is None else len(held)
        return f"<RecordPacket of {rows} rows, {', '.join(field.name for field in self._metadata)}>"

    @property
    def metadata(self) -> Metadata:
        """The fields."""
        return self._metadata

    def to_dataframe(self) -> pd.DataFrame:
        """The records as a frame, in the dtypes that the pages on V1 list; the same one each time."""
        if self._frame is None:
            from kedge.compat.v1.frames import frame_from_table

            assert self._table is not None
            self._frame, self._table = frame_from_table(self._table), None
        return self._frame

    def to_table(self, metadata: Metadata) -> pa.Table:
        """The records as a table with the columns of ``metadata``, for an anchor that was opened with it.

        Raises UsageError naming columns that are missing or left over, or column, row and value.
        """
        if self._frame is not None:
            from kedge.compat.v1.frames import table_from_frame

            return table_from_frame(metadata, self._frame)
        assert self._table is not None
        wanted = [field.name for field in metadata]
        if sorted(self._table.column_names) != sorted(wanted):
            raise UsageError(
                f"the packet has the columns {', '.join(map(repr, self._table.column_names))}, and the anchor was "
                f"opened with {', '.join(map(repr, wanted))}"
            )
        return self._table if self._table.column_names == wanted else self._table.select(wanted)


AMPRecordPacket = RecordPacket
"""The name that V1 tools use in annotations."""
