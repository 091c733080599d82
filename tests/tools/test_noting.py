"""Texts in expressions that are no number or date: told once for each record, whoever evaluates the expression."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import pytest

from kedge.tools.element import element
from kedge.workflow.workflow import Workflow
from tests.tools.flows import data, run_one

if TYPE_CHECKING:
    from kedge.workflow.report import RunReport

ROWS = data("Id Int32, s V_String(20)", (1, "12"), (2, "abc"), (3, None), (4, ""), (5, "2020-02-03"), (6, "12x"))
NUMBERS = ["12x does not convert to Double", "2020-02-03 does not convert to Double", "abc does not convert to Double"]


def formula(expression: str, type_: str = "V_WString", field: str = "f") -> str:
    attributes = f'field="{field}" expression={quoteattr(expression)} type="{type_}" size="40"'
    return f"<Configuration><FormulaFields><FormulaField {attributes}/></FormulaFields></Configuration>"


def told(expression: str, type_: str = "V_WString") -> list[str]:
    return run_one("Formula", formula(expression, type_), {"Input": ROWS}).texts


class TestFormula:
    """SQL, in a field that is computed."""

    def test_numbers(self) -> None:
        assert told("ToNumber([s])", "Double") == [f"ToNumber: {text}" for text in NUMBERS]

    def test_numbers_that_are_stored_as_another_type(self) -> None:
        assert told("ToNumber([s])", "Int32") == [f"ToNumber: {text}" for text in NUMBERS]

    def test_numbers_whose_errors_are_to_be_ignored(self) -> None:
        assert told("ToNumber([s], 1)", "Double") == []

    @pytest.mark.parametrize(
        ("expression", "name", "kind"),
        [
            ("ToString(ToDate([s]))", "ToDate", "Date"),
            ("ToString(ToDateTime([s]))", "ToDateTime", "DateTime"),
            ("ToString(DateTimeParse([s], '%Y-%m-%d'))", "DateTimeParse", "DateTime"),
            ("DateTimeFormat([s], '%Y')", "DateTimeFormat", "DateTime"),
            ("ToString(DateTimeParse([s] + '', '%Y-%m-%d'))", "DateTimeParse", "DateTime"),
            ("ToString(ToDate(Trim([s])))", "ToDate", "Date"),
        ],
    )
    def test_dates(self, expression: str, name: str, kind: str) -> None:
        assert told(expression) == [f"{name}: {text} does not convert to {kind}" for text in ("12", "12x", "abc")]

    def test_only_in_the_branch_that_is_taken(self) -> None:
        assert told("IIF([Id] = 2, ToNumber([s]), 0)", "Double") == ["ToNumber: abc does not convert to Double"]

    @pytest.mark.parametrize("expression", ["ToNumber([s]) IN (1, 2)", "ToNumber([s]) > 5 || ToNumber([s]) < 3"])
    def test_a_text_that_is_read_twice_is_told_once(self, expression: str) -> None:
        assert told(expression, "Bool") == [f"ToNumber: {text}" for text in NUMBERS]

    def test_a_text_is_told_in_either_branch(self) -> None:
        texts = told("IF ToDate([s]) > '2000-01-01' THEN ToDate([s]) ELSE ToDate([s] + '') ENDIF", "Date")
        assert texts == [
            f"ToDate: {text} does not convert to Date" for text in ("12", "12", "12x", "12x", "abc", "abc")
        ]

    def test_texts_that_are_computed(self) -> None:
        assert told("ToNumber(Replace([s], ',', ''))", "Double") == [f"ToNumber: {text}" for text in NUMBERS]

    def test_a_comparison_with_a_date_tells_nothing(self) -> None:
        assert told("IIF([s] > ToDate('2020-01-01'), 'a', 'b')") == []

    def test_values_are_what_they_are_without_a_word(self) -> None:
        with_word, without = (
            run_one("Formula", formula(f"ToNumber([s]{flag})", "Double"), {"Input": ROWS}) for flag in ("", ", 1")
        )
        assert with_word.rows() == without.rows()

    def test_a_field_that_is_used_twice_is_told_once(self) -> None:
        fields = "".join(
            f'<FormulaField field="{name}" expression="{text}" type="Double" size="8"/>'
            for name, text in (("a", "ToNumber([s])"), ("b", "[a] * [a]"), ("c", "[a] + [b]"))
        )
        xml = f"<Configuration><FormulaFields>{fields}</FormulaFields></Configuration>"
        assert run_one("Formula", xml, {"Input": ROWS}).texts == [f"ToNumber: {text}" for text in NUMBERS]


class TestOtherTools:
    """Conditions, other rows, and the compiled loops."""

    @pytest.mark.parametrize("anchors", [("True",), ("False",), ("True", "False")])
    def test_a_filter_tells_once_whichever_anchors_are_read(self, anchors: tuple[str, ...]) -> None:
        xml = "<Configuration><Mode>Custom</Mode><Expression>ToNumber([s]) &gt; 12</Expression></Configuration>"
        found = run_one("Filter", xml, {"Input": ROWS}, anchors=anchors)
        assert found.texts == [f"ToNumber: {text}" for text in NUMBERS]

    @pytest.mark.parametrize("expression", ["[Row-1:Id] + ToNumber([s])", "[Row-1:n] + ToNumber([s])"])
    def test_a_multi_row_formula(self, expression: str) -> None:
        xml = (
            "<Configuration><UpdateField value='False'/><CreateField_Name>n</CreateField_Name>"
            "<CreateField_Type>Double</CreateField_Type><CreateField_Size>8</CreateField_Size>"
            f"<OtherRows>Empty</OtherRows><NumRows value='1'/><Expression>{escape(expression)}</Expression></Configuration>"
        )
        found = run_one("MultiRowFormula", xml, {"Input": ROWS})
        assert found.texts == [f"ToNumber: {text}" for text in NUMBERS]

    def test_generated_rows(self) -> None:
        xml = (
            "<Configuration><UpdateField value='False'/><CreateField_Name>n</CreateField_Name>"
            "<CreateField_Type>Double</CreateField_Type><CreateField_Size>8</CreateField_Size>"
            "<Expression_Init>ToNumber([s])</Expression_Init><Expression_Cond>[n] &lt; 1</Expression_Cond>"
            "<Expression_Loop>[n] * 2 + 1</Expression_Loop></Configuration>"
        )
        found = run_one("GenerateRows", xml, {"Input": ROWS})
        assert found.texts == [f"ToNumber: {text}" for text in NUMBERS]


RECURRENCE = {
    "UpdateField": {"@value": "False"},
    "CreateField_Name": "n",
    "CreateField_Type": "Double",
    "CreateField_Size": "8",
    "OtherRows": "Empty",
    "NumRows": {"@value": "1"},
    "Expression": "[Row-1:n] + ToNumber([s])",
}


class TestLimits:
    """At most so many messages of a tool, and their number."""

    def run(self, plugin: str, configuration: object, *limits: tuple[str, str]) -> RunReport:
        cells = "".join(f"<r><c>x{place:02}</c></r>" for place in range(25))
        flow, tool = Workflow().add("TextInput", f"<Fields><Field name='s'/></Fields><Data>{cells}</Data>")
        flow, made = flow.add(plugin, configuration)  # type: ignore[arg-type]
        flow = flow.connect(tool, "Output", made, "Input")
        switches = [element(name, {"value": value}) for name, value in limits]
        flow = replace(flow, document=replace(flow.document, properties=element("Properties", {}, *switches)))
        return flow.run(taps=[(made, "Output")])

    @pytest.mark.parametrize("in_loop", [False, True])
    def test_ten_are_told_if_nothing_is_said(self, in_loop: bool) -> None:
        plugin, xml = ("MultiRowFormula", RECURRENCE) if in_loop else ("Formula", formula("ToNumber([s])", "Double"))
        texts = [message.text for message in self.run(plugin, xml).messages]
        assert texts[:2] == [f"ToNumber: x0{place} does not convert to Double" for place in (0, 1)]
        assert texts[10:] == ["15 more conversion messages; 25 in all"]

    @pytest.mark.parametrize("in_loop", [False, True])
    def test_the_limit_of_the_workflow_stops_it_where_it_says_so(self, in_loop: bool) -> None:
        plugin, xml = ("MultiRowFormula", RECURRENCE) if in_loop else ("Formula", formula("ToNumber([s])", "Double"))
        report = self.run(plugin, xml, ("ConvErrorLimit", "3"), ("ConvErrorLimit_Stop", "True"))
        assert [message.text for message in report.errors] == ["25 conversion errors exceed the limit of 3"]
        assert sum(message.kind == "conversion" for message in report.messages) == 4
