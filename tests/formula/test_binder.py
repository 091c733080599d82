from __future__ import annotations

import datetime as dt

import pytest

from kedge.exceptions import FormulaError
from kedge.formula import Current, FieldRef, FormulaOptions, bind
from kedge.formula.typed import Literal, Typed, walk
from kedge.formula.types import (
    BLOB,
    BOOL,
    BYTE,
    DATE,
    DATETIME,
    DOUBLE,
    INT16,
    INT32,
    INT64,
    V_WSTRING,
    DesignerType,
    v_string,
    v_wstring,
)

FIELDS: dict[str, DesignerType] = {
    "Amount": DOUBLE,
    "Count": INT32,
    "Big": INT64,
    "Small": INT16,
    "Price": DesignerType("FixedDecimal", 12, 2),
    "Rate": DesignerType("Float"),
    "Name": v_string(20),
    "Title": v_wstring(30),
    "Sold": DATE,
    "At": DATETIME,
    "Open": BOOL,
    "Raw": BLOB,
    "User.Name": v_string(5),
    "two\nlines": INT32,
}


def typed(text: str) -> Typed:
    return bind(text, FIELDS)


class TestTypes:
    """Every expression has one of Designer's types."""

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("1", INT32),
            ("5000000000", INT64),
            ("1.0", DOUBLE),
            ("99999999999999999999", DOUBLE),
            ("'abc'", v_string(3)),
            ("'日本'", v_wstring(2)),
            ("''", v_string(1)),
            ("TRUE", BOOL),
            ("[Count] + [Small]", INT64),
            ("[Count] * [Count]", INT64),
            ("[Big] * 2", INT64),
            ("[Big] * [Count]", DOUBLE),
            ("[Count] / 2", DOUBLE),
            ("[Count] + [Amount]", DOUBLE),
            ("[Price] + 1", DOUBLE),
            ("-[Count]", INT64),
            ("[Open] + 1", INT64),
            ("[Name] + 'x'", v_wstring(21)),
            ("[Name] + [Title] + [Sold]", v_wstring(60)),
            ("[Count] > 1", BOOL),
            ("[Name] IN ('a')", BOOL),
            ("IIF([Open], 'a', [Name])", v_string(20)),
            ("IIF([Open], [Name], [Title])", v_wstring(30)),
            ("IIF([Open], [Count], 1.5)", DOUBLE),
            ("IIF([Open], [Small], [Count])", INT32),
            ("IIF([Open], [Sold], [At])", DATETIME),
            ("IIF([Open], [Sold], 'none')", v_wstring(10)),
            ("IIF([Open], NULL(), [Sold])", DATE),
            ("IF [Open] THEN NULL() ELSEIF [Count] THEN 1 ELSE NULL() ENDIF", INT32),
            ("Left([Name], 2)", v_string(20)),
            ("ABS([Price])", DOUBLE),
            ("ABS([Small])", INT64),
            ("Min([Small], [Count])", INT32),
            ("DateTimeAdd([Sold], 1, 'days')", DATE),
            ("DateTimeAdd([Sold], 1, 'hours')", DATETIME),
            ("ToNumber('1')", DOUBLE),
            ("NULL()", V_WSTRING),
        ],
    )
    def test_the_type(self, text: str, kind: DesignerType) -> None:
        assert typed(text).type == kind

    def test_a_condition_is_a_bool_that_is_never_null(self) -> None:
        for text in ("[Count]", "[Open]", "[Amount] > 1", "NULL()"):
            bound = bind(text, FIELDS, condition=True)
            assert bound.type == BOOL
            assert not bound.nullable

    def test_a_date_may_stay_a_date_or_not(self) -> None:
        options = FormulaOptions(date_stays_date=False)
        assert bind("DateTimeAdd([Sold], 1, 'days')", FIELDS, options=options).type == DATETIME

    def test_the_moment_of_the_start_is_fixed(self) -> None:
        options = FormulaOptions(started=dt.datetime(2024, 2, 29, 13, 14, 15, 987654))
        moments = {
            "DateTimeNow()": dt.datetime(2024, 2, 29, 13, 14, 15),
            "DateTimeStart()": dt.datetime(2024, 2, 29, 13, 14, 15),
            "DateTimeNowPrecise(2)": dt.datetime(2024, 2, 29, 13, 14, 15, 980000),
            "DateTimeToday()": dt.date(2024, 2, 29),
            "DateTimeFirstOfMonth()": dt.datetime(2024, 2, 1),
            "DateTimeLastOfMonth()": dt.datetime(2024, 2, 29, 23, 59, 59),
        }
        for text, moment in moments.items():
            bound = bind(text, {}, options=options)
            assert isinstance(bound, Literal)
            assert bound.value == moment


