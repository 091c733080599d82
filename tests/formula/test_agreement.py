"""DuckDB's own functions, the user-defined functions and the interpreter give the same values."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.formula import bind, to_sql
from kedge.formula.types import BOOL, DATE, DATETIME, DOUBLE, INT32, INT64, DesignerType, v_string, v_wstring

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.formula.conftest import Evaluators

FIELDS: dict[str, DesignerType] = {
    "i": INT32,
    "n": INT64,
    "x": DOUBLE,
    "s": v_string(40),
    "t": v_wstring(40),
    "flag": BOOL,
    "day": DATE,
    "at": DATETIME,
    "dec": DesignerType("FixedDecimal", 12, 3),
}

CHARACTERS = "aAbBzZ 019.-+,_%\\\n'ñÑß日😀"
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=8),
    st.sampled_from(["12", " 7.5 ", "-3e2", "1,234", "abc", "2020-02-29", "2021-01-31 10:11:12", "nan", "1_0", ""]),
)
MOMENTS = st.datetimes(dt.datetime(1850, 1, 1), dt.datetime(2150, 1, 1)).map(lambda each: each.replace(microsecond=0))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "i": st.integers(-(10**6), 10**6),
    "n": st.integers(-(10**9), 10**9),
    "x": st.one_of(st.integers(-1000, 1000).map(float), st.floats(-1e6, 1e6).map(lambda each: round(each, 4) + 0.0)),
    "s": TEXTS,
    "t": TEXTS,
    "flag": st.booleans(),
    "day": MOMENTS.map(dt.datetime.date),
    "at": MOMENTS,
    "dec": st.decimals(-99999, 99999, places=3),
}
ROWS = st.lists(
    st.fixed_dictionaries({name: st.one_of(st.none(), values) for name, values in VALUES.items()}),
    min_size=1,
    max_size=6,
).map(lambda rows: {name: [row[name] for row in rows] for name in VALUES})


def call(name: str, *arguments: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An expression that calls a function, or joins two operands for a name that is an operator."""
    return st.tuples(*arguments).map(lambda parts: f"{name}({', '.join(parts)})")


def infix(operators: list[str], left: st.SearchStrategy[str], right: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(left, st.sampled_from(operators), right).map(lambda parts: f"({' '.join(parts)})")


def choice(test: st.SearchStrategy[str], value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(test, value, value).map(lambda parts: "IF {} THEN {} ELSE {} ENDIF".format(*parts))


NULL = st.just("NULL()")
SMALL = st.integers(-3, 9).map(str)
TEXT_LITERALS = st.text("aAbB z01.,-%ñ", max_size=4).map(lambda text: f'"{text}"')
UNITS = st.sampled_from(["'days'", "'months'", "'years'", "'hours'", "'minutes'", "'seconds'"])
PARTS = st.sampled_from(["'month'", "'firstofmonth'", "'lastofmonth'", "'year'", "'day'", "'hour'"])

numbers: st.SearchStrategy[str] = st.deferred(lambda: _numbers)
texts: st.SearchStrategy[str] = st.deferred(lambda: _texts)
tests: st.SearchStrategy[str] = st.deferred(lambda: _tests)
dates: st.SearchStrategy[str] = st.deferred(lambda: _dates)

_numbers: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(["[i]", "[n]", "[x]", "[dec]"]),
    st.integers(-50, 50).map(str),
    st.sampled_from(["0.5", "2.25", "1e3"]),
    infix(["+", "-", "/"], numbers, numbers),
    infix(["*"], numbers, st.sampled_from(["2", "0.5", "[i]"])),
    numbers.map(lambda each: f"(-{each})"),
    call("ABS", numbers),
    call("FLOOR", numbers),
    call("CEIL", numbers),
    call("ROUND", numbers, st.sampled_from(["1", "0.01", "5"])),
    call("MOD", st.sampled_from(["[i]", "[n]", "[x]"]), st.sampled_from(["7", "[i]", "0", "-3"])),
    call("Min", numbers, numbers),
    call("Max", numbers, NULL, numbers),
    call("Bound", numbers, st.just("-5"), numbers),
    call("Average", numbers, numbers),
    call("Length", texts),
    call("FindString", texts, TEXT_LITERALS),
    call("ToNumber", texts),
    call("ToNumber", texts, st.just("0"), st.just("1")),
    call("CountWords", texts),
    call("STRSPN", texts, TEXT_LITERALS),
    call("CharToInt", texts),
    call("REGEX_CountMatches", texts, st.sampled_from(["'[[:alpha:]]'", "'\\d+'", "'a|b'", "'\\bz'"])),
    call("DateTimeDiff", dates, dates, UNITS),
    call("DateTimeMonth", dates),
    call("Coalesce", numbers, numbers),
    call("BinaryAnd", st.just("[i]"), st.just("[n]")),
    choice(tests, numbers),
)
_texts: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(["[s]", "[t]"]),
    TEXT_LITERALS,
    infix(["+"], texts, texts),
    infix(["+"], texts, dates),
    call("Left", texts, SMALL),
    call("Right", texts, SMALL),
    call("Substring", texts, SMALL, SMALL),
    call("Left", texts, st.just("[i]")),
    call("Uppercase", texts),
    call("LowerCase", texts),
    call("TitleCase", texts),
    call("Trim", texts),
    call("TrimLeft", texts, TEXT_LITERALS),
    call("Replace", texts, TEXT_LITERALS, TEXT_LITERALS),
    call("ReplaceFirst", texts, TEXT_LITERALS, TEXT_LITERALS),
    call("ReplaceChar", texts, TEXT_LITERALS, st.sampled_from(["''", "'_'", "'ab'"])),
    call(
        "REGEX_Replace",
        texts,
        st.sampled_from(["'\\d'", "'(a)(b)?'", "'[^\\w]+'", "'\\s*'"]),
        st.just("'<$1>'"),
    ),
    call("PadLeft", texts, SMALL, st.just("'0'")),
    call("ReverseString", texts),
    call("GetWord", texts, SMALL),
    call("StripQuotes", texts),
    call("ToString", st.sampled_from(["[i]", "[n]", "[x]", "[flag]", "[day]", "[at]", "[dec]"])),
    call("ToString", numbers, st.sampled_from(["0", "2"]), st.sampled_from(["0", "1"])),
    call("DateTimeFormat", dates, st.sampled_from(["'%d.%m.%Y %H:%M'", "'%A %j %U %p'", "'%e'"])),
    call("Switch", st.just("[s]"), texts, TEXT_LITERALS, texts, NULL, texts),
    choice(tests, texts),
)
_tests: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(["[flag]", "TRUE", "[i]"]),
    infix(["=", "!=", "<", "<=", ">", ">="], numbers, numbers),
    infix(["=", "!=", "<", "<=", ">", ">="], texts, texts),
    infix(["=", "!=", "<", "<=", ">", ">="], dates, dates),
    infix(["=", "<", ">="], st.just("[day]"), st.sampled_from(["'2020-02-29'", "[s]", "[at]"])),
    infix(["=", "!=", ">"], st.just("[flag]"), st.sampled_from(["1", "0", "[i]", "TRUE"])),
    infix(["AND", "OR", "&&", "||"], tests, tests),
    tests.map(lambda each: f"!({each})"),
    texts.map(lambda each: f"{each} IN ('a', 'b', '')"),
    numbers.map(lambda each: f"{each} NOT IN (1, [i], NULL())"),
    call("Contains", texts, texts),
    call("Contains", texts, TEXT_LITERALS, st.sampled_from(["0", "1", "[flag]"])),
    call("StartsWith", texts, TEXT_LITERALS),
    call("EndsWith", texts, TEXT_LITERALS),
    call("REGEX_Match", texts, st.sampled_from(["'[a-z]+'", "'.*\\d'", "'(?=a).*'"])),
    call("IsNull", texts),
    call("IsEmpty", texts),
    call("IsInteger", texts),
    call("IsNull", numbers),
)
_dates: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(["[day]", "[at]", "ToDateTime([s])", "ToDate([t])"]),
    call("DateTimeAdd", dates, st.integers(-40, 40).map(str), UNITS),
    call("DateTimeTrim", dates, PARTS),
    call("DateTimeParse", texts, st.sampled_from(["'%Y-%m-%d'", "'%d %b %y'"])),
)

