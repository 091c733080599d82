"""Numbers of records: every anchor of a small run has one, and it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.workflow.counting import Count, Counts
from kedge.workflow.workflow import Workflow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kedge.workflow.report import RunReport

LARGE = 200_000
SERIES = {"CreateField_Name": "n", "CreateField_Type": "Int64", "Expression_Init": "1", "Expression_Loop": "[n] + 1"}
KEYS = "".join(f'<JoinInfo connection="{side}"><Field field="n"/></JoinInfo>' for side in ("Left", "Right"))


def numbers(flow: Workflow, *values: int | None) -> tuple[Workflow, int]:
    cells = "".join("<r><c/></r>" if value is None else f"<r><c>{value}</c></r>" for value in values)
    return flow.add("TextInput", f'<Fields><Field name="n"/></Fields><Data>{cells}</Data>')


def series(flow: Workflow, most: int) -> tuple[Workflow, int]:
    return flow.add("GenerateRows", {**SERIES, "Expression_Cond": f"[n] <= {most}"})


def after(flow: Workflow, tool: int, anchor: str, plugin: str, configuration: object) -> tuple[Workflow, int]:
    flow, added = flow.add(plugin, configuration)  # type: ignore[arg-type]
    return flow.connect(tool, anchor, added, "Input"), added


def kept(expression: str) -> dict[str, str]:
    return {"Mode": "Custom", "Expression": expression}


def formula(field: str, expression: str, type_: str = "Int64") -> str:
    attributes = f'field="{field}" expression="{expression}" type="{type_}" size="8"'
    return f"<FormulaFields><FormulaField {attributes}/></FormulaFields>"


def total(flow: Workflow, tool: int, anchor: str) -> tuple[Workflow, int]:
    fields = '<SummarizeFields><SummarizeField field="n" action="Sum" rename="sum"/></SummarizeFields>'
    flow, summed = after(flow, tool, anchor, "Summarize", fields)
    return after(flow, summed, "Output", "BrowseV2", "")


def joined(flow: Workflow, left: int, right: int, keys: str = KEYS) -> tuple[Workflow, int]:
    flow, join = flow.add("Join", keys)
    return flow.connect(left, "Output", join, "Left").connect(right, "Output", join, "Right"), join


def counted(report: RunReport, tool: int) -> dict[str, int | None]:
    report.raise_for_status()
    return {anchor.name: anchor.records for anchor in report.of(tool).anchors}


class TestSmallRuns:
    """Anchors in the middle of a statement, whose records nobody hands on."""

    def test_both_anchors_of_a_filter_are_counted_in_the_statement_that_uses_one(self) -> None:
        flow, tool = numbers(Workflow(), 1, 2, 3, None)
        flow, chosen = after(flow, tool, "Output", "Filter", kept("[n] > 1"))
        flow, _ = total(flow, chosen, "True")
        report = flow.run()
        assert counted(report, chosen) == {"True": 2, "False": 2}
        assert len(report.statements) == 1
        assert '"Filter_2_True" AS MATERIALIZED' in report.statements[0]

    def test_all_anchors_of_a_join_are_counted(self) -> None:
        flow, left = numbers(Workflow(), 1, 2, 2, 5, 7)
        flow, right = numbers(flow, 2, 2, 9)
        flow, join = joined(flow, left, right)
        flow, _ = total(flow, join, "Join")
        report = flow.run()
        assert counted(report, join) == {"Left": 3, "Join": 4, "Right": 1}
        assert len(report.statements) == 1

    def test_records_that_are_not_there_are_counted(self) -> None:
        flow, tool = numbers(Workflow(), 1, 2)
        flow, chosen = after(flow, tool, "Output", "Filter", kept("1 = 2"))
        flow, again = after(flow, chosen, "True", "Filter", kept("[n] > 1"))
        flow, _ = total(flow, again, "True")
        report = flow.run()
        assert counted(report, chosen) == {"True": 0, "False": 2}
        assert counted(report, again) == {"True": 0, "False": 0}

    def test_what_a_sample_leaves_out_is_counted_before_it(self) -> None:
        flow, tool = numbers(Workflow(), *range(50))
        flow, chosen = after(flow, tool, "Output", "Filter", kept("[n] >= 10"))
        flow, first = after(flow, chosen, "True", "Sample", "<Mode>First</Mode><N>3</N>")
        flow, _ = total(flow, first, "Output")
        report = flow.run()
        assert counted(report, chosen) == {"True": 40, "False": 10}
        assert counted(report, first) == {"Output": 3}

    def test_random_records_are_counted_as_they_go_on(self) -> None:
        flow, tool = numbers(Workflow(), *range(1000))
        flow, dice = after(flow, tool, "Output", "Formula", formula("r", "RandInt(1)"))
        flow, chosen = after(flow, dice, "Output", "Filter", kept("[r] = 1"))
        fields = '<SummarizeFields><SummarizeField field="n" action="Count" rename="c"/></SummarizeFields>'
        flow, summed = after(flow, chosen, "True", "Summarize", fields)
        flow, browse = after(flow, summed, "Output", "BrowseV2", "")
        report = flow.run()
        found = report.table(browse)["c"][0].as_py()
        assert counted(report, chosen) == {"True": found, "False": 1000 - found}

    def test_a_conversion_in_a_counted_tool_is_told_once(self) -> None:
        flow, tool = numbers(Workflow(), 1, 300, 2)
        flow, narrow = after(flow, tool, "Output", "Formula", formula("b", "[n] * 1", "Byte"))
        flow, other = numbers(flow, 2)
        keys = KEYS.replace('Left"><Field field="n"', 'Left"><Field field="b"')
        flow, join = joined(flow, narrow, other, keys)
        flow, _ = total(flow, join, "Join")
        report = flow.run()
        assert counted(report, join) == {"Left": 2, "Join": 1, "Right": 0}
        assert [message.text for message in report.messages] == ["b: 300 does not convert to Byte"]

    def test_the_order_of_a_file_stays_where_its_records_are_counted(self, tmp_path: Path) -> None:
        (tmp_path / "in.csv").write_text("n\n" + "".join(f"{9000 - n}\n" for n in range(9000)), encoding="utf-8")
        options = "<FormatSpecificOptions><CodePage>65001</CodePage></FormatSpecificOptions>"
        flow, tool = Workflow(path=tmp_path / "w.yxmd").add("DbFileInput", f"<File>in.csv</File>{options}")
        flow, chosen = after(flow, tool, "Output", "Filter", kept("Right([n], 1) != '5'"))
        flow, first = after(flow, chosen, "True", "Sample", "<Mode>Skip</Mode><N>5</N>")
        flow, again = after(flow, first, "Output", "Filter", kept("[n] != '8000'"))
        flow, browse = after(flow, again, "True", "BrowseV2", "")
        report = flow.run()
        expected = [n for n in range(9000, 0, -1) if n % 10 != 5][5:]
        assert report.table(browse)["n"].to_pylist() == [str(n) for n in expected if n != 8000]
        assert [counted(report, item) for item in (tool, chosen, first)] == [
            {"Output": 9000},
            {"True": 8100, "False": 900},
            {"Output": 8095},
        ]

    def test_a_limit_of_an_output_does_not_keep_its_records_from_being_counted(self, tmp_path: Path) -> None:
        flow, tool = numbers(Workflow(path=tmp_path / "w.yxmd"), *range(9))
        flow, chosen = after(flow, tool, "Output", "Filter", kept("[n] > 1"))
        flow, _ = after(flow, chosen, "True", "DbFileOutput", '<File MaxRecords="3">o.csv</File>')
        assert counted(flow.run(), chosen) == {"True": 7, "False": 2}


class TestRules:
    """Numbers that follow from others."""

    @pytest.mark.parametrize(
        ("plugin", "configuration", "expected"),
        [
            ("Sample", "<Mode>First</Mode><N>4</N>", 4),
            ("Sample", "<Mode>First</Mode><N>40</N>", 10),
            ("Sample", "<Mode>Last</Mode><N>4</N>", 4),
            ("Sample", "<Mode>Skip</Mode><N>4</N>", 6),
            ("Sample", "<Mode>Skip</Mode><N>40</N>", 0),
            ("Sample", "<Mode>Sample</Mode><N>4</N>", 3),
            ("Sample", "<Mode>NPercent</Mode><N>25</N>", 3),
            ("Transpose", "<KeyFields/><DataFields><Field field='n' selected='True'/></DataFields>", 10),
            ("Unique", "<UniqueFields><Field field='n'/></UniqueFields>", 10),
            ("DynamicRename", "<RenameMode>FirstRow</RenameMode>", 9),
        ],
    )
    def test_agree_with_the_records(self, plugin: str, configuration: str, expected: int) -> None:
        flow, tool = numbers(Workflow(), *range(10))
        flow, made = flow.add(plugin, configuration)
        flow = flow.connect(tool, "Output", made, "Targets" if plugin == "DynamicRename" else "Input")
        anchor = "Unique" if plugin == "Unique" else "Output"
        flow, after_it = after(flow, made, anchor, "RecordID", "<FieldName>id</FieldName>")
        flow, last = after(flow, after_it, "Output", "Filter", kept("[id] > 2"))
        flow, browse = after(flow, last, "True", "BrowseV2", "")
        report = flow.run()
        assert counted(report, made)[anchor] == counted(report, after_it)["Output"] == expected
        assert report.table(browse).num_rows == max(expected - 2, 0)

    @pytest.mark.parametrize(
        ("first", "condition", "step", "expected"),
        [
            ("1", "[n] <= 10", "[n] + 1", 10),
            ("1", "[n] < 10", "[n] + 1", 9),
            ("0", "[n] < 10", "[n] + 3", 4),
            ("10", "[n] >= 1", "[n] - 4", 3),
            ("10", "[n] > 10", "[n] - 1", 0),
            ("10", "[n] < 5", "[n] + 1", 0),
        ],
    )
    @pytest.mark.parametrize("type_", ["Byte", "Int64"])
    def test_generated_rows(self, first: str, condition: str, step: str, expected: int, type_: str) -> None:
        rows = {"CreateField_Name": "n", "CreateField_Type": type_, "Expression_Init": first}
        rows |= {"Expression_Cond": condition, "Expression_Loop": step}
        flow, tool = Workflow().add("GenerateRows", rows)
        flow, chosen = after(flow, tool, "Output", "Filter", kept("[n] != 4"))
        flow, _ = total(flow, chosen, "True")
        assert counted(flow.run(), tool) == {"Output": expected}
        assert flow.run(taps=[(tool, "Output")]).table(tool).num_rows == expected

    def test_positions_that_join_follow_from_the_inputs(self) -> None:
        flow, left = numbers(Workflow(), 1, 2, 3)
        flow, right = numbers(flow, 1)
        flow, join = flow.add("Join", {"@joinByRecordPos": "True"})
        flow = flow.connect(left, "Output", join, "Left").connect(right, "Output", join, "Right")
        flow, _ = total(flow, join, "Join")
        assert counted(flow.run(), join) == {"Left": 2, "Join": 1, "Right": 0}

    def test_what_is_shared_out_says_the_missing_part(self) -> None:
        counts, whole, one, other = Counts(), Count(10), Count(), Count(3)
        counts.share(whole, [one, other])
        counts.settle()
        assert one.rows == 7

    def test_the_parts_say_the_whole(self) -> None:
        counts, whole = Counts(), Count()
        counts.share(whole, [Count(4), Count(3)])
        counts.settle()
        assert whole.rows == 7


class TestLargeRuns:
    """What is not counted costs nothing."""

    def test_a_small_input_beside_a_large_one_gets_no_numbers(self) -> None:
        flow, few = series(Workflow(), 2000)
        flow, many = series(flow, LARGE)
        flow, union = flow.add("Union", "<Mode>ByName</Mode>")
        flow = flow.connect(few, "Output", union, "Input", "#1").connect(many, "Output", union, "Input", "#2")
        flow, browse = after(flow, union, "Output", "BrowseV2", "")
        report = flow.run()
        assert "ROW_NUMBER" not in report.statements[0]
        assert report.table(browse)["n"].to_pylist() == [*range(1, 2001), *range(1, LARGE + 1)]
        assert [counted(report, tool)["Output"] for tool in (few, many, union)] == [2000, LARGE, LARGE + 2000]

    def flow(self) -> tuple[Workflow, int]:
        flow, tool = series(Workflow(), LARGE)
        flow, chosen = after(flow, tool, "Output", "Filter", kept("[n] > 10"))
        return total(flow, chosen, "True")[0], chosen

    def test_by_default_nothing_is_counted_that_is_not_free(self) -> None:
        flow, chosen = self.flow()
        report = flow.run()
        assert counted(report, chosen) == {"True": None}
        assert "kedge_counted" not in report.statements[0].lower()

    def test_everything_is_counted_where_that_is_asked_for(self) -> None:
        flow, chosen = self.flow()
        assert counted(flow.run(counts=True), chosen) == {"True": LARGE - 10, "False": 10}


PLUGINS = st.sampled_from(["Filter", "Unique", "Sort", "Sample", "Formula", "Join", "Union"])


class TestEveryAnchor:
    """Whole workflows: the numbers are those of the records that taps see."""

    @settings(deadline=None, max_examples=25)
    @given(st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=12), st.lists(PLUGINS, min_size=1, max_size=6))
    def test_has_the_number_of_records_that_a_tap_sees(
        self, values: Sequence[int | None], plugins: Sequence[str]
    ) -> None:
        flow, tool, anchor = *numbers(Workflow(), 0, *values), "Output"
        start = tool
        for plugin in plugins:
            flow, tool, anchor = self.extended(flow, start, tool, anchor, plugin)
        flow, _ = total(flow, tool, anchor)
        report = flow.run()
        report.raise_for_status()
        found = {(made.tool_id, item.name): item.records for made in report.tools for item in made.anchors}
        tapped = flow.run(taps=list(found))
        assert found == {key: tapped.table(*key).num_rows for key in found}

    def extended(self, flow: Workflow, start: int, tool: int, anchor: str, plugin: str) -> tuple[Workflow, int, str]:
        if plugin == "Union":
            flow, made = flow.add("Union", "<Mode>ByName</Mode>")
            return (
                flow.connect(start, "Output", made, "Input", "#1").connect(tool, anchor, made, "Input", "#2"),
                made,
                "Output",
            )
        if plugin == "Join":
            flow, made = flow.add("Join", KEYS)
            return flow.connect(tool, anchor, made, "Left").connect(start, "Output", made, "Right"), made, "Join"
        configuration: dict[str, object] = {
            "Filter": kept("[n] > 1"),
            "Unique": "<UniqueFields><Field field='n'/></UniqueFields>",
            "Sort": '<SortInfo locale="0"><Field field="n" order="Ascending"/></SortInfo>',
            "Sample": "<Mode>Skip</Mode><N>1</N>",
            "Formula": formula("n", "[n] + 1"),
        }
        flow, made = after(flow, tool, anchor, plugin, configuration[plugin])
        return flow, made, {"Filter": "True", "Unique": "Duplicates"}.get(plugin, "Output")
