"""Outgoing anchors of a V1 tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kedge.compat.bases import OutputAnchorBase
from kedge.compat.v1.packets import RecordPacket
from kedge.exceptions import UsageError
from kedge.sdk.fields import Metadata

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.compat.bases import RecordPacketBase
    from kedge.sdk.provider import AMPProviderV2

__all__ = ["AMPOutputAnchor"]


class AMPOutputAnchor(OutputAnchorBase):
    """An outgoing anchor: opened with the fields of its records, written to, and closed.

    An engine takes no records before the tool is made. What a tool writes in ``__init__`` or in an early
    ``on_input_connection_opened`` waits here until then; in an update-only run, which has no records, it is let go.
    """

    def __init__(self, name: str, num_connections: int, provider: AMPProviderV2) -> None:
        self._name = name
        self._num_connections = num_connections
        self._provider = provider
        self._metadata: Metadata | None = None
        self._closed = False
        self._waiting: list[pa.Table] | None = []

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self.is_open else "not opened"
        return f"<AMPOutputAnchor {self._name!r}, {state}>"

    @property
    def name(self) -> str:
        """The anchor's name."""
        return self._name

    @property
    def allow_multiple(self) -> bool:
        """True: any number of connections may leave an anchor."""
        return True

    @property
    def optional(self) -> bool:
        """True: an anchor may have no connection; what is written to it then is dropped."""
        return True

    @property
    def num_connections(self) -> int:
        """How many connections leave it."""
        return self._num_connections

    @property
    def is_open(self) -> bool:
        """Whether it takes records."""
        return self._metadata is not None and not self._closed

    @property
    def metadata(self) -> Metadata | None:
        """The fields it was opened with; None before."""
        return self._metadata

    def open(self, metadata: Metadata) -> None:
        """Announce the fields of the records to come; once more is possible as long as nothing was written.

        Raises UsageError for an anchor that is closed, and for what is no Metadata.
        """
        if self._closed:
            raise UsageError(f"output anchor {self._name!r} is closed, and cannot be opened again")
        if not isinstance(metadata, Metadata):
            raise UsageError(
                f"output anchor {self._name!r} is opened with a Metadata, not with a {type(metadata).__name__}"
            )
        own = metadata.clone()
        self._provider.push_outgoing_metadata(self._name, own)
        self._metadata = own

    def write(self, record_packet: RecordPacketBase) -> None:
        """Append the records of a packet. Blocks while the outgoing queue is full.

        Raises UsageError where the anchor is not open, naming the columns that are not those it was opened with, or
        naming column, row and value of what does not fit its field.
        """
        if self._closed:
            raise UsageError(f"output anchor {self._name!r} is closed: write before close()")
        if self._metadata is None:
            raise UsageError(
                f"output anchor {self._name!r} was written to before it was opened: call open(metadata) first, "
                "in __init__ or in on_input_connection_opened"
            )
        if not isinstance(record_packet, RecordPacket):
            raise UsageError(
                f"output anchor {self._name!r} takes a RecordPacket, not a {type(record_packet).__name__}: "
                "make one with RecordPacket.from_dataframe(metadata, df)"
            )
        try:
            table = record_packet.to_table(self._metadata)
        except UsageError as error:
            raise UsageError(f"output anchor {self._name!r}: {error}") from error
        self._send(table)

    def flush(self) -> None:
        """Nothing is held back: records leave as they are written."""

    def close(self) -> None:
        """Take nothing more; closing twice is closing once. Anchors still open when the tool ends are closed then."""
        self._closed = True
        if self._waiting is None:
            self._provider.close_outgoing_anchor(self._name)

    def update_progress(self, percent: float) -> None:
        """Report the progress of the tool, 0.0 to 1.0."""
        self._provider.io.update_progress(percent)

    def start(self) -> None:
        """Send what was written before the engine took records."""
        if self._waiting is None:
            return
        waiting, self._waiting = self._waiting, None
        for table in waiting:
            self._send(table)
        if self._closed:
            self._provider.close_outgoing_anchor(self._name)

    def _send(self, table: pa.Table) -> None:
        if self._waiting is None:
            self._provider.write_to_anchor(self._name, table)
        else:
            self._waiting.append(table)
