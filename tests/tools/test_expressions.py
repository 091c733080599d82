"""The tools that compute with expressions."""

from __future__ import annotations

import pytest

from kedge.exceptions import WorkflowError
from tests.tools.flows import data, run_one

BASE = "AlteryxBasePluginsGui."
TABLE = data("A Int32, B V_String(10), C Double", (3, "x", 1.5), (1, "y", None), (None, None, 2.25))


class TestFilter:
    """Filter."""

    def custom(self, expression: str) -> str:
        return f"<Configuration><Expression>{expression}</Expression><Mode>Custom</Mode></Configuration>"

    def simple(self, field: str, operator: str, operand: str = "") -> str:
        return (
            f"<Configuration><Mode>Simple</Mode><Simple><Operator>{operator}</Operator><Field>{field}</Field><Operands>"
            f"<IgnoreTimeInDateTime>True</IgnoreTimeInDateTime><DateType>fixed</DateType><Operand>{operand}</Operand>"
            "</Operands></Simple><Expression>wrong on purpose (</Expression></Configuration>"
        )

    def split(self, xml: str) -> tuple[list[object], list[object]]:
        done = run_one(f"{BASE}Filter.Filter", xml, {"Input": TABLE}, anchors=("True", "False"))
        return [row[0] for row in done.rows("True")], [row[0] for row in done.rows("False")]

    @pytest.mark.parametrize(
        ("expression", "true", "false"),
        [
            ("[A] &gt; 1", [3], [1, None]),
            ("IsNull([C])", [1], [3, None]),
            ("[A]", [3, 1], [None]),
            ("[B] != 'x'", [1, None], [3]),
        ],
    )
    def test_null_and_zero_do_not_hold(self, expression: str, true: list[object], false: list[object]) -> None:
        assert self.split(self.custom(expression)) == (true, false)

    @pytest.mark.parametrize(
        ("field", "operator", "operand", "true"),
        [
            ("A", "&gt;=", "2", [3]),
            ("B", "=", "x", [3]),
            ("B", "!=", "x", [1, None]),
            ("B", "Contains", "Y", [1]),
            ("B", "NotContains", "Y", [3, None]),
            ("B", "IsNull", "", [None]),
            ("B", "IsNotNull", "", [3, 1]),
            ("B", "IsEmpty", "", [None]),
        ],
    )
    def test_simple_conditions_obey_the_mode(self, field: str, operator: str, operand: str, true: list[object]) -> None:
        assert self.split(self.simple(field, operator, operand))[0] == true

    def test_dates_compare_without_their_time(self) -> None:
        table = data("d DateTime", ("2024-01-01 10:00:00",), ("2024-01-02 00:00:00",))
        done = run_one(
            f"{BASE}Filter.Filter", self.simple("d", "&lt;=", "2024-01-01"), {"Input": table}, anchors=("True",)
        )
        assert len(done.rows("True")) == 1

    def test_an_error_has_place_and_caret(self) -> None:
        with pytest.raises(WorkflowError, match=r"(?s)Configuration/Expression: there is no field 'Z'.*\^"):
            self.split(self.custom("[Z] = 1"))


def formula(*fields: tuple[str, str, str, str]) -> str:
    inner = "".join(f'<FormulaField field="{f}" expression="{e}" type="{t}" size="{s}"/>' for f, e, t, s in fields)
    return f"<Configuration><FormulaFields>{inner}</FormulaFields></Configuration>"