EXPRESSIONS = st.one_of(numbers, texts, tests, dates)
SETTINGS = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class TestAgreement:
    """The evaluators agree on generated expressions over generated rows, nulls among them."""

    @SETTINGS
    @given(EXPRESSIONS, ROWS)
    def test_duckdb_and_the_interpreter(
        self, evaluators: Evaluators, same: Callable[..., bool], text: str, rows: dict[str, list[Any]]
    ) -> None:
        translated = evaluators.sql(text, FIELDS, rows)
        interpreted = evaluators.python(text, FIELDS, rows)
        assert all(map(same, translated, interpreted)), (text, rows, translated, interpreted)

    @SETTINGS
    @given(EXPRESSIONS, ROWS)
    def test_duckdb_and_the_user_defined_functions(
        self, evaluators: Evaluators, same: Callable[..., bool], text: str, rows: dict[str, list[Any]]
    ) -> None:
        translated = evaluators.sql(text, FIELDS, rows)
        computed = evaluators.sql(text, FIELDS, rows, udfs=True)
        assert all(map(same, translated, computed)), (text, rows, translated, computed)

    @SETTINGS
    @given(tests, ROWS)
    def test_a_filter_keeps_the_rows_of_which_the_value_is_true(
        self, evaluators: Evaluators, text: str, rows: dict[str, list[Any]]
    ) -> None:
        expression = bind(text, FIELDS, options=evaluators.options)
        table = evaluators.table(FIELDS, rows)
        if expression.type == BOOL:
            kept = evaluators.query(table, to_sql(expression, context="filter")).to_pylist()
            values = evaluators.query(table, to_sql(expression)).to_pylist()
            assert [each is True for each in kept] == [each is True for each in values]


@pytest.mark.parametrize("text", ["NULL() = NULL()", "NULL() <= NULL()", "[s] + NULL()", "[i] + NULL()"])
def test_nulls_without_a_type_take_one(evaluators: Evaluators, text: str) -> None:
    rows = {name: [None] for name in FIELDS}
    assert evaluators.sql(text, FIELDS, rows) == evaluators.python(text, FIELDS, rows)
