"""The order of what comes in, on two streams that nothing orders against each other."""

from __future__ import annotations

import gc
import weakref

import pytest

from kedge.lifecycle import Lifecycle, State
from kedge.lifecycle.events import BatchArrived, ConnectionCompleted, ControlClosed, Returned, Violated
from tests.lifecycle.driving import (
    BUDGET,
    GONE,
    HALF_CLOSED,
    NOTIFIED,
    PATIENCE,
    QUIET,
    Driver,
    answer,
    batch,
    chunk,
    completed,
    initialized,
    rows,
    started,
)


class TestInBand:
    """A completion on RecordTransfer is in order with the records, and counts at once."""

    def test_the_batches_come_first(self) -> None:
        run = started().feed(batch(count=1), batch(count=2), completed(), NOTIFIED)
        assert run.run() == ["In#1: 1 rows", "In#1: 2 rows", "In#1 complete", "end"]

    def test_connections_are_delivered_as_they_came(self) -> None:
        run = started("L#1", "L#2", "R#1").feed(
            *(batch("R#1"), chunk("L#1"), batch("L#2", 2), completed("R#1"), batch("L#1", 3)),
            *(completed("L#1"), completed("L#2"), NOTIFIED),
        )
        deliveries = ["R#1: 1 rows", "L#2: 2 rows", "R#1 complete", "L#1: 3 rows", "L#1 complete", "L#2 complete"]
        assert run.run() == [*deliveries, "end"]

    def test_one_without_names_completes_every_connection(self) -> None:
        run = started("L#1", "L#2", "R#1").feed(completed(None), NOTIFIED)
        assert run.run() == ["L#1 complete", "L#2 complete", "R#1 complete", "end"]

    def test_one_without_the_connection_completes_the_anchor(self) -> None:
        run = started("L#1", "L#2", "R#1").feed(ConnectionCompleted("L", None, in_band=True))
        assert run.run() == ["L#1 complete", "L#2 complete"]

    def test_a_second_one_says_nothing_new(self) -> None:
        run = started().feed(completed(), completed(), completed(on_control=True), HALF_CLOSED, NOTIFIED)
        assert run.wait(QUIET).run() == ["In#1 complete", "end"]

    def test_inside_a_batch_it_is_an_error_with_the_bytes(self) -> None:
        run = started().feed(chunk(size=10), chunk(size=7), completed())
        assert run.control == [
            "ERROR: protocol error: connection '#1' of anchor 'In' ended inside a batch, 17 bytes into it"
        ]

    def test_inside_a_batch_of_which_only_empty_chunks_came_too(self) -> None:
        run = started().feed(chunk(size=0), completed())
        assert "ended inside a batch, 0 bytes into it" in run.control[0]


class TestNoConnections:
    def test_only_the_end_is_called(self) -> None:
        assert started("In").feed(NOTIFIED).run() == ["end"]

    def test_the_end_waits_for_notify_complete(self) -> None:
        run = started("In")
        assert run.run() == []
        assert run.feed(HALF_CLOSED).run() == []
        assert run.feed(NOTIFIED).run() == ["end"]

    def test_a_completion_of_all_connections_is_none(self) -> None:
        assert started("In").feed(completed(None), NOTIFIED).run() == ["end"]


class TestHalfClose:
    """An engine that has closed its half of RecordTransfer has completed what is left."""

    def test_completes_what_is_left_after_the_batches(self) -> None:
        run = started("L#1", "R#1").feed(batch("R#1"), completed("R#1"), HALF_CLOSED, NOTIFIED)
        assert run.run() == ["R#1: 1 rows", "R#1 complete", "L#1 complete", "end"]

    def test_needs_no_quiet_time(self) -> None:
        run = started().feed(completed(on_control=True), batch(), HALF_CLOSED, NOTIFIED)
        assert run.run() == ["In#1: 1 rows", "In#1 complete", "end"]

    def test_inside_a_batch_it_is_an_error(self) -> None:
        run = started("L#1", "R#1").feed(batch("L#1"), chunk("R#1"), HALF_CLOSED)
        assert run.control == [
            "ERROR: protocol error: connection '#1' of anchor 'R' ended inside a batch, 10 bytes into it"
        ]
        assert run.run() == []

    def test_records_after_it_are_an_error(self) -> None:
        run = started().feed(HALF_CLOSED, batch(size=12))
        assert "12 bytes of records came for connection '#1' of anchor 'In' after" in run.control[0]


