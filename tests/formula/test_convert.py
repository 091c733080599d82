from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.exceptions import UsageError
from kedge.formula import FieldRef, FormulaOptions, bind, convert, evaluate, mismatch, to_sql
from kedge.formula.functions.registry import FUNCTIONS
from kedge.formula.types import (
    BLOB,
    BOOL,
    BYTE,
    DATE,
    DATETIME,
    DOUBLE,
    FLOAT,
    INT16,
    INT32,
    INT64,
    SPATIAL,
    TIME,
    DesignerType,
    v_string,
    v_wstring,
)

if TYPE_CHECKING:
    from tests.formula.conftest import Evaluators

OPTIONS = FormulaOptions()
CENTS = DesignerType("FixedDecimal", 7, 2)


def stored(
    evaluators: Evaluators,
    source: DesignerType,
    target: DesignerType,
    values: list[Any],
    options: FormulaOptions = OPTIONS,
) -> tuple[list[Any], list[bool]]:
    """The values in their new type and which of them lost something, the same by SQL and in Python."""
    table = evaluators.table({"v": source}, {"v": values})
    conversion = convert(FieldRef("v", source), target, options)
    column = evaluators.query(table, to_sql(conversion.value))
    assert column.type == target.arrow
    assert evaluate(conversion.value, {"v": table["v"]}, len(values)).to_pylist() == column.to_pylist()
    if conversion.problem is None:
        return column.to_pylist(), [False] * len(values)
    problems = evaluators.query(table, to_sql(conversion.problem, context="filter")).to_pylist()
    lost = [each is True for each in problems]
    assert evaluate(conversion.problem, {"v": table["v"]}, len(values)).to_pylist() == lost
    return column.to_pylist(), lost


class TestNumbers:
    """Numbers change type without loss, or become null and count as lost."""

    def test_wider_integers_lose_nothing(self, evaluators: Evaluators) -> None:
        assert stored(evaluators, INT16, INT64, [1, None]) == ([1, None], [False, False])
        assert convert(FieldRef("v", INT16), INT64, OPTIONS).problem is None

    def test_narrower_integers_lose_what_does_not_fit(self, evaluators: Evaluators) -> None:
        values = [255, 256, -1, None]
        assert stored(evaluators, INT32, BYTE, values) == (
            [255, None, None, None],
            [False, True, True, False],
        )

    def test_fractions_are_rounded(self, evaluators: Evaluators) -> None:
        values = [2.5, -2.5, 2.4, 3e9, None]
        assert stored(evaluators, DOUBLE, INT32, values)[0] == [3, -3, 2, None, None]

    def test_fractions_are_cut_off_on_demand(self, evaluators: Evaluators) -> None:
        options = FormulaOptions(round_to_integer=False)
        assert stored(evaluators, DOUBLE, INT32, [2.9, -2.9], options)[0] == [2, -2]
        assert stored(evaluators, CENTS, INT32, [Decimal("2.90"), Decimal("-2.90")], options)[0] == [2, -2]

    def test_decimals(self, evaluators: Evaluators) -> None:
        values = [2.675, 99999.99, 1e5, -0.005, None]
        expected = [Decimal("2.68"), Decimal("99999.99"), None, Decimal("-0.01"), None]
        assert stored(evaluators, DOUBLE, CENTS, values) == (expected, [False, False, True, False, False])
        assert stored(evaluators, INT32, CENTS, [7, 100000])[0] == [Decimal("7.00"), None]
        one = DesignerType("FixedDecimal", 5, 1)
        assert stored(evaluators, CENTS, one, [Decimal("12.25"), Decimal("99999.00")])[0] == [
            Decimal("12.3"),
            None,
        ]
        assert stored(evaluators, CENTS, INT64, [Decimal("2.50")])[0] == [3]
        assert stored(evaluators, CENTS, DOUBLE, [Decimal("2.50")])[0] == [2.5]

    def test_floats(self, evaluators: Evaluators) -> None:
        assert stored(evaluators, DOUBLE, FLOAT, [0.5, 1e39]) == ([0.5, None], [False, True])
        assert stored(evaluators, FLOAT, DOUBLE, [0.5])[0] == [0.5]
        assert stored(evaluators, FLOAT, INT16, [2.5])[0] == [3]

    def test_true_is_a_number_of_the_settings(self, evaluators: Evaluators) -> None:
        assert stored(evaluators, BOOL, INT16, [True, False, None])[0] == [-1, 0, None]
        assert stored(evaluators, BOOL, INT16, [True], FormulaOptions(number_of_true=1))[0] == [1]
        assert stored(evaluators, BOOL, BYTE, [True])[0] == [1]
        assert stored(evaluators, INT16, BOOL, [2, 0, None])[0] == [True, False, None]


