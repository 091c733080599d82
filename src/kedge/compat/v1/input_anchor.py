"""Incoming anchors and connections of a V1 tool."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kedge.compat.bases import InputAnchorBase, InputConnectionBase, InputConnectionStatus
from kedge.compat.v1.packets import RecordPacket
from kedge.exceptions import UsageError
from kedge.sdk.schemas import metadata_from_schema

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.sdk.anchors import InputAnchor
    from kedge.sdk.fields import Metadata

__all__ = ["AMPInputAnchor", "AMPInputConnection"]


class AMPInputAnchor(InputAnchorBase):
    """An incoming anchor.

    An engine does not say whether an anchor is optional or takes several connections: what the tool class declares
    counts, else what the run shows.
    """

    def __init__(self, name: str, connections: dict[str, Metadata | None], declared: InputAnchor | None) -> None:
        self._name = name
        self._declared = declared
        self._connections = [AMPInputConnection(self, *connection) for connection in connections.items()]

    @property
    def name(self) -> str:
        """The anchor's name."""
        return self._name

    @property
    def allow_multiple(self) -> bool:
        """Whether it takes more than one connection."""
        return self._declared.allow_multiple if self._declared else len(self._connections) > 1

    @property
    def optional(self) -> bool:
        """Whether it may have no connection."""
        return self._declared.optional if self._declared else not self._connections

    @property
    def connections(self) -> list[AMPInputConnection]:
        """Its connections; none for an optional anchor that nothing is connected to."""
        return self._connections


class AMPInputConnection(InputConnectionBase):
    """One connection to an incoming anchor, with the records that have come and were not read yet."""

    def __init__(self, anchor: AMPInputAnchor, name: str, metadata: Metadata | None) -> None:
        self._anchor = anchor
        self._name = name
        self._metadata = metadata
        self._status = InputConnectionStatus.CREATED
        self._max_packet_size: int | None = None
        self._unread: deque[pa.Table] = deque()
        self._packets_read = 0

    def __repr__(self) -> str:
        rows = sum(table.num_rows for table in self._unread)
        return f"<AMPInputConnection {self._name!r} of {self._anchor.name!r}, {self._status.name}, {rows} rows unread>"

    @property
    def name(self) -> str:
        """The connection's name: ``#1``, ``#2``, …"""
        return self._name

    @property
    def metadata(self) -> Metadata | None:
        """The fields of its records; None as long as the engine has not told."""
        return self._metadata

    @property
    def anchor(self) -> AMPInputAnchor:
        """The anchor that it is connected to."""
        return self._anchor

    @property
    def max_packet_size(self) -> int | None:
        """The most rows that a packet has; None for as many as come at once."""
        return self._max_packet_size

    @max_packet_size.setter
    def max_packet_size(self, value: int | None) -> None:
        if value is not None and (not isinstance(value, int) or value < 1):
            raise UsageError(f"max_packet_size is a number of rows from 1 on, or None, not {value!r}")
        self._max_packet_size = value

    @property
    def progress(self) -> float:
        """1.0 once everything has come, 0.0 before: an engine does not tell how much there will be."""
        return 1.0 if self._status is InputConnectionStatus.CLOSED else 0.0

    @property
    def status(self) -> InputConnectionStatus:
        """Where the connection stands."""
        return self._status

    @property
    def packets_read(self) -> int:
        """How many packets the tool has read."""
        return self._packets_read

    @property
    def is_readable(self) -> bool:
        """Whether :meth:`read` has something to return."""
        return bool(self._unread)

    def read(self) -> RecordPacket:
        """The next packet. Raises UsageError where there is nothing to read."""
        if not self._unread:
            raise UsageError(
                f"connection {self._name!r} of anchor {self._anchor.name!r} has nothing to read now "
                f"(it is {self._status.name}): read once in each on_record_packet, which is called as long as there "
                "is a packet"
            )
        table = self._unread.popleft()
        if self._max_packet_size is not None and table.num_rows > self._max_packet_size:
            self._unread.appendleft(table.slice(self._max_packet_size))
            table = table.slice(0, self._max_packet_size)
        self._packets_read += 1
        assert self._metadata is not None
        return RecordPacket.from_table(self._metadata, table)

    def open(self, schema: pa.Schema | None = None) -> bool:
        """Take note of the fields, unless they are known; True where the tool has not been told of the connection."""
        if self._metadata is None:
            self._metadata = metadata_from_schema(schema) if schema is not None else None
        if self._status is not InputConnectionStatus.CREATED:
            return False
        self._status = InputConnectionStatus.INITIALIZED
        return True

    def receive(self, table: pa.Table) -> None:
        """Take records that came; an empty table brings none."""
        self._status = InputConnectionStatus.RECEIVING_RECORDS
        if table.num_rows:
            self._unread.append(table)

    def close(self) -> None:
        """Take note that nothing more will come."""
        self._status = InputConnectionStatus.CLOSED
