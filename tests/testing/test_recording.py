"""Recordings: a run as a file, compared and replayed to the bit."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge import AMPProviderV2, Anchor, FieldType, PluginV2, UsageError, create_schema
from kedge.bench.tools import PassThrough
from kedge.host.engine_services import LocalEngineServices
from kedge.testing import Outcome, ToolHarness, compare_with_recording, replay
from kedge.testing.checks.samples import default_table
from kedge.testing.recording_file import read_recording

TABLE = default_table()


class Talks(PluginV2):
    """Uses all there is to say; ``factor`` of the class stands for a change of its source."""

    output_anchors = ("Output", "Other")
    factor = 1.0

    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.fail = "Fail" in provider.tool_config
        provider.io.info(provider.io.translate_msg("Hello {0}", provider.environment.tool_id))
        provider.push_outgoing_metadata("Output", create_schema({"x": FieldType.double}))

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        amounts = pa.compute.multiply(batch["amount"], self.factor)
        self.provider.write_to_anchor("Output", pa.table({"x": amounts}))
        self.provider.io.update_progress(0.1)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        self.provider.close_outgoing_anchor("Other")

    def on_complete(self) -> None:
        self.provider.io.warn("done")
        self.provider.save_tool_config({"Seen": "yes"})
        if self.fail:
            raise ValueError("asked to")


GERMAN = LocalEngineServices({"de": {"Hello {0}": "Hallo {0}"}}, locale="de")


def talk(config: dict[str, str] | None = None, tool: type[PluginV2] = Talks) -> Outcome:
    with ToolHarness(tool, config=config or {"Word": "x"}, services=GERMAN, constants={"ToolId": "7"}) as harness:
        return harness.run(Input=TABLE, batch_rows=15)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recordings" / "talks.jsonl"
    compare_with_recording(talk(), path, renew=True)
    return path


class TestComparing:
    def test_the_same_run_passes(self, recording: Path) -> None:
        compare_with_recording(talk(), recording)

    def test_a_run_over_a_process_passes_too(self, tmp_path: Path) -> None:
        class Here(Talks): ...

        path = tmp_path / "run.jsonl"
        with ToolHarness(Here) as here:
            compare_with_recording(here.run(Input=TABLE), path, renew=True)
        with ToolHarness(Talks, process=True) as there:
            compare_with_recording(there.run(Input=TABLE), path)

    def test_a_change_of_the_tool_is_told_by_column_and_row(self, recording: Path) -> None:
        class Changed(Talks):
            factor = 2.0

        with pytest.raises(AssertionError, match=r"the run is not that of .*talks.jsonl") as caught:
            compare_with_recording(talk(tool=Changed), recording)
        assert "said 'batch', anchor 'Output': column 'x', row 0: -20.0, expected -10.0" in str(caught.value)
        assert "pytest --kedge-record" in str(caught.value)

    def test_a_change_of_the_input_is_told_as_such(self, recording: Path) -> None:
        with ToolHarness(Talks, config={"Word": "x"}, services=GERMAN, constants={"ToolId": "7"}) as harness:
            outcome = harness.run(Input=TABLE, batch_rows=20)
        with pytest.raises(AssertionError, match="told 'batch', anchor 'Input', connection '#1': 20 rows, expected 15"):
            compare_with_recording(outcome, recording)

    def test_a_change_of_the_configuration_is_told(self, recording: Path) -> None:
        with pytest.raises(AssertionError, match="<Word>y</Word>"):
            compare_with_recording(talk({"Word": "y"}), recording)

    def test_a_message_less_and_one_more_are_told(self, recording: Path) -> None:
        lines = recording.read_text().splitlines(keepends=True)
        without = [line for line in lines if '"done"' not in line]
        recording.write_text("".join(without))
        with pytest.raises(AssertionError, match="said 'message', kind 'warn', text 'done'"):
            compare_with_recording(talk(), recording)

    def test_an_error_is_recorded_without_its_traceback(self, tmp_path: Path) -> None:
        path = tmp_path / "failed.jsonl"
        compare_with_recording(talk({"Fail": "yes"}), path, renew=True)
        texts = [line.fields["text"] for line in read_recording(path) if line.fields.get("kind") == "error"]
        assert texts == ["Talks.on_complete raised ValueError: asked to"]

    @pytest.mark.parametrize(("recorded", "now"), [(0.0, -0.0), (float("nan"), -float("nan"))])
    def test_counts_every_bit(self, tmp_path: Path, recorded: float, now: float) -> None:
        with ToolHarness(PassThrough) as harness:
            one, other = (harness.run(Input=pa.table({"x": [value]})) for value in (recorded, now))
        one.constants = other.constants = {}
        messages = [entry for entry in one.entries if type(entry).__name__ == "SendMessage"]
        other.entries = tuple(messages[0] if type(e).__name__ == "SendMessage" else e for e in other.entries)
        compare_with_recording(one, tmp_path / "bits.jsonl", renew=True)
        with pytest.raises(AssertionError, match=r"column 'x \(bits\)', row 0"):
            compare_with_recording(other, tmp_path / "bits.jsonl")

    def test_a_run_that_is_not_over_cannot_be_recorded(self, tmp_path: Path) -> None:
        with ToolHarness(PassThrough) as harness:
            harness.batch("Input", TABLE)
            with pytest.raises(UsageError, match=r"finish\(\) it first"):
                compare_with_recording(harness.whole, tmp_path / "x.jsonl", renew=True)


class TestReplaying:
    def test_needs_the_file_alone(self, recording: Path) -> None:
        """Configuration, constants, batches and the answers of the engine come from it."""
        outcome = replay(recording, Talks)
        assert outcome.infos == ("Hallo 7",)
        assert outcome.statistics.incoming["Input #1"].batches == 3

    def test_goes_over_a_process_too(self, recording: Path) -> None:
        assert replay(recording, Talks, process=True).outputs["Output"].num_rows == 40

    def test_tells_a_change(self, recording: Path) -> None:
        class Changed(Talks):
            factor = 0.5

        with pytest.raises(AssertionError, match="anchor 'Output': column 'x'"):
            replay(recording, Changed)

    def test_keeps_the_order_of_steps(self, tmp_path: Path) -> None:
        class Joins(PassThrough):
            input_anchors = ("Left", "Right")  # type: ignore[assignment]

        path = tmp_path / "steps.jsonl"
        with ToolHarness(Joins) as harness:
            harness.start(Left=TABLE, Right=TABLE)
            for anchor in ("Left", "Right", "Left"):
                harness.batch(anchor, TABLE.slice(0, 2))
            harness.complete("Right")
            harness.finish()
            compare_with_recording(harness.whole, path, renew=True)
        lines = [line.fields for line in read_recording(path) if "told" in line.fields]
        told = [(line["told"], line.get("anchor")) for line in lines]
        assert told[1:] == [
            ("batch", "Left"),
            ("batch", "Right"),
            ("batch", "Left"),
            ("complete", "Right"),
            ("complete", "Left"),
            ("end", None),
        ]

    def test_an_update_only_run_can_be_replayed(self, tmp_path: Path) -> None:
        path = tmp_path / "update.jsonl"
        with ToolHarness(Talks) as harness:
            compare_with_recording(harness.update_only(Input=TABLE), path, renew=True)
        assert [field.name for field in replay(path, Talks).metadata["Output"]] == ["x"]

    @settings(max_examples=20)
    @given(rows=st.integers(0, 40), batch_rows=st.integers(1, 50))
    def test_is_the_same_for_any_records(
        self, tmp_path_factory: pytest.TempPathFactory, rows: int, batch_rows: int
    ) -> None:
        class Silent(PassThrough):
            def __init__(self, provider: AMPProviderV2) -> None:
                self._write = provider.write_to_anchor

        path = tmp_path_factory.mktemp("recording") / "any.jsonl"
        with ToolHarness(Silent) as harness:
            outcome = harness.run(Input=TABLE.slice(0, rows), batch_rows=batch_rows)
        compare_with_recording(outcome, path, renew=True)
        assert replay(path, Silent).outputs == outcome.outputs


class TestDamagedFiles:
    def test_a_missing_one_says_how_to_make_it(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"there is no recording .*none.jsonl: make it with pytest --kedge-record"):
            compare_with_recording(talk(), tmp_path / "none.jsonl")

    def test_a_broken_line_is_named(self, recording: Path) -> None:
        lines = recording.read_text().splitlines()
        recording.write_text("\n".join([*lines[:2], "{", *lines[3:]]))
        with pytest.raises(UsageError, match=r"talks.jsonl, line 3: Expecting"):
            read_recording(recording)

    def test_missing_records_are_named(self, recording: Path) -> None:
        recording.with_suffix(".arrows").write_bytes(b"")
        with pytest.raises(UsageError, match=r"talks.arrows, for line \d+ of talks.jsonl: "):
            read_recording(recording)

    def test_another_file_is_no_recording(self, recording: Path) -> None:
        recording.write_text('{"a": 1}\n')
        with pytest.raises(UsageError, match="is no recording of version 1: record it anew"):
            read_recording(recording)


class TestTheFixture:
    def test_records_where_it_is_told_and_compares_otherwise(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            """
            import pyarrow as pa
            from kedge import PluginV2

            class Rows(PluginV2):
                def __init__(self, provider):
                    self.provider = provider
                def on_record_batch(self, batch, anchor):
                    self.provider.write_to_anchor("Output", batch)
                def on_incoming_connection_complete(self, anchor): ...
                def on_complete(self): ...

            def test_rows(tool, recorded):
                recorded(tool(Rows).run(Input=pa.table({"a": [1]})), "rows.jsonl")
            """
        )
        first = pytester.runpytest("-p", "no:cacheprovider")
        first.assert_outcomes(failed=1)
        first.stdout.fnmatch_lines(["*there is no recording *rows.jsonl: make it with pytest --kedge-record*"])
        pytester.runpytest("-p", "no:cacheprovider", "--kedge-record").assert_outcomes(passed=1)
        assert (pytester.path / "rows.arrows").exists()
        pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)