class TestText:
    """Text is cut to its size; a number at its start counts; nothing is said of empty texts."""

    def test_long_text_is_cut(self, evaluators: Evaluators) -> None:
        values = ["añb", "añ", None]
        assert stored(evaluators, v_string(9), v_string(2), values) == (
            ["añ", "añ", None],
            [True, False, False],
        )

    def test_text_that_fits_is_the_field_itself(self) -> None:
        conversion = convert(FieldRef("v", v_string(9)), v_wstring(9), OPTIONS)
        assert conversion.value == FieldRef("v", v_string(9))
        assert conversion.problem is None

    def test_texts_as_numbers(self, evaluators: Evaluators) -> None:
        values = ["12.5", " -3e1 ", "12abc", "abc", "", None, "1,234", "1_000", "inf"]
        numbers, lost = stored(evaluators, v_string(9), DOUBLE, values)
        assert numbers == [12.5, -30.0, 12.0, None, None, None, 1.0, 1.0, None]
        assert lost == [False, False, True, True, False, False, True, True, True]

    def test_texts_as_integers_are_exact(self, evaluators: Evaluators) -> None:
        values = ["9007199254740993", " 9223372036854775807 ", "9223372036854775808", "2.5", "-7x"]
        numbers, lost = stored(evaluators, v_string(30), INT64, values)
        assert numbers == [9007199254740993, 9223372036854775807, None, 3, -7]
        assert lost == [False, False, True, False, True]
        assert stored(evaluators, v_string(9), BYTE, ["300"]) == ([None], [True])

    def test_texts_as_decimals_are_exact(self, evaluators: Evaluators) -> None:
        wide = DesignerType("FixedDecimal", 30, 10)
        values = ["12345678901234567890.0123456789", "1.005x", "2.675"]
        numbers, lost = stored(evaluators, v_string(40), wide, values)
        assert numbers == [Decimal(values[0]), Decimal("1.0050000000"), Decimal("2.6750000000")]
        assert lost == [False, True, False]

    def test_texts_as_truths(self, evaluators: Evaluators) -> None:
        values = ["True", "FALSE", "1", "0", "2", "maybe", "", None]
        truths, lost = stored(evaluators, v_string(9), BOOL, values)
        assert truths == [True, False, True, False, True, None, None, None]
        assert lost == [False, False, False, False, False, True, False, False]

    def test_numbers_as_text(self, evaluators: Evaluators) -> None:
        assert stored(evaluators, DOUBLE, v_string(3), [1.0, 0.25]) == (["1", "0.2"], [False, True])
        assert stored(evaluators, FLOAT, v_string(30), [0.1, 1e10, 1.5e-7])[0] == [
            "0.1",
            "10000000000",
            "0.00000015",
        ]
        assert stored(evaluators, CENTS, v_string(30), [Decimal("1.50")])[0] == ["1.50"]
        assert stored(evaluators, BOOL, v_string(30), [True, None])[0] == ["True", None]