class TestFormula:
    """Formula."""

    def test_later_fields_see_earlier_ones_and_old_ones_keep_their_type(self) -> None:
        xml = formula(
            ("H", "[A] / 2", "Double", "8"), ("A", "[H] + [A]", "V_String", "9"), ("T", "[A] * 10", "Int16", "2")
        )
        done = run_one(f"{BASE}Formula.Formula", xml, {"Input": TABLE})
        assert done.names() == ["A", "B", "C", "H", "T"]
        assert done.types() == ["Int32", "V_String(10)", "Double", "Double", "Int16"]
        assert [row[0::3] + row[4:] for row in done.rows()] == [(5, 1.5, 50), (2, 0.5, 20), (None, None, None)]

    def test_text_is_cut_to_the_field_with_a_message(self) -> None:
        done = run_one(
            f"{BASE}Formula.Formula", formula(("B", "[B] + 'abcdefghijkl'", "V_String", "10")), {"Input": TABLE}
        )
        assert [row[1] for row in done.rows()] == ["xabcdefghi", "yabcdefghi", "abcdefghij"]
        assert "B: xabcdefghijkl is cut to 10 characters" in done.texts

    def test_a_number_that_does_not_fit_is_null_with_a_message(self) -> None:
        done = run_one(f"{BASE}Formula.Formula", formula(("N", "[A] * 100", "Byte", "1")), {"Input": TABLE})
        assert [row[3] for row in done.rows()] == [None, 100, None]
        assert any("N: 300" in text for text in done.texts)

    def test_no_fields_change_nothing(self) -> None:
        assert (
            len(
                run_one(
                    f"{BASE}Formula.Formula", "<Configuration><FormulaFields/></Configuration>", {"Input": TABLE}
                ).rows()
            )
            == 3
        )

    def test_constants_are_known(self) -> None:
        xml = formula(("V", "[Engine.WorkflowFileName]", "V_String", "40"))
        assert run_one(f"{BASE}Formula.Formula", xml, {"Input": TABLE}).rows()[0][3] == "workflow.yxmd"


class TestMultiFieldFormula:
    """MultiFieldFormula."""

    def config(self, kind: str, copy: bool, expression: str, new_type: str = "") -> str:
        return (
            f'<Configuration><FieldType>{kind}</FieldType><Fields orderChanged="False"><Field name="*Unknown"/></Fields>'
            f'<CopyOutput value="{copy}"/><NewFieldAddOn>N_</NewFieldAddOn><NewFieldAddOnPos>Prefix</NewFieldAddOnPos>'
            f'<Expression>{expression}</Expression><ChangeFieldType value="{bool(new_type)}"/>'
            f'<OutputFieldType type="{new_type or "Double"}" size="20" scale="0"/></Configuration>'
        )

    def test_changes_every_field_of_the_kind(self) -> None:
        done = run_one(
            f"{BASE}MultiFieldFormula.MultiFieldFormula",
            self.config("Numeric", False, "[_CurrentField_] * 2"),
            {"Input": TABLE},
        )
        assert done.rows() == [(6, "x", 3.0), (2, "y", None), (None, None, 4.5)]

    def test_or_makes_copies_of_another_type(self) -> None:
        xml = self.config("Text", True, "[_CurrentFieldName_] + [_CurrentField_]", "V_WString")
        done = run_one(f"{BASE}MultiFieldFormula.MultiFieldFormula", xml, {"Input": TABLE})
        assert (done.names()[3:], done.types()[3:]) == (["N_B"], ["V_WString(20)"])
        assert [row[3] for row in done.rows()] == ["Bx", "By", "B"]


def multi_row(
    name: str, other: str, expression: str, group: str = "", update: bool = False, type_: str = "Double"
) -> str:
    return (
        f'<Configuration><UpdateField value="{update}"/><UpdateField_Name>{name}</UpdateField_Name>'
        f"<CreateField_Name>{name}</CreateField_Name><CreateField_Type>{type_}</CreateField_Type>"
        f'<CreateField_Size>8</CreateField_Size><OtherRows>{other}</OtherRows><NumRows value="1"/>'
        f"<Expression>{expression}</Expression><GroupByFields>{group}</GroupByFields></Configuration>"
    )


