"""Whatever comes, in whatever order: no surprise, no hang, and nothing after the end."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kedge.exceptions import KedgeError
from kedge.lifecycle import TRANSITIONS, Reaction, State
from kedge.lifecycle.events import (
    CloseAnchor,
    Confirm,
    Construct,
    ControlClosed,
    DeliverAnswer,
    DeliverEnd,
    Event,
    Flushed,
    Raised,
    Returned,
    Violated,
)
from kedge.lifecycle.machine import Lifecycle
from kedge.sdk.constants import MessageType
from kedge.sdk.fields import Field, FieldType, Metadata
from kedge.sdk.outlet import Message, TranslateRequest
from tests.lifecycle.driving import (
    BUDGET,
    GONE,
    HALF_CLOSED,
    NOTIFIED,
    PATIENCE,
    QUIET,
    answer,
    batch,
    chunk,
    completed,
    initialized,
    rows,
)

OVER = (State.ENDING, State.CONFIRMED, State.LOST)
NAMES = st.sampled_from(["L#1", "L#2", "R#1", "R#1", "R#1", "Unknown#1"])
SIZES = st.sampled_from([0, 1, BUDGET // 2, BUDGET])
ANCHORS = st.sampled_from(["Output", "Unused", "Unknown"])
FROM_ENGINE: st.SearchStrategy[Event] = st.one_of(
    st.builds(initialized, st.just("R#1"), update_only=st.booleans()),
    st.builds(chunk, NAMES, SIZES),
    st.builds(batch, NAMES, st.integers(0, 3), SIZES),
    st.builds(completed, st.none() | NAMES, on_control=st.booleans()),
    st.sampled_from([HALF_CLOSED, NOTIFIED, NOTIFIED, ControlClosed(), GONE, Violated("garbage"), answer("unasked")]),
)
FROM_DRIVER: st.SearchStrategy[Event] = st.sampled_from([Returned(), Raised("ValueError: no"), Flushed()])


class AnyOrder(RuleBasedStateMachine):
    """Feeds any event at any time, has calls, and uses the tool's half of the machine, all without sense."""

    def __init__(self) -> None:
        super().__init__()
        self.lifecycle = Lifecycle(QUIET, PATIENCE, BUDGET)
        self.now = 0.0
        self.calls: list[Any] = []
        self.in_call = False
        self.sent: list[Any] = []
        self.waiting: list[str] = []
        self.said_end = False

    @initialize(begun=st.booleans(), update_only=st.booleans(), connections=st.integers(0, 3))
    def begin(self, begun: bool, update_only: bool, connections: int) -> None:
        if begun:
            names = ["L#1", "L#2", "R#1"][:connections] or ["L"]
            self.receive(initialized(*names, outgoing={"Output": 1, "Unused": 0}, update_only=update_only))

    @rule(event=FROM_ENGINE)
    def engine(self, event: Event) -> None:
        self.receive(event)

    @rule(event=FROM_DRIVER)
    def driver(self, event: Event) -> None:
        self.receive(event)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def answers(self, data: st.DataObject) -> None:
        self.receive(answer(self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))))

    @rule(seconds=st.sampled_from([QUIET / 2, QUIET, PATIENCE]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.in_call)
    @rule()
    def next_call(self) -> None:
        call = self.lifecycle.next_call(self.now)
        if call is not None:
            assert self.lifecycle.state not in OVER
            self.calls.append(call)
            self.in_call = True

    @rule()
    def call_returns(self) -> None:
        if self.in_call:
            self.receive(Returned())

    @rule(anchor=ANCHORS, count=st.integers(0, 2))
    def write(self, anchor: str, count: int) -> None:
        self.tool(self.lifecycle.write, anchor, rows(count))

    @rule(anchor=ANCHORS, name=st.sampled_from(["n", "m"]))
    def announce(self, anchor: str, name: str) -> None:
        self.tool(self.lifecycle.push_metadata, anchor, Metadata([Field(name, FieldType.int64)]))

    @rule(anchor=ANCHORS)
    def close(self, anchor: str) -> None:
        self.tool(self.lifecycle.close, anchor)

    @rule(kind=st.sampled_from(MessageType))
    def message(self, kind: MessageType) -> None:
        self.tool(self.lifecycle.message, Message(kind, "text"))

    @rule(with_callback=st.booleans())
    def request(self, with_callback: bool) -> None:
        self.tool(self.lifecycle.request, TranslateRequest("text"), print if with_callback else None)

    def receive(self, event: Event) -> None:
        """A RuntimeError comes for what the table does not have, and for a turn out of turn; nothing else ever."""
        pair = (self.lifecycle.state, type(event))
        reports = isinstance(event, Returned | Raised)
        in_turn = self.in_call is reports if isinstance(event, Returned | Raised | Flushed) else True
        before = repr(self.lifecycle)
        try:
            self.lifecycle.receive(event, self.now)
        except RuntimeError:
            assert pair not in TRANSITIONS or not in_turn
            assert repr(self.lifecycle) == before
            return
        assert in_turn
        assert TRANSITIONS[pair] is not Reaction.REFUSE or self.lifecycle.state is State.ENDING
        self.in_call &= not reports

    def tool(self, call: Any, *arguments: object) -> None:
        """The tool's half raises what a tool may see, and nothing else."""
        try:
            msg_id = call(*arguments)
        except KedgeError:
            return
        self.waiting += [msg_id] if isinstance(msg_id, str) else []

    @invariant()
    def what_is_sent_is_in_order(self) -> None:
        sent = [*self.lifecycle.control_out, *self.lifecycle.records_out]
        self.lifecycle.control_out.clear()
        self.lifecycle.records_out.clear()
        if self.said_end:
            assert sent == []
        self.said_end |= any(isinstance(action, Confirm) for action in sent)
        self.sent += sent
        assert len([action for action in self.sent if isinstance(action, Confirm)]) <= 1
        closed = [action.anchor for action in self.sent if isinstance(action, CloseAnchor)]
        assert closed in ([], ["Output"])
        if self.lifecycle.update_only:
            assert closed == []
        assert (self.lifecycle.state is State.CONFIRMED) == self.said_end

    @invariant()
    def calls_are_in_order(self) -> None:
        kinds = [type(call) for call in self.calls]
        assert kinds.count(Construct) == (1 if kinds else 0)
        assert kinds[:1] in ([], [Construct])
        assert kinds.count(DeliverEnd) <= 1
        if DeliverEnd in kinds:
            assert set(kinds[kinds.index(DeliverEnd) + 1 :]) <= {DeliverAnswer}
        if self.lifecycle.update_only:
            assert set(kinds) <= {Construct, DeliverAnswer}

    @invariant()
    def nothing_is_held_for_nothing(self) -> None:
        pending = self.lifecycle.statistics().pending_bytes
        assert pending >= 0
        if self.lifecycle.state in OVER or self.lifecycle.update_only:
            assert pending == 0
            assert self.lifecycle.wants_records

    @invariant()
    def it_goes_on(self) -> None:
        """Where there is no call, time or the engine brings one: then reading is never paused."""
        if self.in_call or self.lifecycle.state in (State.AWAITING, *OVER):
            return
        self.next_call()
        if not self.in_call and self.lifecycle.state is State.RUNNING and self.lifecycle.deadline() is None:
            assert self.lifecycle.wants_records

    def teardown(self) -> None:
        """From wherever it stands, the end can be had, and it is the end."""
        if self.in_call:
            self.receive(Returned())
        self.receive(Violated("the test is over"))
        if self.lifecycle.state is State.ENDING:
            self.receive(Flushed())
        self.what_is_sent_is_in_order()
        assert self.lifecycle.state in (State.CONFIRMED, State.LOST)
        assert self.lifecycle.next_call(self.now + PATIENCE) is None
        assert self.lifecycle.deadline() is None


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