class TestDates:
    """Dates and texts in ISO form change into one another."""

    def test_between_temporal_types(self, evaluators: Evaluators) -> None:
        moment = dt.datetime(2020, 2, 29, 10, 11, 12)
        assert stored(evaluators, DATETIME, DATE, [moment])[0] == [moment.date()]
        assert stored(evaluators, DATETIME, TIME, [moment])[0] == [moment.time()]
        assert stored(evaluators, DATE, DATETIME, [moment.date()])[0] == [dt.datetime(2020, 2, 29)]

    def test_from_text(self, evaluators: Evaluators) -> None:
        values = ["2020-02-29", "2020-02-29 10:11:12", "2021-02-29", "x", "", None]
        dates, lost = stored(evaluators, v_string(30), DATE, values)
        assert dates == [dt.date(2020, 2, 29), dt.date(2020, 2, 29), None, None, None, None]
        assert lost == [False, False, True, True, False, False]
        assert stored(evaluators, v_string(30), TIME, ["1:02:03"])[0] == [dt.time(1, 2, 3)]
        assert stored(evaluators, v_string(30), DATETIME, ["2020-2-9 1:02"])[0] == [dt.datetime(2020, 2, 9, 1, 2)]

    def test_to_text(self, evaluators: Evaluators) -> None:
        moment = dt.datetime(2020, 2, 29, 10, 11, 12, 500000)
        assert stored(evaluators, DATETIME, v_string(30), [moment])[0] == ["2020-02-29 10:11:12.5"]
        assert stored(evaluators, DATE, v_string(30), [moment.date()])[0] == ["2020-02-29"]
        assert stored(evaluators, TIME, v_string(30), [dt.time(1, 2, 3)])[0] == ["01:02:03"]


class TestRefusals:
    """Some types have nothing to do with each other."""

    @pytest.mark.parametrize(
        ("source", "target"),
        [
            (BLOB, INT16),
            (BLOB, v_string(3)),
            (DATE, INT32),
            (INT32, DATE),
            (DATE, BOOL),
            (TIME, DATE),
            (BOOL, DATE),
        ],
    )
    def test_no_conversion(self, source: DesignerType, target: DesignerType) -> None:
        with pytest.raises(UsageError, match=f"{source.name} cannot be converted to {target.name}"):
            convert(FieldRef("v", source), target, OPTIONS)

    def test_the_same_type_always_converts(self) -> None:
        for kind in (BLOB, SPATIAL, TIME):
            assert convert(FieldRef("v", kind), kind, OPTIONS).value == FieldRef("v", kind)

    def test_a_formula_may_not_store_numbers_as_text_nor_text_as_numbers(self) -> None:
        assert "use ToString" in str(mismatch(bind("1", {}), v_string(3), OPTIONS))
        assert "use ToNumber" in str(mismatch(bind("'1'", {}), DOUBLE, OPTIONS))
        assert mismatch(bind("NULL()", {}), DOUBLE, OPTIONS) is None
        assert mismatch(bind("'2020-01-01'", {}), DATE, OPTIONS) is None
        assert mismatch(bind("TRUE", {}), INT16, OPTIONS) is None
        assert mismatch(bind("1", {}), v_string(3), FormulaOptions(numbers_to_text=True)) is None


class TestAgreement:
    """SQL and Python store alike."""

    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.one_of(st.none(), st.text("0123456789.eE+-_ xinfa\t", max_size=9)), min_size=1, max_size=20),
        st.sampled_from([DOUBLE, INT64, INT16, CENTS, FLOAT, BOOL]),
    )
    def test_texts(self, evaluators: Evaluators, values: list[str | None], target: DesignerType) -> None:
        stored(evaluators, v_string(9), target, values)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1, max_size=20),
        st.sampled_from([INT64, BYTE, CENTS, FLOAT, BOOL, v_string(30), v_string(4)]),
    )
    def test_numbers(self, evaluators: Evaluators, values: list[float | None], target: DesignerType) -> None:
        stored(evaluators, DOUBLE, target, values)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20))
    def test_floats_as_text(self, evaluators: Evaluators, values: list[float]) -> None:
        stored(evaluators, FLOAT, v_string(60), values)


class TestColumnTypes:
    """What is stored has the column type of its field, whatever the engine makes of an expression."""

    @pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
    def test_of_every_function(self, evaluators: Evaluators, *, function: Any) -> None:
        expression = bind(function.examples[0].expression, {}, options=evaluators.options)
        conversion = convert(expression, expression.type, evaluators.options)
        column = evaluators.query(None, to_sql(conversion.value))
        assert column.type == expression.type.arrow

    def test_of_a_null(self, evaluators: Evaluators) -> None:
        column = evaluators.query(None, to_sql(convert(bind("NULL()", {}), CENTS, OPTIONS).value))
        assert column.type == pa.decimal128(7, 2)
