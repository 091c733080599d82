"""Every pair of a state and an event, and what comes of it."""

from __future__ import annotations

import logging
import typing
from typing import Any

import pytest

from kedge.lifecycle import TRANSITIONS, Reaction, State
from kedge.lifecycle import events as e
from tests.lifecycle.driving import (
    GONE,
    HALF_CLOSED,
    NOTIFIED,
    Driver,
    answer,
    batch,
    chunk,
    completed,
    initialized,
    started,
)

EVENTS: tuple[type[Any], ...] = typing.get_args(e.Event)
SAMPLES: dict[type[Any], e.Event] = {
    e.Initialized: initialized("In#1"),
    e.ChunkArrived: chunk(),
    e.BatchArrived: batch(),
    e.ConnectionCompleted: completed(),
    e.RecordsClosed: HALF_CLOSED,
    e.NotifyComplete: NOTIFIED,
    e.Answered: answer("an id that nobody knows"),
    e.ControlClosed: e.ControlClosed(),
    e.Disconnected: GONE,
    e.Violated: e.Violated("garbage"),
    e.Returned: e.Returned(),
    e.Raised: e.Raised("ValueError: no"),
    e.Flushed: e.Flushed(),
}
A, C, R, P, U, E, F, L = (
    State.AWAITING,
    State.CONSTRUCTING,
    State.RUNNING,
    State.COMPLETING,
    State.UPDATED,
    State.ENDING,
    State.CONFIRMED,
    State.LOST,
)
IGNORED = Reaction.IGNORE
REFUSED = Reaction.REFUSE

RECORDS = (e.ChunkArrived, e.BatchArrived, e.ConnectionCompleted, e.RecordsClosed)
FROM_ENGINE = (e.Initialized, *RECORDS, e.NotifyComplete, e.Answered, e.ControlClosed, e.Disconnected, e.Violated)

# The state that each event leads to from each state; an event that is not there is a fault of the driver.
LEADS_TO: dict[State, dict[type[Any], State | Reaction]] = {
    A: {
        **dict.fromkeys([*RECORDS, e.NotifyComplete], A),
        e.Initialized: C,
        e.ControlClosed: L,
        e.Disconnected: L,
        e.Violated: E,
        e.Answered: IGNORED,
    },
    C: {
        **dict.fromkeys([*RECORDS, e.NotifyComplete, e.Answered], C),
        e.Returned: R,
        e.Raised: E,
        e.ControlClosed: L,
        e.Disconnected: L,
        e.Violated: E,
        e.Initialized: REFUSED,
    },
    R: {
        **dict.fromkeys([*RECORDS, e.NotifyComplete, e.Answered, e.Returned], R),
        e.Raised: E,
        e.ControlClosed: L,
        e.Disconnected: L,
        e.Violated: E,
        e.Initialized: REFUSED,
    },
    P: {
        **dict.fromkeys([e.Answered, e.ControlClosed, e.Returned], P),
        e.Raised: E,
        e.Disconnected: L,
        e.Violated: E,
        **dict.fromkeys([e.ConnectionCompleted, e.RecordsClosed, e.NotifyComplete], IGNORED),
        **dict.fromkeys([e.Initialized, e.ChunkArrived, e.BatchArrived], REFUSED),
    },
    U: {
        **dict.fromkeys([e.Answered, e.ControlClosed, e.Returned], U),
        e.Raised: E,
        e.Disconnected: L,
        e.Violated: E,
        **dict.fromkeys([*RECORDS, e.NotifyComplete], IGNORED),
        e.Initialized: REFUSED,
    },
    E: {**dict.fromkeys([*FROM_ENGINE, e.Returned, e.Raised], IGNORED), e.Flushed: F, e.Disconnected: L},
    F: dict.fromkeys(FROM_ENGINE, IGNORED),
    L: dict.fromkeys([*FROM_ENGINE, e.Returned, e.Raised, e.Flushed], IGNORED),
}
PAIRS = [(state, event) for state in State for event in EVENTS]


def in_call(state: State) -> Driver:
    """A run in ``state`` while a callback runs."""
    if state is State.CONSTRUCTING:
        run = Driver().feed(initialized("In#1"))
        run.begin()
    elif state is State.UPDATED:
        run = started(update_only=True)
        run.feed(answer(run.ask()))
        run.begin()
    else:
        run = started().feed(batch())
        if state is State.COMPLETING:
            run.feed(completed(), NOTIFIED)
            run.step()
            run.step()
        run.begin()
        if state in (State.ENDING, State.LOST):
            run.feed(GONE if state is State.LOST else e.Violated("first"))
    return run


