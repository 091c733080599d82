"""What passed one end of a connection between an engine and a tool process."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kedge.wire.byte_queue import QueueStatistics
    from kedge.wire.shared_memory_writer import PoolStatistics

__all__ = ["ConnectionStatistics"]


class ConnectionStatistics(NamedTuple):
    """What was sent: batches and their bytes, the most that waited and how often; and what was received.

    Bytes received are those that the batches came in. ``pool`` tells of the shared memory for what was sent; it is None
    where the two ends did not agree upon any.
    """

    sent: QueueStatistics
    pool: PoolStatistics | None
    received_batches: int
    received_bytes: int

    def as_json(self) -> dict[str, object]:
        """The same in JSON values."""
        return {
            "sent": self.sent._asdict(),
            "pool": None if self.pool is None else self.pool._asdict(),
            "received": {"batches": self.received_batches, "bytes": self.received_bytes},
        }
