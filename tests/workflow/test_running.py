"""Planning and running whole workflows: fusion, order, errors, limits, taps, custom tools."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.exceptions import UsageError, WorkflowError
from kedge.tools.element import element, parse_element
from kedge.workflow.workflow import Workflow
from tests.tools.flows import add_table, data, run_one

if TYPE_CHECKING:
    from pathlib import Path

BASE = "AlteryxBasePluginsGui."
TEXT_INPUT = f"{BASE}TextInput.TextInput"
BROWSE = f"{BASE}BrowseV2.BrowseV2"


def xml(text: str) -> object:
    return parse_element(f"<Configuration>{text}</Configuration>", "test")


def add(flow: Workflow, plugin: str, text: str, *origins: tuple[int, str, str], **engine: str) -> tuple[Workflow, int]:
    flow, tool_id = flow.add(plugin, parse_element(f"<Configuration>{text}</Configuration>", "test"), **engine)  # type: ignore[arg-type]
    for origin, anchor, target in origins:
        flow = flow.connect(origin, anchor, tool_id, target)
    return flow, tool_id


def numbers(flow: Workflow, *values: int) -> tuple[Workflow, int]:
    rows = "".join(f"<r><c>{value}</c></r>" for value in values)
    return add(flow, TEXT_INPUT, f'<Fields><Field name="n"/></Fields><Data>{rows}</Data>')


def kept(expression: str) -> str:
    return f"<Expression>{expression}</Expression><Mode>Custom</Mode>"


class TestPlan:
    """What runs, and in how many statements."""

    def chain(self, path: Path) -> tuple[Workflow, int]:
        flow, tool = numbers(Workflow(path=path / "w.yxmd"), 3, 1, 2)
        flow, tool = add(flow, f"{BASE}Filter.Filter", kept("[n] &gt; 1"), (tool, "Output", "Input"))
        field = '<FormulaFields><FormulaField field="m" expression="[n] * 2" type="Int32" size="4"/></FormulaFields>'
        flow, tool = add(flow, f"{BASE}Formula.Formula", field, (tool, "True", "Input"))
        sort = '<SortInfo locale="0"><Field field="n" order="Ascending"/></SortInfo>'
        return add(flow, f"{BASE}Sort.Sort", sort, (tool, "Output", "Input"))

    def test_a_stretch_is_one_statement(self, tmp_path: Path) -> None:
        flow, tool = self.chain(tmp_path)
        output = '<File FileFormat="0">x.csv</File><FormatSpecificOptions><LineEndStyle>LF</LineEndStyle></FormatSpecificOptions>'
        flow, _ = add(flow, f"{BASE}DbFileOutput.DbFileOutput", output, (tool, "Output", "Input"))
        report = flow.run()
        assert len(report.statements) == 1
        assert (tmp_path / "x.csv").read_text() == "n,m\n2,4\n3,6\n"

    def test_an_anchor_with_two_readers_is_made_once(self, tmp_path: Path) -> None:
        flow, tool = self.chain(tmp_path)
        flow, first = add(flow, BROWSE, "", (tool, "Output", "Input"))
        flow, second = add(flow, BROWSE, "", (tool, "Output", "Input"))
        report = flow.run()
        assert len(report.statements) == 1
        assert report.table(first) == report.table(second)
        assert report.table(first).to_pylist() == [{"n": 2, "m": 4}, {"n": 3, "m": 6}]

    def test_branches_without_a_sink_do_not_run(self, tmp_path: Path) -> None:
        flow, _ = self.chain(tmp_path)
        report = flow.run()
        assert (report.tools, report.statements, report.ok) == ((), (), True)

    def test_a_needed_tool_that_is_not_known_is_named(self, tmp_path: Path) -> None:
        flow, tool = numbers(Workflow(), 1)
        flow, tool = add(flow, "Strange.Tool", "", (tool, "Output", "Input"))
        flow, _ = add(flow, BROWSE, "", (tool, "Output", "Input"))
        assert [str(problem) for problem in flow.check().problems] == [
            "Tool (2, Strange.Tool): this tool is not supported"
        ]
        with pytest.raises(WorkflowError, match=r"Tool \(2, Strange.Tool\): this tool is not supported"):
            flow.run()

    def test_a_macro_is_refused_cleanly(self) -> None:
        flow, _ = add(Workflow(), "", "", Macro=r"lib\Mine.yxmc")
        assert "macros are not supported yet: lib\\Mine.yxmc" in str(flow.check().problems[0])

    @pytest.mark.parametrize(
        ("tap", "message"),
        [((9, "Output"), "no enabled tool 9"), ((1, "True"), "the output anchors of TextInput are Output")],
    )
    def test_wrong_taps_are_the_callers_error(self, tap: tuple[int, str], message: str) -> None:
        flow, _ = numbers(Workflow(), 1)
        with pytest.raises(UsageError, match=message):
            flow.run(taps=[tap])

    def test_the_anchors_of_a_macro_go_by_the_names_that_designer_writes(self) -> None:
        flow, tool = numbers(Workflow(), 1, 2)
        flow, cleanse = add(flow, "", "", (tool, "Output", "Input2"), Macro=r"macros\Cleanse.yxmc")
        flow, browse = add(flow, BROWSE, "", (cleanse, "Output26", "Input"))
        assert flow.check().ok
        assert flow.run().table(browse).num_rows == 2

    def test_an_output_anchor_that_is_not_there_is_found_before_the_run(self) -> None:
        flow, tool = numbers(Workflow(), 1)
        flow, _ = add(flow, BROWSE, "", (tool, "Outptu", "Input"))
        assert "tool 1 (TextInput) has no output anchor 'Outptu'; it has Output" in str(flow.check().problems[0])

    def test_circles_are_refused(self) -> None:
        flow, tool = add(Workflow(), f"{BASE}BlockUntilDone.BlockUntilDone", "")
        with pytest.raises(WorkflowError, match="connected in a circle"):
            flow.connect(tool, "Output", tool, "Input").check()

    def test_two_hundred_tools_are_quick(self) -> None:
        flow, tool = numbers(Workflow(), *range(10))
        for place in range(198):
            field = f'<FormulaFields><FormulaField field="f{place % 5}" expression="[n] + {place}" type="Int32" size="4"/></FormulaFields>'
            flow, tool = add(flow, f"{BASE}Formula.Formula", field, (tool, "Output", "Input"))
        flow, browse = add(flow, BROWSE, "", (tool, "Output", "Input"))
        started = time.process_time()
        report = flow.run()
        assert time.process_time() - started < 6
        assert report.table(browse).num_rows == 10


class TestErrors:
    """What an error ends, and what it does not."""

    def two_branches(self) -> tuple[Workflow, int, int]:
        flow, tool = numbers(Workflow(), 1, 2)
        stop = "<When>First</When><Type>ErrorStop</Type><MessageExpression>'no'</MessageExpression>"
        flow, bad = add(flow, f"{BASE}Message.Message", stop, (tool, "Output", "Input"))
        flow, after = add(flow, BROWSE, "", (bad, "Output", "Input"))
        flow, good = add(flow, f"{BASE}BlockUntilDone.BlockUntilDone", "", (tool, "Output", "Input"))
        flow, browse = add(flow, BROWSE, "", (good, "Output", "Input"))
        return flow, after, browse

    def test_other_branches_go_on(self) -> None:
        flow, after, browse = self.two_branches()
        report = flow.run()
        assert not report.ok
        assert [report.of(tool_id).status for tool_id in (2, after, browse)] == ["failed", "skipped", "done"]
        with pytest.raises(WorkflowError, match=r"Message \(2\): no"):
            report.raise_for_status()

    def test_cancel_on_error_ends_everything(self) -> None:
        flow, _, browse = self.two_branches()
        switch = element("CancelOnError", {"value": "True"})
        flow = replace(flow, document=replace(flow.document, properties=element("Properties", {}, switch)))
        assert flow.run().of(browse).status == "skipped"

    def test_a_record_limit_holds_for_every_input(self) -> None:
        flow, tool = numbers(Workflow(), 1, 2, 3)
        limit = element("GlobalRecordLimit", {"value": "2"})
        flow = replace(flow, document=replace(flow.document, properties=element("Properties", {}, limit)))
        assert flow.run(taps=[(tool, "Output")]).table(tool).num_rows == 2

    @pytest.mark.parametrize("name", ["a.csv", "a*.csv", "a.json", "a.parquet", "a.arrow", "a*.arrow"])
    def test_a_record_limit_holds_for_files_of_every_kind(self, tmp_path: Path, name: str) -> None:
        table = pa.table({"n": ["1", "2", "3"]})
        for number in ("", "2"):
            pq.write_table(table, tmp_path / f"a{number}.parquet")
            pyarrow.csv.write_csv(table, tmp_path / f"a{number}.csv")
            with pa.ipc.new_file(tmp_path / f"a{number}.arrow", table.schema) as writer:
                writer.write_table(table)
            (tmp_path / f"a{number}.json").write_text("".join(f'{{"n": "{n}"}}\n' for n in (1, 2, 3)))
        flow = Workflow(path=tmp_path / "w.yxmd")
        flow, tool = add(flow, f"{BASE}DbFileInput.DbFileInput", f'<File OutputFileName="FileName">{name}</File>')
        limit = element("GlobalRecordLimit", {"value": "2"})
        flow = replace(flow, document=replace(flow.document, properties=element("Properties", {}, limit)))
        report = flow.run(taps=[(tool, "Output")])
        report.raise_for_status()
        assert report.table(tool)["n"].to_pylist() == ["1", "2"]
        assert report.of(tool).anchors[0].records == 2

    def test_a_record_limit_does_not_hold_for_what_is_generated(self) -> None:
        text = (
            "<CreateField_Name>r</CreateField_Name><CreateField_Type>Int64</CreateField_Type><Expression_Init>1</Expression_Init>"
            "<Expression_Cond>r &lt; 6</Expression_Cond><Expression_Loop>r + 1</Expression_Loop>"
        )
        flow, tool = add(Workflow(), f"{BASE}GenerateRows.GenerateRows", text)
        limit = element("GlobalRecordLimit", {"value": "2"})
        flow = replace(flow, document=replace(flow.document, properties=element("Properties", {}, limit)))
        assert flow.run(taps=[(tool, "Output")]).table(tool).num_rows == 5

    def test_no_file_is_written_where_output_is_disabled(self, tmp_path: Path) -> None:
        flow, tool = numbers(Workflow(path=tmp_path / "w.yxmd"), 1)
        flow, output = add(
            flow, f"{BASE}DbFileOutput.DbFileOutput", '<File FileFormat="0">x.csv</File>', (tool, "Output", "Input")
        )
        switch = element("DisableAllOutput", {"value": "True"})
        flow = replace(flow, document=replace(flow.document, properties=element("Properties", {}, switch)))
        report = flow.run()
        assert (report.ok, report.files, list(tmp_path.iterdir())) == (True, (), [])
        assert report.of(output).status == "done"

    def test_too_many_conversion_errors_may_stop_the_run(self) -> None:
        rows = "".join(f"<r><c>x{value}</c></r>" for value in range(4))
        flow, tool = add(Workflow(), TEXT_INPUT, f'<Fields><Field name="n"/></Fields><Data>{rows}</Data>')
        fields = '<SelectFields><SelectField field="n" selected="True" type="Int32"/></SelectFields>'
        flow, tool = add(flow, f"{BASE}AlteryxSelect.AlteryxSelect", fields, (tool, "Output", "Input"))
        limits = (element("ConvErrorLimit", {"value": "3"}), element("ConvErrorLimit_Stop", {"value": "True"}))
        flow = replace(flow, document=replace(flow.document, properties=element("Properties", {}, *limits)))
        report = flow.run(taps=[(tool, "Output")])
        assert not report.ok
        assert [message.text for message in report.errors] == ["4 conversion errors exceed the limit of 3"]

    def test_too_many_conversion_errors_leave_no_file(self, tmp_path: Path) -> None:
        rows = "".join(f"<r><c>x{value}</c></r>" for value in range(4))
        flow, tool = add(
            Workflow(path=tmp_path / "w.yxmd"),
            TEXT_INPUT,
            f'<Fields><Field name="n"/></Fields><Data>{rows}</Data>',
        )
        fields = '<SelectFields><SelectField field="n" selected="True" type="Int32"/></SelectFields>'
        flow, select = add(flow, f"{BASE}AlteryxSelect.AlteryxSelect", fields, (tool, "Output", "Input"))
        flow, output = add(flow, f"{BASE}DbFileOutput.DbFileOutput", "<File>x.csv</File>", (select, "Output", "Input"))
        limits = (element("ConvErrorLimit", {"value": "3"}), element("ConvErrorLimit_Stop", {"value": "True"}))
        flow = replace(flow, document=replace(flow.document, properties=element("Properties", {}, *limits)))
        report = flow.run()
        assert [str(message) for message in report.errors] == [
            "AlteryxSelect (2): 4 conversion errors exceed the limit of 3"
        ]
        assert (report.of(select).status, report.of(output).status) == ("failed", "skipped")
        assert (report.files, list(tmp_path.iterdir())) == ((), [])

    def test_cancelling_ends_a_run(self) -> None:
        text = (
            "<CreateField_Name>r</CreateField_Name><CreateField_Type>Int64</CreateField_Type><Expression_Init>1</Expression_Init>"
            "<Expression_Cond>r &lt; 50000000</Expression_Cond><Expression_Loop>r + 1</Expression_Loop>"
        )
        flow, tool = add(Workflow(), f"{BASE}GenerateRows.GenerateRows", text)
        sort = '<SortInfo locale="0"><Field field="r" order="Descending"/></SortInfo>'
        flow, tool = add(flow, f"{BASE}Sort.Sort", sort, (tool, "Output", "Input"))
        started = time.monotonic()
        report = flow.run(taps=[(tool, "Output")], on_start=lambda engine: threading.Timer(0.3, engine.cancel).start())
        assert [message.text for message in report.errors] == ["the run was cancelled"]
        assert time.monotonic() - started < 10


class TestConstants:
    """``%User.X%`` in configurations and ``[User.X]`` in expressions."""

    def flow(self) -> tuple[Workflow, int]:
        constant = parse_element(
            "<Properties><Constants><Constant><Namespace>User</Namespace><Name>X</Name><Value>2</Value>"
            '<IsNumeric value="True"/></Constant></Constants></Properties>',
            "test",
        )
        flow = Workflow()
        flow, tool = numbers(replace(flow, document=replace(flow.document, properties=constant)), 1, 2, 3)
        return add(
            flow, f"{BASE}Filter.Filter", kept("[n] &gt;= [User.X] AND [n] &gt;= %User.X%"), (tool, "Output", "Input")
        )

    def test_both_forms_are_put_in_and_can_be_set(self) -> None:
        flow, tool = self.flow()
        assert flow.run(taps=[(tool, "True")]).table(tool, "True").num_rows == 2
        assert flow.run(taps=[(tool, "True")], constants={"X": "3"}).table(tool, "True").num_rows == 1

    def test_names_are_known_in_any_case_and_numbers_are_numbers(self) -> None:
        flow, tool = self.flow()
        flow, second = add(flow, f"{BASE}Filter.Filter", kept("[n] &gt; %USER.x%"), (tool, "True", "Input"))
        assert flow.run(taps=[(second, "True")]).table(second, "True")["n"].to_pylist() == [3]
        with pytest.raises(UsageError, match=r"the constant User\.X is numeric, and 'two' is not a number"):
            flow.run(constants={"X": "two"}, taps=[(second, "True")]).raise_for_status()

    def test_an_unknown_constant_is_the_callers_error(self) -> None:
        flow, _ = self.flow()
        with pytest.raises(UsageError, match=r"has no such constant; it has User\.X"):
            flow.run(constants={"Y": "1"})


TOOL = """
import pyarrow as pa
import pyarrow.compute as pc
from kedge import PluginV2

