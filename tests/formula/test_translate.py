from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlglot import exp

from kedge.formula import FieldRef, FormulaOptions, bind, to_sql
from kedge.formula.types import BOOL, DATE, DOUBLE, INT32, INT64, DesignerType, v_string

if TYPE_CHECKING:
    from kedge.formula.translate import Context
    from tests.formula.conftest import Evaluators

FIELDS: dict[str, DesignerType] = {
    "a": INT32,
    "b": INT64,
    "x": DOUBLE,
    "s": v_string(9),
    "t": v_string(9),
    "f": BOOL,
    "d": DATE,
}


def written(text: str, context: Context = "value", options: FormulaOptions | None = None) -> str:
    return to_sql(bind(text, FIELDS, options=options), context=context).sql("duckdb")


class TestText:
    """The common case is written as one would write it by hand."""

    @pytest.mark.parametrize(
        ("text", "sql"),
        [
            ("[x] * 2 + 1", '("x" * 2.0e0) + 1.0e0'),
            ("[a] + [b]", 'CAST("a" AS BIGINT) + "b"'),
            ("[x] / 2", '"x" / 2.0e0'),
            ("[x] / [x]", '"x" / NULLIF("x", 0)'),
            ("[s] + '-'", "CONCAT(\"s\", '-')"),
            ("[s] + [t]", 'COALESCE("s" || "t", "s", "t")'),
            ("Left([s], 2)", 'LEFT("s", 2)'),
            ("Substring([s], 2, 3)", 'SUBSTRING("s", 3, 3)'),
            ("Uppercase([s])", 'UPPER("s")'),
            ("IsNull([s])", '"s" IS NULL'),
            ("ToString([b])", 'CAST("b" AS TEXT)'),
            ("Round([x], 0.01)", 'ROUND("x" / 0.01e0) / 100.0e0'),
            ("Mod([b], 7)", '"b" % 7'),
            ("DateTimeYear([d])", 'YEAR(CAST("d" AS TIMESTAMP))'),
            ("IIF([x] > 1, 'a', 'b')", "CASE WHEN \"x\" > 1.0e0 THEN 'a' ELSE 'b' END"),
        ],
    )
    def test_values(self, text: str, sql: str) -> None:
        assert written(text) == sql

    @pytest.mark.parametrize(
        ("text", "value", "kept"),
        [
            ("[s] = 'x'", "\"s\" IS NOT DISTINCT FROM 'x'", "\"s\" = 'x'"),
            ("[s] != 'x'", "\"s\" IS DISTINCT FROM 'x'", "\"s\" IS DISTINCT FROM 'x'"),
            ("[s] = [t]", '"s" IS NOT DISTINCT FROM "t"', '"s" IS NOT DISTINCT FROM "t"'),
            ("[a] < 5", 'COALESCE("a" < 5, FALSE)', '"a" < 5'),
            ("[a] <= 5", 'COALESCE("a" <= 5, FALSE)', '"a" <= 5'),
            ("[a] IN (1, 2)", 'COALESCE("a" IN (1, 2), FALSE)', '"a" IN (1, 2)'),
            ("[d] >= '2020-01-01'", "COALESCE(\"d\" >= CAST('2020-01-01' AS DATE), FALSE)", None),
            ("Contains([s], 'ab')", "COALESCE(\"s\" ILIKE '%ab%', FALSE)", "\"s\" ILIKE '%ab%'"),
            ("[f]", '"f"', '"f"'),
            ("![f]", 'NOT COALESCE("f", FALSE)', 'NOT COALESCE("f", FALSE)'),
            (
                "[a] = 1 AND [s] = 'x'",
                '("a" IS NOT DISTINCT FROM 1) AND ("s" IS NOT DISTINCT FROM \'x\')',
                '("a" = 1) AND ("s" = \'x\')',
            ),
        ],
    )
    def test_conditions_in_both_places(self, text: str, value: str, kept: str | None) -> None:
        assert written(text) == value
        if kept is not None:
            assert written(text, "filter") == kept

    def test_both_nullable_bounds_keep_pairs_of_nulls(self) -> None:
        assert written("[a] <= [b]", "filter") == '("a" <= "b") OR (("a" IS NULL) AND ("b" IS NULL))'

    def test_case_may_be_ignored(self) -> None:
        options = FormulaOptions(ignore_case=True)
        assert written("[s] = 'X'", "filter", options) == "LOWER(\"s\") = LOWER('X')"

    def test_logic_is_in_parentheses_wherever_sql_would_read_it_otherwise(self) -> None:
        assert written("[f] || [a] = 1 && [f]", "filter") == '("f" OR ("a" = 1)) AND "f"'