def between_calls(state: State) -> Driver:
    """A run in ``state`` while no callback runs."""
    if state is State.AWAITING:
        return Driver()
    if state is State.CONSTRUCTING:
        return Driver().feed(initialized("In#1"))
    if state is State.UPDATED:
        return started(update_only=True)
    run = started()
    if state is State.COMPLETING:
        run.feed(completed(), NOTIFIED).step()
        run.step()
    elif state is State.LOST:
        run.feed(GONE)
    elif state is not State.RUNNING:
        run.feed(e.Violated("first"), *([e.Flushed()] if state is State.CONFIRMED else []))
    return run


def about_to_take(state: State, event: type[Any]) -> Driver:
    run = (in_call if event in (e.Returned, e.Raised) else between_calls)(state)
    assert run.state is state
    run.control.clear()
    run.records.clear()
    return run


class TestTable:
    def test_every_event_has_a_sample(self) -> None:
        assert set(SAMPLES) == set(EVENTS)

    def test_the_missing_pairs_are_exactly_those_that_only_a_faulty_driver_brings_about(self) -> None:
        assert set(PAIRS) - set(TRANSITIONS) == {
            (A, e.Returned),
            (A, e.Raised),
            (A, e.Flushed),
            (C, e.Flushed),
            (R, e.Flushed),
            (P, e.Flushed),
            (U, e.Flushed),
            (F, e.Returned),
            (F, e.Raised),
            (F, e.Flushed),
        }

    def test_it_has_the_pairs_and_reactions_written_here_and_no_others(self) -> None:
        expected = {
            (state, event): leads_to if isinstance(leads_to, Reaction) else Reaction.TAKE
            for state, events in LEADS_TO.items()
            for event, leads_to in events.items()
        }
        assert expected == TRANSITIONS


@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
class TestState:
    def test_does_with_a_legal_event_what_the_table_says(self, state: State) -> None:
        for event, leads_to in LEADS_TO[state].items():
            run = about_to_take(state, event)
            run.feed(SAMPLES[event])
            if leads_to is IGNORED:
                assert (run.state, run.control, run.records) == (state, [], []), event
            elif leads_to is REFUSED:
                assert run.state is State.ENDING, event
                assert run.control[0].startswith("ERROR: protocol error: "), event
                assert run.control[0].endswith(f"came while the tool was {state.value}"), event
            else:
                assert run.state is leads_to, event

    def test_answers_any_other_event_with_a_runtime_error_that_names_both_and_changes_nothing(
        self, state: State
    ) -> None:
        for event in set(EVENTS).difference(LEADS_TO[state]):
            run = between_calls(state)
            before = repr(run)
            with pytest.raises(RuntimeError, match=f"{event.__name__} cannot happen while {state.value}"):
                run.feed(SAMPLES[event])
            assert repr(run) == before


class TestTurns:
    """The driver has one call at a time, and reports each."""

    def test_nothing_can_come_back_when_no_callback_runs(self) -> None:
        for state in (C, R, P, U, E, L):
            for event in (e.Returned(), e.Raised("no")):
                with pytest.raises(RuntimeError, match="no callback runs"):
                    between_calls(state).feed(event)

    def test_the_next_call_is_refused_while_one_runs(self) -> None:
        for state in (C, R, P, U, E, L):
            with pytest.raises(RuntimeError, match="before the last has returned or raised"):
                in_call(state).lifecycle.next_call(0.0)

    def test_nothing_is_flushed_for_good_while_a_callback_runs(self) -> None:
        run = in_call(State.ENDING)
        with pytest.raises(RuntimeError, match="a callback runs"):
            run.feed(e.Flushed())
        assert run.feed(e.Returned(), e.Flushed()).state is State.CONFIRMED

    def test_what_a_callback_raised_after_the_run_had_failed_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        in_call(State.ENDING).feed(e.Raised("ValueError: second"))
        assert "a callback that was still under way failed: ValueError: second" in caplog.text

    def test_what_it_raised_because_the_engine_was_gone_is_no_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        in_call(State.LOST).feed(e.Raised("EngineGone: the engine takes no more records"))
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []

    def test_an_answer_that_nobody_asked_for_is_logged_and_dropped(self, caplog: pytest.LogCaptureFixture) -> None:
        for state in State:
            run = between_calls(state)
            before = repr(run)
            run.feed(answer(state.name))
            assert f"an answer to '{state.name}' came, for which nobody waits" in caplog.text
            assert repr(run) == before


def test_the_repr_shows_where_the_run_stands() -> None:
    run = started("In#1", "In#2").feed(batch(size=30), batch("In#2", size=5), completed("In#2"))
    run.ask()
    run.begin()
    assert repr(run.lifecycle) == (
        "<Lifecycle running, a callback runs: 2 deliveries waiting (5 bytes), 1 of 2 connections open, "
        "1 requests unanswered>"
    )
