"""The tools that group, turn and number records."""

from __future__ import annotations

import pytest

from kedge.exceptions import WorkflowError
from kedge.tools.settings import Settings
from tests.tools.flows import data, run_one

BASE = "AlteryxBasePluginsGui."
SUMMARIZE = "AlteryxSpatialPluginsGui.Summarize.Summarize"
SALES = data("g V_String(3), v Int32", ("b", 4), ("a", None), ("b", 1), (None, 7), ("b", 4))


def summarize(*actions: tuple[str, str], extra: str = "") -> str:
    inner = "".join(
        f'<SummarizeField field="{f}" action="{a}" rename="{a}_{f}">{extra}</SummarizeField>' for f, a in actions
    )
    return f"<Configuration><SummarizeFields>{inner}</SummarizeFields></Configuration>"


class TestSummarize:
    """Summarize."""

    @pytest.mark.parametrize(
        ("action", "type_", "null_group", "a_group", "b_group"),
        [
            ("Count", "Int64", 1, 1, 3),
            ("CountNonNull", "Int64", 1, 0, 3),
            ("CountNull", "Int64", 0, 1, 0),
            ("CountDistinct", "Int64", 1, 1, 2),
            ("CountDistinctNonNull", "Int64", 1, 0, 2),
            ("Sum", "Int64", 7, None, 9),
            ("Avg", "Double", 7.0, None, 3.0),
            ("Min", "Int32", 7, None, 1),
            ("Max", "Int32", 7, None, 4),
            ("Median", "Double", 7.0, None, 4.0),
            ("Mode", "Int32", 7, None, 4),
            ("First", "Int32", 7, None, 4),
            ("Last", "Int32", 7, None, 4),
            ("Concat", "V_String(2147483647)", "7", None, "4,1,4"),
            ("Longest", "Int32", 7, None, 4),
        ],
    )
    def test_actions(self, action: str, type_: str, null_group: object, a_group: object, b_group: object) -> None:
        done = run_one(SUMMARIZE, summarize(("g", "GroupBy"), ("v", action)), {"Input": SALES})
        assert done.rows() == [(None, null_group), ("a", a_group), ("b", b_group)]
        assert done.types()[1] == type_

    def test_sums_of_text_are_double(self) -> None:
        table = data("t V_String(5)", ("1.5",), ("2",), (None,))
        done = run_one(SUMMARIZE, summarize(("t", "Sum")), {"Input": table})
        assert (done.rows(), done.types()) == ([(3.5,)], ["Double"])

    def test_concat_has_escapes_start_and_end(self) -> None:
        extra = r"<Concat_Start>[</Concat_Start><Separator>\n\s</Separator><Concat_End>]</Concat_End>"
        table = data("t V_WString(5)", ("ż",), (None,), ("b",))
        done = run_one(SUMMARIZE, summarize(("t", "Concat"), extra=extra), {"Input": table})
        assert done.rows() == [("[ż\n b]",)]

    @pytest.mark.parametrize(("setting", "rows"), [(False, []), (True, [(0, None)])])
    def test_no_groups_and_no_input(self, setting: bool, rows: list[object]) -> None:
        xml = summarize(("v", "Count"), ("v", "Sum"))
        empty = data("g V_String(3), v Int32")
        assert (
            run_one(SUMMARIZE, xml, {"Input": empty}, settings=Settings(summarize_empty_gives_row=setting)).rows()
            == rows
        )

    def test_an_unknown_action_is_refused_by_name(self) -> None:
        with pytest.raises(WorkflowError, match=r"SummarizeField\[1\]/@action: 'Wobble' is not supported"):
            run_one(SUMMARIZE, summarize(("v", "Wobble")), {"Input": SALES})


def cross_tab(method: str, groups: str = '<Field field="g"/>') -> str:
    return (
        f'<Configuration><GroupFields>{groups}</GroupFields><HeaderField field="h"/><DataField field="v"/>'
        f'<Methods><Method method="{method}"/><Separator>,</Separator><FieldSize value="2048"/></Methods></Configuration>'
    )


class TestCrossTab:
    """CrossTab."""

    TABLE = data(
        "g Int32, h V_String(10), v Int32",
        (2, "50 & less", 1),
        (1, "7.50", 2),
        (1, "100", 3),
        (2, None, 4),
        (1, "7.50", 5),
    )

    @pytest.mark.parametrize(
        ("method", "names", "first"),
        [
            ("Sum", ["g", "7_50", "50___less", "100", "_Null_"], (1, 7, None, 3, None)),
            ("First", ["g", "7_50", "50___less", "100", "_Null_"], (1, 2, None, 3, None)),
            ("Last", ["g", "7_50", "50___less", "100", "_Null_"], (1, 5, None, 3, None)),
            ("Concat", ["g", "7_50", "50___less", "100", "_Null_"], (1, "2,5", None, "3", None)),
            ("Avg", ["g", "Avg_7_50", "Avg_50___less", "Avg_100", "Avg__Null_"], (1, 3.5, None, 3.0, None)),
        ],
    )
    def test_methods(self, method: str, names: list[str], first: tuple[object, ...]) -> None:
        done = run_one(f"{BASE}CrossTab.CrossTab", cross_tab(method), {"Input": self.TABLE}, check=False)
        assert done.names() == names
        assert done.rows()[0] == first

    def test_headers_that_differ_in_case_alone_are_refused(self) -> None:
        table = data("g Int32, h V_String(3), v Int32", (1, "a", 1), (1, "A", 2))
        with pytest.raises(WorkflowError, match="both make the field"):
            run_one(f"{BASE}CrossTab.CrossTab", cross_tab("Sum"), {"Input": table}, check=False)

    def test_without_groups_there_is_one_row(self) -> None:
        done = run_one(f"{BASE}CrossTab.CrossTab", cross_tab("Sum", groups=""), {"Input": self.TABLE}, check=False)
        assert done.rows() == [(7, 1, 3, 4)]


