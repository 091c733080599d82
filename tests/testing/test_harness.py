"""The harness: whole runs, update-only runs, steps, and what they give."""

import subprocess
import sys
import threading
from typing import Any

import pyarrow as pa
import pytest

from kedge import AMPProviderV2, Anchor, FieldType, Plugin, PluginV2, ToolPool, UsageError, create_schema
from kedge.bench.tools import PassThrough
from kedge.testing import ToolHarness

PEOPLE = pa.table({"name": ["Ada", "Edsger", None], "age": [36, 72, 85]})


class Narrator(PluginV2):
    """Says what happens to it, and writes the number of rows of each batch to ``Counts``."""

    output_anchors = ("Counts", "Never")

    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.say = provider.io.info
        self.say("made with {}", provider.tool_config.get("Word"))
        provider.push_outgoing_metadata("Counts", create_schema({"rows": FieldType.int64}))

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.say("{} rows on {} {}", batch.num_rows, *anchor)
        self.provider.write_to_anchor("Counts", pa.table({"rows": [batch.num_rows]}))
        if batch.num_rows == 13:
            raise ValueError("thirteen")

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        self.say("{} {} is complete", *anchor)
        self.provider.io.update_progress(0.5)

    def on_complete(self) -> None:
        self.say("the end")
        self.provider.io.warn("that was all")


class TestAWholeRun:
    def test_gives_outputs_messages_progress_and_metadata(self) -> None:
        with ToolHarness(Narrator, config={"Word": "pen"}) as tool:
            outcome = tool.run(Left=PEOPLE, Right=PEOPLE.slice(1))
        assert outcome.ok
        assert outcome.outputs["Counts"].to_pydict() == {"rows": [3, 2]}
        assert outcome.infos == (
            "made with pen",
            "3 rows on Left #1",
            "Left #1 is complete",
            "2 rows on Right #1",
            "Right #1 is complete",
            "the end",
        )
        assert outcome.warnings == ("that was all",)
        assert outcome.progress == (0.5, 0.5)
        assert [field.name for field in outcome.metadata["Counts"]] == ["rows"]
        assert outcome.closed == ("Counts", "Never")
        assert outcome.statistics.incoming["Right #1"].rows == 2
        assert outcome.statistics.outgoing["Counts"].batches == 2

    def test_cuts_batches_where_it_is_told(self) -> None:
        with ToolHarness(Narrator) as tool:
            assert tool.run(Input=PEOPLE, batch_rows=2).outputs["Counts"]["rows"].to_pylist() == [2, 1]

    def test_hands_a_chunked_table_over_in_one_batch(self) -> None:
        with ToolHarness(Narrator) as tool:
            assert tool.run(Input=pa.concat_tables([PEOPLE, PEOPLE])).outputs["Counts"]["rows"].to_pylist() == [6]

    def test_makes_a_connection_of_each_element_of_a_list(self) -> None:
        with ToolHarness(Narrator) as tool:
            outcome = tool.run({"Any name": [PEOPLE, PEOPLE.slice(0, 0)]})
        assert outcome.infos[1:-1] == ("3 rows on Any name #1", "Any name #1 is complete", "Any name #2 is complete")

    def test_has_the_announced_columns_of_an_anchor_without_rows(self) -> None:
        with ToolHarness(Narrator) as tool:
            outcome = tool.run(Input=PEOPLE.slice(0, 0))
        assert outcome.outputs["Counts"].schema.names == ["rows"]
        assert outcome.outputs["Never"].schema.names == []

    def test_keeps_an_exception_of_the_tool_in_the_outcome(self) -> None:
        with ToolHarness(Narrator) as tool:
            outcome = tool.run(Input=pa.table({"n": range(13)}))
        assert not outcome.ok
        assert outcome.errors[0].startswith("Narrator.on_record_batch raised ValueError: thirteen")

    def test_makes_a_new_object_each_time(self) -> None:
        with ToolHarness(Narrator) as tool:
            assert [tool.run(Input=PEOPLE).outputs["Counts"].num_rows for _ in range(2)] == [1, 1]

    def test_refuses_an_anchor_that_the_tool_has_not(self) -> None:
        with ToolHarness(PassThrough) as tool, pytest.raises(UsageError, match="did you mean 'Input'"):
            tool.run(Imput=PEOPLE)

    def test_runs_on_the_thread_of_the_test(self) -> None:
        threads = []

        class Threads(Narrator):
            def on_complete(self) -> None:
                threads.append(threading.current_thread())

        with ToolHarness(Threads) as tool:
            tool.run(Input=PEOPLE)
        assert threads == [threading.current_thread()]


