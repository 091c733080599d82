"""The incoming half of a run: what has arrived on which connection, and what waits to be delivered."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from kedge.exceptions import ProtocolError
from kedge.lifecycle.events import (
    BatchArrived,
    ChunkArrived,
    ConnectionCompleted,
    DeliverBatch,
    DeliverCompletion,
    RecordsClosed,
)
from kedge.lifecycle.limits import MOST_CONNECTIONS
from kedge.sdk.constants import Anchor

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from kedge.sdk.initialization import IncomingAnchor

__all__ = ["IncomingRecords", "RecordEvent", "Traffic", "named"]

RecordEvent: TypeAlias = ChunkArrived | BatchArrived | ConnectionCompleted | RecordsClosed


@dataclass
class _Connection:
    """What is known of one incoming connection; ``half_received`` is None between two batches."""

    touched: float
    half_received: int | None = None
    completed_at: float | None = None
    done: bool = False


@dataclass
class Traffic:
    """What has passed in one direction."""

    batches: int = 0
    rows: int = 0
    bytes: int = 0

    def add(self, table: pa.Table, size: int) -> None:
        """Count one batch of ``size`` bytes."""
        self.batches += 1
        self.rows += table.num_rows
        self.bytes += size


class IncomingRecords:
    """The connections of one run, and the deliveries that wait. The arguments are those of ``Lifecycle``.

    Every method that takes something from the engine raises ProtocolError where the engine broke the rules.
    """

    def __init__(self, quiet: float, patience: float, budget: int) -> None:
        self.traffic = Traffic()
        self.pending_bytes = 0
        self.high_water = 0
        self._quiet = quiet
        self._patience = patience
        self._budget = budget
        self._announced = False
        self._connections: dict[Anchor, _Connection] = {}
        self._early: list[RecordEvent] = []
        self._inbox: deque[tuple[DeliverBatch | DeliverCompletion, int]] = deque()
        self._some_wait_for_silence = False
        self._resumed = float("-inf")
        self._returned = float("-inf")

    def __repr__(self) -> str:
        still_open = sum(not connection.done for connection in self._connections.values())
        return (
            f"{len(self._inbox)} deliveries waiting ({self.pending_bytes} bytes), "
            f"{still_open} of {len(self._connections)} connections open"
        )

    @property
    def wants_records(self) -> bool:
        """Whether more may be read: never while the budget is used up, unless nothing else helps.

        Nothing else helps where all that is held is part of a batch: one that is larger than the budget must come in
        whole, for it is delivered whole.
        """
        return self.pending_bytes < self._budget or not (self._inbox or self._early)

    @property
    def complete(self) -> bool:
        """Whether every connection is complete."""
        return all(connection.done for connection in self._connections.values())

    def announce(self, anchors: Iterable[IncomingAnchor], now: float) -> None:
        """Take the connections; what came before them is taken now, in its order."""
        self._connections = {
            Anchor(anchor.name, connection.name): _Connection(touched=now)
            for anchor in anchors
            for connection in anchor.connections
        }
        if (count := len(self._connections)) > MOST_CONNECTIONS:
            raise ProtocolError(f"the engine announced {count} connections, the limit is {MOST_CONNECTIONS}")
        self._announced = True
        early, self._early = self._early, []
        self.pending_bytes = 0
        for event in early:
            self.take(event, now)

    def take(self, event: RecordEvent, now: float) -> None:
        """Take what the engine sent, at ``now``."""
        if not self._announced:
            if len(self._early) == MOST_CONNECTIONS:
                raise ProtocolError(f"{MOST_CONNECTIONS} messages came before the initialisation, which is the limit")
            self._early.append(event)
            overhead = event.overhead if isinstance(event, BatchArrived) else 0
            self._hold(overhead + event.size if isinstance(event, (ChunkArrived, BatchArrived)) else 0)
        elif isinstance(event, BatchArrived):
            self._take_batch(event, now)
        elif isinstance(event, ChunkArrived):
            connection = self._arrival(Anchor(event.anchor, event.connection), event.size, now)
            connection.half_received = (connection.half_received or 0) + event.size
        elif isinstance(event, ConnectionCompleted):
            self._take_completion(event, now)
        else:
            for anchor, connection in self._connections.items():
                self._complete(anchor, connection)

    def returned(self, now: float) -> None:
        """Take note that a callback has come back."""
        self._returned = now

    def next_delivery(self, now: float) -> DeliverBatch | DeliverCompletion | None:
        """The next delivery, None where there is none now."""
        if self._some_wait_for_silence and (silent := self._silent(now)):
            if now < self._returned + self._quiet:
                return None  # a callback may have kept the driver from reading, so listen for once without one
            for anchor, connection in silent:
                self._complete(anchor, connection)
        if not self._inbox:
            return None
        paused = self.pending_bytes >= self._budget
        delivery, size = self._inbox.popleft()
        self.pending_bytes -= size
        if paused and self.wants_records:
            self._resumed = now
        return delivery

    def deadline(self) -> float | None:
        """When silence makes the next connection complete; None where none waits for that."""
        if not self._some_wait_for_silence or not self.wants_records:
            return None
        ends = [at for at in map(self._silent_at, self._connections.values()) if at is not None]
        return max(min(ends), self._returned + self._quiet) if ends else None

    def drop(self) -> None:
        """Forget all that waits: nothing is delivered any more."""
        self._early.clear()
        self._inbox.clear()
        self.pending_bytes = 0

    def _take_batch(self, event: BatchArrived, now: float) -> None:
        anchor = Anchor(event.anchor, event.connection)
        connection = self._arrival(anchor, event.size, now)
        size = (connection.half_received or 0) + event.size
        connection.half_received = None
        self.traffic.add(event.table, size)
        self._hold(event.overhead)
        self._inbox.append((DeliverBatch(event.table, anchor), size + event.overhead))

    def _take_completion(self, event: ConnectionCompleted, now: float) -> None:
        meant = [
            (anchor, connection)
            for anchor, connection in self._connections.items()
            if event.anchor in (None, anchor.name) and event.connection in (None, anchor.connection)
        ]
        if not meant and (event.anchor is not None or event.connection is not None):
            raise ProtocolError(
                f"the engine completed connection {event.connection!r} of anchor {event.anchor!r}, "
                f"which it never announced; it announced {self._known()}"
            )
        for anchor, connection in meant:
            if event.in_band:
                self._complete(anchor, connection)
            elif connection.completed_at is None:
                connection.completed_at = now
                self._some_wait_for_silence = True

    def _arrival(self, anchor: Anchor, size: int, now: float) -> _Connection:
        connection = self._connections.get(anchor)
        if connection is None:
            raise ProtocolError(
                f"{size} bytes of records came for {named(anchor)}, which was never announced; "
                f"the engine announced {self._known()}"
            )
        if connection.done:
            raise ProtocolError(f"{size} bytes of records came for {named(anchor)} after the engine had completed it")
        connection.touched = now
        self._hold(size)
        return connection

    def _complete(self, anchor: Anchor, connection: _Connection) -> None:
        if connection.done:
            return
        if connection.half_received is not None:
            raise ProtocolError(f"{named(anchor)} ended inside a batch, {connection.half_received} bytes into it")
        connection.done = True
        self._inbox.append((DeliverCompletion(anchor), 0))

    def _silent(self, now: float) -> list[tuple[Anchor, _Connection]]:
        """The connections whose completion came on Control and counts by now."""
        if not self.wants_records:
            return []
        ends = ((anchor, connection, self._silent_at(connection)) for anchor, connection in self._connections.items())
        return [(anchor, connection) for anchor, connection, at in ends if at is not None and at <= now]

    def _silent_at(self, connection: _Connection) -> float | None:
        """When a completion that came on Control counts, None where it does not wait for that."""
        if connection.completed_at is None or connection.done:
            return None
        silence = self._quiet if connection.half_received is None else self._patience
        return max(connection.completed_at, connection.touched, self._resumed) + silence

    def _hold(self, size: int) -> None:
        self.pending_bytes += size
        self.high_water = max(self.high_water, self.pending_bytes)

    def _known(self) -> str:
        return ", ".join(map(named, self._connections)) or "no connection"


def named(anchor: Anchor) -> str:
    """The connection as messages call it."""
    return f"connection {anchor.connection!r} of anchor {anchor.name!r}"