class TestNames:
    """Names are fields without case, then constants; row references only where rows are seen."""

    def test_a_field_is_found_in_any_case(self) -> None:
        assert typed("[AMOUNT]") == FieldRef("Amount", DOUBLE)
        assert typed("amount") == FieldRef("Amount", DOUBLE)
        assert typed("[two\nlines]") == FieldRef("two\nlines", INT32)

    def test_the_exact_name_goes_before_others(self) -> None:
        fields = {"a": INT32, "A": DOUBLE}
        assert bind("[A]", fields).type == DOUBLE
        assert bind("[a]", fields).type == INT32

    def test_a_row_reference(self) -> None:
        assert bind("[Row-2:amount]", FIELDS, rows=True) == FieldRef("Amount", DOUBLE, offset=-2)
        assert bind("[ROW+1:Amount]", FIELDS, rows=True) == FieldRef("Amount", DOUBLE, offset=1)

    def test_a_row_reference_needs_rows(self) -> None:
        with pytest.raises(FormulaError, match="only Multi-Row Formula"):
            typed("[Row-1:Amount]")

    def test_a_field_named_like_a_row_reference(self) -> None:
        assert bind("[Row-1:X]", {"Row-1:X": INT32}) == FieldRef("Row-1:X", INT32)

    def test_the_current_field(self) -> None:
        current = Current("Name", v_string(20))
        assert bind("[_CurrentField_]", FIELDS, current=current) == FieldRef("Name", v_string(20))
        names = "[_CurrentFieldName_] + [_CurrentFieldType_]"
        values = [each.value for each in walk(bind(names, FIELDS, current=current)) if isinstance(each, Literal)]
        assert values == ["Name", "V_String"]

    def test_constants_in_all_forms(self) -> None:
        constants: dict[str, str | int | float] = {"User.Limit": 7, "Engine.WorkflowDirectory": "C:\\flows\\"}
        assert bind("%user.limit%", FIELDS, constants=constants) == Literal(7, INT32)
        assert bind("[User.Limit]", FIELDS, constants=constants) == Literal(7, INT32)
        path = bind("'%Engine.WorkflowDirectory%a.csv'", FIELDS, constants=constants)
        assert path == Literal("C:\\flows\\a.csv", v_string(14))

    def test_a_field_goes_before_a_constant(self) -> None:
        assert bind("[User.Name]", FIELDS, constants={"User.Name": 1}).type == v_string(5)

    def test_signs_of_a_date_format_are_no_constants(self) -> None:
        assert bind("'%Y-%m-%d'", FIELDS, constants={"User.X": 1}) == Literal("%Y-%m-%d", v_string(8))


class TestErrors:
    """An error points at the operand or argument and says what to do."""

    @pytest.mark.parametrize(
        ("text", "problem", "column"),
        [
            ("1 + [Amout]", "there is no field 'Amout'; did you mean 'Amount'", 5),
            ("[Zzz]", "there is no field 'Zzz'; the fields are [Amount], [Count]", 1),
            ("%User.Foo%", "there is no constant 'User.Foo'", 1),
            ("1 + Lenght([Name])", "there is no function 'Lenght'; did you mean 'Length'", 5),
            ("Left([Name])", "Left takes 2 arguments (s, count), but 1 are given", 1),
            ("Substring([Name])", "Substring takes 2 to 3 arguments", 1),
            ("Min()", "Min takes at least 1 arguments", 1),
            (
                "Left([Count], 2)",
                "argument 1 (s) of Left is Int32, but text is needed; convert it with ToString",
                6,
            ),
            ("Left([Name], 'x')", "argument 2 (count) of Left is V_String, but a number is needed", 14),
            ("[Name] + 1", "an operand of + is Int32, but text is needed; convert it with ToString", 10),
            (
                "[Name] * 2",
                "an operand of * is V_String, but a number is needed; convert it with ToNumber",
                1,
            ),
            ("[Sold] + 1", "an operand of + is Date, but a number is needed", 1),
            ("[Name] = 1", "V_String and Int32 cannot be compared; convert one with ToString or ToNumber", 1),
            ("[Raw] = 1", "Blob and Int32 cannot be compared", 1),
            ("IF [Name] THEN 1 ELSE 2 ENDIF", "the condition is V_String, but a condition is needed", 4),
            ("IIF([Open], 1, 'x')", "the values are Int32 and V_String, but they must be of one kind", 16),
            (
                "DateTimeAdd([Sold], 1, 'fortnights')",
                "there is no unit 'fortnights'; the units are years",
                24,
            ),
            ("DateTimeFormat([Sold], '%Q')", "the date format has %Q, which cannot be written", 24),
            ("DateTimeParse([Name], '%U')", "the date format has %U, which cannot be read", 23),
            ("DateTimeParse([Name], '%d', 'French')", "in English, not in French", 29),
            ("DateTimeTrim([Sold], 'week')", "cannot be trimmed to 'week'", 22),
            ("REGEX_Match([Name], '(a')", "the regular expression cannot be read", 21),
            ("ConvertFromCodePage([Name], 99)", "there is no code page 99", 29),
            ("ToNumber([Sold])", "Date cannot be read as a number", 10),
            ("ToDate([Open])", "Bool cannot be read as a date", 8),
            ("FinanceXIRR(1, '2020-01-01', 2)", "takes amounts and dates in turn", 1),
            ("DateTimeNowPrecise([Count])", "a number of digits from 0 to 18", 20),
        ],
    )
    def test_problem_and_place(self, text: str, problem: str, column: int) -> None:
        with pytest.raises(FormulaError) as raised:
            typed(text)
        assert problem in raised.value.problem
        assert raised.value.column == column

    def test_too_deep(self) -> None:
        with pytest.raises(FormulaError, match="nested too deeply"):
            typed("ABS(" * 600 + "1" + ")" * 600)
        with pytest.raises(FormulaError, match="nested too deeply"):
            typed("-" * 501 + "[Count]")


def test_byte_and_bool_meet() -> None:
    assert bind("IIF([b], [b], [n])", {"b": BOOL, "n": BYTE}).type == INT64