class Doubler(PluginV2):
    def __init__(self, provider):
        self.provider = provider
        self.factor = int(provider.tool_config["Factor"])
        provider.push_outgoing_metadata("Output", pa.schema([("n", pa.int64())]))
        provider.push_outgoing_metadata("Log", pa.schema([("rows", pa.int64())]))

    def on_record_batch(self, batch, anchor):
        self.provider.write_to_anchor("Output", pa.table({"n": pc.cast(pc.multiply(batch["n"], self.factor), pa.int64())}))
        self.provider.write_to_anchor("Log", pa.table({"rows": pa.array([batch.num_rows], pa.int64())}))
        if self.factor == 13:
            raise ValueError("unlucky")

    def on_incoming_connection_complete(self, anchor): ...
    def on_complete(self): ...
"""
CONFIG = (
    '<AlteryxJavaScriptPlugin><GuiSettings><InputConnections><Connection Name="Input"/></InputConnections><OutputConnections>'
    '<Connection Name="Output"/><Connection Name="Log"/></OutputConnections></GuiSettings></AlteryxJavaScriptPlugin>'
)


class TestCustomTools:
    """Real tool processes in the middle of a workflow."""

    @pytest.fixture
    def tools(self, tmp_path: Path) -> Path:
        folder = tmp_path / "tools" / "Doubler_1_0"
        folder.mkdir(parents=True)
        (folder / "main.py").write_text(TOOL)
        (folder / "DoublerConfig.xml").write_text(CONFIG)
        return tmp_path / "tools"

    def custom(self, flow: Workflow, origin: int, factor: int) -> tuple[Workflow, int]:
        engine = {"EngineDll": "SdkEnginePlugin.dll", "EngineDllEntryPoint": "SdkEnginePlugin"}
        return add(flow, "Doubler_1_0", f"<Factor>{factor}</Factor>", (origin, "Output", "Input"), **engine)

    def test_two_instances_in_a_row_with_tools_between(self, tools: Path) -> None:
        flow, tool = numbers(Workflow(), 3, 1, 2)
        flow, first = self.custom(flow, tool, 2)
        flow, middle = add(flow, f"{BASE}Filter.Filter", kept("[n] &gt; 2"), (first, "Output", "Input"))
        flow, block = add(flow, f"{BASE}BlockUntilDone.BlockUntilDone", "", (middle, "True", "Input"))
        flow, second = self.custom(flow, block, 10)
        flow, browse = add(flow, BROWSE, "", (second, "Output", "Input"))
        flow, log = add(flow, BROWSE, "", (first, "Log", "Input"))
        report = flow.run(tools=[tools])
        report.raise_for_status()
        assert report.table(browse)["n"].to_pylist() == [60, 40]
        assert report.table(log)["rows"].to_pylist() == [3]
        assert [report.of(first).anchors[0].schema.names] == [["n"]]

    def test_check_asks_the_tool_for_its_schema(self, tools: Path) -> None:
        flow, tool = numbers(Workflow(), 1)
        flow, custom = self.custom(flow, tool, 2)
        checked = flow.check(tools=[tools])
        assert checked.ok
        assert [str(field.type) for field in checked.schemas[custom, "Output"]] == ["Int64"]

    def test_a_tool_that_fails_fails_the_run_with_its_traceback(self, tools: Path) -> None:
        flow, tool = numbers(Workflow(), 1)
        flow, custom = self.custom(flow, tool, 13)
        flow, _ = add(flow, BROWSE, "", (custom, "Output", "Input"))
        report = flow.run(tools=[tools])
        assert not report.ok
        assert report.errors[0].tool_id == custom
        assert "ValueError: unlucky" in report.errors[0].text
        assert "main.py" in report.errors[0].text

    def test_a_tool_that_is_nowhere_says_what_to_do(self) -> None:
        flow, tool = numbers(Workflow(), 1)
        flow, _ = self.custom(flow, tool, 2)
        assert "name its folder with --tools DIR" in str(flow.check().problems[0])


Row = tuple["int | None", "str | None"]
texts = st.none() | st.sampled_from(["a", "B", "b", "", " ", "é", "e\u0301", "żó", "𝄞"])
cells = st.lists(st.tuples(st.none() | st.integers(0, 3), texts), max_size=12)


class TestProperties:
    """What holds for every table."""

    @settings(max_examples=12)
    @given(rows=cells)
    def test_the_anchors_of_filter_and_unique_partition_their_input(self, rows: list[Row]) -> None:
        table = data("n Int32, t V_String(3), i Int32", *((*row, place) for place, row in enumerate(rows)))
        split = run_one(
            f"{BASE}Filter.Filter",
            f"<Configuration>{kept('[n] &gt; 1 OR Contains([t], &quot;B&quot;)')}</Configuration>",
            {"Input": table},
            anchors=("True", "False"),
        )
        once = '<Configuration><UniqueFields><Field field="n"/><Field field="t"/></UniqueFields></Configuration>'
        unique = run_one(f"{BASE}Unique.Unique", once, {"Input": table}, anchors=("Unique", "Duplicates"))
        for outcome, anchors in ((split, ("True", "False")), (unique, ("Unique", "Duplicates"))):
            places = [[row[2] for row in outcome.rows(anchor)] for anchor in anchors]
            assert sorted(places[0] + places[1]) == list(range(len(rows)))
            assert places == [sorted(found) for found in places]
        assert [row[:2] for row in unique.rows("Unique")] == list(dict.fromkeys(rows))
        holds = [(n or 0) > 1 or "b" in (t or "").lower() for n, t in rows]
        assert [row[2] for row in split.rows("True")] == [place for place, kept in enumerate(holds) if kept]

    @settings(max_examples=8)
    @given(rows=cells)
    def test_a_sort_is_stable_also_after_another(self, rows: list[Row]) -> None:
        table = data("n Int32, t V_String(3), i Int32", *((*row, place) for place, row in enumerate(rows)))
        flow, tool = add_table(Workflow(), table)
        for fields in (
            '<Field field="i" order="Descending"/>',
            '<Field field="t" order="Descending"/><Field field="n" order="Ascending"/>',
        ):
            order = f'<SortInfo locale="0">{fields}</SortInfo>'
            flow, tool = add(flow, f"{BASE}Sort.Sort", order, (tool, "Output", "Input"))
        places = range(len(rows) - 1, -1, -1)
        by_number = sorted(places, key=lambda place: (rows[place][0] is not None, rows[place][0] or 0))
        by_text = sorted({t for _, t in rows if t is not None}, reverse=True)
        wanted = [place for text in [*by_text, None] for place in by_number if rows[place][1] == text]
        assert flow.run(taps=[(tool, "Output")]).table(tool)["i"].to_pylist() == wanted

    @settings(max_examples=8)
    @given(left=cells, right=cells)
    def test_a_union_has_the_rows_of_both(self, left: list[Row], right: list[Row]) -> None:
        tables = [data("n Int32, t V_String(3)", *rows) for rows in (left, right)]
        found = run_one(f"{BASE}Union.Union", "<Configuration><Mode>ByName</Mode></Configuration>", {"Input": tables})
        assert found.rows() == [*left, *right]

    @settings(max_examples=8)
    @given(rows=st.lists(st.tuples(texts, texts), max_size=6))
    def test_a_cross_tab_undoes_a_transpose(self, rows: list[Row]) -> None:
        table = data("i Int32, a V_WString(9), b V_WString(9)", *((place, *row) for place, row in enumerate(rows)))
        fields = "".join(f'<Field field="{name}" selected="True"/>' for name in "ab")
        turn = (
            f'<Configuration><KeyFields><Field field="i"/></KeyFields><DataFields>{fields}</DataFields></Configuration>'
        )
        turned = run_one(f"{BASE}Transpose.Transpose", turn, {"Input": table}).rows()
        assert len(turned) == 2 * len(rows)
        if not rows:
            return
        back = (
            '<Configuration><GroupFields><Field field="i"/></GroupFields><HeaderField field="Name"/>'
            '<DataField field="Value"/><Methods><Method method="First"/></Methods></Configuration>'
        )
        again = run_one(
            f"{BASE}CrossTab.CrossTab",
            back,
            {"Input": data("i Int32, Name V_String(3), Value V_WString(9)", *turned)},
            check=False,
        )
        assert again.rows() == [(place, *row) for place, row in enumerate(rows)]

    @settings(max_examples=12)
    @given(left=cells, right=cells)
    def test_the_anchors_of_join_account_for_every_record(self, left: list[Row], right: list[Row]) -> None:
        tables = [data("n Int32, t V_String(3)", *rows) for rows in (left, right)]
        config = (
            '<Configuration><JoinInfo connection="Left"><Field field="t"/></JoinInfo>'
            '<JoinInfo connection="Right"><Field field="t"/></JoinInfo></Configuration>'
        )
        done = run_one(
            f"{BASE}Join.Join", config, {"Left": tables[0], "Right": tables[1]}, anchors=("Left", "Join", "Right")
        )
        pairs = [(*a, *b) for a in left for b in right if a[1] == b[1] and a[1] is not None]
        assert sorted(done.rows("Join"), key=repr) == sorted(pairs, key=repr)
        assert done.rows("Left") == [a for a in left if a[1] is None or all(a[1] != b[1] for b in right)]
        assert done.rows("Right") == [b for b in right if b[1] is None or all(a[1] != b[1] for a in left)]
