"""What the tool sends, when it may, and how a run ends."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from kedge.exceptions import AnchorNotFoundException, EngineGone, UsageError
from kedge.lifecycle import State
from kedge.lifecycle.events import Flushed, PushMetadata, Raised, Returned, Violated
from kedge.sdk.constants import MessageType
from kedge.sdk.fields import Field, FieldType, Metadata
from kedge.sdk.outlet import Message
from kedge.sdk.schemas import metadata_from_schema
from tests.lifecycle.driving import GONE, NOTIFIED, Driver, batch, chunk, completed, initialized, rows, started

if TYPE_CHECKING:
    from collections.abc import Callable

TWO_OUTPUTS = {"Good": 1, "Bad": 2, "Unused": 0}
TOOL_CALLS: dict[str, Callable[[Driver], object]] = {
    "message": lambda run: run.lifecycle.message(Message(MessageType.INFO, "hello")),
    "progress": lambda run: run.lifecycle.progress(0.5),
    "request": lambda run: run.ask(),
    "push_metadata": lambda run: run.lifecycle.push_metadata("Output", columns("n")),
    "write": lambda run: run.lifecycle.write("Output", rows(1)),
    "close": lambda run: run.lifecycle.close("Output"),
}


def columns(*names: str) -> Metadata:
    metadata = Metadata()
    for name in names:
        metadata.add_field(name, FieldType.int64)
    return metadata


def running(outgoing: dict[str, int] | None = None) -> Driver:
    """A run in the middle of ``on_record_batch``."""
    run = started(outgoing=outgoing).feed(batch())
    assert run.begin() == "In#1: 1 rows"
    return run


class TestWrite:
    def test_the_first_batch_announces_the_anchor(self) -> None:
        run = running()
        run.lifecycle.write("Output", rows(2))
        run.lifecycle.write("Output", rows(0))
        run.feed(Returned())
        assert (run.control, run.records) == (["announce Output: n"], ["2 rows to Output", "0 rows to Output"])

    def test_an_announced_anchor_is_not_announced_again(self) -> None:
        run = running()
        run.lifecycle.push_metadata("Output", columns("n"))
        run.lifecycle.write("Output", rows(2))
        assert run.feed(Returned()).control == ["announce Output: n"]

    def test_in_init_it_is_refused(self) -> None:
        run = Driver().feed(initialized("In#1"))
        run.begin()
        with pytest.raises(UsageError, match=r"^write_to_anchor\('Output', …\) in __init__: records can be written "):
            run.lifecycle.write("Output", rows(1))
        assert run.feed(Returned()).records == []

    def test_is_possible_in_on_complete(self) -> None:
        run = started("In").feed(NOTIFIED)
        run.on_call["end"] = lambda: run.lifecycle.write("Output", rows(3))
        assert run.finish().records == ["3 rows to Output", "close Output"]

    def test_to_an_unknown_anchor_it_names_the_known_ones(self) -> None:
        with pytest.raises(AnchorNotFoundException, match=r"'Outptu'; the tool's configuration has 'Good', 'Bad', "):
            running(TWO_OUTPUTS).lifecycle.write("Outptu", rows(1))

    def test_where_there_is_no_outgoing_anchor_it_says_so(self) -> None:
        run = Driver().feed(initialized("In#1", outgoing={"x": 1}))
        run.lifecycle._outgoing.clear()
        with pytest.raises(AnchorNotFoundException, match="has none"):
            run.lifecycle.close("Output")

    def test_to_a_closed_anchor_it_is_refused(self) -> None:
        run = running()
        run.lifecycle.close("Output")
        with pytest.raises(UsageError, match="anchor 'Output' is closed"):
            run.lifecycle.write("Output", rows(1))

    def test_to_an_anchor_with_no_connection_it_is_checked_announced_and_dropped(self) -> None:
        run = running(TWO_OUTPUTS)
        run.lifecycle.write("Unused", rows(4))
        with pytest.raises(UsageError, match="anchor 'Unused': the batch does not have the announced columns"):
            run.lifecycle.write("Unused", pa.table({"m": pa.nulls(1, pa.int64())}))
        run.feed(Returned())
        assert (run.control, run.records) == (["announce Unused: n"], [])
        assert run.lifecycle.statistics().batches_out == 0

    def test_of_two_schemas_to_one_anchor_is_refused_and_the_first_stays(self) -> None:
        run = running()
        run.lifecycle.write("Output", rows(1))
        with pytest.raises(UsageError, match=r"anchor 'Output': .*'n' is missing, 'm' was not announced"):
            run.lifecycle.write("Output", pa.table({"m": pa.nulls(1, pa.int64())}))
        run.lifecycle.write("Output", rows(2))
        assert run.feed(Returned()).records == ["1 rows to Output", "2 rows to Output"]

    def test_what_is_lost_on_the_way_is_a_warning_and_in_the_end_the_total(self) -> None:
        nanoseconds = [None, pa.py_buffer(struct.pack("q", 1_500_000_000))]
        halves = pa.table({"n": pa.Array.from_buffers(pa.timestamp("ns"), 1, nanoseconds)})
        run = running()
        for _ in range(3):
            run.lifecycle.write("Output", halves)
        run.feed(Returned(), completed(), NOTIFIED).finish()
        warnings = [text for text in run.control if text.startswith("WARN: anchor 'Output': column 'n'")]
        assert len(warnings) == 2
        assert ("1 value " in warnings[0], "3 values " in warnings[1]) == (True, True)
        assert run.control[-1] == "confirm"


class TestAnnounce:
    def test_the_same_again_is_not_sent_again(self) -> None:
        run = running()
        for _ in range(3):
            run.lifecycle.push_metadata("Output", columns("a"))
        run.lifecycle.push_metadata("Output", columns("a", "b"))
        assert run.feed(Returned()).control == ["announce Output: a", "announce Output: a, b"]

    def test_what_is_sent_does_not_change_with_the_tools_object(self) -> None:
        run = running()
        metadata = columns("a")
        run.lifecycle.push_metadata("Output", metadata)
        metadata.add_field("later", FieldType.bool)
        (action,) = run.lifecycle.control_out
        assert isinstance(action, PushMetadata)
        assert action.metadata == columns("a")

    def test_the_same_columns_after_records_are_welcome(self) -> None:
        run = running()
        run.lifecycle.write("Output", rows(1))
        run.lifecycle.push_metadata("Output", metadata_from_schema(rows(1).schema))
        assert run.feed(Returned()).control == ["announce Output: n"]

    def test_other_words_for_the_same_columns_after_records_are_sent_once(self) -> None:
        run = running()
        run.lifecycle.write("Output", rows(1))
        described = columns("n")
        described.fields[0] = Field("n", FieldType.int64, description="a number")
        for _ in range(3):
            run.lifecycle.push_metadata("Output", described)
            run.lifecycle.write("Output", rows(1))
        assert run.feed(Returned()).control == ["announce Output: n"] * 2

    @pytest.mark.parametrize("other", [columns("m"), columns("n", "m"), columns()])
    def test_other_columns_after_records_are_refused(self, other: Metadata) -> None:
        run = running()
        run.lifecycle.write("Output", rows(1))
        with pytest.raises(UsageError, match=r"announced anew, with other columns, .* first n \(int64\), now "):
            run.lifecycle.push_metadata("Output", other)

    def test_another_size_after_records_is_refused(self) -> None:
        run = running()
        run.lifecycle.write("Output", pa.table({"s": pa.nulls(1, pa.string())}))
        with pytest.raises(UsageError, match=r"first s \(v_wstring 2147483647.0\), now s \(v_wstring 40.0\)"):
            run.lifecycle.push_metadata("Output", Metadata([Field("s", FieldType.v_wstring, 40)]))

    def test_of_an_unknown_anchor_is_refused(self) -> None:
        with pytest.raises(AnchorNotFoundException, match="no outgoing anchor 'Left'"):
            running().lifecycle.push_metadata("Left", columns("n"))


class TestClose:
    def test_the_end_closes_every_connected_anchor_once(self) -> None:
        run = started("In", outgoing=TWO_OUTPUTS).feed(NOTIFIED).finish()
        assert run.records == ["close Good", "close Bad"]

    def test_what_the_tool_closed_is_not_closed_again(self) -> None:
        run = running(TWO_OUTPUTS)
        run.lifecycle.close("Bad")
        run.lifecycle.close("Bad")
        run.lifecycle.close("Unused")
        run.feed(Returned(), completed(), NOTIFIED).finish()
        assert run.records == ["close Bad", "close Good"]

    def test_in_the_constructor_it_counts(self) -> None:
        run = Driver().feed(initialized("In", outgoing=TWO_OUTPUTS))
        run.begin()
        run.lifecycle.close("Good")
        assert run.feed(Returned(), NOTIFIED).finish().records == ["close Good", "close Bad"]

    def test_a_failure_closes_once_too(self) -> None:
        run = running(TWO_OUTPUTS)
        run.lifecycle.close("Good")
        run.feed(Violated("garbage"), Violated("more garbage"), Raised("ValueError: no")).finish()
        assert run.records == ["close Good", "close Bad"]


class TestFailure:
    """No further callback, but what was written is sent, anchors are closed, and the run confirms."""

    def test_keeps_the_batches_that_are_queued(self) -> None:
        run = started().feed(batch(count=1), batch(count=2), completed(), NOTIFIED)

        def write_and_raise() -> None:
            run.lifecycle.write("Output", rows(9))
            raise ValueError("broken")

        run.on_call["In#1: 1 rows"] = write_and_raise
        run.finish()
        assert run.calls == ["In#1: 1 rows"]
        assert run.records == ["9 rows to Output", "close Output"]
        assert run.control == ["announce Output: n", "ERROR: ValueError: broken", "confirm"]
        assert (run.lifecycle.failed, run.state) == (True, State.CONFIRMED)

    def test_in_the_constructor_calls_nothing_else(self) -> None:
        run = Driver().feed(initialized("In#1"), batch(), completed(), NOTIFIED)
        run.begin()
        run.feed(Raised("ValueError: no")).finish()
        assert run.calls == ["construct"]
        assert (run.control, run.records) == (["ERROR: ValueError: no", "confirm"], ["close Output"])

    def test_by_the_engine_during_a_callback_ends_the_run_once_it_is_back(self) -> None:
        run = running().feed(Violated("garbage"))
        with pytest.raises(UsageError, match=r"write_to_anchor\('Output', …\) came when the run was over \(ending\)"):
            run.lifecycle.write("Output", rows(1))
        run.lifecycle.message(Message(MessageType.INFO, "by the way"))
        run.feed(Returned()).finish()
        assert run.control == ["ERROR: protocol error: garbage", "INFO: by the way", "confirm"]

    def test_is_reported_once(self) -> None:
        run = started().feed(chunk("Nowhere#1"), chunk("Nowhere#2"), Violated("garbage"), initialized("In#1"))
        assert len(run.control) == 1

    def test_an_error_message_of_the_tool_is_none(self) -> None:
        run = running()
        run.lifecycle.message(Message(MessageType.ERROR, "row 3 is wrong"))
        run.feed(Returned(), completed(), NOTIFIED).finish()
        assert run.calls[-1] == "end"
        assert run.control == ["ERROR: row 3 is wrong", "confirm"]


class TestAfterTheConfirmation:
    @pytest.mark.parametrize("call", TOOL_CALLS)
    def test_nothing_can_be_sent(self, call: str) -> None:
        run = started("In").feed(NOTIFIED).finish()
        sent = run.control.copy()
        with pytest.raises(UsageError, match=r"came when the run was over \(confirmed\); a tool's own threads have to"):
            TOOL_CALLS[call](run)
        assert (run.control, list(run.lifecycle.control_out), list(run.lifecycle.records_out)) == (sent, [], [])


class TestEngineGone:
    def test_every_call_of_the_tool_says_why(self) -> None:
        run = running().feed(GONE)
        for call in TOOL_CALLS.values():
            with pytest.raises(EngineGone, match="the engine has gone"):
                call(run)

    def test_in_no_state_is_anything_called_or_sent_after_it(self) -> None:
        constructing = Driver().feed(initialized("In#1"))
        completing = started("In").feed(NOTIFIED)
        completing.begin()
        updated = started(update_only=True)
        updated.ask()
        waiting = started().feed(batch(), completed(), NOTIFIED)
        ending = started().feed(Violated("garbage"))
        for run in (Driver(), constructing, running(), waiting, completing, updated, ending):
            run.lifecycle.control_out.clear()
            run.feed(GONE)
            if run.in_call:
                run.feed(Returned())
            before = (list(run.calls), list(run.control))
            run.feed(batch(), NOTIFIED, Flushed()).finish()
            assert (run.state, run.lifecycle.failed) == (State.LOST, True)
            assert (run.calls, run.control) == before
            assert run.lifecycle.deadline() is None

    def test_what_was_queued_is_dropped(self) -> None:
        run = running()
        run.lifecycle.write("Output", rows(1))
        run.lifecycle.receive(GONE, 0.0)
        assert (list(run.lifecycle.records_out), list(run.lifecycle.control_out)) == ([], [])

    def test_once_confirmed_it_means_nothing(self) -> None:
        run = started("In").feed(NOTIFIED).finish().feed(GONE)
        assert (run.state, run.lifecycle.failed) == (State.CONFIRMED, False)
