from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.formula import FormulaOptions, bind, compile_fold, evaluate
from kedge.formula.columns import to_array
from kedge.formula.ranges import narrowest
from kedge.formula.types import BYTE, DOUBLE, INT16, INT32, INT64, INTEGER_LIMITS, DesignerType

FIELDS = {"b": BYTE, "s": INT16, "i": INT32, "l": INT64, "x": DOUBLE}


class TestNarrowest:
    """A value has the smallest integer type that holds all that it can be."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("b", BYTE),
            ("[b] + 1", INT16),
            ("[b] - 1", INT16),
            ("-[b]", INT16),
            ("[b] * 1000", INT32),
            ("[s] * -1", INT32),
            ("[i] + 1", INT64),
            ("[l] * 1", INT64),
            ("[l] + [l]", INT64),
            ("[b] * [b]", INT32),
            ("255", BYTE),
            ("IF [b] > 3 THEN [b] ELSE -1 ENDIF", INT16),
            ("IF [b] > 3 THEN 256 ELSE Null() ENDIF", INT16),
            ("[x]", DOUBLE),
            ("[b] + [x]", DOUBLE),
            ("[b] / 1", DOUBLE),
        ],
    )
    def test_of_an_expression(self, text: str, expected: DesignerType) -> None:
        assert narrowest(bind(text, FIELDS)) == expected

    def test_of_a_function_is_its_own_type(self) -> None:
        value = bind("Length('abc')", FIELDS)
        assert narrowest(value) == value.type

    def test_of_a_deep_expression_is_its_own_type(self) -> None:
        assert narrowest(bind(" + ".join(["[b]"] * 100), FIELDS)) == INT64


LEAVES = st.sampled_from(["[b]", "[s]", "[i]", "0", "1", "7", "-3", "1000"])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
        st.builds("(-{})".format, inner),
        st.builds("IIF([b] > 9, {}, {})".format, inner, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(
    EXPRESSIONS,
    st.integers(0, 255),
    st.integers(*INTEGER_LIMITS["Int16"]),
    st.integers(*INTEGER_LIMITS["Int32"]),
)
def test_every_value_is_in_its_range(text: str, b: int, s: int, i: int) -> None:
    value = bind(text, FIELDS)
    kind = narrowest(value)
    columns = {name: to_array([number], FIELDS[name]) for name, number in (("b", b), ("s", s), ("i", i))}
    try:
        found = evaluate(value, columns, 1)[0].as_py()
    except OverflowError:  # beyond Int64, where the engine refuses too
        assert kind == INT64
        return
    if kind.is_integer:
        least, most = INTEGER_LIMITS[kind.name]
        assert least <= found <= most


def test_what_surely_fits_is_stored_without_a_test() -> None:
    fold = compile_fold(
        bind("[Row-1:c] + 1", {"c": BYTE}, rows=True),
        "c",
        INT32,
        created=True,
        edges="Empty",
        options=FormulaOptions(),
    )
    assert fold.conversion.problem is None