class TestCompletionOnControl:
    """It may be read before the last chunks, so it counts once the connection has been quiet."""

    def test_counts_after_the_quiet_time(self) -> None:
        run = started().feed(completed(on_control=True), NOTIFIED)
        assert (run.run(), run.lifecycle.deadline()) == ([], QUIET)
        assert run.wait(0.9 * QUIET).run() == []
        assert run.wait(0.1 * QUIET).run() == ["In#1 complete", "end"]

    def test_batches_that_come_after_it_are_delivered_before_it(self) -> None:
        run = started().feed(completed(on_control=True), NOTIFIED).wait(0.5 * QUIET).feed(batch(count=1))
        assert run.run() == ["In#1: 1 rows"]
        run.wait(0.9 * QUIET).feed(batch(count=2))
        assert run.run() == ["In#1: 2 rows"]
        assert run.wait(QUIET).run() == ["In#1 complete", "end"]

    def test_each_chunk_begins_the_quiet_time_anew(self) -> None:
        run = started().feed(completed(on_control=True))
        for _ in range(3):
            assert run.wait(0.9 * QUIET).feed(chunk()).run() == []
        assert run.wait(0.9 * QUIET).feed(batch()).run() == ["In#1: 1 rows"]

    def test_a_repeated_one_does_not(self) -> None:
        run = started().feed(completed(on_control=True)).wait(0.9 * QUIET).feed(completed(on_control=True))
        assert run.lifecycle.deadline() == QUIET

    def test_another_connection_does_not(self) -> None:
        run = started("L#1", "R#1").feed(completed("L#1", on_control=True)).wait(0.9 * QUIET).feed(chunk("R#1"))
        assert run.wait(0.1 * QUIET).run() == ["L#1 complete"]

    def test_does_not_count_inside_a_batch(self) -> None:
        run = started().feed(chunk(), completed(on_control=True), NOTIFIED).wait(5 * QUIET)
        assert run.run() == []
        assert run.feed(batch()).run() == ["In#1: 1 rows"]
        assert run.wait(QUIET).run() == ["In#1 complete", "end"]

    def test_a_connection_silent_inside_a_batch_ends_the_patience(self) -> None:
        run = started().feed(chunk(size=7), completed(on_control=True))
        assert run.lifecycle.deadline() == PATIENCE
        assert run.wait(PATIENCE).run() == []
        assert run.control == [
            "ERROR: protocol error: connection '#1' of anchor 'In' ended inside a batch, 7 bytes into it"
        ]

    def test_without_one_a_connection_may_be_silent_for_ever(self) -> None:
        run = started().feed(chunk()).wait(10 * PATIENCE)
        assert (run.run(), run.state, run.lifecycle.deadline()) == ([], State.RUNNING, None)

    def test_without_quiet_time_it_counts_at_once(self) -> None:
        run = Driver(quiet=0.0).feed(initialized("In#1"), completed(on_control=True), NOTIFIED)
        assert run.run() == ["construct", "In#1 complete", "end"]

    def test_all_that_are_due_count_together(self) -> None:
        run = started("L#1", "R#1").feed(completed("R#1", on_control=True)).wait(QUIET / 2)
        run.feed(completed("L#1", on_control=True), NOTIFIED).wait(QUIET)
        assert run.run() == ["L#1 complete", "R#1 complete", "end"]

    def test_time_does_not_count_while_reading_is_paused(self) -> None:
        """What is still in the socket cannot be seen, so silence means nothing."""
        run = started().feed(batch(size=BUDGET), completed(on_control=True)).wait(5 * QUIET)
        assert (run.lifecycle.wants_records, run.lifecycle.deadline()) == (False, None)
        assert run.run() == ["In#1: 1 rows"]
        assert run.lifecycle.deadline() == 6 * QUIET
        assert run.feed(batch(count=2)).run() == ["In#1: 2 rows"]
        assert run.wait(QUIET).run() == ["In#1 complete"]

    def test_patience_begins_anew_when_reading_goes_on(self) -> None:
        run = started("L#1", "R#1").feed(chunk("L#1"), completed("L#1", on_control=True), batch("R#1", size=BUDGET))
        run.wait(5 * PATIENCE)
        assert run.run() == ["R#1: 1 rows"]
        assert run.lifecycle.deadline() == 6 * PATIENCE
        assert run.wait(QUIET).feed(batch("L#1", 2)).run() == ["L#1: 2 rows"]

    def test_a_callback_that_may_have_kept_the_driver_from_reading_is_followed_by_a_pause(self) -> None:
        """Silence that ran out during a callback counts only after as long without one, though batches wait."""
        run = started("L#1", "R#1").feed(completed("L#1", on_control=True), batch("R#1", 1), batch("R#1", 2))
        assert run.begin() == "R#1: 1 rows"
        run.wait(5 * QUIET).feed(Returned())
        assert (run.run(), run.lifecycle.deadline()) == ([], 6 * QUIET)
        assert run.wait(QUIET).run() == ["R#1: 2 rows", "L#1 complete"]

    def test_in_that_pause_a_late_chunk_still_counts(self) -> None:
        run = started("L#1", "R#1").feed(completed("L#1", on_control=True), batch("R#1", 1), batch("R#1", 2))
        run.begin()
        run.wait(5 * QUIET).feed(Returned())
        assert run.run() == []
        assert run.feed(batch("L#1", 3)).run() == ["R#1: 2 rows", "L#1: 3 rows"]
        assert run.wait(QUIET).run() == ["L#1 complete"]

    def test_while_silence_has_not_run_out_batches_are_delivered_without_a_pause(self) -> None:
        run = started("L#1", "R#1").feed(completed("L#1", on_control=True), batch("R#1", 1), batch("R#1", 2))
        assert run.wait(0.9 * QUIET).run() == ["R#1: 1 rows", "R#1: 2 rows"]


