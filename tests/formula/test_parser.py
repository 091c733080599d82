from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.exceptions import FormulaError
from kedge.formula import parse, unparse
from kedge.formula.nodes import (
    Binary,
    Boolean,
    Call,
    Conditional,
    Constant,
    Field,
    Membership,
    Node,
    Number,
    Span,
    Text,
    Unary,
)


def read(text: str) -> str:
    """The text with the parentheses that its reading implies."""
    return unparse(parse(text))


class TestPrecedence:
    """Operators bind as documented; AND and OR share one level, from the left."""

    @pytest.mark.parametrize(
        ("text", "meaning"),
        [
            ("a + b * c", "[a] + ([b] * [c])"),
            ("a - b - c", "([a] - [b]) - [c]"),
            ("a / b * c", "([a] / [b]) * [c]"),
            ("a + b < c", "([a] + [b]) < [c]"),
            ("a < b = c", "([a] < [b]) = [c]"),
            ("a = b < c", "[a] = ([b] < [c])"),
            ("c || a && b", "([c] OR [a]) AND [b]"),
            ("a && b || c", "([a] AND [b]) OR [c]"),
            ("a = 1 and b = 2 OR c <> 3", "(([a] = 1) AND ([b] = 2)) OR ([c] != 3)"),
            ("!a && b", "(![a]) AND [b]"),
            ("NOT a = b", "(![a]) = [b]"),
            ("NOT a < b", "!([a] < [b])"),
            ("not x in (1, 2)", "!([x] IN (1, 2))"),
            ("x not in (1, 2)", "[x] NOT IN (1, 2)"),
            ("a + 1 in (2)", "([a] + 1) IN (2)"),
            ("-a + b", "(-[a]) + [b]"),
            ("a - -b", "[a] - (-[b])"),
            ("2*-3", "2 * (-3)"),
            ("(a + b) * c", "([a] + [b]) * [c]"),
            ("a == b", "[a] = [b]"),
        ],
    )
    def test_operators(self, text: str, meaning: str) -> None:
        assert read(text) == meaning


class TestWords:
    """Literals, names, keywords and comments are read as Designer reads them."""

    @pytest.mark.parametrize(
        ("text", "node"),
        [
            ("12", Number(Span(0, 2), "12")),
            (".5", Number(Span(0, 2), ".5")),
            ("1.5E-3", Number(Span(0, 6), "1.5E-3")),
            ("'it is \"so\"'", Text(Span(0, 12), 'it is "so"')),
            ('"it\'s"', Text(Span(0, 6), "it's")),
            ("'two\nlines'", Text(Span(0, 11), "two\nlines")),
            ("'a\\b // no comment'", Text(Span(0, 19), "a\\b // no comment")),
            ("true", Boolean(Span(0, 4), True)),
            ("FALSE", Boolean(Span(0, 5), False)),
            ("[% Nulls]", Field(Span(0, 9), "% Nulls")),
            ("[TNA Latest\nmonth-end ($mil)]", Field(Span(0, 29), "TNA Latest\nmonth-end ($mil)")),
            ("RowCount", Field(Span(0, 8), "RowCount")),
            ("Größe_2", Field(Span(0, 7), "Größe_2")),
            ("iffy", Field(Span(0, 4), "iffy")),
            ("[Row-1:F]", Field(Span(0, 9), "Row-1:F")),
            ("%User.X%", Constant(Span(0, 8), "User.X")),
            ("%temp%", Constant(Span(0, 6), "temp")),
            ("f()", Call(Span(0, 3), "f", ())),
            ("/* a */ 1 // b", Number(Span(8, 9), "1")),
            ("1 // b\r\n", Number(Span(0, 1), "1")),
        ],
    )
    def test_one_node(self, text: str, node: Node) -> None:
        read = parse(text)
        assert read == node
        assert read.span == node.span

    @pytest.mark.parametrize(
        "text",
        ["IF a THEN 1 ELSE 2 ENDIF", "if a then 1 else 2 endif", "If [a]\nThen 1\nElse 2\nEndIf"],
    )
    def test_keywords_in_any_case(self, text: str) -> None:
        assert read(text) == "IF [a] THEN 1 ELSE 2 ENDIF"

    def test_branches(self) -> None:
        text = "IF a THEN 1 ELSEIF b THEN 2 ELSEIF c THEN 3 ELSE 4 ENDIF"
        node = parse(text)
        assert isinstance(node, Conditional)
        assert [unparse(value) for _, value in node.branches] == ["1", "2", "3"]

    def test_an_if_within_else(self) -> None:
        assert read("IF a THEN 1 ELSE IF b THEN 2 ELSE 3 ENDIF ENDIF") == (
            "IF [a] THEN 1 ELSE IF [b] THEN 2 ELSE 3 ENDIF ENDIF"
        )

    def test_a_call_knows_where_it_ends(self) -> None:
        assert parse(" f(1, g(2)) ").span == Span(1, 11)

    def test_a_long_chain_of_operators(self) -> None:
        node = parse(" + ".join(["[a]"] * 3000))
        assert isinstance(node, Binary)