class TestMultiRowFormula:
    """MultiRowFormula."""

    ROWS = data("g Int32, v Int32", (1, 10), (1, 20), (2, 5), (1, None), (2, 7))
    GROUP = '<Field field="g"/>'

    @pytest.mark.parametrize(
        ("other", "expression", "group", "expected"),
        [
            ("Empty", "[v]-[Row-1:v]", GROUP, [10.0, 10.0, 5.0, None, 2.0]),
            ("NULL", "[v]-[Row-1:v]", GROUP, [None, 10.0, None, None, 2.0]),
            ("Nearest", "[v]-[Row-1:v]", GROUP, [0.0, 10.0, 0.0, None, 2.0]),
            ("Empty", "[v]-[Row+1:v]", "", [-10.0, 15.0, None, None, 7.0]),
            ("Nearest", "[v]-[Row+1:v]", "", [-10.0, 15.0, None, None, 0.0]),
            ("Empty", "[Row-1:s]+[v]", GROUP, [10.0, 30.0, 5.0, None, 12.0]),
        ],
    )
    def test_rows_around(self, other: str, expression: str, group: str, expected: list[object]) -> None:
        done = run_one(
            f"{BASE}MultiRowFormula.MultiRowFormula", multi_row("s", other, expression, group), {"Input": self.ROWS}
        )
        assert [row[2] for row in done.rows()] == expected

    def test_a_changed_field_sees_its_own_new_values(self) -> None:
        xml = multi_row("v", "Empty", "IIF(IsNull([v]), [Row-1:v], [v])", update=True)
        done = run_one(f"{BASE}MultiRowFormula.MultiRowFormula", xml, {"Input": self.ROWS})
        assert [row[1] for row in done.rows()] == [10, 20, 5, 5, 7]


def generate(first: str, condition: str, step: str, type_: str = "Int32") -> str:
    return (
        '<Configuration><UpdateField value="False"/><UpdateField_Name/><CreateField_Name>r</CreateField_Name>'
        f"<CreateField_Type>{type_}</CreateField_Type><CreateField_Size>4</CreateField_Size><Expression_Init>{first}</Expression_Init>"
        f"<Expression_Cond>{condition}</Expression_Cond><Expression_Loop>{step}</Expression_Loop></Configuration>"
    )


class TestGenerateRows:
    """GenerateRows."""

    @pytest.mark.parametrize(
        ("first", "condition", "step", "expected"),
        [
            ("1", "r &lt;= 3", "r + 1", [1, 2, 3]),
            ("1", "r &lt; 3", "r + 1", [1, 2]),
            ("10", "r &gt; 4", "r - 3", [10, 7]),
            ("1", "r &lt; 100", "r * 3", [1, 3, 9, 27, 81]),
            ("5", "r &lt; 3", "r + 1", []),
        ],
    )
    def test_without_input(self, first: str, condition: str, step: str, expected: list[int]) -> None:
        done = run_one(f"{BASE}GenerateRows.GenerateRows", generate(first, condition, step))
        assert [row[0] for row in done.rows()] == expected

    def test_for_every_input_row_in_order(self) -> None:
        table = data("lo Double, hi Double", (4, 5), (1, 2.5), (None, 2), (3, 1))
        done = run_one(f"{BASE}GenerateRows.GenerateRows", generate("[lo]", "r &lt;= [hi]", "r + 1"), {"Input": table})
        assert [row[2] for row in done.rows()] == [4, 5, 1, 2]

    def test_dates_run_step_by_step(self) -> None:
        xml = generate('"2024-02-28"', 'r &lt;= "2024-03-01"', "DateTimeAdd(r, 1, 'days')", "Date")
        done = run_one(f"{BASE}GenerateRows.GenerateRows", xml)
        assert [str(row[0]) for row in done.rows()] == ["2024-02-28", "2024-02-29", "2024-03-01"]

    def test_a_loop_that_never_ends_is_an_error(self) -> None:
        with pytest.raises(WorkflowError, match="never ends"):
            run_one(f"{BASE}GenerateRows.GenerateRows", generate("1", "r &lt; 3", "r * 1"))


