"""Whole workflows with tools of authors in their middle, each a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kedge import ToolPool
from kedge.workflow.workflow import Workflow

if TYPE_CHECKING:
    from kedge.workflow.report import RunReport

SDK2 = "SdkEnginePlugin.dll"
TOOLS = '''
import pyarrow as pa
import pyarrow.compute as pc
from kedge import PluginV2


class Tool(PluginV2):
    outputs = ("Output",)

    def __init__(self, provider):
        self.provider = provider
        self.config = provider.tool_config
        for name in self.outputs:
            self.announce(name)

    def announce(self, name):
        self.provider.push_outgoing_metadata(name, pa.schema([("n", pa.int64())]))

    def write(self, name, values):
        self.provider.write_to_anchor(name, pa.table({"n": pa.array(values, pa.int64())}))

    def on_record_batch(self, batch, anchor): ...
    def on_incoming_connection_complete(self, anchor): ...
    def on_complete(self): ...


class Times(Tool):
    """Multiplies; fails half way where it is told to."""

    input_anchors = ("Input",)
    output_anchors = ("Output",)

    def on_record_batch(self, batch, anchor):
        values = batch["n"].to_pylist()
        self.write("Output", [value * int(self.config["Factor"]) for value in values])
        if self.config.get("Fail") == "raise":
            raise ValueError("half way")
        if self.config.get("Fail") == "say":
            self.provider.io.error("these records are wrong")


class Parity(Tool):
    """Even numbers on one anchor, odd ones on the other, halved."""

    input_anchors = ("Input",)
    outputs = output_anchors = ("Even", "Odd")

    def on_record_batch(self, batch, anchor):
        values = batch["n"].to_pylist()
        self.write("Even", [value // 2 for value in values if value % 2 == 0])
        self.write("Odd", [value // 2 for value in values if value % 2])


class Source(Tool):
    """Needs no input."""

    input_anchors = ()
    output_anchors = ("Output",)

    def on_complete(self):
        for start in range(0, 40, 10):
            self.write("Output", list(range(start, start + 10)))


class Keep(Tool):
    """Writes what it gets to a file."""

    input_anchors = ("Input",)
    outputs = output_anchors = ()

    def __init__(self, provider):
        super().__init__(provider)
        self.kept = []

    def on_record_batch(self, batch, anchor):
        self.kept += batch["n"].to_pylist()

    def on_complete(self):
        with open(self.config["Path"], "w") as file:
            file.write(str(self.kept))


class Gather(Tool):
    """Takes several connections and an optional input; says from where each record came."""

    def __init__(self, provider):
        super().__init__(provider)
        self.sums = {}

    def announce(self, name):
        self.provider.push_outgoing_metadata(name, pa.schema([("from", pa.string()), ("sum", pa.int64())]))

    def on_record_batch(self, batch, anchor):
        key = f"{anchor.name}{anchor.connection}"
        self.sums[key] = self.sums.get(key, 0) + pc.sum(batch["n"]).as_py()

    def on_complete(self):
        rows = sorted(self.sums.items())
        columns = {"from": [key for key, _ in rows], "sum": pa.array([total for _, total in rows], pa.int64())}
        self.provider.write_to_anchor("Output", pa.table(columns))
'''
V1 = """
import ayx_python_sdk.core as sdk


class AyxPlugin(sdk.Plugin):
    def __init__(self, provider):
        self.output = provider.get_output_anchor("Output")

    def on_input_connection_opened(self, connection):
        self.output.open(connection.metadata)

    def on_record_packet(self, connection):
        packet = connection.read()
        frame = packet.to_dataframe()
        frame["n"] = frame["n"] + 100
        self.output.write(sdk.RecordPacket.from_dataframe(connection.metadata, frame))

    def on_complete(self):
        self.output.close()


"""


def anchors(inputs: str, outputs: str) -> str:
    return (
        f"<AlteryxJavaScriptPlugin><GuiSettings><InputConnections>{inputs}</InputConnections>"
        f"<OutputConnections>{outputs}</OutputConnections></GuiSettings></AlteryxJavaScriptPlugin>"
    )


def numbers(flow: Workflow, *values: int) -> tuple[Workflow, int]:
    rows = "".join(f"<r><c>{value}</c></r>" for value in values)
    return flow.add("TextInput", f'<Fields><Field name="n"/></Fields><Data>{rows}</Data>')


def after(
    flow: Workflow, origin: int, plugin: str, config: object = "", anchor: str = "Output"
) -> tuple[Workflow, int]:
    """Add a standard tool behind an anchor."""
    flow, tool = flow.add(plugin, config)  # type: ignore[arg-type]
    return flow.connect(origin, anchor, tool, "Input"), tool


def custom(
    flow: Workflow, plugin: str, config: object = "", origin: int | None = None, anchor: str = "Output"
) -> tuple[Workflow, int]:
    """Add an author's tool behind an anchor."""
    flow, tool = flow.add(plugin, config, EngineDll=SDK2)  # type: ignore[arg-type]
    return (flow if origin is None else flow.connect(origin, anchor, tool, "Input")), tool


