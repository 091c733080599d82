"""Functions with regular expressions: DuckDB's own where RE2 can do a pattern that is known, else UDFs."""

from __future__ import annotations

__all__ = ["FUNCTIONS"]

from typing import TYPE_CHECKING, Final

import regex

from kedge.formula import regexes, sql
from kedge.formula.functions.family import known, udf_name
from kedge.formula.regexes import Pattern, compile_pattern
from kedge.formula.typed import Apply, Example, Function, Nulls, takes
from kedge.formula.types import BOOL, INT64, V_WSTRING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlglot import exp

    from kedge.formula.typed import Typed


def _pattern(call: Apply, first: int) -> Pattern | None:
    """Return the pattern where it and its settings (from argument ``first``) are literals, and no null."""
    text, *settings = [known(call, each) for each in (1, first, first + 1, first + 2)]
    if not isinstance(text, str) or not all(isinstance(each, bool) for each in settings):
        return None
    return compile_pattern(text, *settings)


def _problem(arguments: Sequence[Typed]) -> tuple[int, str] | None:
    pattern = getattr(arguments[1], "value", None)
    try:
        if isinstance(pattern, str):
            compile_pattern(pattern, True, True, True)
    except regex.error as problem:
        return 1, regexes.describe(problem)
    return None


def _guarded(call: Apply, pattern: Pattern, built: exp.Expr, arguments: Sequence[exp.Expr]) -> exp.Expr:
    r"""RE2 knows word borders (``\b``) of ASCII letters only, so other texts go to the UDF."""
    if not pattern.ascii_only:
        return built
    text = arguments[0]
    ascii_text = sql.equal(sql.call("strlen", text), sql.call("length", text))
    return sql.case([(ascii_text, built)], sql.call(udf_name(call.function), *arguments))


def _match(text: str, pattern: str, ignore_case: bool, dot: bool, anchors: bool) -> bool:
    return compile_pattern(pattern, ignore_case, dot, anchors).python.fullmatch(text) is not None


def _match_sql(call: Apply, *arguments: exp.Expr) -> exp.Expr | None:
    pattern = _pattern(call, 2)
    if pattern is None or pattern.re2 is None:
        return None
    built = sql.call("regexp_full_match", arguments[0], sql.text(pattern.re2))
    return _guarded(call, pattern, built, arguments)


def _replace(text: str, pattern: str, replacement: str, ignore_case: bool, dot: bool, anchors: bool) -> str:
    return regexes.replace(compile_pattern(pattern, ignore_case, dot, anchors), text, replacement)


def _replace_sql(call: Apply, *arguments: exp.Expr) -> exp.Expr | None:
    pattern, replacement = _pattern(call, 3), known(call, 2)
    if pattern is None or pattern.re2 is None or pattern.maybe_empty or not isinstance(replacement, str):
        return None
    rewrite = regexes.re2_replacement(pattern, replacement)
    if rewrite is None:
        return None
    built = sql.call("regexp_replace", arguments[0], sql.text(pattern.re2), sql.text(rewrite), sql.text("g"))
    return _guarded(call, pattern, built, arguments)


def _count(text: str, pattern: str, ignore_case: bool, dot: bool, anchors: bool) -> int:
    found = compile_pattern(pattern, ignore_case, dot, anchors).python.finditer(text)
    return sum(1 for _ in found)


def _count_sql(call: Apply, *arguments: exp.Expr) -> exp.Expr | None:
    pattern = _pattern(call, 2)
    if pattern is None or pattern.re2 is None or pattern.maybe_empty:
        return None
    found = sql.call("regexp_extract_all", arguments[0], sql.text(pattern.re2))
    return _guarded(call, pattern, sql.call("len", found), arguments)


_SETTINGS: Final = "condition ignore_case=True, @dot_matches_newline, @anchors_match_lines"

FUNCTIONS: Final = (
    Function(
        name="REGEX_Match",
        parameters=takes(f"text s, text pattern, {_SETTINGS}"),
        result=BOOL,
        python=_match,
        sql=_match_sql,
        check=_problem,
        nulls=Nulls.FALSE,
        summary="Whether the whole text matches the pattern.",
        note="That null gives False is taken from Contains.",
        examples=(
            Example("REGEX_Match('123-45', '\\d{3}-\\d\\d')", True),
            Example("REGEX_Match('123-456', '\\d{3}-\\d\\d')", False),
            Example("REGEX_Match('ABC', '[[:lower:]]+')", True),
            Example("REGEX_Match('ABC', 'abc', 0)", False),
            Example("REGEX_Match('aa', '(a)\\1')", True),
            Example("REGEX_Match('price', '(?=p).*')", True),
            Example("REGEX_Match('Éa', '\\w+')", True),
            Example("REGEX_Match('a é', '\\ba\\b.*')", True),
            Example("REGEX_Match(NULL(), '.*')", False),
        ),
    ),
    Function(
        name="REGEX_Replace",
        parameters=takes(f"text s, text pattern, text replacement, {_SETTINGS}"),
        result=V_WSTRING,
        python=_replace,
        sql=_replace_sql,
        check=_problem,
        summary="The text with every match replaced; `$1` or `${1}` stands for the first marked group.",
        examples=(
            Example("REGEX_Replace('a1b22', '\\d+', '#')", "a#b#"),
            Example("REGEX_Replace('Doe, Jane', '(\\w+), (\\w+)', '$2 ${1}')", "Jane Doe"),
            Example("REGEX_Replace('José!', '[^\\w]', '')", "José"),
            Example("REGEX_Replace('abc', 'B', 'x', 0)", "abc"),
            Example("REGEX_Replace('abc', 'x*', '-')", "-a-b-c-"),
            Example("REGEX_Replace('anna', '^(\\w)', '\\u$1')", "Anna"),
            Example("REGEX_Replace('a.b', '\\.', '\\\\')", "a\\b"),
            Example("REGEX_Replace('ab', '(a)(x)?', '[$1$2$3]')", "[a]b"),
            Example("REGEX_Replace(NULL(), 'a', 'b')", None),
        ),
    ),
    Function(
        name="REGEX_CountMatches",
        parameters=takes(f"text s, text pattern, {_SETTINGS}"),
        result=INT64,
        python=_count,
        sql=_count_sql,
        check=_problem,
        summary="The number of matches in the text.",
        examples=(
            Example("REGEX_CountMatches('banana', 'A')", 3),
            Example("REGEX_CountMatches('banana', 'A', 0)", 0),
            Example("REGEX_CountMatches('aXbX', '(?<=a)x')", 1),
            Example("REGEX_CountMatches(NULL(), 'a')", None),
        ),
    ),
)
