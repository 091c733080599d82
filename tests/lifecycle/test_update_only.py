"""A run in which only the constructor is wanted."""

from __future__ import annotations

import pytest

from kedge.exceptions import EngineGone, UsageError
from kedge.lifecycle import State
from kedge.lifecycle.events import ControlClosed, Flushed, Raised, Returned, Violated
from kedge.sdk.constants import MessageType
from kedge.sdk.fields import FieldType, Metadata
from kedge.sdk.outlet import Message, TranslatedMessage
from tests.lifecycle.driving import (
    BUDGET,
    HALF_CLOSED,
    NOTIFIED,
    Driver,
    answer,
    batch,
    chunk,
    completed,
    initialized,
    rows,
)


def beginning(*connections: str) -> Driver:
    """An update-only run whose constructor is still running."""
    run = Driver().feed(initialized(*(connections or ("In#1",)), update_only=True))
    run.begin()
    return run


class TestConfirmation:
    def test_comes_at_once_and_needs_no_notify_complete(self) -> None:
        run = Driver().feed(initialized("In#1", update_only=True)).finish()
        assert (run.calls, run.control, run.records) == (["construct"], ["confirm"], [])
        assert (run.state, run.lifecycle.failed) == (State.CONFIRMED, False)

    def test_follows_what_the_constructor_said(self) -> None:
        columns = Metadata()
        columns.add_field("n", FieldType.int64)
        run = beginning()
        run.lifecycle.push_metadata("Output", columns)
        run.lifecycle.message(Message(MessageType.INFO, "ready"))
        run.lifecycle.progress(0.5)
        run.feed(Returned()).finish()
        assert run.control == ["announce Output: n", "INFO: ready", "progress 0.5", "confirm"]

    def test_is_not_waited_for_by_a_notify_complete_before_within_or_after(self) -> None:
        early = Driver().feed(NOTIFIED, initialized(update_only=True)).finish()
        within = beginning().feed(NOTIFIED, Returned()).finish()
        late = Driver().feed(initialized(update_only=True)).finish().feed(NOTIFIED)
        assert [run.state for run in (early, within, late)] == [State.CONFIRMED] * 3
        assert [run.control for run in (early, within, late)] == [["confirm"]] * 3

    def test_follows_the_report_of_a_constructor_that_raised(self) -> None:
        run = beginning().feed(Raised("ValueError: no")).finish()
        assert (run.control, run.records) == (["ERROR: ValueError: no", "confirm"], [])
        assert run.lifecycle.failed


class TestRecords:
    """There are none, whatever the engine sends."""

    @pytest.mark.parametrize(
        "events",
        [
            [batch()],
            [chunk(), HALF_CLOSED],
            [chunk(), completed()],
            [batch("Other#9")],
            [completed("Other#9")],
            [completed(), batch()],
            [chunk(size=5 * BUDGET)],
            [HALF_CLOSED, batch()],
        ],
        ids=["batch", "half", "half-complete", "unknown", "complete-unknown", "late", "large", "closed"],
    )
    def test_they_are_passed_over_at_any_time(self, events: list[object]) -> None:
        early = Driver().feed(*events, initialized("In#1", update_only=True))  # type: ignore[arg-type]
        early.begin()
        within = beginning().feed(*events)  # type: ignore[arg-type]
        after = beginning().feed(Returned(), *events)  # type: ignore[arg-type]
        for run in (early, within, after):
            if run.in_call:
                run.feed(Returned())
            assert run.lifecycle.wants_records
            assert run.lifecycle.statistics().pending_bytes == 0
            run.finish()
            assert (run.calls, run.control, run.records) == (["construct"], ["confirm"], [])

    def test_none_can_be_written(self) -> None:
        run = beginning()
        with pytest.raises(UsageError, match=r"write_to_anchor\('Output', …\) in __init__"):
            run.lifecycle.write("Output", rows(1))
        run.feed(Returned())
        with pytest.raises(UsageError, match="in __init__"):
            run.lifecycle.write("Output", rows(1))

    def test_no_anchor_is_closed_even_by_the_tool(self) -> None:
        run = beginning()
        run.lifecycle.close("Output")
        assert run.feed(Returned()).finish().records == []


class TestControlClosed:
    """An engine may close its half of Control as soon as it has said what it wants."""

    def test_right_after_the_initialisation(self) -> None:
        run = beginning().feed(ControlClosed(), Returned()).finish()
        assert (run.state, run.control, run.lifecycle.failed) == (State.CONFIRMED, ["confirm"], False)

    def test_after_the_constructor(self) -> None:
        run = beginning().feed(Returned(), ControlClosed()).finish()
        assert run.control == ["confirm"]

    def test_a_request_after_that_is_refused(self) -> None:
        run = beginning().feed(ControlClosed())
        with pytest.raises(EngineGone, match="it answers no more requests"):
            run.ask()

    def test_a_request_left_without_answer_fails_the_run(self) -> None:
        run = beginning()
        run.ask()
        run.feed(Returned())
        assert run.run() == []
        run.feed(ControlClosed()).finish()
        assert run.control[1:] == [
            "ERROR: the engine closed Control without answering 1 of the tool's requests",
            "confirm",
        ]


class TestRequests:
    def test_answers_reach_the_constructors_callbacks_before_the_confirmation(self) -> None:
        answers: list[TranslatedMessage] = []
        run = beginning()
        first, second = run.ask(callback=answers.append), run.ask(callback=answers.append)
        run.feed(Returned())
        assert (run.run(), run.state) == ([], State.UPDATED)
        run.feed(answer(second, "zwei")).run()
        assert run.state is State.UPDATED
        run.feed(answer(first, "eins")).finish()
        assert [a.translated_message for a in answers] == ["zwei", "eins"]
        assert run.control == [f"ask {first}", f"ask {second}", "confirm"]

    def test_a_callback_may_ask_again(self) -> None:
        run = beginning()
        first = run.ask(callback=lambda _: run.ask())
        run.feed(Returned(), answer(first)).run()
        assert run.state is State.UPDATED
        assert run.feed(answer(run.request_ids[-1])).finish().control[-1] == "confirm"

    def test_a_callback_that_raises_fails_the_run(self) -> None:
        def broken(_answer: object) -> None:
            raise KeyError("missing")

        run = beginning()
        msg_id = run.ask(callback=broken)
        run.feed(Returned(), answer(msg_id)).finish()
        assert run.control[1:] == ["ERROR: KeyError: 'missing'", "confirm"]


def test_garbage_and_a_second_initialisation_fail_the_run() -> None:
    for event, text in ((Violated("garbage"), "garbage"), (initialized(), "a second initialisation came while")):
        run = beginning()
        run.ask()
        run.feed(Returned(), event)
        assert run.control[-1].startswith(f"ERROR: protocol error: {text}")
        run.feed(Flushed())
        assert run.control[-1] == "confirm"
