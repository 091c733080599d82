"""Whatever the order in which the two streams are read, the tool sees the same."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kedge.lifecycle import State
from kedge.lifecycle.events import BatchArrived, ChunkArrived, ConnectionCompleted, ControlClosed, Returned
from tests.lifecycle.driving import (
    HALF_CLOSED,
    NOTIFIED,
    QUIET,
    Driver,
    answer,
    batch,
    chunk,
    completed,
    initialized,
    rows,
)

if TYPE_CHECKING:
    from kedge.lifecycle.events import Event

CONNECTIONS = ["L#1", "L#2", "R#1"]
OUTGOING = {"Output": 1, "Errors": 2, "Unused": 0}
INSTANT = QUIET / 1000
BUDGET = 50
WAYS = ["in band", "on control", "on control and in band", "half-close"]


@dataclass
class Connection:
    """What an engine sends for one connection: the sizes of the chunks of each batch, and how it completes it."""

    name: str
    batches: list[list[int]]
    completion: str

    def records(self) -> list[Event]:
        """What travels on RecordTransfer; the number of rows tells the batches apart."""
        parts: list[Event] = []
        for number, sizes in enumerate(self.batches):
            parts += [chunk(self.name, size) for size in sizes[:-1]]
            parts.append(batch(self.name, number, sizes[-1]))
        return [*parts, completed(self.name)] if "in band" in self.completion else parts

    def deliveries(self) -> list[str]:
        """What the tool is to see of it."""
        return [*(f"{self.name}: {number} rows" for number in range(len(self.batches))), f"{self.name} complete"]


@dataclass
class Engine:
    """What an engine sends on each of its two streams, each in its own order, and whether it is asked something."""

    connections: list[Connection]
    control: list[Event]
    records: list[Event]
    is_asked: bool


@st.composite
def engines(draw: st.DrawFn) -> Engine:
    sizes = st.lists(st.integers(0, BUDGET), min_size=1, max_size=3)
    connections = [
        Connection(name, draw(st.lists(sizes, max_size=3)), draw(st.sampled_from(WAYS)))
        for name in draw(st.lists(st.sampled_from(CONNECTIONS), unique=True))
    ]
    half_close = any(c.completion == "half-close" for c in connections) or draw(st.booleans())
    on_control = [completed(c.name, on_control=True) for c in connections if "on control" in c.completion]
    control: list[Event] = draw(st.permutations([NOTIFIED, *on_control]))
    is_asked = draw(st.booleans())
    return Engine(
        connections,
        [initialized(*[c.name for c in connections] or ["L"], outgoing=OUTGOING), *control, *_end(is_asked, control)],
        [*_interleaved(draw, [c.records() for c in connections]), *([HALF_CLOSED] if half_close else [])],
        is_asked,
    )


def _end(is_asked: bool, control: list[Event]) -> list[Event]:
    """An engine that has said all may close its half of Control, unless it is still to answer."""
    return [ControlClosed()] if control[-1] is NOTIFIED and not is_asked else []


def _interleaved(draw: st.DrawFn, sequences: list[list[Event]]) -> list[Event]:
    turns = chain.from_iterable([number] * len(sequence) for number, sequence in enumerate(sequences))
    parts = [iter(sequence) for sequence in sequences]
    return [next(parts[number]) for number in draw(st.permutations(list(turns)))]


class Reader:
    """Reads the streams of an engine, and runs the tool, in an order that an honest network could bring about."""

    def __init__(self, engine: Engine) -> None:
        self.control, self.records = list(engine.control), list(engine.records)
        self.run = Driver(budget=BUDGET)
        self.completed: set[str] = set()
        self.half_read: set[str] = set()
        for name in ("construct", "end", *chain.from_iterable(c.deliveries() for c in engine.connections)):
            self.run.on_call[name] = lambda name=name: self._tool(name, engine.is_asked)  # type: ignore[misc]

    def _tool(self, name: str, asks: bool) -> None:
        """A tool that writes what it gets, and at the end an empty batch elsewhere."""
        if asks:
            self.control.append(answer(self.run.ask()))
        if name.endswith("rows"):
            self.run.lifecycle.write("Output", rows(int(name.split()[-2])))
        elif name == "end":
            self.run.lifecycle.write("Errors", rows(0))

    def read_control(self) -> None:
        if self.control:
            event = self.control.pop(0)
            if isinstance(event, ConnectionCompleted):
                self.completed.add(f"{event.anchor}{event.connection}")
            self.run.feed(event)

    def read_records(self) -> None:
        if self.records and self.run.lifecycle.wants_records:
            event = self.records.pop(0)
            if isinstance(event, ChunkArrived | BatchArrived):
                name = f"{event.anchor}{event.connection}"
                self.half_read -= {name}
                self.half_read |= {name} if isinstance(event, ChunkArrived) else set()
            self.run.feed(event)

    def turn(self) -> None:
        """Begin a callback, or end the one that runs."""
        self.run.wait(INSTANT)
        if self.run.in_call:
            self.run.feed(Returned())
        else:
            self.run.begin()

    def wait(self) -> None:
        """Let time pass where that is honest: nothing that could be read is late for a connection completed on Control.

        The driver may read nothing while it is told to pause, and cannot be sure to read while a callback runs. In the
        middle of a batch the engine has time.
        """
        late = {f"{e.anchor}{e.connection}" for e in self.records if isinstance(e, ChunkArrived | BatchArrived)}
        could_read = self.run.lifecycle.wants_records and not self.run.in_call
        self.run.wait(2 * QUIET if not could_read or not (late & self.completed) - self.half_read else INSTANT)

    def finish(self) -> None:
        """Read what is left, run what there is, and wait for what silence brings about."""
        for _ in range(200):
            self.read_control()
            self.read_records()
            self.turn()
            deadline = self.run.lifecycle.deadline()
            if deadline is not None and not self.control and not self.records:
                self.run.now = max(self.run.now, deadline)
            if self.run.state is State.ENDING:
                break
        self.run.finish()


STEPS = {
    "read control": Reader.read_control,
    "read records": Reader.read_records,
    "turn": Reader.turn,
    "wait": Reader.wait,
}


@settings(max_examples=100)
@given(engine=engines(), steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=40))
def test_the_tool_sees_the_same_and_says_the_same(engine: Engine, steps: list[str]) -> None:
    reader = Reader(engine)
    for step in steps:
        STEPS[step](reader)
    reader.finish()
    run = reader.run

    own_calls = [call for call in run.calls if call != "answer"]
    assert (own_calls[0], own_calls[-1]) == ("construct", "end")
    for connection in engine.connections:
        assert [call for call in own_calls if call.startswith(connection.name)] == connection.deliveries()
    assert len(own_calls) == 2 + sum(len(connection.deliveries()) for connection in engine.connections)
    assert len(run.calls) == len(own_calls) + len(run.request_ids)
    assert len(run.request_ids) == (len(own_calls) if engine.is_asked else 0)

    written = [f"{call.split()[-2]} rows to Output" for call in own_calls if call.endswith("rows")]
    assert run.records == [*written, "0 rows to Errors", "close Output", "close Errors"]
    assert [text for text in run.control if not text.startswith(("ask", "announce"))] == ["confirm"]
    assert run.control[-1] == "confirm"
    assert (run.state, run.lifecycle.failed) == (State.CONFIRMED, False)
    assert run.lifecycle.statistics().pending_bytes == 0


@settings(max_examples=40)
@given(engine=engines(), steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=40))
def test_a_batch_whose_last_chunk_is_lost_fails_the_run(engine: Engine, steps: list[str]) -> None:
    cut = next((c for c in engine.connections if c.batches and len(c.batches[-1]) > 1), None)
    assume(cut is not None)
    assert cut is not None
    reader = Reader(engine)
    reader.records.remove(_last_batch(reader.records, cut.name))
    for step in steps:
        STEPS[step](reader)
    reader.finish()
    anchor, connection = cut.name.split("#")
    said = f"connection '#{connection}' of anchor '{anchor}' ended inside a batch, {sum(cut.batches[-1][:-1])} bytes"
    assert [text for text in reader.run.control if text.startswith(f"ERROR: protocol error: {said}")]
    assert reader.run.control[-1] == "confirm"
    assert "end" not in reader.run.calls


def _last_batch(records: list[Event], name: str) -> Event:
    return [e for e in records if isinstance(e, BatchArrived) and f"{e.anchor}{e.connection}" == name][-1]