class TestNotifyComplete:
    def test_may_come_first_of_all(self) -> None:
        run = started().feed(NOTIFIED)
        assert run.run() == []
        assert run.feed(batch(), completed()).run() == ["In#1: 1 rows", "In#1 complete", "end"]

    def test_is_waited_for_when_all_connections_are_complete(self) -> None:
        run = started().feed(batch(), completed(), HALF_CLOSED)
        assert run.run() == ["In#1: 1 rows", "In#1 complete"]
        assert run.feed(NOTIFIED).run() == ["end"]


class TestBeforeTheInitialisation:
    """The streams are not ordered, so anything may come before the message that explains it."""

    def test_batches_and_completions_wait_for_it(self) -> None:
        run = Driver().feed(chunk("R#1"), batch("L#1", 2), batch("R#1", 1), completed("R#1"), completed("L#1"))
        assert (run.run(), run.state) == ([], State.AWAITING)
        assert run.feed(initialized("L#1", "R#1"), NOTIFIED).run() == [
            *("construct", "L#1: 2 rows", "R#1: 1 rows", "R#1 complete", "L#1 complete", "end")
        ]

    @pytest.mark.parametrize("everything", [completed(None), HALF_CLOSED])
    def test_so_does_the_completion_of_everything(self, everything: ConnectionCompleted) -> None:
        run = Driver().feed(NOTIFIED, batch("In#1"), everything, initialized("In#1", "In#2"))
        assert run.run() == ["construct", "In#1: 1 rows", "In#1 complete", "In#2 complete", "end"]

    def test_so_does_the_completion_of_an_anchor(self) -> None:
        run = Driver().feed(ConnectionCompleted("In", None, in_band=True), initialized("In#1", "In#2"))
        assert run.run() == ["construct", "In#1 complete", "In#2 complete"]

    def test_a_completion_on_control_is_quiet_from_the_initialisation_on(self) -> None:
        run = Driver().feed(completed(on_control=True)).wait(5 * QUIET).feed(initialized("In#1"))
        assert run.run() == ["construct"]
        assert run.lifecycle.deadline() == 6 * QUIET
        assert run.wait(QUIET).run() == ["In#1 complete"]

    def test_what_turns_out_to_be_for_an_unknown_connection_fails_the_run(self) -> None:
        run = Driver().feed(batch("Other#1", size=12), initialized("In#1"))
        assert run.control == [
            "ERROR: protocol error: 12 bytes of records came for connection '#1' of anchor 'Other', which was never "
            "announced; the engine announced connection '#1' of anchor 'In'"
        ]
        assert run.finish().calls == []

    def test_what_turns_out_to_be_half_a_batch_fails_the_run(self) -> None:
        run = Driver().feed(chunk(), HALF_CLOSED, initialized("In#1"))
        assert "ended inside a batch, 10 bytes into it" in run.control[0]

    def test_it_is_bounded_by_the_budget(self) -> None:
        run = Driver().feed(chunk(size=BUDGET - 1))
        assert run.lifecycle.wants_records
        run.feed(batch(size=1))
        assert not run.lifecycle.wants_records
        run.feed(initialized("In#1")).run()
        assert run.lifecycle.wants_records
        assert run.lifecycle.statistics() == (1, 1, BUDGET, 0, 0, 0, 0, BUDGET)

    def test_garbage_fails_the_run_which_still_confirms(self) -> None:
        run = Driver().feed(Violated("RecordTransfer carried garbage")).finish()
        assert (run.state, run.control) == (
            State.CONFIRMED,
            ["ERROR: protocol error: RecordTransfer carried garbage", "confirm"],
        )

    def test_without_it_there_is_nothing_to_call(self) -> None:
        run = Driver().feed(NOTIFIED, HALF_CLOSED).wait(PATIENCE)
        assert (run.run(), run.lifecycle.deadline()) == ([], None)


