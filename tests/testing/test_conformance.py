"""The conformance kit: every check finds what it is there to find, and lets right tools pass."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from kedge import AMPProviderV2, PluginV2, UsageError, WorkflowRuntimeError
from kedge.bench.tools import PassThrough
from kedge.testing.checks.catalogue import CHECKS, select_checks
from kedge.testing.checks.check import Verdict
from kedge.testing.checks.samples import default_table
from kedge.testing.checks.subject import Subject
from kedge.testing.suite import conformance
from tests.testing import wrong_tools as wrong

ROOT = Path(__file__).resolve().parents[2]

BITES: dict[str, list[tuple[type[PluginV2], str]]] = {
    "plain-run": [(wrong.AlwaysFails, "on the sample: I do not like this")],
    "repeatable": [(wrong.CountsInTheClass, "in 40 places: column 'run', row 0: 1, expected 0; ")],
    "update-only": [
        (wrong.Sleepy, "construction took 0."),
        (wrong.WritesAtOnce, "in __init__"),
        (wrong.PreparesAFile, "left behind: file"),
    ],
    "announced-schema": [
        (wrong.AnnouncesOtherThings, "Output: announced rows (int64 0.0), but in a run count (int64 0.0)"),
        (wrong.WritesOtherThings, "anchor 'Output'"),
        (wrong.WritesTooMuch, "did not fit into the announced columns"),
    ],
    "batch-splits": [(wrong.NumbersWithinBatches, "cut into 2 batches, Output differs from the plain run")],
    "zero-rows": [
        (wrong.TakesTheFirstRow, "with one batch of no rows: TakesTheFirstRow.on_record_batch raised IndexError"),
        (wrong.ExpectsABatch, "without any batch: ExpectsABatch.on_complete raised"),
    ],
    "optional-anchors": [(wrong.NeedsWhatIsOptional, "without a connection on Extra: NeedsWhatIsOptional.__init__")],
    "null-columns": [
        (wrong.AddsUp, "with null in every place: AddsUp.on_record_batch raised TypeError"),
        (wrong.ExpectsNumbers, "with columns of the type null: ExpectsNumbers.on_record_batch raised"),
    ],
    "texts": [
        (wrong.OnlyAscii, "with awkward texts: OnlyAscii.on_record_batch raised UnicodeEncodeError"),
        (wrong.CutsTexts, "255 characters"),
    ],
    "column-order": [(wrong.TakesTheFirstColumn, "with the columns in reverse, Output differs")],
    "message-order": [(wrong.NowAndThen, "run again, message 1 is 'info: first', before it was 'info: second'")],
    "progress": [
        (wrong.StartsAgain, "progress went back from 0.9 to 0.1"),
        (wrong.RunsPastTheEnd, "is outside 0.0 to 1.0"),
    ],
    "leaves-nothing": [
        (wrong.LeavesAThread, "left behind: thread forgotten"),
        (wrong.LeavesAFile, "left.tmp"),
        (wrong.LeavesADescriptor, "left behind: open "),
    ],
    "slow-reader": [(wrong.Impatient, "before a slow reader: Impatient.on_record_batch raised TimeoutError")],
    "exception-safety": [
        (wrong.Stubborn, "kept it to itself"),
        (wrong.LeavesALock, "in the run after: LeavesALock.on_record_batch raised RuntimeError"),
    ],
    "memory-slope": [
        (wrong.KeepsEverything, "in a tool that writes as it reads"),
        (wrong.KeepsRows, "in a tool that collects its input"),
    ],
}
ALL_WRONG = [(name, tool, saw) for name, tools in BITES.items() for tool, saw in tools]


@pytest.fixture(autouse=True)
def after_wrong_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What they leave behind goes away with the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    wrong.LeavesAThread.let_go.clear()
    yield
    wrong.LeavesAThread.let_go.set()
    while wrong.LeavesADescriptor.opened:
        wrong.LeavesADescriptor.opened.pop().close()


class TestEveryCheck:
    @pytest.mark.parametrize(("name", "tool", "saw"), ALL_WRONG, ids=[tool.__name__ for _, tool, _ in ALL_WRONG])
    def test_finds_what_it_is_there_to_find(self, name: str, tool: type[PluginV2], saw: str) -> None:
        (check,) = select_checks(only=[name])
        finding = check.examine(Subject(tool))
        assert finding.verdict is Verdict.FAILED, finding
        assert saw in finding.saw

    def test_has_a_wrong_tool(self) -> None:
        assert list(BITES.keys() ^ {check.name for check in CHECKS}) == []

    @pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
    def test_passes_the_tool_that_the_wrong_ones_derive_from(self, check: Any) -> None:
        finding = check.examine(Subject(wrong.Through))
        assert finding.verdict is not Verdict.FAILED, finding

    def test_says_what_it_did_what_it_saw_why_it_matters_and_how_to_fix_it(self) -> None:
        (check,) = select_checks(only=["column-order"])
        lines = check.explain(check.examine(Subject(wrong.TakesTheFirstColumn))).splitlines()
        assert lines[0] == "column-order: failed"
        assert [line.split(":")[0].strip() for line in lines[1:]] == ["did", "saw", "why it matters", "how to fix it"]

    def test_does_not_apply_where_the_tool_does_not_run(self) -> None:
        (check,) = select_checks(only=["batch-splits"])
        finding = check.examine(Subject(wrong.AlwaysFails))
        assert finding == (Verdict.SKIPPED, "the tool does not run on the sample: see plain-run")


class TestPoliteTools:
    def test_may_refuse_nulls_in_words(self) -> None:
        class Picky(wrong.Through):
            def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
                if batch["id"].null_count:
                    raise WorkflowRuntimeError("every row needs an id")
                self.write(batch)

        (check,) = select_checks(only=["null-columns"])
        verdict, saw = check.examine(Subject(Picky))
        assert verdict is Verdict.PASSED
        assert "it said: every row needs an id" in saw

    def test_may_depend_on_batches_when_they_say_so(self) -> None:
        class ByBatch(wrong.NumbersWithinBatches):
            batch_invariant = False

        (check,) = select_checks(only=["batch-splits"])
        assert check.examine(Subject(ByBatch)).verdict is Verdict.SKIPPED

    def test_may_collect_their_input(self) -> None:
        class Collects(wrong.Through):
            def __init__(self, provider: AMPProviderV2) -> None:
                super().__init__(provider)
                self.batches: list[pa.Table] = []

            def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
                self.batches.append(batch)

            def on_complete(self) -> None:
                for batch in self.batches:
                    self.write(batch)

        (check,) = select_checks(only=["memory-slope"])
        verdict, saw = check.examine(Subject(Collects))
        assert verdict is Verdict.PASSED, saw


TestPassThrough = conformance(PassThrough)
TestCalendarDays = conformance(
    f"{ROOT}/examples/calendar_days.py:CalendarDays", config={"From": "2013-01-01", "To": "2013-03-31"}
)
TestLateFlights = conformance(
    f"{ROOT}/examples/late_flights.py:LateFlights",
    sample={
        "Flights": pa.table(
            {
                "origin": ["EWR", "JFK", "LGA"] * 7,
                "time_hour": pa.array(range(1_357_034_400, 1_357_034_400 + 21 * 3600, 3600), pa.timestamp("s")),
                "dep_delay": [None, 5, 90] * 7,
            }
        ),
        "Weather": pa.table(
            {
                "origin": ["EWR", "JFK", "LGA"] * 6,
                "time_hour": pa.array(range(1_357_034_400, 1_357_034_400 + 18 * 3600, 3600), pa.timestamp("s")),
                "temp": [1.5] * 18,
            }
        ),
    },
)


class TestInPytest:
    def test_each_check_is_a_test_with_its_reasons(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            f"""
            import sys; sys.path.insert(0, {str(ROOT)!r})
            from kedge.testing import conformance
            from tests.testing.wrong_tools import TakesTheFirstColumn

            TestTool = conformance(TakesTheFirstColumn, only=["plain-run", "column-order", "optional-anchors"])
            TestLess = conformance(TakesTheFirstColumn, skip=["column-order"], only=["plain-run", "column-order"])
            """
        )
        result = pytester.runpytest("-p", "no:cacheprovider", "-rA")
        result.assert_outcomes(passed=2, failed=1, skipped=1)
        result.stdout.fnmatch_lines(["*fix it: take columns by their names*", "PASSED *TestTool::test_plain_run"])

    def test_a_check_that_does_not_exist_is_an_error(self) -> None:
        with pytest.raises(UsageError, match=r"no check 'zero-row': .*did you mean 'zero-rows'"):
            conformance(PassThrough, only=["zero-row"])


class TestTheSample:
    def test_without_one_is_a_table_with_a_column_of_every_type(self) -> None:
        table = default_table()
        assert table.num_rows == 40
        assert table.column("id").null_count == 0
        assert all(table.column(name).null_count for name in table.column_names[1:])
        types = {field.metadata[b"ayx.type"] for field in table.schema}
        assert len(types) == table.num_columns == 14

    def test_must_name_its_anchor_where_there_are_several(self) -> None:
        with pytest.raises(UsageError, match="has 'Flights', 'Weather': say which anchor the sample is for"):
            Subject(f"{ROOT}/examples/late_flights.py:LateFlights", sample=pa.table({"a": [1]}))

    def test_may_not_name_an_anchor_that_is_not_there(self) -> None:
        with pytest.raises(UsageError, match="no incoming anchor 'In' for a sample: it has 'Input'"):
            Subject(PassThrough, sample={"In": pa.table({"a": [1]})})