def values(report: RunReport, tool: int, anchor: str = "Output") -> list[object]:
    report.raise_for_status()
    found: list[object] = report.table(tool, anchor)["n"].to_pylist()
    return found


@pytest.fixture
def flow(tmp_path: Path) -> Workflow:
    (tmp_path / "tools.py").write_text(TOOLS)
    return Workflow(path=tmp_path / "flow.yxmd")


class TestWorkflowsWithCustomTools:
    """Real tool processes; the tools of one Python file lie beside the workflow."""

    def test_two_instances_of_one_tool_in_two_branches(self, flow: Workflow) -> None:
        flow, start = numbers(flow, 1, 2, 3)
        flow, left = custom(flow, "Times", {"Factor": "10"}, start)
        flow, right = custom(flow, "Times", {"Factor": "-1"}, start)
        flow, both = flow.add("Union", "<Mode>ByName</Mode>")
        flow = flow.connect(left, "Output", both, "Input", "#1").connect(right, "Output", both, "Input", "#2")
        assert values(flow.run(taps=[(both, "Output")]), both) == [10, 20, 30, -1, -2, -3]

    def test_three_in_a_row(self, flow: Workflow) -> None:
        flow, tool = numbers(flow, 1, 2)
        for factor in ("2", "3", "5"):
            flow, tool = custom(flow, "Times", {"Factor": factor}, tool)
        with ToolPool(2) as pool:
            assert pool.warm_up(f"{flow.path.with_name('tools.py')}:Times")
            assert values(flow.run(taps=[(tool, "Output")], pool=pool), tool) == [30, 60]
            assert pool.statistics().handed_out >= 2

    def test_two_outputs_of_one_tool_feed_a_join(self, flow: Workflow) -> None:
        flow, start = numbers(flow, 2, 3, 4, 5, 9)
        flow, split = custom(flow, "Parity", "", start)
        keys = "".join(f'<JoinInfo connection="{side}"><Field field="n"/></JoinInfo>' for side in ("Left", "Right"))
        flow, joined = flow.add("Join", keys)
        flow = flow.connect(split, "Even", joined, "Left").connect(split, "Odd", joined, "Right")
        report = flow.run(taps=[(joined, "Join"), (joined, "Right")])
        assert values(report, joined, "Join") == [1, 2]
        assert values(report, joined, "Right") == [4]

    @pytest.mark.parametrize(("how", "said"), [("raise", "ValueError: half way"), ("say", "these records are wrong")])
    def test_a_tool_that_fails_half_way_leaves_no_file(self, flow: Workflow, how: str, said: str) -> None:
        flow, start = numbers(flow, 1, 2, 3)
        flow, good = after(flow, start, "DbFileOutput", '<File FileFormat="0">whole.csv</File>')
        flow, bad = custom(flow, "Times", {"Factor": "2", "Fail": how}, start)
        flow, lost = after(flow, bad, "DbFileOutput", '<File FileFormat="0">half.csv</File>')
        report = flow.run()
        assert not report.ok
        assert [message.tool_id for message in report.errors] == [bad]
        assert said in report.errors[0].text
        assert [report.of(tool).status for tool in (good, bad, lost)] == ["done", "failed", "skipped"]
        assert sorted(path.name for path in flow.path.parent.glob("*.csv*")) == ["whole.csv"]
        assert [Path(file.path).name for file in report.files] == ["whole.csv"]

    def test_a_tool_of_the_first_sdk(self, flow: Workflow) -> None:
        folder = flow.path.parent / "Old"
        folder.mkdir()
        (folder / "main.py").write_text(V1)
        (folder / "OldConfig.xml").write_text(anchors('<Connection Name="Input"/>', '<Connection Name="Output"/>'))
        flow, start = numbers(flow, 1, 2)
        flow, old = flow.add("Old", "", EngineDll="Python", EngineDllEntryPoint="Old\\main.py")
        flow = flow.connect(start, "Output", old, "Input")
        assert values(flow.run(taps=[(old, "Output")]), old) == [101, 102]

    def test_a_tool_of_a_workspace_is_found_by_its_description(self, flow: Workflow, tmp_path: Path) -> None:
        backend = tmp_path / "space" / "backend" / "ayx_plugins"
        backend.mkdir(parents=True)
        (backend / "__init__.py").write_text(TOOLS)
        described = {
            "backend": {"tool_module": "ayx_plugins", "tool_class_name": "Times"},
            "configuration": {"input_anchors": {"Input": {}}, "output_anchors": {"Output": {}}},
        }
        (tmp_path / "space" / "ayx_workspace.json").write_text(json.dumps({"tools": {"Times": described}}))
        (flow.path.parent / "tools.py").unlink()
        flow, start = numbers(flow, 7)
        flow, tool = custom(flow, "Times_1_0", {"Factor": "3"}, start)
        assert values(flow.run(tools=[tmp_path / "space"], taps=[(tool, "Output")]), tool) == [21]

    def test_several_connections_and_an_optional_input(self, flow: Workflow) -> None:
        folder = flow.path.parent / "Gather_1_0"
        folder.mkdir()
        (folder / "main.py").write_text(TOOLS)
        inputs = '<Connection Name="Input" AllowMultiple="True"/><Connection Name="Extra" Optional="True"/>'
        (folder / "GatherConfig.xml").write_text(anchors(inputs, '<Connection Name="Output"/>'))
        flow, first = numbers(flow, 1, 2)
        flow, second = numbers(flow, 10)
        flow, tool = custom(flow, "Gather_1_0")
        flow = flow.connect(first, "Output", tool, "Input", "#1").connect(second, "Output", tool, "Input", "#2")
        report = flow.run(taps=[(tool, "Output")])
        report.raise_for_status()
        assert report.table(tool).to_pydict() == {"from": ["Input#1", "Input#2"], "sum": [3, 10]}
        flow, third = numbers(flow, 100)
        report = flow.connect(third, "Output", tool, "Extra").run(taps=[(tool, "Output")])
        report.raise_for_status()
        assert report.table(tool).to_pydict() == {"from": ["Extra#1", "Input#1", "Input#2"], "sum": [100, 3, 10]}

    def test_a_tool_without_inputs_begins_a_stretch(self, flow: Workflow) -> None:
        flow, source = custom(flow, "Source")
        flow, kept = after(flow, source, "Filter", "<Mode>Custom</Mode><Expression>[n] &gt; 36</Expression>")
        report = flow.run(taps=[(kept, "True"), (source, "Output")])
        assert values(report, kept, "True") == [37, 38, 39]
        assert report.of(source).anchors[0].records == 40

    def test_a_tool_without_outputs_is_run_for_its_effect(self, flow: Workflow, tmp_path: Path) -> None:
        folder = flow.path.parent / "Keep"
        folder.mkdir()
        (folder / "main.py").write_text(TOOLS)
        (folder / "KeepConfig.xml").write_text(anchors('<Connection Name="Input"/>', ""))
        flow, start = numbers(flow, 3, 1)
        flow, _ = custom(flow, "Keep", {"Path": str(tmp_path / "kept.txt")}, start)
        flow.run().raise_for_status()
        assert (tmp_path / "kept.txt").read_text() == "[3, 1]"

    def test_one_that_nobody_needs_is_not_started(self, flow: Workflow) -> None:
        flow, start = numbers(flow, 1)
        flow, _ = custom(flow, "Times", {"Factor": "2", "Fail": "raise"}, start)
        flow, browse = after(flow, start, "BrowseV2")
        report = flow.run()
        assert [tool.tool_id for tool in report.tools] == [start, browse]
        assert report.ok

    def test_two_runs_write_the_same_file(self, flow: Workflow) -> None:
        flow, start = numbers(flow, *range(200))
        flow, split = custom(flow, "Parity", "", start)
        flow, both = flow.add("Union", "<Mode>ByName</Mode>")
        flow = flow.connect(split, "Odd", both, "Input", "#1").connect(split, "Even", both, "Input", "#2")
        flow, _ = after(flow, both, "DbFileOutput", '<File FileFormat="0">out.csv</File>')
        contents = []
        for _ in range(2):
            flow.run().raise_for_status()
            contents.append((flow.path.parent / "out.csv").read_bytes())
        assert contents[0] == contents[1]
        assert contents[0].count(b"\n") == 201
