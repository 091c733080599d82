"""The state machine itself."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import AnchorNotFoundException, EngineGone, UsageError
from kedge.lifecycle.events import (
    Answered,
    BatchArrived,
    ChunkArrived,
    CloseAnchor,
    Confirm,
    ConnectionCompleted,
    Construct,
    ControlClosed,
    DeliverAnswer,
    DeliverBatch,
    DeliverCompletion,
    DeliverEnd,
    Disconnected,
    Flushed,
    Initialized,
    NotifyComplete,
    PushMetadata,
    Raised,
    RecordsClosed,
    Returned,
    SendBatch,
    SendMessage,
    SendProgress,
    SendRequest,
    Violated,
)
from kedge.lifecycle.transitions import TRANSITIONS, Reaction, State
from kedge.sdk.constants import Anchor, MessageType
from kedge.sdk.outgoing import OutgoingRecords
from kedge.sdk.outlet import Message

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.lifecycle.events import Call, ControlAction, Event, RecordAction
    from kedge.sdk.fields import Metadata
    from kedge.sdk.initialization import Initialization
    from kedge.sdk.outlet import Answer, AnswerCallback, Request

__all__ = ["Lifecycle", "Statistics"]

logger = logging.getLogger(__name__)


class Statistics(NamedTuple):
    """What passed through a run, as seen by the tool. Sizes in bytes."""

    batches_in: int
    rows_in: int
    bytes_in: int
    batches_out: int
    rows_out: int
    bytes_out: int
    pending_bytes: int
    high_water: int


@dataclass
class _Connection:
    """What is known of one incoming connection."""

    half_received: int = 0
    touched: float = 0.0
    completed_at: float | None = None
    done: bool = False


@dataclass
class _Traffic:
    batches: int = 0
    rows: int = 0
    bytes: int = 0

    def add(self, table: pa.Table, size: int) -> None:
        self.batches += 1
        self.rows += table.num_rows
        self.bytes += size


@dataclass
class _Pending:
    """Requests that wait for their answer; a callback of None means that a thread waits for it."""

    callbacks: dict[str, AnswerCallback | None] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)

    def waiting(self) -> int:
        return sum(callback is not None for callback in self.callbacks.values())


class Lifecycle:
    """One run of one tool.

    ``quiet`` is how long, in seconds, a connection must be silent before a completion that came on Control counts;
    ``patience`` how long it may be silent in the middle of a batch after that; ``budget`` how many bytes of records
    may wait here before :attr:`wants_records` turns false.
    """

    def __init__(self, quiet: float = 0.05, patience: float = 30.0, budget: int = 64 << 20) -> None:
        self.quiet = quiet
        self.patience = patience
        self.budget = budget
        self.state = State.AWAITING
        self.control_out: deque[ControlAction] = deque()
        self.records_out: deque[RecordAction] = deque()
        self.failed = False
        self._initialization: Initialization | None = None
        self._connections: dict[Anchor, _Connection] = {}
        self._outgoing: dict[str, OutgoingRecords] = {}
        self._inbox: deque[tuple[DeliverBatch | DeliverCompletion, int]] = deque()
        self._answered: deque[DeliverAnswer] = deque()
        self._pending = _Pending()
        self._constructed = False
        self._records_closed = False
        self._notified = False
        self._control_closed = False
        self._loss = ""
        self._resumed = 0.0
        self._pending_bytes = 0
        self._high_water = 0
        self._in, self._out = _Traffic(), _Traffic()

    def __repr__(self) -> str:
        open_connections = sum(not connection.done for connection in self._connections.values())
        return (
            f"<Lifecycle {self.state.value}: {len(self._inbox)} deliveries waiting ({self._pending_bytes} bytes), "
            f"{open_connections} of {len(self._connections)} connections open, "
            f"{len(self._pending.callbacks)} requests unanswered>"
        )

    # --- the engine's half --------------------------------------------------------------------------------------------

    def receive(self, event: Event, now: float) -> None:
        """Take an event. Raises RuntimeError for one that a correct driver never sends in this state."""
        reaction = TRANSITIONS.get((self.state, type(event)))
        if reaction is None:
            raise RuntimeError(f"{type(event).__name__} cannot happen while {self.state.value}")
        if reaction is Reaction.TAKE:
            getattr(self, f"_on_{type(event).__name__}")(event, now)
        elif reaction is Reaction.REFUSE:
            self._fail(f"protocol error: {_describe(event)} came while the tool was {self.state.value}")
        elif isinstance(event, Answered):
            logger.warning("an answer to %r came, which nobody asked", event.msg_id)

    def next_call(self, now: float) -> Call | None:
        """The next call to run, None where there is none now. The driver reports Returned or Raised for each."""
        if self.state is State.CONSTRUCTING and not self._constructed:
            assert self._initialization is not None
            self._constructed = True
            return Construct(self._initialization)
        if self.state in (State.RUNNING, State.COMPLETING, State.UPDATED) and self._answered:
            return self._answered.popleft()
        if self.state is State.RUNNING:
            return self._next_delivery(now)
        if self.state in (State.COMPLETING, State.UPDATED) and not self._pending.waiting():
            self._end()
        return None

    def deadline(self) -> float | None:
        """When :meth:`next_call` may have something without a further event; None where only an event helps."""
        if self.state is not State.RUNNING or not self.wants_records:
            return None
        return min((at for at in map(self._quiet_until, self._connections.values()) if at is not None), default=None)

    @property
    def wants_records(self) -> bool:
        """Whether the driver may read on from RecordTransfer."""
        return self._pending_bytes < self.budget or self.state in (State.ENDING, State.CONFIRMED, State.LOST)

    def statistics(self) -> Statistics:
        """What has passed so far."""
        arrived, sent = self._in, self._out
        return Statistics(
            *(arrived.batches, arrived.rows, arrived.bytes),
            *(sent.batches, sent.rows, sent.bytes),
            *(self._pending_bytes, self._high_water),
        )

    # --- events -------------------------------------------------------------------------------------------------------

    def _on_Initialized(self, event: Initialized, now: float) -> None:  # noqa: N802 - named after the event
        self._initialization = event.initialization
        self._outgoing = {
            anchor.name: OutgoingRecords(anchor.name, connected=anchor.num_connections > 0)
            for anchor in event.initialization.outgoing
        }
        early, self._connections = (
            self._connections,
            {
                Anchor(anchor.name, connection.name): _Connection(touched=now)
                for anchor in event.initialization.incoming
                for connection in anchor.connections
            },
        )
        self.state = State.CONSTRUCTING
        if event.initialization.update_only:
            self._inbox.clear()
            return
        for anchor, connection in early.items():
            if self._known(anchor):
                self._connections[anchor] = connection
        self._settle_records_closed()

    def _on_ChunkArrived(self, event: ChunkArrived, now: float) -> None:  # noqa: N802
        connection = self._arrival(Anchor(event.anchor, event.connection), event.size, now)
        if connection is not None:
            connection.half_received += event.size
            self._hold(event.size)

    def _on_BatchArrived(self, event: BatchArrived, now: float) -> None:  # noqa: N802
        anchor = Anchor(event.anchor, event.connection)
        connection = self._arrival(anchor, event.size, now)
        if connection is not None:
            self._hold(event.size)
            size = connection.half_received + event.size
            connection.half_received = 0
            self._in.add(event.table, size)
            self._inbox.append((DeliverBatch(event.table, anchor), size))

    def _on_ConnectionCompleted(self, event: ConnectionCompleted, now: float) -> None:  # noqa: N802
        if self._initialization is None and event.anchor is not None and event.connection is not None:
            self._connections.setdefault(Anchor(event.anchor, event.connection), _Connection(touched=now))
        named = [
            (anchor, connection)
            for anchor, connection in self._connections.items()
            if event.anchor in (None, anchor.name) and event.connection in (None, anchor.connection)
        ]
        if not named and (event.anchor is not None or event.connection is not None):
            self._fail(
                f"protocol error: the engine completed connection {event.connection!r} of anchor {event.anchor!r}, "
                f"which it never announced; it announced {self._announced()}"
            )
        for anchor, connection in named:
            if not event.in_band:
                connection.completed_at = now if connection.completed_at is None else connection.completed_at
            elif not self._broken_off(anchor, connection):
                self._complete(anchor, connection)

    def _on_RecordsClosed(self, _event: RecordsClosed, _now: float) -> None:  # noqa: N802
        self._records_closed = True
        self._settle_records_closed()

    def _on_NotifyComplete(self, _event: NotifyComplete, _now: float) -> None:  # noqa: N802
        self._notified = True

    def _on_Answered(self, event: Answered, _now: float) -> None:  # noqa: N802
        if event.msg_id not in self._pending.callbacks:
            logger.warning("an answer to %r came, which nobody asked", event.msg_id)
        elif (callback := self._pending.callbacks.pop(event.msg_id)) is None:
            self._pending.answers[event.msg_id] = event.answer
        else:
            self._answered.append(DeliverAnswer(callback, event.answer))

    def _on_ControlClosed(self, _event: ControlClosed, _now: float) -> None:  # noqa: N802
        self._control_closed = True
        if self.state is State.AWAITING:
            self._lose("the engine closed Control before it initialised the tool")
        elif self.state in (State.CONSTRUCTING, State.RUNNING) and not self._notified and not self.update_only:
            self._lose("the engine closed Control before it had sent notify_complete")
        elif self._pending.waiting():
            self._fail(f"the engine closed Control without answering {self._pending.waiting()} of the tool's requests")

    def _on_Disconnected(self, event: Disconnected, _now: float) -> None:  # noqa: N802
        self._lose(event.reason)

    def _on_Violated(self, event: Violated, _now: float) -> None:  # noqa: N802
        self._fail(f"protocol error: {event.reason}")

    def _on_Returned(self, _event: Returned, _now: float) -> None:  # noqa: N802
        if self.state is State.CONSTRUCTING:
            self.state = State.UPDATED if self.update_only else State.RUNNING

    def _on_Raised(self, event: Raised, _now: float) -> None:  # noqa: N802
        self._fail(event.text)

    def _on_Flushed(self, _event: Flushed, _now: float) -> None:  # noqa: N802
        self.control_out.append(Confirm())
        self.state = State.CONFIRMED

    # --- the tool's half: an outlet's decisions -----------------------------------------------------------------------

    def message(self, message: Message) -> None:
        """Queue a message."""
        self._require_engine()
        self.control_out.append(SendMessage(message))

    def progress(self, fraction: float) -> None:
        """Queue a progress report."""
        self._require_engine()
        self.control_out.append(SendProgress(fraction))

    def request(self, request: Request, callback: AnswerCallback | None) -> str:
        """Queue a request and return its id; without a callback the answer is fetched by :meth:`take_answer`."""
        self._require_engine()
        if self._control_closed:
            raise EngineGone("the engine closed Control: it answers no more requests")
        msg_id = str(uuid.uuid4())
        self._pending.callbacks[msg_id] = callback
        self.control_out.append(SendRequest(msg_id, request))
        return msg_id

    def take_answer(self, msg_id: str) -> Answer | None:
        """The answer to a request without callback, None while it has not come; EngineGone if it never will."""
        answer = self._pending.answers.pop(msg_id, None)
        if answer is None:
            self._require_engine()
            if self._control_closed:
                raise EngineGone("the engine closed Control without answering")
        return answer

    def push_metadata(self, anchor: str, metadata: Metadata) -> None:
        """Queue an announcement; one that repeats the last is not sent again."""
        self._require_engine()
        if self._outgoing_anchor(anchor).announce(metadata):
            self.control_out.append(PushMetadata(anchor, metadata))

    def write(self, anchor: str, data: pa.Table | pa.RecordBatch) -> None:
        """Queue records; the first batch announces the anchor where the tool did not."""
        self._require_engine()
        if self.state in (State.CONSTRUCTING, State.UPDATED):
            raise UsageError(
                f"write_to_anchor({anchor!r}, …) in __init__: records can be written from on_record_batch, "
                "on_incoming_connection_complete and on_complete; __init__ only announces metadata"
            )
        if self.state not in (State.RUNNING, State.COMPLETING):
            raise UsageError(f"write_to_anchor({anchor!r}, …) came when the run was over ({self.state.value})")
        outgoing = self._outgoing_anchor(anchor)
        conformed = outgoing.conform(data)
        self._warn(conformed.warnings)
        if conformed.announce is not None:
            self.control_out.append(PushMetadata(anchor, conformed.announce))
        for table, size in conformed.tables:
            self._out.add(table, size)
            self.records_out.append(SendBatch(anchor, table))

    def close(self, anchor: str) -> None:
        """Queue the close of an outgoing anchor; closing twice is closing once."""
        self._require_engine()
        if self._outgoing_anchor(anchor).close():
            self.records_out.append(CloseAnchor(anchor))

    # --- decisions ----------------------------------------------------------------------------------------------------

    @property
    def update_only(self) -> bool:
        """Whether the engine only wants the tool constructed."""
        return self._initialization is not None and self._initialization.update_only

    def _next_delivery(self, now: float) -> Call | None:
        for anchor, connection in self._connections.items():
            quiet_until = self._quiet_until(connection)
            if quiet_until is None or now < quiet_until or not self.wants_records:
                continue
            if self._broken_off(anchor, connection):
                return None
            self._complete(anchor, connection)
        if self._inbox:
            call, size = self._inbox.popleft()
            self._release(size, now)
            return call
        everything_in = self._notified and all(connection.done for connection in self._connections.values())
        if everything_in and not self._pending.waiting():
            self.state = State.COMPLETING
            return DeliverEnd()
        return None

    def _quiet_until(self, connection: _Connection) -> float | None:
        """When a completion that came on Control counts, None where it does not wait for that."""
        if connection.completed_at is None or connection.done:
            return None
        silence = self.patience if connection.half_received else self.quiet
        return max(connection.completed_at, connection.touched, self._resumed) + silence

    def _arrival(self, anchor: Anchor, size: int, now: float) -> _Connection | None:
        if self._initialization is None:
            connection = self._connections.setdefault(anchor, _Connection())
        elif self._known(anchor):
            connection = self._connections[anchor]
        else:
            return None
        if connection.done:
            self._fail(
                f"protocol error: {size} bytes of records came for {_named(anchor)} after the engine had completed it"
            )
            return None
        connection.touched = now
        return connection

    def _known(self, anchor: Anchor) -> bool:
        if anchor in self._connections:
            return True
        self._fail(
            f"protocol error: records came for {_named(anchor)}, which was never announced; "
            f"the engine announced {self._announced()}"
        )
        return False

    def _announced(self) -> str:
        return ", ".join(map(_named, self._connections)) or "no connection"

    def _broken_off(self, anchor: Anchor, connection: _Connection) -> bool:
        if connection.half_received:
            self._fail(
                f"protocol error: {_named(anchor)} ended inside a batch, {connection.half_received} bytes into it"
            )
        return connection.half_received > 0

    def _complete(self, anchor: Anchor, connection: _Connection) -> None:
        if not connection.done:
            connection.done = True
            self._inbox.append((DeliverCompletion(anchor), 0))

    def _settle_records_closed(self) -> None:
        """The end of RecordTransfer completes every connection that is left."""
        if not self._records_closed or self._initialization is None:
            return
        for anchor, connection in self._connections.items():
            if self._broken_off(anchor, connection):
                return
            self._complete(anchor, connection)

    def _hold(self, size: int) -> None:
        self._pending_bytes += size
        self._high_water = max(self._high_water, self._pending_bytes)

    def _release(self, size: int, now: float) -> None:
        paused = not self.wants_records
        self._pending_bytes -= size
        if paused and self.wants_records:
            self._resumed = now

    def _outgoing_anchor(self, name: str) -> OutgoingRecords:
        try:
            return self._outgoing[name]
        except KeyError:
            known = ", ".join(map(repr, self._outgoing)) or "none"
            raise AnchorNotFoundException(
                f"there is no outgoing anchor {name!r}; the tool's configuration has {known}"
            ) from None

    def _require_engine(self) -> None:
        if self.state is State.LOST:
            raise EngineGone(self._loss)

    def _warn(self, warnings: list[str]) -> None:
        self.control_out.extend(SendMessage(Message(MessageType.WARN, warning)) for warning in warnings)

    def _fail(self, text: str) -> None:
        """Report an error and end the run: no further callback, but what is queued is still sent."""
        if self.state in (State.ENDING, State.CONFIRMED, State.LOST):
            return
        self.failed = True
        self.control_out.append(SendMessage(Message(MessageType.ERROR, text)))
        self._end()

    def _end(self) -> None:
        if not self.update_only:
            for name, outgoing in self._outgoing.items():
                self._warn(outgoing.closing_warnings())
                if outgoing.close():
                    self.records_out.append(CloseAnchor(name))
        self._drop_deliveries()
        self.state = State.ENDING

    def _lose(self, reason: str) -> None:
        self.failed = True
        self._loss = reason
        self._drop_deliveries()
        self.records_out.clear()
        self.state = State.LOST

    def _drop_deliveries(self) -> None:
        self._inbox.clear()
        self._answered.clear()
        self._pending_bytes = 0


def _named(anchor: Anchor) -> str:
    return f"connection {anchor.connection!r} of anchor {anchor.name!r}"


def _describe(event: Event) -> str:
    if isinstance(event, ChunkArrived | BatchArrived):
        return f"{event.size} bytes of records for {_named(Anchor(event.anchor, event.connection))}"
    return "a second initialisation" if isinstance(event, Initialized) else type(event).__name__
