"""The order of records that tools put side by side."""

from __future__ import annotations

from kedge.workflow.workflow import Workflow


class TestOrderOfPairs:
    """Two sides that come from one relation, and carry its order both."""

    KEYS = '<JoinInfo connection="Left"><Field field="k"/></JoinInfo><JoinInfo connection="Right"><Field field="k"/></JoinInfo>'

    def rows(self) -> tuple[Workflow, int]:
        pairs = [("a", 3), ("a", 1), ("b", 2), ("a", 2), ("b", 9), ("a", 0), ("b", 5)]
        cells = "".join(f"<r><c>{key}</c><c>{value}</c></r>" for key, value in pairs)
        names = "<Fields><Field name='k'/><Field name='v'/></Fields>"
        return Workflow().add("TextInput", f"{names}<Data>{cells}</Data>")

    def test_both_anchors_of_a_tool_join_in_the_order_of_their_records(self) -> None:
        flow, tool = self.rows()
        flow, unique = flow.add("Unique", "<UniqueFields><Field field='k'/></UniqueFields>")
        flow, join = flow.connect(tool, "Output", unique, "Input").add("Join", self.KEYS)
        flow = flow.connect(unique, "Unique", join, "Left").connect(unique, "Duplicates", join, "Right")
        assert flow.run(taps=[(join, "Join")]).table(join, "Join")["Right_v"].to_pylist() == [1, 2, 0, 9, 5]

    def test_sorted_records_join_themselves(self) -> None:
        flow, tool = self.rows()
        flow, ordered = flow.add("Sort", '<SortInfo locale="0"><Field field="v" order="Descending"/></SortInfo>')
        flow, join = flow.connect(tool, "Output", ordered, "Input").add("Join", self.KEYS)
        flow = flow.connect(ordered, "Output", join, "Left").connect(ordered, "Output", join, "Right")
        found = flow.run(taps=[(join, "Join")]).table(join, "Join")["Right_v"].to_pylist()
        assert found == [3, 2, 1, 0] * 4 + [9, 5, 2] * 3

    def test_sorted_records_are_appended_to_themselves(self) -> None:
        flow, tool = self.rows()
        flow, ordered = flow.add("Sort", '<SortInfo locale="0"><Field field="v" order="Descending"/></SortInfo>')
        flow, pairs = flow.connect(tool, "Output", ordered, "Input").add("AppendFields", "")
        flow = flow.connect(ordered, "Output", pairs, "Targets").connect(ordered, "Output", pairs, "Source")
        found = flow.run(taps=[(pairs, "Output")]).table(pairs)["Source_v"].to_pylist()
        assert found == [9, 5, 3, 2, 2, 1, 0] * 7
