"""Records that flow from tool processes into statements and other tools without a table between them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import DesignerType
from kedge.tools.contract import Query
from kedge.tools.schema import Field, Schema
from kedge.workflow.arriving import Arriving, Traffic
from kedge.workflow.counting import Count
from kedge.workflow.engine import Conversions
from kedge.workflow.graph import ResolvedTool, resolve
from kedge.workflow.relations import Relation
from kedge.workflow.schedule import run_in_order
from kedge.workflow.workflow import Workflow

SDK2 = "SdkEnginePlugin.dll"
TOOLS = '''
import time
from pathlib import Path

import pyarrow as pa
from kedge import PluginV2

ROWS = 2_000_000
"""More than an engine holds back while it waits for more."""


def wait_for(path):
    end = time.monotonic() + 20
    while not Path(path).exists():
        if time.monotonic() > end:
            raise TimeoutError(f"{path} never came")
        time.sleep(0.005)


class Tool(PluginV2):
    input_anchors = ("Input",)
    output_anchors = ("Output",)

    def __init__(self, provider):
        self.provider = provider
        self.config = provider.tool_config
        self.seen = 0
        for name in self.output_anchors:
            provider.push_outgoing_metadata(name, pa.schema([("n", pa.int64())]))

    def write(self, values, name="Output"):
        self.provider.write_to_anchor(name, pa.table({"n": pa.array(values, pa.int64())}))

    def on_record_batch(self, batch, anchor):
        if not self.seen and "Touch" in self.config:
            Path(self.config["Touch"]).touch()
        if "Fail" in self.config:
            raise ValueError("enough")
        self.seen += batch.num_rows
        self.provider.write_to_anchor("Output", batch.select(["n"]))

    def on_incoming_connection_complete(self, anchor): ...

    def on_complete(self):
        if "End" in self.config:
            Path(self.config["End"]).write_text(str(self.seen))


class Pass(Tool):
    """Passes records on."""


class Meet(Tool):
    """Comes to an end only together with the other one."""

    def on_complete(self):
        Path(self.config["Mine"]).touch()
        wait_for(self.config["Other"])
        self.provider.io.info("met")


class TwoParts(Tool):
    """Writes its second part when somebody has seen the first."""

    input_anchors = ()

    def on_complete(self):
        self.write(range(ROWS))
        wait_for(self.config["Wait"])
        self.write([-1])


class Endless(Tool):
    """Writes until it is ended."""

    input_anchors = ()

    def on_complete(self):
        while True:
            self.write(range(1000))


class Halves(Tool):
    """Two outputs, of which the first is written last."""

    input_anchors = ()
    output_anchors = ("First", "Second")

    def on_complete(self):
        for _ in range(3):
            self.write(range(100_000), "Second")
        self.write([1], "First")
'''


@pytest.fixture
def flow(tmp_path: Path) -> Workflow:
    (tmp_path / "tools.py").write_text(TOOLS)
    return Workflow(path=tmp_path / "flow.yxmd")


def custom(flow: Workflow, plugin: str, config: object = "", *origins: int) -> tuple[Workflow, int]:
    flow, tool = flow.add(plugin, config, EngineDll=SDK2)  # type: ignore[arg-type]
    for origin in origins:
        flow = flow.connect(origin, "Output", tool, "Input")
    return flow, tool


def after(
    flow: Workflow, origin: int, plugin: str, config: object = "", anchor: str = "Output"
) -> tuple[Workflow, int]:
    flow, tool = flow.add(plugin, config)  # type: ignore[arg-type]
    return flow.connect(origin, anchor, tool, "Input"), tool


def numbers(flow: Workflow, *values: int) -> tuple[Workflow, int]:
    rows = "".join(f"<r><c>{value}</c></r>" for value in values)
    return flow.add("TextInput", f'<Fields><Field name="n"/></Fields><Data>{rows}</Data>')


def csv(flow: Workflow, origin: int, name: str, anchor: str = "Output") -> tuple[Workflow, int]:
    options = "<FormatSpecificOptions><LineEndStyle>LF</LineEndStyle></FormatSpecificOptions>"
    return after(flow, origin, "DbFileOutput", f'<File FileFormat="0">{name}</File>{options}', anchor)


class TestOneReader:
    """The records of a tool that one statement reads go straight into it."""

    def test_leaves_no_table_and_counts_what_passed(self, flow: Workflow, tmp_path: Path) -> None:
        flow, start = numbers(flow, 3, 1, 2)
        flow, tool = custom(flow, "Pass", "", start)
        flow, kept = after(flow, tool, "Filter", {"Mode": "Custom", "Expression": "[n] > 1"})
        flow, _ = csv(flow, kept, "out.csv", "True")
        report = flow.run()
        report.raise_for_status()
        assert not [text for text in report.statements if "CREATE TABLE" in text]
        assert (tmp_path / "out.csv").read_text() == "n\n3\n2\n"
        (anchor,) = report.of(tool).anchors
        assert (anchor.records, anchor.batches, anchor.size) == (3, 1, 24)
        (read,) = report.of(start).anchors
        assert (read.records, read.batches) == (3, 1)

    def test_with_a_second_reader_a_table_is_made(self, flow: Workflow, tmp_path: Path) -> None:
        flow, start = numbers(flow, 3, 1)
        flow, tool = custom(flow, "Pass", "", start)
        for name in ("a.csv", "b.csv"):
            flow, _ = csv(flow, tool, name)
        report = flow.run()
        report.raise_for_status()
        assert len([text for text in report.statements if "CREATE TABLE" in text]) == 1
        assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text() == "n\n3\n1\n"

    def test_a_reader_that_stops_early_does_not_stop_the_tool(self, flow: Workflow, tmp_path: Path) -> None:
        flow, start = numbers(flow, *range(50))
        flow, tool = custom(flow, "Pass", {"End": str(tmp_path / "end")}, start)
        flow, sample = after(flow, tool, "Sample", "<Mode>First</Mode><N>2</N>")
        flow, _ = csv(flow, sample, "out.csv")
        report = flow.run()
        report.raise_for_status()
        assert (tmp_path / "out.csv").read_text() == "n\n0\n1\n"
        assert (tmp_path / "end").read_text() == "50"
        assert report.of(tool).anchors[0].records == 50

    def test_a_tool_streams_into_the_next(self, flow: Workflow, tmp_path: Path) -> None:
        seen = str(tmp_path / "seen")
        flow, first = custom(flow, "TwoParts", {"Wait": seen})
        flow, second = custom(flow, "Pass", {"Touch": seen}, first)
        flow, count = after(
            flow, second, "Summarize", '<SummarizeFields><SummarizeField field="n" action="Min"/></SummarizeFields>'
        )
        report = flow.run(taps=[(count, "Output")])
        report.raise_for_status()
        assert report.table(count).to_pylist() == [{"Min_n": -1}]
        assert [report.of(tool).anchors[0].records for tool in (first, second)] == [2_000_001] * 2

    def test_two_outputs_of_which_the_first_comes_last(self, flow: Workflow) -> None:
        flow, halves = custom(flow, "Halves")
        flow, both = flow.add("Union", "<Mode>ByName</Mode>")
        flow = flow.connect(halves, "First", both, "Input", "#1").connect(halves, "Second", both, "Input", "#2")
        report = flow.run(taps=[(both, "Output")])
        report.raise_for_status()
        assert report.table(both).num_rows == 300_001
        assert report.table(both)["n"][0].as_py() == 1
        assert {anchor.name: anchor.records for anchor in report.of(halves).anchors} == {"First": 1, "Second": 300_000}


class TestEnds:
    """A stream ends with the tool that writes it and with the one that reads it."""

    def test_a_tool_is_stopped_where_its_reader_fails(self, flow: Workflow) -> None:
        flow, endless = custom(flow, "Endless")
        flow, bad = custom(flow, "Pass", {"Fail": "yes"}, endless)
        flow, output = csv(flow, bad, "out.csv")
        report = flow.run()
        assert [report.of(tool).status for tool in (endless, bad, output)] == ["stopped", "failed", "skipped"]
        assert [message.tool_id for message in report.errors] == [bad]
        assert "ValueError: enough" in report.errors[0].text
        assert not list(flow.path.parent.glob("out.csv*"))

    def test_a_tool_is_stopped_where_its_reader_never_begins(self, flow: Workflow) -> None:
        flow, endless = custom(flow, "Endless")
        flow, bad = after(flow, endless, "Filter", {"Mode": "Custom", "Expression": "[nothing] > 1"})
        flow, _ = csv(flow, bad, "out.csv", "True")
        report = flow.run()
        assert [report.of(tool).status for tool in (endless, bad)] == ["stopped", "failed"]
        assert [message.tool_id for message in report.errors] == [bad]

    def test_an_error_passes_through_the_tools_behind_it(self, flow: Workflow) -> None:
        flow, start = numbers(flow, 1, 2)
        flow, bad = custom(flow, "Pass", {"Fail": "yes"}, start)
        flow, kept = after(flow, bad, "Filter", {"Mode": "Custom", "Expression": "[n] > 1"})
        flow, second = flow.add("Pass", "", EngineDll=SDK2)
        flow, output = csv(flow.connect(kept, "True", second, "Input"), second, "out.csv")
        report = flow.run()
        statuses = [report.of(tool).status for tool in (start, bad, kept, second, output)]
        assert statuses == ["done", "failed", "skipped", "skipped", "skipped"]
        assert [message.tool_id for message in report.errors] == [bad]
        assert not list(flow.path.parent.glob("out.csv*"))


class TestAtOnce:
    """Tools without a path between them run at the same time."""

    def test_two_tools_meet(self, flow: Workflow, tmp_path: Path) -> None:
        flow, start = numbers(flow, 1)
        marks = [str(tmp_path / "left"), str(tmp_path / "right")]
        ends = []
        for mine, other in (marks, marks[::-1]):
            flow, tool = custom(flow, "Meet", {"Mine": mine, "Other": other}, start)
            flow, _ = csv(flow, tool, f"{Path(mine).name}.csv")
            ends.append(tool)
        report = flow.run()
        report.raise_for_status()
        assert [message.tool_id for message in report.messages if message.text == "met"] == ends
        assert [Path(file.path).name for file in report.files] == ["left.csv", "right.csv"]


class TestEntryPoints:
    """Tools of installed distributions, by the group ``kedge.tools``."""

    def test_an_installed_tool_is_found_by_its_name(self, flow: Workflow, tmp_path: Path) -> None:
        site = tmp_path / "site"
        described = site / "numbers-1.0.dist-info"
        described.mkdir(parents=True)
        (described / "METADATA").write_text("Metadata-Version: 2.1\nName: numbers\nVersion: 1.0\n")
        (described / "entry_points.txt").write_text("[kedge.tools]\nCarry = number_tools:Pass\n")
        (tmp_path / "tools.py").rename(site / "number_tools.py")
        flow, start = numbers(flow, 7)
        flow, tool = custom(flow, "Carry_1_0", "", start)
        flow, _ = csv(flow, tool, "out.csv")
        flow.save(flow.path)
        path = os.pathsep.join([str(site), *(part for part in sys.path if part)])
        command = [sys.executable, "-m", "kedge.cli", "run", str(flow.path)]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "out.csv").read_text() == "n\n7\n"


class TestCounts:
    """Records that are counted in one place and known in others."""

    def test_tools_that_keep_every_record_know_the_number_of_a_counted_one(self, flow: Workflow) -> None:
        flow, start = numbers(flow, 3, 1, 2)
        flow, selected = after(flow, start, "AlteryxSelect", "<SelectFields/>")
        flow, tool = custom(flow, "Pass", "", selected)
        flow, kept = after(flow, tool, "Filter", {"Mode": "Custom", "Expression": "[n] > 1"})
        flow, ordered = after(
            flow, kept, "Sort", '<SortInfo locale="0"><Field field="n" order="Ascending"/></SortInfo>', "True"
        )
        flow, _ = csv(flow, ordered, "out.csv")
        report = flow.run()
        report.raise_for_status()
        counted = [report.of(number).anchors[0].records for number in (start, selected, tool, kept, ordered)]
        assert counted == [3, 3, 3, 2, 2]


class TestOrder:
    """Calling work on tools, several at once."""

    def test_an_error_cancels_what_runs_beside_it(self) -> None:
        flow = Workflow()
        for _ in range(2):
            flow, _ = numbers(flow, 1)
        graph = resolve(flow.document, {}, lambda _: None)
        cancelled = threading.Event()

        def work(tool: ResolvedTool) -> None:
            if tool.tool_id == 1:
                raise RuntimeError("wrong")
            assert cancelled.wait(20)

        with pytest.raises(RuntimeError, match="wrong"):
            run_in_order(tuple(graph.tools.values()), work, 2, lambda: None, cancelled.set)
        assert cancelled.is_set()


SCHEMA = Schema((Field("n", DesignerType("Int64")),))


def arriving(batches: list[pa.RecordBatch], ended: list[int] | None = None) -> Arriving:
    def end(traffic: Traffic) -> None:
        if ended is not None:
            ended.append(traffic.rows)

    return Arriving("source", pa.schema([("n", pa.int64())]), batches, end, lambda: None)


def batch(*values: int) -> pa.RecordBatch:
    return pa.record_batch({"n": pa.array(values, pa.int64())})


class TestReadings:
    """How often a statement reads a stream."""

    def derived(self, name: str, sql: str, *parents: Relation) -> Relation:
        select: exp.Query = exp.maybe_parse(sql, dialect="duckdb")
        return Relation.of(name, SCHEMA, Query(select), parents)

    def test_a_select_that_is_read_twice_reads_twice(self) -> None:
        stream = arriving([])
        source = Relation.over("a", SCHEMA, stream, Count(), few=False)
        once = self.derived("b", 'SELECT "n" FROM "a"', source)
        twice = self.derived("c", 'SELECT l."n" FROM "b" AS l JOIN "b" AS r USING ("n")', once)
        thrice = self.derived("d", 'SELECT "n" FROM "c" UNION ALL SELECT "n" FROM "a"', twice, source)
        found = [relation.records().arriving for relation in (source, once, twice, thrice)]
        assert found == [{stream: 1}, {stream: 1}, {stream: 2}, {stream: 3}]

    def test_a_stored_stream_is_a_table(self) -> None:
        stream = arriving([])
        stream.stored = True
        assert Relation.over("a", SCHEMA, stream, Count(), few=False).records().arriving == {}


class TestArriving:
    """The stream itself."""

    def test_is_read_once(self) -> None:
        ended: list[int] = []
        stream = arriving([batch(1, 2), batch(3)], ended)
        assert pa.RecordBatchReader.from_stream(stream).read_all()["n"].to_pylist() == [1, 2, 3]
        assert (ended, stream.traffic) == ([3], Traffic(3, 2, 24, complete=True))
        with pytest.raises(WorkflowError, match="source can be read once only"):
            pa.RecordBatchReader.from_stream(stream)

    def test_what_is_left_is_read_at_the_end(self) -> None:
        ended: list[int] = []
        stream = arriving([batch(1, 2), batch(3)], ended)
        assert pa.RecordBatchReader.from_stream(stream).read_next_batch().num_rows == 2
        stream.finish()
        assert ended == [3]

    def test_its_own_error_is_kept(self) -> None:
        def fail(_: Traffic) -> None:
            raise WorkflowError("lost")

        stream = Arriving("source", pa.schema([("n", pa.int64())]), [batch(1)], fail, lambda: None)
        with pytest.raises(WorkflowError, match="lost"):
            stream.finish()
        assert str(stream.fault) == "lost"


class TestConversions:
    """Notes of conversions from several threads."""

    def test_which_are_kept_does_not_depend_on_which_came_first(self) -> None:
        texts = [f"value {number:02}" for number in range(30)]
        for order in (texts, texts[::-1]):
            conversions = Conversions(keep=3)
            for text in order:
                conversions.note(pa.array([7]), pa.array([text]))
            assert conversions.counts() == {7: 30}
            assert conversions.texts(7) == texts[:3]