class TestWrongNames:
    def test_records_for_an_unknown_anchor(self) -> None:
        run = started("L#1", "R#1").feed(chunk("Middle#1", size=9))
        assert run.control == [
            "ERROR: protocol error: 9 bytes of records came for connection '#1' of anchor 'Middle', which was never "
            "announced; the engine announced connection '#1' of anchor 'L', connection '#1' of anchor 'R'"
        ]

    def test_records_for_an_unknown_connection(self) -> None:
        assert "connection '#2' of anchor 'In', which was never" in started().feed(batch("In#2")).control[0]

    def test_records_where_nothing_is_connected(self) -> None:
        assert "the engine announced no connection" in started("In").feed(batch()).control[0]

    @pytest.mark.parametrize("on_control", [False, True])
    def test_a_completion_of_an_unknown_connection(self, on_control: bool) -> None:
        run = started().feed(completed("In#7", on_control=on_control))
        assert run.control == [
            "ERROR: protocol error: the engine completed connection '#7' of anchor 'In', which it never announced; "
            "it announced connection '#1' of anchor 'In'"
        ]

    def test_records_after_the_completion(self) -> None:
        run = started().feed(batch(), completed(), batch(size=33))
        assert run.control == [
            "ERROR: protocol error: 33 bytes of records came for connection '#1' of anchor 'In' after the engine had "
            "completed it"
        ]
        assert run.finish().calls == []

    def test_records_while_the_tool_completes(self) -> None:
        run = started("In").feed(NOTIFIED)
        run.begin()
        run.feed(batch(size=5))
        assert run.control == [
            "ERROR: protocol error: 5 bytes of records for connection '#1' of anchor 'In' came while the tool was "
            "completing"
        ]

    @pytest.mark.parametrize("connections", [["In#1"], ["Other#1"]])
    def test_a_second_initialisation(self, connections: list[str]) -> None:
        run = started().feed(initialized(*connections))
        assert run.control == ["ERROR: protocol error: a second initialisation came while the tool was running"]


