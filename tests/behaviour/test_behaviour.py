"""A tool behaves the same however it is run: one suite over every adapter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from kedge.sdk.constants import Anchor
from tests.behaviour import tools
from tests.behaviour.adapters import Adapter, Outcome, Script, adapters, from_a_pool

if TYPE_CHECKING:
    from kedge import PluginV2

Run = Callable[[Script], Outcome]

ONE = Anchor("Input", "#1")
TWO = Anchor("Input", "#2")
SIDE = Anchor("Side", "#1")


WAYS = dict(adapters())
from_a_pool_too = pytest.mark.parametrize(
    "adapter", [*WAYS.values(), from_a_pool], ids=[*WAYS, "kedge, from a pool"], indirect=True
)
"""For tests that differ in what they ask of the process; each starts one more."""


def numbers(*values: int) -> pa.Table:
    return pa.table({"number": pa.array(values, pa.int64())})


def rows(*values: int) -> list[dict[str, int]]:
    return [{"number": value} for value in values]


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def adapter(request: pytest.FixtureRequest) -> Adapter:
    chosen: Adapter = request.param
    return chosen


@pytest.fixture
def run(adapter: Adapter, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("s")

    def run_script(script: Script) -> Outcome:
        return adapter(script, folder)

    return run_script


class TestCallbacks:
    @from_a_pool_too
    def test_come_in_order_on_one_thread_with_one_completion_per_connection(self, run: Run) -> None:
        inputs = {ONE: [numbers(1, 2), numbers(3)], TWO: [numbers(4)], SIDE: []}
        infos = run(Script(tools.Recorder, inputs)).infos
        assert infos[0] == "init 7 ['Input', 'Side']"
        assert infos[-1] == "complete on 1 thread"
        by_connection = [
            [i for i in infos if i.split(" ", 1)[1].startswith(f"{a.name} {a.connection}")] for a in inputs
        ]
        assert by_connection == [
            ["batch Input #1 2", "batch Input #1 1", "connection Input #1"],
            ["batch Input #2 1", "connection Input #2"],
            ["connection Side #1"],
        ]

    def test_a_tool_without_inputs_writes_when_it_completes(self, run: Run) -> None:
        outcome = run(Script(tools.Source))
        assert outcome.rows["Output"] == rows(0, 1, 1, 2, 2, 3)
        assert outcome.infos == ["init 7 []"]

    def test_an_update_only_run_constructs_and_announces_and_no_more(self, run: Run) -> None:
        outcome = run(Script(tools.Announcing, {ONE: [numbers(1)]}, update_only=True))
        assert outcome.columns == {"Output": ["a", "b"]}
        assert (outcome.infos, outcome.rows, outcome.closed) == (["init 7 ['Input']"], {}, [])


class TestRecords:
    def test_arrive_as_they_were_written_in_order(self, run: Run) -> None:
        outcome = run(Script(tools.Copy, {ONE: [numbers(*range(i, i + 50)) for i in range(0, 1000, 50)]}))
        assert outcome.rows["Output"] == rows(*range(1000))
        assert outcome.closed == ["Output"]
        assert outcome.progress == [1.0]

    def test_the_first_batch_announces_what_the_tool_did_not(self, run: Run) -> None:
        assert run(Script(tools.Copy, {ONE: [numbers(1)]})).columns == {"Output": ["number"]}

    def test_go_to_the_anchor_that_they_were_written_to(self, run: Run) -> None:
        outcome = run(Script(tools.Split, {ONE: [numbers(1, 2, 3), numbers(4)]}, outputs=("Odd", "Even")))
        assert outcome.rows == {"Odd": rows(1, 3), "Even": rows(2, 4)}
        assert sorted(outcome.closed) == ["Even", "Odd"]
        assert outcome.columns == {"Odd": ["number"], "Even": ["number"]}

    def test_zero_rows_are_a_batch_like_any_other(self, run: Run) -> None:
        outcome = run(Script(tools.Copy, {ONE: [numbers()]}))
        assert outcome.columns == {"Output": ["number"]}
        assert outcome.rows["Output"] == []

    @from_a_pool_too
    def test_may_be_written_from_threads_of_the_tool(self, run: Run) -> None:
        outcome = run(Script(tools.UsesThreads))
        assert sorted(row["number"] for row in outcome.rows["Output"]) == [0, 1, 2, 3]
        assert sorted(outcome.infos[1:]) == [f"[thread {number}]" for number in range(4)]


class TestRequests:
    @from_a_pool_too
    def test_are_answered_before_the_tool_ends(self, run: Run) -> None:
        infos = run(Script(tools.Asking, {ONE: [numbers(1)]})).infos
        assert infos[:2] == ["init 7 ['Input']", "[hello you]"]
        assert infos[-2:] == ["completing", "[late 1]"]
        assert set(infos[2:-2]) == {"[early]", "connection c1"}

    def test_of_a_constructor_are_answered_in_an_update_only_run(self, run: Run) -> None:
        infos = run(Script(tools.Asking, {ONE: [numbers(1)]}, update_only=True)).infos
        assert infos == ["init 7 ['Input']", "[hello you]", "[early]"]


class TestFailures:
    @pytest.mark.parametrize(
        ("tool", "message"),
        [
            (tools.FailsInInit, "FailsInInit.__init__ raised ValueError: no start"),
            (tools.FailsInBatch, "FailsInBatch.on_record_batch raised ValueError: no batch"),
            (
                tools.FailsInConnection,
                "FailsInConnection.on_incoming_connection_complete raised ValueError: no connection",
            ),
            (tools.FailsInComplete, "FailsInComplete.on_complete raised ValueError: no end"),
        ],
    )
    def test_an_exception_ends_the_run_with_the_tools_own_frames(
        self, run: Run, tool: type[PluginV2], message: str
    ) -> None:
        outcome = run(Script(tool, {ONE: [numbers(1), numbers(2)]}))
        (error,) = outcome.errors
        assert error.startswith(f"{message}\nTraceback (most recent call last):\n")
        assert "tests/behaviour/tools.py" in error.replace("\\", "/")
        assert "tool_run.py" not in error
        assert outcome.closed == ["Output"]

    @from_a_pool_too
    def test_what_was_written_before_the_exception_still_arrives(self, run: Run) -> None:
        assert run(Script(tools.FailsInBatch, {ONE: [numbers(1), numbers(2)]})).rows == {"Output": rows(1)}

    def test_a_workflow_error_is_shown_without_a_traceback(self, run: Run) -> None:
        assert run(Script(tools.FailsSoftly, {ONE: [numbers(1)]})).errors == ["the threshold is missing"]

    def test_leaving_by_sys_exit_is_an_error(self, run: Run) -> None:
        (error,) = run(Script(tools.Exits, {ONE: [numbers(1)]})).errors
        assert error.startswith("Exits.on_record_batch called sys.exit(3)")

    @pytest.mark.parametrize(
        ("tool", "text"),
        [
            (tools.WritesElsewhere, "there is no outgoing anchor 'Outptu'; the tool's configuration has 'Output'"),
            (tools.WritesInInit, "write_to_anchor('Output', …) in __init__"),
            (tools.WritesAfterClose, "anchor 'Output' is closed"),
            (tools.WritesTwoSchemas, "anchor 'Output': the batch does not have the announced columns"),
            (tools.WritesList, "column 'numbers'"),
        ],
    )
    def test_a_write_that_cannot_be_is_an_error_that_says_why(self, run: Run, tool: type[PluginV2], text: str) -> None:
        inputs = {} if tool is tools.WritesList else {ONE: [numbers(1)]}
        (error,) = run(Script(tool, inputs)).errors
        assert text in error

    def test_a_reported_error_does_not_end_the_tool(self, run: Run) -> None:
        outcome = run(Script(tools.ReportsError, {ONE: [numbers(1), numbers(2)]}))
        assert outcome.errors == ["row 3 is bad"] * 2
        assert outcome.rows["Output"] == rows(1, 2)

    def test_a_configuration_that_is_no_xml_is_an_error(self, run: Run) -> None:
        (error,) = run(Script(tools.Copy, config="<Configuration>")).errors
        assert "configuration" in error