class TestDynamicTools:
    """DynamicSelect and DynamicRename."""

    @pytest.mark.parametrize(
        ("inner", "names"),
        [
            ("<Mode>FieldTypes</Mode><FieldTypes>Int32,Double</FieldTypes>", ["A", "C"]),
            ("<Mode>Formula</Mode><Expression>[Name] in ('B') or [FieldNumber] = 1</Expression>", ["A", "B"]),
            ("<Mode>Formula</Mode><Expression>[Type] = 'V_String' AND [Size] = 10</Expression>", ["B"]),
        ],
    )
    def test_select(self, inner: str, names: list[str]) -> None:
        done = run_one(
            f"{BASE}DynamicSelect.DynamicSelect", f"<Configuration>{inner}</Configuration>", {"Input": TABLE}
        )
        assert done.names() == names

    def rename(self, mode: str, inner: str = "", fields: str = '<Field name="*Unknown"/>') -> str:
        return f"<Configuration><RenameMode>{mode}</RenameMode><Fields>{fields}</Fields>{inner}</Configuration>"

    def test_rename_by_formula(self) -> None:
        xml = self.rename("Formula", "<Expression>'x_' + [_CurrentField_]</Expression>")
        assert run_one(f"{BASE}DynamicRename.DynamicRename", xml, {"Targets": TABLE}).names() == ["x_A", "x_B", "x_C"]

    def test_rename_by_the_first_row_names_blanks_after_the_next_place(self) -> None:
        table = data("a V_String(5), b V_String(5), c V_String(5)", ("H1", None, None), ("1", "2", "3"))
        done = run_one(f"{BASE}DynamicRename.DynamicRename", self.rename("FirstRow"), {"Targets": table}, check=False)
        assert done.names() == ["H1", "Field_4", "Field_4_2"]
        assert done.rows() == [("1", "2", "3")]

    @pytest.mark.parametrize(
        ("mode", "names"),
        [
            ("<InputMode>Mapped</InputMode><OldName>o</OldName><NewName>n</NewName>", ["New", "B", "C"]),
            ("<InputMode>Positional</InputMode><NewName>n</NewName>", ["New", "Other", "C"]),
        ],
    )
    def test_rename_by_rows(self, mode: str, names: list[str]) -> None:
        source = data("o V_String(5), n V_String(5)", ("a", "New"), ("zz", "Other"))
        xml = self.rename("RightInputRows", f"<NamesFromRows><OnError>Warn</OnError>{mode}</NamesFromRows>")
        done = run_one(f"{BASE}DynamicRename.DynamicRename", xml, {"Targets": TABLE, "Source": source}, check=False)
        assert done.names() == names


class TestMessages:
    """Message and Test."""

    def message(self, when: str, kind: str = "Warning") -> str:
        return (
            f"<Configuration><When>{when}</When><Filter>[A] = 1</Filter><Type>{kind}</Type>"
            "<MessageExpression>'A is ' + ToString([A])</MessageExpression></Configuration>"
        )

    @pytest.mark.parametrize(
        ("when", "texts"), [("First", ["A is 3"]), ("Filter", ["A is 1"]), ("All", ["A is 3", "A is 1", "A is "])]
    )
    def test_message(self, when: str, texts: list[str]) -> None:
        done = run_one(f"{BASE}Message.Message", self.message(when), {"Input": TABLE})
        assert done.texts == texts
        assert len(done.rows()) == 3

    def test_an_error_that_stops_fails_the_run(self) -> None:
        done = run_one(f"{BASE}Message.Message", self.message("Filter", "ErrorStop"), {"Input": TABLE}, ok=False)
        assert [str(message) for message in done.report.errors] == ["Message (3): A is 1"]

    def test_tests_are_reported(self) -> None:
        tests = "".join(
            f"<Test><Name>{name}</Name><Connection>#1</Connection><Type>{kind}</Type><Value>{value}</Value></Test>"
            for name, kind, value in (
                ("n", "RecCountValue", "3"),
                ("first", "ExpFirst", "[A] = 3"),
                ("all", "ExpAll", "[A] &gt; 1"),
            )
        )
        xml = f"<Configuration><Tests>{tests}</Tests></Configuration>"
        done = run_one(f"{BASE}Test.Test", xml, {"Input": [TABLE]}, anchors=(), ok=False)
        assert done.texts == [
            "the test 'n' passed",
            "the test 'first' passed",
            "the test 'all' failed: [A]>1 does not hold for 2 of 3 records".replace(">", " > "),
        ]
        assert not done.report.ok