class TestBudget:
    """Reading pauses while too much waits, and never for good."""

    def test_reading_pauses_and_goes_on(self) -> None:
        run = started().feed(batch(size=BUDGET - 1))
        assert run.lifecycle.wants_records
        run.feed(batch(size=1))
        assert not run.lifecycle.wants_records
        run.step()
        assert run.lifecycle.wants_records
        assert run.lifecycle.statistics()[-2:] == (1, BUDGET)

    def test_a_batch_larger_than_the_budget_comes_in_whole(self) -> None:
        """Nothing can be delivered before its last chunk, so to pause would be to wait for ever."""
        run = started().feed(*[chunk(size=BUDGET)] * 5)
        assert (run.run(), run.lifecycle.wants_records) == ([], True)
        assert run.feed(batch(count=4)).run() == ["In#1: 4 rows"]
        assert run.lifecycle.statistics()[:3] == (1, 4, 5 * BUDGET + 10)

    def test_such_a_batch_waits_while_there_is_something_to_deliver(self) -> None:
        run = started("L#1", "R#1").feed(batch("L#1"), chunk("R#1", size=BUDGET))
        assert not run.lifecycle.wants_records
        run.step()
        assert run.lifecycle.wants_records

    def test_chunks_count_until_their_batch_is_delivered(self) -> None:
        run = started().feed(chunk(size=40), chunk(size=2))
        assert run.lifecycle.statistics().pending_bytes == 42
        run.feed(batch(size=8))
        assert run.lifecycle.statistics().pending_bytes == 50
        run.step()
        assert run.lifecycle.statistics()[-2:] == (0, 50)

    def test_a_run_that_fails_before_its_initialisation_holds_nothing_either(self) -> None:
        table = rows(3)
        dropped = weakref.ref(table)
        run = Driver().feed(BatchArrived("In", "#1", table, BUDGET), Violated("garbage"))
        del table
        assert (dropped(), run.lifecycle.wants_records) == (None, True)

    @pytest.mark.parametrize("end", [GONE, Violated("garbage"), ControlClosed()])
    def test_a_run_that_has_failed_reads_on_and_holds_nothing(self, end: Violated) -> None:
        table = rows(3)
        dropped = weakref.ref(table)
        run = started("L#1", "R#1").feed(BatchArrived("L", "#1", table, BUDGET), chunk("R#1"))
        run.feed(answer(run.ask()), end)
        del table
        gc.collect()
        assert (run.lifecycle.wants_records, run.lifecycle.statistics().pending_bytes) == (True, 0)
        assert dropped() is None
        assert run.feed(batch("R#1", size=5 * BUDGET)).lifecycle.wants_records
        assert run.run() == []


def test_the_statistics_count_what_passed() -> None:
    run = started().feed(chunk(size=100), batch(count=7), batch(count=5))
    run.on_call = {"In#1: 7 rows": lambda: run.lifecycle.write("Output", rows(3))}
    run.run()
    assert run.lifecycle.statistics() == (2, 12, 120, 1, 3, 24, 0, 120)


def test_a_run_needs_no_arguments() -> None:
    """The defaults are those of the protocol's page: 50 ms."""
    lifecycle = Lifecycle()
    lifecycle.receive(initialized("In#1"), 10.0)
    lifecycle.next_call(10.0)
    lifecycle.receive(Returned(), 10.0)
    lifecycle.receive(completed(on_control=True), 20.0)
    assert lifecycle.deadline() == 20.05
