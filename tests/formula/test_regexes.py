from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.formula import FormulaOptions
from kedge.formula.regexes import Pattern, compile_pattern, pattern_of, re2_replacement, replace
from kedge.formula.types import v_string

if TYPE_CHECKING:
    from tests.formula.conftest import Evaluators


def pattern(text: str, *, ignore_case: bool = True, dot: bool = True, anchors: bool = True) -> Pattern:
    return compile_pattern(text, ignore_case, dot, anchors)


class TestBothEngines:
    """A pattern that RE2 can do means the same in both engines."""

    @pytest.mark.parametrize(
        ("text", "subject", "whole"),
        [
            (r"\d{3}-\d{2}", "123-45", True),
            (r"\w+", "añb_1", True),
            (r"[\w.]+@\w+", "a.b@c", True),
            (r"\s+", "\u00a0\t", True),
            (r"[[:alpha:]]+", "Ñandú", True),
            (r"[^[:digit:][:space:]]+", "ab c", False),
            (r"[[:upper:]]+", "abc", True),
            (r"\u\l+", "aBC", True),
            (r"a.c", "a\nc", True),
            (r"(?i)ABC", "abc", True),
            (r"x(?:y(?i)Z)w", "xyzw", True),
            (r"a{2,3}", "aaa", True),
            (r"{a}", "{a}", True),
            (r"\Qa.b*\E+", "a.b**", True),
            (r"\x41\x{42}", "AB", True),
            (r"[]a]+", "]a", True),
            (r"[^]a]+", "bc", True),
            (r"[a\]b-]+", "]-ab", True),
            (r"[[.a.]&~|]+", "a&~|", True),
            (r"(?<word>\w+)", "abc", True),
            (r"(?#note)a", "a", True),
            (r"\Aa\z", "a", True),
            (r"^a$\s^b$", "a\nb", True),
            (r"\R", "\r\n", True),
            (r"\h+", " \t", True),
            (r"\p{Lu}\PL", "A1", True),
            (r"\tb\n", "\tb\n", True),
            (r"a|bc", "bc", True),
            (r"[a-c\d]+", "b7", True),
        ],
    )
    def test_whole_matches(self, text: str, subject: str, whole: bool, evaluators: Evaluators) -> None:
        compiled = pattern(text)
        assert (compiled.python.fullmatch(subject) is not None) is whole
        query = "SELECT regexp_full_match(?, ?)"
        assert evaluators.connection.execute(query, [subject, compiled.re2]).fetchall() == [(whole,)]

    @pytest.mark.parametrize(
        "text",
        [
            *[r"(a)\1", r"a(?=b)", r"a(?!b)", r"(?<=a)b", r"(?>a+)b", r"a++", r"a*+", r"a{2}+", r"(a)\g{1}"],
            *[r"(?<n>a)\k<n>", r"a\Z", r"\<a\>", r"a\Kb", r"a{1,2000}", r"[\W]", r"[[:^alpha:]]", r"(?x) a"],
        ],
    )
    def test_what_re2_lacks_is_left_to_the_other_engine(self, text: str) -> None:
        assert pattern(text).re2 is None

    def test_settings_are_flags(self) -> None:
        assert pattern("a.b", ignore_case=False, dot=False, anchors=False).re2 == "a.b"
        assert pattern("a.b").re2 == "(?ims)a.b"
        options = FormulaOptions(dot_matches_newline=False, anchors_match_lines=False)
        assert pattern_of("a.b", True, options).re2 == "(?i)a.b"

    def test_without_lines_a_dollar_is_the_end_of_the_text(self, evaluators: Evaluators) -> None:
        compiled = pattern("a$", anchors=False)
        assert compiled.python.search("a\n") is None
        query = "SELECT regexp_matches(?, ?)"
        assert evaluators.connection.execute(query, ["a\n", compiled.re2]).fetchall() == [(False,)]

    def test_borders_of_words_are_for_ascii_texts(self) -> None:
        assert pattern(r"\bx").ascii_only
        assert not pattern(r"x").ascii_only

    def test_patterns_that_may_be_empty_are_known(self) -> None:
        assert [pattern(text).maybe_empty for text in ("a*", "a|", r"\b", r"\ba*", "a+", "a")] == [
            *[True, True, True, True, False, False]
        ]

    @pytest.mark.parametrize("text", ["(a", "a)", "[a", "[[:letters:]]", "*a", "a**b("])
    def test_what_is_no_pattern_is_refused(self, text: str) -> None:
        with pytest.raises(regex.error):
            pattern(text)

    def test_groups_are_counted(self) -> None:
        assert pattern(r"(a)(?:b)(?<c>d)").groups == 2

    pieces = st.sampled_from(
        [
            r"\w",
            r"\d",
            r"\s",
            "a",
            "B",
            "ñ",
            ".",
            "[ab]",
            "[^a]",
            "[[:alpha:]]",
            r"\.",
            "-",
            "(a|b)",
            "(?:b)?",
            "x*",
            "1+",
            "$",
        ]
    )

    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(pieces, min_size=1, max_size=5).map("".join),
        st.lists(st.text("aAbBxñÑ1. -\n", max_size=8), min_size=1, max_size=6),
    )
    def test_functions_agree(self, evaluators: Evaluators, text: str, subjects: list[str]) -> None:
        fields, rows = {"s": v_string(9)}, {"s": subjects}
        for expression in (
            f"REGEX_Match([s], '{text}')",
            f"REGEX_CountMatches([s], '{text}')",
            f"REGEX_Replace([s], '{text}', '<$0$1>')",
            f"REGEX_Match([s], '{text}', 0)",
        ):
            assert evaluators.sql(expression, fields, rows) == evaluators.python(expression, fields, rows)