class TestResolver:
    """The caller says what column a field is."""

    def test_columns_of_a_table(self) -> None:
        def resolve(ref: FieldRef) -> exp.Expr:
            return exp.column(f"{ref.name}{ref.offset + 1}", table="t")

        bound = bind("[Row-1:a] + [a]", FIELDS, rows=True)
        assert to_sql(bound, resolve).sql("duckdb") == "CAST(t.a0 AS BIGINT) + CAST(t.a1 AS BIGINT)"

    def test_other_rows_need_a_resolver(self) -> None:
        with pytest.raises(ValueError, match=r"\[Row-1:a\] needs a resolver"):
            to_sql(bind("[Row-1:a]", FIELDS, rows=True))


class TestSize:
    """Functions that write an argument several times do not let nested SQL grow without bound."""

    def test_nested_functions_stay_small_and_right(self, evaluators: Evaluators) -> None:
        nested = "[s]"
        for _ in range(8):
            nested = f"ToString(ToNumber({nested}) + 1)"
        assert len(written(nested)) < 20000
        assert evaluators.sql(nested, {"s": v_string(9)}, {"s": ["1", "x", None]}) == ["9", "8", "8"]


class TestRules:
    """Documented rules of nulls, precedence and case, in DuckDB and in the interpreter."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("[s] = NULL()", True),
            ("[a] = 1", False),
            ("[a] != 1", True),
            ("[a] != NULL()", False),
            ("[a] < 1", False),
            ("1 > [a]", False),
            ("[a] <= 1", False),
            ("[a] <= [b]", True),
            ("[a] >= NULL()", True),
            ("[a] + 1", None),
            ("[s] + 'x'", "x"),
            ("'x' + [s] + 'y'", "xy"),
            ("[s] + [t]", None),
            ("IF [f] THEN 1 ELSE 2 ENDIF", 2),
            ("IIF([a] > 0, 1, 2)", 2),
            ("![f]", True),
            ("[f] OR TRUE", True),
            ("[f] AND TRUE", False),
            ("[a] IN (1, NULL())", True),
            ("[a] NOT IN (1, 2)", True),
            ("Average([x], 4)", 2.0),
            ("Min([x], 4)", 4.0),
            ("Contains([s], 'a')", False),
            ("!Contains([s], 'a')", True),
            ("IsEmpty([s])", True),
            ("5 / 2", 2.5),
            ("5 / 0", None),
            ("'a' = 'A'", False),
            ("'B' < 'a'", True),
            ("(2 = 1) || TRUE && FALSE", False),
            ("TRUE || TRUE && FALSE", False),
            ("TRUE || (TRUE && FALSE)", True),
            ("1 < 2 = TRUE", True),
            ("TRUE = 1", True),
            ("TRUE = -1", True),
            ("TRUE > 0", True),
            ("TRUE + 0", -1),
            ("ToDate('2020-01-02') > '2020-01-01 10:00:00'", True),
            ("'First on ' + ToDate('2020-01-02')", "First on 2020-01-02"),
            ("2147483647 + 1", 2147483648),
        ],
    )
    def test_a_rule(self, text: str, value: object, evaluators: Evaluators) -> None:
        rows = {name: [None] for name in FIELDS}
        assert evaluators.sql(text, FIELDS, rows) == [value]
        assert evaluators.python(text, FIELDS, rows) == [value]

    def test_whole_numbers_do_not_overflow_where_small_types_do(self, evaluators: Evaluators) -> None:
        fields = {"n": DesignerType("Byte"), "m": INT32}
        rows = {"n": [255], "m": [2**31 - 1]}
        assert evaluators.sql("[n] + [n]", fields, rows) == [510]
        assert evaluators.sql("[m] * [m]", fields, rows) == [(2**31 - 1) ** 2]
        assert evaluators.sql("-[n]", fields, rows) == [-255]