class TestErrors:
    """An error says what is wrong, where, and what was expected there."""

    @pytest.mark.parametrize(
        ("text", "problem", "place"),
        [
            ("", "the expression is empty", (1, 1)),
            (" \n", "the expression is empty", (1, 1)),
            ("1 +", "ends where a value was expected", (1, 4)),
            ("1 + * 2", "'*' stands here where a value was expected", (1, 5)),
            ("(1", "ends where ')' or an operator was expected", (1, 3)),
            ("a b", "'b' stands here where an operator or the end", (1, 3)),
            ("IF a THEN 1 ENDIF", "'ENDIF' stands here where ELSE or ELSEIF or an operator", (1, 13)),
            ("IF a 1", "'1' stands here where THEN or an operator", (1, 6)),
            ("IF a THEN 1 ELSE 2", "ends where ENDIF or an operator", (1, 19)),
            ("f(1,", "ends where a value", (1, 5)),
            ("'abc", "no closing single quote", (1, 1)),
            ('x + "abc', "no closing double quote", (1, 5)),
            ("[abc", "no closing ']'", (1, 1)),
            ("1 /* abc", "a value was expected", (1, 4)),
            ("a +\n  # b", "'#' means nothing here", (2, 3)),
            ("x in ()", "')' stands here where a value", (1, 7)),
            ("a NOT b", "'b' stands here where IN was expected", (1, 7)),
        ],
    )
    def test_problem_and_place(self, text: str, problem: str, place: tuple[int, int]) -> None:
        with pytest.raises(FormulaError) as raised:
            parse(text)
        assert problem in raised.value.problem
        assert (raised.value.line, raised.value.column) == place
        assert raised.value.expression == text

    def test_the_line_is_shown_with_a_caret(self) -> None:
        with pytest.raises(FormulaError) as raised:
            parse("1 +\n[a] ] 2")
        assert str(raised.value).splitlines()[1:] == ["    [a] ] 2", "        ^"]


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z_0-9]{0,5}", fullmatch=True)
PLACE = Span(0, 0)
ATOMS = st.one_of(
    st.integers(0, 10**12).map(lambda value: Number(PLACE, str(value))),
    st.sampled_from([".5", "1.25", "3e7"]).map(lambda text: Number(PLACE, text)),
    st.text(st.characters(exclude_characters="'\""), max_size=6).map(lambda value: Text(PLACE, value)),
    st.sampled_from(["it's", 'a "b"']).map(lambda value: Text(PLACE, value)),
    st.booleans().map(lambda value: Boolean(PLACE, value)),
    st.text(st.characters(exclude_characters="]"), min_size=1, max_size=6).map(lambda name: Field(PLACE, name)),
    NAMES.map(lambda name: Constant(PLACE, f"User.{name}")),
)
OPERATORS = st.sampled_from(["*", "/", "+", "-", "<", "<=", ">", ">=", "=", "!=", "AND", "OR"])
TREES: st.SearchStrategy[Node] = st.recursive(
    ATOMS,
    lambda trees: st.one_of(
        st.builds(Unary, st.just(PLACE), st.sampled_from(["-", "NOT"]), trees),
        st.builds(Binary, st.just(PLACE), OPERATORS, trees, trees),
        st.builds(
            Membership,
            st.just(PLACE),
            trees,
            st.lists(trees, min_size=1, max_size=3).map(tuple),
            st.booleans(),
        ),
        st.builds(Call, st.just(PLACE), NAMES.map(lambda name: f"f{name}"), st.lists(trees, max_size=3).map(tuple)),
        st.builds(
            Conditional,
            st.just(PLACE),
            st.lists(st.tuples(trees, trees), min_size=1, max_size=3).map(tuple),
            trees,
        ),
    ),
    max_leaves=12,
)


class TestRoundTrip:
    """A tree that is written reads back as the same tree."""

    @settings(max_examples=150, deadline=None)
    @given(TREES)
    def test_written_trees_read_back_equal(self, tree: Node) -> None:
        assert parse(unparse(tree)) == tree
