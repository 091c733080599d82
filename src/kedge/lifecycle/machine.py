"""The state machine itself."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import AnchorNotFoundException, EngineGone, ProtocolError, UsageError
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
from kedge.lifecycle.incoming import IncomingRecords, Traffic, named
from kedge.lifecycle.limits import LOGGED_STRAY_ANSWERS
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

_TURNS = (Returned, Raised, Flushed)
_RECORDS = (ChunkArrived, BatchArrived, ConnectionCompleted, RecordsClosed)


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
        self.state = State.AWAITING
        self.control_out: deque[ControlAction] = deque()
        self.records_out: deque[RecordAction] = deque()
        self.failed = False
        self.update_only = False
        """Whether the engine only wants the tool constructed."""
        self._initialization: Initialization | None = None
        self._incoming = IncomingRecords(quiet, patience, budget)
        self._outgoing: dict[str, OutgoingRecords] = {}
        self._sent = Traffic()
        self._answered: deque[DeliverAnswer] = deque()
        self._pending = _Pending()
        self._stray_answers = 0
        self._calling = False
        self._notified = False
        self._control_closed = False
        self._loss = ""

    def __repr__(self) -> str:
        calling = ", a callback runs" if self._calling else ""
        unanswered = len(self._pending.callbacks)
        return f"<Lifecycle {self.state.value}{calling}: {self._incoming!r}, {unanswered} requests unanswered>"

    # --- the engine's half --------------------------------------------------------------------------------------------

    def receive(self, event: Event, now: float) -> None:
        """Take an event. Raises RuntimeError for one that a correct driver never sends in this state."""
        reaction = TRANSITIONS.get((self.state, type(event)))
        if reaction is None:
            raise RuntimeError(f"{type(event).__name__} cannot happen while {self.state.value}")
        if isinstance(event, _TURNS):
            self._take_turn(event, now)
        if reaction is Reaction.TAKE:
            self._take(event, now)
        elif reaction is Reaction.REFUSE:
            self._fail(f"protocol error: {_describe(event)} came while the tool was {self.state.value}")
        elif isinstance(event, Answered):
            self._log_stray(event)
        elif isinstance(event, Raised):
            level = logging.INFO if self.state is State.LOST else logging.WARNING  # it fails because the engine is gone
            logger.log(level, "the run was over, and a callback that was still under way failed: %s", event.text)

    def next_call(self, now: float) -> Call | None:
        """The next call to run, None where there is none now. The driver reports Returned or Raised for each.

        Raises RuntimeError where it has not done so for the last one.
        """
        if self._calling:
            raise RuntimeError("the next call cannot be had before the last has returned or raised")
        try:
            call = self._decide(now)
        except ProtocolError as error:
            self._fail(f"protocol error: {error}")
            return None
        self._calling = call is not None
        return call

    def deadline(self) -> float | None:
        """When :meth:`next_call` may have something without a further event; None where only an event helps."""
        return self._incoming.deadline() if self.state is State.RUNNING else None

    @property
    def wants_records(self) -> bool:
        """Whether the driver may read on from RecordTransfer."""
        return self._incoming.wants_records

    def statistics(self) -> Statistics:
        """What has passed so far."""
        arrived, sent = self._incoming.traffic, self._sent
        return Statistics(
            *(arrived.batches, arrived.rows, arrived.bytes),
            *(sent.batches, sent.rows, sent.bytes),
            *(self._incoming.pending_bytes, self._incoming.high_water),
        )

    # --- events -------------------------------------------------------------------------------------------------------

    def _take_turn(self, event: Returned | Raised | Flushed, now: float) -> None:
        """Only a callback that runs can come back, and only after the last one can all be flushed."""
        if isinstance(event, Flushed) is self._calling:
            state = f"while {self.state.value}, {'a' if self._calling else 'no'} callback runs"
            raise RuntimeError(f"{type(event).__name__} cannot happen: {state}")
        if self._calling:
            self._calling = False
            self._incoming.returned(now)

    def _take(self, event: Event, now: float) -> None:
        try:
            if not isinstance(event, _RECORDS):
                getattr(self, f"_on_{type(event).__name__}")(event, now)
            elif not self.update_only:
                self._incoming.take(event, now)
        except ProtocolError as error:
            self._fail(f"protocol error: {error}")

    def _on_Initialized(self, event: Initialized, now: float) -> None:  # noqa: N802 - named after the event
        self._initialization = event.initialization
        self.update_only = event.initialization.update_only
        self._outgoing = {
            anchor.name: OutgoingRecords(anchor.name, connected=anchor.num_connections > 0)
            for anchor in event.initialization.outgoing
        }
        self.state = State.CONSTRUCTING
        if self.update_only:
            self._incoming.drop()
        else:
            self._incoming.announce(event.initialization.incoming, now)

    def _on_NotifyComplete(self, _event: NotifyComplete, _now: float) -> None:  # noqa: N802
        self._notified = True

    def _on_Answered(self, event: Answered, _now: float) -> None:  # noqa: N802
        if event.msg_id not in self._pending.callbacks:
            self._log_stray(event)
        elif (callback := self._pending.callbacks.pop(event.msg_id)) is None:
            self._pending.answers[event.msg_id] = event.answer
        else:
            self._answered.append(DeliverAnswer(callback, event.answer))

    def _on_ControlClosed(self, _event: ControlClosed, _now: float) -> None:  # noqa: N802
        self._control_closed = True
        waiting = self._pending.waiting()
        if self.state is State.AWAITING:
            self._lose("the engine closed Control before it initialised the tool")
        elif self.state in (State.CONSTRUCTING, State.RUNNING) and not self._notified and not self.update_only:
            self._lose("the engine closed Control before it had sent notify_complete")
        elif waiting:
            self._fail(f"the engine closed Control without answering {waiting} of the tool's requests")

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
        self._require_run("a message")
        self.control_out.append(SendMessage(message))

    def progress(self, fraction: float) -> None:
        """Queue a progress report."""
        self._require_run("a progress report")
        self.control_out.append(SendProgress(fraction))

    def request(self, request: Request, callback: AnswerCallback | None) -> str:
        """Queue a request and return its id; without a callback the answer is fetched by :meth:`take_answer`."""
        self._require_run("a request", State.ENDING)
        if self._control_closed:
            raise EngineGone("the engine closed Control: it answers no more requests")
        msg_id = str(uuid.uuid4())
        self._pending.callbacks[msg_id] = callback
        self.control_out.append(SendRequest(msg_id, request))
        return msg_id

    def take_answer(self, msg_id: str) -> Answer | None:
        """The answer to a request without callback, None while it has not come.

        Raises EngineGone or, where the run is over, UsageError if it never will.
        """
        answer = self._pending.answers.pop(msg_id, None)
        if answer is None:
            self._require_run("the wait for an answer", State.ENDING)
            if self._control_closed:
                raise EngineGone("the engine closed Control without answering")
        return answer

    def push_metadata(self, anchor: str, metadata: Metadata) -> None:
        """Queue an announcement; one that repeats the last is not sent again."""
        self._require_run(f"push_outgoing_metadata({anchor!r}, …)")
        if self._outgoing_anchor(anchor).announce(metadata):
            self.control_out.append(PushMetadata(anchor, metadata.clone()))

    def write(self, anchor: str, data: pa.Table | pa.RecordBatch) -> None:
        """Queue records; the first batch announces the anchor where the tool did not."""
        self._require_run(f"write_to_anchor({anchor!r}, …)", State.ENDING)
        if self.state not in (State.RUNNING, State.COMPLETING):
            raise UsageError(
                f"write_to_anchor({anchor!r}, …) in __init__: records can be written from on_record_batch, "
                "on_incoming_connection_complete and on_complete; __init__ only announces metadata"
            )
        conformed = self._outgoing_anchor(anchor).conform(data)
        if conformed.warnings:
            self._warn(conformed.warnings)
        if conformed.announce is not None:
            self.control_out.append(PushMetadata(anchor, conformed.announce))
        for table, size in conformed.tables:
            self._sent.add(table, size)
            self.records_out.append(SendBatch(anchor, table))

    def close(self, anchor: str) -> None:
        """Queue the close of an outgoing anchor; closing twice is closing once. An update-only run closes nothing."""
        self._require_run(f"close_outgoing_anchor({anchor!r})")
        if self._outgoing_anchor(anchor).close() and not self.update_only:
            self.records_out.append(CloseAnchor(anchor))

    # --- decisions ----------------------------------------------------------------------------------------------------

    def _decide(self, now: float) -> Call | None:
        if self._answered and self.state is not State.CONSTRUCTING:
            return self._answered.popleft()
        if self.state is State.RUNNING:
            return self._next_delivery(now)
        if self.state is State.CONSTRUCTING:
            assert self._initialization is not None
            return Construct(self._initialization)
        if self.state in (State.COMPLETING, State.UPDATED) and not self._pending.waiting():
            self._end()
        return None

    def _next_delivery(self, now: float) -> Call | None:
        if (delivery := self._incoming.next_delivery(now)) is not None:
            return delivery
        if self._notified and self._incoming.complete and not self._pending.waiting():
            self.state = State.COMPLETING
            return DeliverEnd()
        return None

    def _outgoing_anchor(self, name: str) -> OutgoingRecords:
        try:
            return self._outgoing[name]
        except KeyError:
            known = ", ".join(map(repr, self._outgoing)) or "none"
            raise AnchorNotFoundException(
                f"there is no outgoing anchor {name!r}; the tool's configuration has {known}"
            ) from None

    def _require_run(self, what: str, *over: State) -> None:
        """Raise EngineGone where the engine is gone, UsageError where the run has come to one of the states ``over``.

        The confirmation is the last message of all, so nothing may follow it.
        """
        if self.state is State.LOST:
            raise EngineGone(self._loss)
        if self.state in (State.CONFIRMED, *over):
            raise UsageError(
                f"{what} came when the run was over ({self.state.value}); a tool's own threads have to end before its "
                "last callback returns"
            )

    def _warn(self, warnings: list[str]) -> None:
        self.control_out.extend(SendMessage(Message(MessageType.WARN, warning)) for warning in warnings)

    def _fail(self, text: str) -> None:
        """Report an error and end the run: no further callback, but what is queued is still sent."""
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
        self.control_out.clear()
        self.records_out.clear()
        self.state = State.LOST

    def _log_stray(self, event: Answered) -> None:
        """Say that nobody waits for an answer; of many of them for the first alone, and of a long id its beginning."""
        self._stray_answers += 1
        if self._stray_answers <= LOGGED_STRAY_ANSWERS:
            logger.warning("an answer to %.100r came, for which nobody waits", event.msg_id)

    def _drop_deliveries(self) -> None:
        self._incoming.drop()
        self._answered.clear()
        self._pending.callbacks.clear()


def _describe(event: Event) -> str:
    if isinstance(event, ChunkArrived | BatchArrived):
        return f"{event.size} bytes of records for {named(Anchor(event.anchor, event.connection))}"
    return "a second initialisation" if isinstance(event, Initialized) else type(event).__name__
