"""A run driven by plain calls: events in, the names of calls and actions out, and a clock that only a test moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.lifecycle import Lifecycle, State
from kedge.lifecycle.events import (
    Answered,
    BatchArrived,
    ChunkArrived,
    CloseAnchor,
    Confirm,
    ConnectionCompleted,
    Construct,
    DeliverAnswer,
    DeliverBatch,
    DeliverCompletion,
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
)
from kedge.sdk.constants import UpdateMode
from kedge.sdk.initialization import IncomingAnchor, IncomingConnection, Initialization, OutgoingAnchor
from kedge.sdk.outlet import TranslatedMessage, TranslateRequest

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from kedge.lifecycle.events import Call, ControlAction, Event, RecordAction

QUIET = 1.0
PATIENCE = 60.0
BUDGET = 1000


def initialized(*connections: str, outgoing: dict[str, int] | None = None, update_only: bool = False) -> Initialized:
    """The first message, for connections such as ``Left#1``; ``outgoing`` says how many connections leave an anchor."""
    names: dict[str, list[IncomingConnection]] = {}
    for connection in connections:
        anchor, mark, number = connection.partition("#")
        names.setdefault(anchor, []).extend([IncomingConnection(mark + number)] if mark else [])
    return Initialized(
        Initialization(
            incoming=tuple(IncomingAnchor(name, tuple(those)) for name, those in names.items()),
            outgoing=tuple(OutgoingAnchor(*item) for item in (outgoing or {"Output": 1}).items()),
            update_mode=UpdateMode.QUICK if update_only else UpdateMode.NO_UPDATE_MODE,
        )
    )


def rows(count: int) -> pa.Table:
    """A table that is known by its number of rows."""
    return pa.table({"n": pa.nulls(count, pa.int64())})  # from Python values, pyarrow would import pandas


def chunk(connection: str = "In#1", size: int = 10) -> ChunkArrived:
    """Part of a batch."""
    return ChunkArrived(*_split(connection), size)


def batch(connection: str = "In#1", count: int = 1, size: int = 10) -> BatchArrived:
    """The last chunk of a batch of ``count`` rows."""
    return BatchArrived(*_split(connection), rows(count), size)


def completed(connection: str | None = "In#1", *, on_control: bool = False) -> ConnectionCompleted:
    """The end of a connection; of all where it is None."""
    anchor, name = (None, None) if connection is None else _split(connection)
    return ConnectionCompleted(anchor, name, in_band=not on_control)


def _split(connection: str) -> tuple[str, str]:
    anchor, _, number = connection.partition("#")
    return anchor, f"#{number}"


class Driver:
    """A driver of one run that notes the names of calls and actions, such as ``In#1: 3 rows``."""

    def __init__(self, quiet: float = QUIET, patience: float = PATIENCE, budget: int = BUDGET) -> None:
        self.lifecycle = Lifecycle(quiet, patience, budget)
        self.now = 0.0
        self.in_call = False
        self.calls: list[str] = []
        self.control: list[str] = []
        self.records: list[str] = []
        self.request_ids: list[str] = []
        self.on_call: dict[str, Callable[[], object]] = {}
        """What the tool does within a call, by the call's name; an exception is reported as Raised."""

    def __repr__(self) -> str:
        return f"{self.lifecycle!r} after {self.calls}"

    @property
    def state(self) -> State:
        return self.lifecycle.state

    def feed(self, *events: Event) -> Driver:
        for event in events:
            self.lifecycle.receive(event, self.now)
            self.in_call &= not isinstance(event, Returned | Raised)
            self._send()
        return self

    def wait(self, seconds: float) -> Driver:
        self.now += seconds
        return self

    def begin(self) -> str | None:
        """Have the next call, and leave it running."""
        call = self.lifecycle.next_call(self.now)
        self._send()
        if call is None:
            return None
        name = name_of_call(call)
        self.calls.append(name)
        self.in_call = True
        try:
            self.on_call.get(name, _do_nothing)()
            if isinstance(call, DeliverAnswer):
                call.callback(call.answer)
        except Exception as error:
            self.feed(Raised(f"{type(error).__name__}: {error}"))
        self._send()
        return name

    def step(self) -> str | None:
        """Run the next call to its end."""
        name = self.begin()
        if self.in_call:
            self.feed(Returned())
        return name

    def run(self) -> list[str]:
        """Run every call there is now."""
        before = len(self.calls)
        while self.step() is not None:
            pass
        return self.calls[before:]

    def finish(self) -> Driver:
        """Run what there is, and flush where the run has come to its end."""
        self.run()
        if self.state is State.ENDING:
            self.feed(Flushed())
        return self

    def ask(self, text: str = "hello", callback: Callable[[Any], object] | None = None) -> str:
        """Send a request, by default with a callback that does nothing; its id."""

        def answered(answer: object) -> None:
            if callback is not None:
                callback(answer)

        msg_id = self.lifecycle.request(TranslateRequest(text), answered)
        self.request_ids.append(msg_id)
        return msg_id

    def _send(self) -> None:
        self.control += map(name_of_action, _taken(self.lifecycle.control_out))
        self.records += map(name_of_action, _taken(self.lifecycle.records_out))


def started(*connections: str, outgoing: dict[str, int] | None = None, update_only: bool = False) -> Driver:
    """A run whose tool is constructed; without names with the one connection ``In#1``."""
    run = Driver().feed(initialized(*(connections or ("In#1",)), outgoing=outgoing, update_only=update_only))
    assert run.step() == "construct"
    run.calls.clear()
    return run


def answer(msg_id: str, text: str = "bonjour") -> Answered:
    return Answered(msg_id, TranslatedMessage(text))


NOTIFIED = NotifyComplete()
HALF_CLOSED = RecordsClosed()
GONE = Disconnected("the engine has gone")


def name_of_call(call: Call) -> str:
    if isinstance(call, Construct):
        return "construct"
    if isinstance(call, DeliverBatch):
        return f"{call.anchor.name}{call.anchor.connection}: {call.table.num_rows} rows"
    if isinstance(call, DeliverCompletion):
        return f"{call.anchor.name}{call.anchor.connection} complete"
    return "answer" if isinstance(call, DeliverAnswer) else "end"


def name_of_action(action: ControlAction | RecordAction) -> str:
    if isinstance(action, SendMessage):
        return f"{action.message.kind.name}: {action.message.text}"
    if isinstance(action, PushMetadata):
        return f"announce {action.anchor}: {', '.join(field.name for field in action.metadata)}"
    if isinstance(action, SendBatch):
        return f"{action.table.num_rows} rows to {action.anchor}"
    if isinstance(action, CloseAnchor):
        return f"close {action.anchor}"
    if isinstance(action, SendRequest):
        return f"ask {action.msg_id}"
    if isinstance(action, SendProgress):
        return f"progress {action.fraction}"
    assert isinstance(action, Confirm)
    return "confirm"


def _taken(queue: deque[Any]) -> list[Any]:
    taken = list(queue)
    queue.clear()
    return taken


def _do_nothing() -> None:
    """What a call does where the test has said nothing."""