class TestOverARealProcess:
    def test_gives_the_same(self) -> None:
        with ToolHarness(Narrator, config={"Word": "pen"}) as here:
            expected = here.run(Input=PEOPLE)
        with ToolHarness(Narrator, config={"Word": "pen"}, process=True) as tool:
            outcome = tool.run(Input=PEOPLE)
        assert outcome.outputs == expected.outputs
        assert outcome.messages == expected.messages
        assert outcome.progress == expected.progress
        assert outcome.metadata == expected.metadata
        assert outcome.statistics.incoming == expected.statistics.incoming

    def test_is_update_only_too_and_of_a_pool(self) -> None:
        with ToolPool(1) as pool, ToolHarness(Narrator, process=True, pool=pool) as tool:
            assert pool.warm_up(Narrator)
            outcome = tool.update_only(Input=PEOPLE.schema)
            assert pool.statistics().handed_out == 1
        assert outcome.infos == ("made with None",)
        assert outcome.outputs["Counts"].num_rows == 0

    def test_does_not_go_step_by_step(self) -> None:
        with ToolHarness(Narrator, process=True) as tool, pytest.raises(UsageError, match="process=True"):
            tool.batch("Input", PEOPLE)


class TestUpdateOnly:
    def test_only_constructs(self) -> None:
        with ToolHarness(Narrator) as tool:
            outcome = tool.update_only(Input=PEOPLE)
        assert outcome.infos == ("made with None",)
        assert outcome.outputs["Counts"].schema.names == ["rows"]
        assert outcome.closed == ()

    def test_needs_no_input(self) -> None:
        with ToolHarness(PassThrough) as tool:
            assert tool.update_only().ok


class TestStepByStep:
    def test_each_step_gives_what_came_of_it(self) -> None:
        with ToolHarness(Narrator) as tool:
            assert tool.start(Left=PEOPLE.schema, Right=PEOPLE).infos == ("made with None",)
            first = tool.batch("Left", PEOPLE)
            assert first.infos == ("3 rows on Left #1",)
            assert first.outputs["Counts"].to_pydict() == {"rows": [3]}
            assert tool.complete("Left").progress == (0.5,)
            assert tool.batch("Right", PEOPLE.slice(1)).outputs["Counts"]["rows"].to_pylist() == [2]
            last = tool.finish()
            assert last.infos == ("Right #1 is complete", "the end")
            assert last.closed == ("Counts", "Never")
            assert last.outputs["Counts"].schema.names == ["rows"]
            assert tool.whole.outputs["Counts"]["rows"].to_pylist() == [3, 2]

    def test_starts_by_itself_with_a_single_connection(self) -> None:
        with ToolHarness(Narrator) as tool:
            assert tool.batch("Input", PEOPLE.slice(0, 0)).infos == ("0 rows on Input #1",)
            assert tool.finish().infos == ("Input #1 is complete", "the end")

    def test_starts_anew_after_the_end(self) -> None:
        with ToolHarness(Narrator) as tool:
            tool.batch("Input", PEOPLE)
            tool.finish()
            tool.batch("Input", PEOPLE)
            assert tool.whole.outputs["Counts"].num_rows == 1

    def test_a_tool_without_inputs_only_finishes(self) -> None:
        with ToolHarness(Narrator) as tool:
            assert tool.finish().infos == ("the end",)

    def test_says_that_the_run_is_over_after_an_exception(self) -> None:
        with ToolHarness(Narrator) as tool:
            assert "thirteen" in tool.batch("Input", pa.table({"n": range(13)})).errors[0]
            with pytest.raises(UsageError, match="the run is over, it ended with: Narrator"):
                tool.batch("Input", PEOPLE)
            assert tool.finish().messages == []

    def test_names_the_connections_that_there_are(self) -> None:
        with ToolHarness(Narrator) as tool:
            tool.start(Left=PEOPLE)
            with pytest.raises(UsageError, match=r"without 'Right' #1; it has Left #1: see start\(\)"):
                tool.batch("Right", PEOPLE)

    def test_refuses_records_after_the_completion(self) -> None:
        with ToolHarness(Narrator) as tool:
            tool.start(Left=PEOPLE)
            tool.complete("Left")
            with pytest.raises(UsageError, match="Left #1 is complete already"):
                tool.batch("Left", PEOPLE)


class TestThePlugin:
    def test_loads_neither_pyarrow_nor_grpc(self) -> None:
        code = "import sys, kedge.testing.pytest_plugin; print([m for m in ('pyarrow', 'grpc') if m in sys.modules])"
        printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert printed == "[]\n"

    def test_offers_the_harness_as_a_fixture(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            """
            import pyarrow as pa
            from kedge.bench.tools import PassThrough

            def test_it(tool):
                assert tool(PassThrough).run(Input=pa.table({"a": [1]})).outputs["Output"].num_rows == 1

            def test_closes_what_is_not_over(tool):
                tool(PassThrough).start(Input=pa.schema([("a", pa.int64())]))
            """
        )
        pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=2)


class TestAToolOfTheFirstInterface:
    def test_runs_whole_and_step_by_step(self) -> None:
        class Upper(Plugin):
            def __init__(self, provider: Any) -> None:
                self.output = provider.get_output_anchor("Output")

            def on_input_connection_opened(self, input_connection: Any) -> None:
                self.output.open(input_connection.metadata)

            def on_record_packet(self, input_connection: Any) -> None:
                self.output.write(input_connection.read())

            def on_complete(self) -> None:
                self.output.close()

        with ToolHarness(Upper) as tool:
            assert tool.run(Input=PEOPLE).outputs["Output"].to_pydict() == PEOPLE.to_pydict()
            assert tool.batch("Input", PEOPLE.slice(2)).outputs["Output"]["age"].to_pylist() == [85]
            assert tool.finish().ok
