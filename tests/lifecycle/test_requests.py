"""What the tool asks the engine, and when it gets the answers."""

from __future__ import annotations

import pytest

from kedge.exceptions import EngineGone, UsageError
from kedge.lifecycle import State
from kedge.lifecycle.events import ControlClosed, Flushed, Raised, Returned, Violated
from kedge.sdk.outlet import TranslatedMessage, TranslateRequest
from tests.lifecycle.driving import GONE, NOTIFIED, Driver, answer, batch, completed, rows, started


def completing() -> Driver:
    """A run in the middle of ``on_complete``."""
    run = started("In").feed(NOTIFIED)
    assert run.begin() == "end"
    return run


class TestCallbacks:
    def test_run_before_the_next_delivery(self) -> None:
        run = started().feed(batch(count=1), batch(count=2))
        run.begin()
        msg_id = run.ask()
        run.feed(answer(msg_id), Returned())
        assert run.run() == ["answer", "In#1: 2 rows"]

    def test_do_not_hold_up_deliveries_while_the_answer_is_out(self) -> None:
        run = started()
        msg_id = run.ask()
        assert run.feed(batch(), completed(), NOTIFIED).run() == ["In#1: 1 rows", "In#1 complete"]
        assert run.feed(answer(msg_id)).run() == ["answer", "end"]

    def test_get_the_answer_that_has_their_id(self) -> None:
        heard: list[tuple[str, str]] = []
        run = started()
        for name in ("a", "b"):
            run.ask(callback=lambda answer, name=name: heard.append((name, answer.translated_message)))  # type: ignore[misc]
        a, b = run.request_ids
        assert a != b
        run.feed(answer(b, "B"), answer(a, "A"), answer(a, "again")).run()
        assert heard == [("b", "B"), ("a", "A")]

    def test_run_after_on_complete_and_before_the_end_of_the_run(self) -> None:
        run = completing()
        msg_id = run.ask()
        assert run.feed(Returned()).run() == []
        assert run.state is State.COMPLETING
        run.feed(answer(msg_id)).finish()
        assert run.calls == ["end", "answer"]
        assert (run.control, run.records) == ([f"ask {msg_id}", "confirm"], ["close Output"])

    def test_may_write_and_ask_again_then(self) -> None:
        def write_and_ask(_answer: object) -> None:
            run.lifecycle.write("Output", rows(1))
            run.ask()

        run = completing()
        first = run.ask(callback=write_and_ask)
        run.feed(Returned(), answer(first)).run()
        assert run.state is State.COMPLETING
        run.feed(answer(run.request_ids[1])).finish()
        assert run.records == ["1 rows to Output", "close Output"]
        assert run.control[-1] == "confirm"

    def test_of_the_constructor_run_after_it(self) -> None:
        run = started()
        run.feed(answer(run.ask()))
        assert run.run() == ["answer"]

    def test_do_not_run_any_more_once_the_run_has_failed(self) -> None:
        run = started()
        answered, pending = run.ask(), run.ask()
        run.feed(answer(answered), Violated("garbage"), answer(pending)).finish()
        assert run.calls == []
        assert "0 requests unanswered" in repr(run)


class TestWaitingForAnAnswer:
    """``take_answer`` is for a thread that waits."""

    def test_there_is_none_until_it_comes(self) -> None:
        run = started()
        msg_id = run.lifecycle.request(TranslateRequest("hello"), None)
        assert run.lifecycle.take_answer(msg_id) is None
        run.feed(answer(msg_id, "bonjour"))
        assert run.run() == []
        assert run.lifecycle.take_answer(msg_id) == TranslatedMessage("bonjour")

    def test_it_does_not_hold_up_the_end(self) -> None:
        run = started("In")
        run.lifecycle.request(TranslateRequest("hello"), None)
        assert run.feed(NOTIFIED).finish().state is State.CONFIRMED

    @pytest.mark.parametrize("state", [State.ENDING, State.CONFIRMED])
    def test_it_never_comes_once_the_run_is_over(self, state: State) -> None:
        run = started()
        msg_id = run.lifecycle.request(TranslateRequest("hello"), None)
        run.feed(Violated("garbage"), *([Flushed()] if state is State.CONFIRMED else []), answer(msg_id))
        with pytest.raises(UsageError, match="the wait for an answer came when the run was over"):
            run.lifecycle.take_answer(msg_id)

    def test_it_is_there_still_when_it_came_in_time(self) -> None:
        run = started()
        msg_id = run.lifecycle.request(TranslateRequest("hello"), None)
        run.feed(answer(msg_id), GONE)
        assert run.lifecycle.take_answer(msg_id) == TranslatedMessage("bonjour")

    def test_it_never_comes_once_the_engine_is_gone(self) -> None:
        run = started()
        msg_id = run.lifecycle.request(TranslateRequest("hello"), None)
        run.feed(GONE)
        with pytest.raises(EngineGone, match="the engine has gone"):
            run.lifecycle.take_answer(msg_id)

    def test_it_never_comes_once_control_is_closed(self) -> None:
        run = started().feed(NOTIFIED)
        msg_id = run.lifecycle.request(TranslateRequest("hello"), None)
        run.feed(ControlClosed())
        with pytest.raises(EngineGone, match="closed Control without answering"):
            run.lifecycle.take_answer(msg_id)


class TestControlClosed:
    """After it no answer can come."""

    def test_before_the_initialisation_the_engine_is_gone(self) -> None:
        run = Driver().feed(ControlClosed())
        assert (run.state, run.lifecycle.failed) == (State.LOST, True)

    def test_before_notify_complete_the_engine_is_gone(self) -> None:
        run = started().feed(batch(), ControlClosed())
        assert (run.state, run.run()) == (State.LOST, [])
        with pytest.raises(EngineGone, match="closed Control before it had sent notify_complete"):
            run.ask()

    def test_after_it_the_run_goes_on_to_its_end(self) -> None:
        run = started().feed(NOTIFIED, ControlClosed(), batch(), completed()).finish()
        assert run.calls == ["In#1: 1 rows", "In#1 complete", "end"]
        assert (run.control, run.lifecycle.failed) == (["confirm"], False)

    def test_new_requests_are_refused(self) -> None:
        run = started().feed(NOTIFIED, ControlClosed())
        with pytest.raises(EngineGone, match="it answers no more requests"):
            run.ask()

    @pytest.mark.parametrize("complete", [False, True])
    def test_open_requests_fail_the_run(self, complete: bool) -> None:
        run = completing() if complete else started().feed(NOTIFIED)
        for _ in range(2):
            run.ask()
        run.feed(ControlClosed(), *([Returned()] if complete else [])).finish()
        assert run.control[-2:] == [
            "ERROR: the engine closed Control without answering 2 of the tool's requests",
            "confirm",
        ]
        assert run.records == ["close Output"]

    def test_answers_that_came_before_it_still_run(self) -> None:
        run = started("In").feed(NOTIFIED)
        run.feed(answer(run.ask()), ControlClosed())
        assert run.finish().calls == ["answer", "end"]


def test_a_request_after_the_run_is_refused() -> None:
    for end in (Violated("garbage"), Raised("ValueError: no")):
        run = started().feed(batch())
        run.begin()
        run.feed(end)
        with pytest.raises(UsageError, match=r"a request came when the run was over \(ending\)"):
            run.ask()