class TestReplacement:
    """Replacements name groups and change case."""

    @pytest.mark.parametrize(
        ("text", "subject", "replacement", "result"),
        [
            (r"(\w+) (\w+)", "ab cd", "$2 $1", "cd ab"),
            (r"(\w)(\w)", "ab", r"\2${1}", "ba"),
            (r"(?<first>a)", "a", "[${first}]", "[a]"),
            (r"b", "abc", "<$&>", "a<b>c"),
            (r"b", "abc", "$$", "a$c"),
            (r"(x)?b", "abc", "[$1]", "a[]c"),
            (r"b", "abc", "[$7]", "a[]c"),
            (r"(\w+)", "ab", r"\u$1", "Ab"),
            (r"(\w+) (\w+)", "ab cd", r"\U$1\E $2", "AB cd"),
            (r"(\w+)", "AB", r"\L\u$1", "Ab"),
            (r"b", "abc", r"\t\x41\\", "a\tA\\c"),
        ],
    )
    def test_pieces(self, text: str, subject: str, replacement: str, result: str) -> None:
        assert replace(pattern(text), subject, replacement) == result

    def test_what_re2_can_write(self) -> None:
        compiled = pattern("(a)(b)")
        assert re2_replacement(compiled, r"$2-\1 \\ $9") == r"\2-\1 \\ "
        assert re2_replacement(compiled, r"\u$1") is None


class TestFunctions:
    """The functions run by RE2, or by the other engine where they must."""

    @pytest.mark.parametrize(
        ("text", "rows", "expected"),
        [
            (r"REGEX_Replace([s], '\bz', '_')", ["z éz", "a z", None], ["_ éz", "a _", None]),
            (r"REGEX_Match([s], '(?i)a\w')", ["aé", "b", None], [True, False, False]),
            (r"REGEX_CountMatches([s], '(.)\1')", ["aabb", "ab", None], [2, 0, None]),
        ],
    )
    def test_mixed_texts(self, text: str, rows: list[Any], expected: list[Any], evaluators: Evaluators) -> None:
        fields = {"s": v_string(9)}
        assert evaluators.sql(text, fields, {"s": rows}) == expected
        assert evaluators.python(text, fields, {"s": rows}) == expected