class TestTranspose:
    """Transpose."""

    def test_numbers_make_a_double_and_nulls_stay(self) -> None:
        table = data("k V_String(2), a Int32, b Double", ("x", 1, None), ("y", None, 2.5))
        xml = '<Configuration><KeyFields><Field field="k"/></KeyFields><DataFields><Field field="*Unknown"/></DataFields></Configuration>'
        done = run_one(f"{BASE}Transpose.Transpose", xml, {"Input": table})
        assert done.rows() == [("x", "a", 1.0), ("x", "b", None), ("y", "a", None), ("y", "b", 2.5)]
        assert done.types()[-1] == "Double"

    def test_text_among_them_makes_text(self) -> None:
        table = data("a Int32, b V_String(4)", (1, "z"))
        done = run_one(f"{BASE}Transpose.Transpose", "<Configuration><DataFields/></Configuration>", {"Input": table})
        assert done.rows() == [("a", "1"), ("b", "z")]


class TestRunningTotal:
    """RunningTotal."""

    def test_adds_up_in_each_group_and_counts_null_as_nothing(self) -> None:
        xml = '<Configuration><GroupByFields><Field field="g"/></GroupByFields><RunningTotalFields><Field field="v"/></RunningTotalFields></Configuration>'
        done = run_one(f"{BASE}RunningTotal.RunningTotal", xml, {"Input": SALES})
        assert [row[2] for row in done.rows()] == [4, 0, 5, 7, 9]
        assert done.names()[-1] == "RunTot_v"


class TestTile:
    """Tile."""

    TABLE = data("g V_String(3), v Int32", ("b", 1), ("a", 2), ("a", 3), ("b", 4), ("a", 5))

    @pytest.mark.parametrize(
        ("method", "section", "tiles", "sequence"),
        [
            (
                "EqualRecords",
                '<NumTiles value="2"/><EqualRecordsSortField>v</EqualRecordsSortField>',
                [2, 2, 1, 1, 1],
                [2, 1, 3, 2, 1],
            ),
            (
                "EqualRecords",
                '<NumTiles value="2"/><EqualRecordsSortField>g</EqualRecordsSortField>',
                [2, 1, 1, 2, 1],
                [1, 1, 2, 2, 3],
            ),
            (
                "UniqueValue",
                '<UniqueFields><Field field="g"/></UniqueFields><DontSort value="False"/>',
                [2, 1, 1, 2, 1],
                [1, 1, 2, 2, 3],
            ),
            (
                "UniqueValue",
                '<UniqueFields><Field field="g"/></UniqueFields><DontSort value="True"/>',
                [1, 2, 2, 3, 4],
                [1, 1, 2, 1, 1],
            ),
            ("Manual", "<Field>v</Field><Cutoffs>2\n4</Cutoffs>", [1, 1, 2, 2, 3], [1, 2, 1, 2, 1]),
            (
                "EqualSum",
                '<NumTiles value="3"/><EqualSumSumField>v</EqualSumSumField>',
                [1, 1, 2, 2, 3],
                [1, 2, 1, 2, 1],
            ),
            ("SmartTile", "<Field>v</Field>", [-1, -1, 0, 1, 1], [1, 2, 1, 1, 2]),
        ],
    )
    def test_methods(self, method: str, section: str, tiles: list[int], sequence: list[int]) -> None:
        xml = f"<Configuration><Method>{method}</Method><{method}>{section}</{method}><GroupFields/></Configuration>"
        done = run_one(f"{BASE}Tile.Tile", xml, {"Input": self.TABLE})
        assert done.table()["Tile_Num"].to_pylist() == tiles
        assert done.table()["Tile_SequenceNum"].to_pylist() == sequence


class TestMakeGroup:
    """MakeGroup."""

    def test_connected_pairs_make_groups(self) -> None:
        table = data("a V_String(3), b V_String(3)", ("x", "y"), ("z", "y"), ("q", None), ("m", "n"), (None, None))
        xml = "<Configuration><Key1st>a</Key1st><Key2nd>b</Key2nd></Configuration>"
        done = run_one(f"{BASE}MakeGroup.MakeGroup", xml, {"Input": table})
        assert done.rows() == [("m", "m"), ("m", "n"), ("q", "q"), ("x", "x"), ("x", "y"), ("x", "z")]


class TestAutoField:
    """AutoField."""

    def test_text_gets_the_narrowest_type(self) -> None:
        names = "abcdef"
        table = data(
            ", ".join(f"{name} V_WString(50)" for name in names),
            ("1", "1.5", "2020-01-01", "ab", None, "007"),
            ("300", "2", "2020-02-29", "żółć", None, "1"),
            (None, None, None, "x" * 40, None, None),
        )
        xml = '<Configuration><Fields><Field field="*Unknown" selected="True"/></Fields></Configuration>'
        done = run_one(f"{BASE}AutoField.AutoField", xml, {"Input": table}, check=False)
        assert done.types() == ["Int16", "Double", "Date", "V_WString(40)", "Byte", "String(3)"]
        assert done.rows()[1][0] == 300
