"""Functions that look for texts in texts. Positions count from 0."""

from __future__ import annotations

__all__ = ["FUNCTIONS"]

import re
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from kedge.formula import sql
from kedge.formula.functions.family import fold_case, known, lowered
from kedge.formula.typed import Apply, Example, Function, Nulls, takes
from kedge.formula.types import BOOL, INT64, V_WSTRING

if TYPE_CHECKING:
    from collections.abc import Callable

_WILD: Final = re.compile(r"[%_\\]")


def _any_case_sql(name: str, before: str, after: str) -> Callable[..., exp.Expr | None]:
    """A literal without wildcards is matched by ILIKE, twice as fast as lowering both texts."""

    def build(call: Apply, text: exp.Expr, target: exp.Expr, ignore_case: exp.Expr) -> exp.Expr | None:
        target_text, folded = known(call, 1), known(call, 2)
        if folded is False:
            return sql.call(name, text, target)
        if folded is not True:
            return sql.case([(ignore_case, _lowered_call(name, text, target))], sql.call(name, text, target))
        if isinstance(target_text, str) and not _WILD.search(target_text):
            return exp.ILike(this=sql.operand(text), expression=sql.text(f"{before}{target_text}{after}"))
        return _lowered_call(name, text, target)

    return build


def _lowered_call(name: str, text: exp.Expr, target: exp.Expr) -> exp.Expr:
    return sql.call(name, sql.call("lower", text), sql.call("lower", target))


def _contains(text: str, target: str, ignore_case: bool) -> bool:
    return fold_case(target, ignore_case) in fold_case(text, ignore_case)


def _starts_with(text: str, target: str, ignore_case: bool) -> bool:
    return fold_case(text, ignore_case).startswith(fold_case(target, ignore_case))


def _ends_with(text: str, target: str, ignore_case: bool) -> bool:
    return fold_case(text, ignore_case).endswith(fold_case(target, ignore_case))


def _find_sql(_: Apply, text: exp.Expr, target: exp.Expr) -> exp.Expr:
    return sql.binary(exp.Sub, sql.call("strpos", text, target), sql.integer(1))


def _find_nth(text: str, target: str, instance: int) -> int:
    place = -1
    for _ in range(max(instance, 0)):
        place = text.find(target, place + 1)
        if place < 0:
            break
    return place


def _word(text: str, number: int) -> str:
    words = [each for each in text.split(" ") if each]
    return words[number] if 0 <= number < len(words) else ""


def _word_sql(call: Apply, text: exp.Expr, _: exp.Expr) -> exp.Expr | None:
    number = known(call, 1)
    if not isinstance(number, int) or not 0 <= number < 2**31 - 1:
        return None
    words = sql.call("regexp_extract_all", text, sql.text("[^ ]+"))
    word = sql.call("list_extract", words, sql.integer(number + 1))
    return sql.coalesce(word, sql.call("left", text, sql.integer(0)))


def _pieces(text: str, delimiters: str) -> list[str]:
    return re.split(f"[{re.escape(delimiters)}]", text) if delimiters else [text]


def _part(text: str, delimiters: str, number: int) -> str:
    parts = _pieces(text, delimiters)
    return parts[number] if 0 <= number < len(parts) else ""


def _before(text: str, delimiters: str) -> str:
    return _pieces(text, delimiters)[0]


def _after(text: str, delimiters: str) -> str:
    first = len(_before(text, delimiters))
    return text[first + 1 :]


def _span_of(text: str, characters: str) -> int:
    return len(text) - len(text.lstrip(characters)) if characters else 0


def _span_without(text: str, characters: str) -> int:
    return len(_before(text, characters))


def _span_sql(_: Apply, text: exp.Expr, characters: exp.Expr) -> exp.Expr:
    rest = sql.call("length", sql.call("ltrim", text, characters))
    return sql.binary(exp.Sub, sql.call("length", text), rest)


def _compare(first: str, second: str) -> int:
    left, right = lowered(first), lowered(second)
    return (left > right) - (left < right)


def _compare_sql(_: Apply, first: exp.Expr, second: exp.Expr) -> exp.Expr:
    left, right = sql.call("lower", first), sql.call("lower", second)
    return sql.case(
        [
            (sql.binary(exp.LT, left, right), sql.integer(-1)),
            (sql.binary(exp.GT, left, right), sql.integer(1)),
            (sql.binary(exp.EQ, left, right), sql.integer(0)),
        ]
    )


FUNCTIONS: Final = (
    Function(
        name="Contains",
        parameters=takes("text s, text target, condition ignore_case=True"),
        result=BOOL,
        python=_contains,
        sql=_any_case_sql("contains", "%", "%"),
        nulls=Nulls.FALSE,
        summary="Whether `target` stands anywhere in the text.",
        examples=(
            Example("Contains('Kedge', 'EDG')", True),
            Example("Contains('Kedge', 'EDG', 0)", False),
            Example("Contains('100%', '0%')", True),
            Example("Contains('abc', '%')", False),
            Example("Contains('abc', '')", True),
            Example("Contains(NULL(), 'a')", False),
            Example("Contains('a', NULL())", False),
        ),
    ),
    Function(
        name="StartsWith",
        parameters=takes("text s, text target, condition ignore_case=True"),
        result=BOOL,
        python=_starts_with,
        sql=_any_case_sql("starts_with", "", "%"),
        nulls=Nulls.FALSE,
        summary="Whether the text starts with `target`.",
        examples=(
            Example("StartsWith('Kedge', 'ke')", True),
            Example("StartsWith('Kedge', 'ke', 0)", False),
            Example("StartsWith('a', 'ab')", False),
            Example("StartsWith(NULL(), 'a')", False),
        ),
    ),
    Function(
        name="EndsWith",
        parameters=takes("text s, text target, condition ignore_case=True"),
        result=BOOL,
        python=_ends_with,
        sql=_any_case_sql("ends_with", "%", ""),
        nulls=Nulls.FALSE,
        summary="Whether the text ends with `target`.",
        examples=(
            Example("EndsWith('Kedge', 'GE')", True),
            Example("EndsWith('Kedge', 'GE', FALSE)", False),
            Example("EndsWith(NULL(), 'a')", False),
        ),
    ),
    Function(
        name="FindString",
        parameters=takes("text s, text target"),
        result=INT64,
        python=str.find,
        sql=_find_sql,
        summary="The position of `target`, -1 when it is not there; upper and lower case differ.",
        examples=(
            Example("FindString('Kedge', 'ge')", 3),
            Example("FindString('Kedge', 'GE')", -1),
            Example("FindString('ñab', 'b')", 2),
            Example("FindString(NULL(), 'b')", None),
        ),
    ),
    Function(
        name="FindNth",
        parameters=takes("text s, text target, integer instance"),
        result=INT64,
        python=_find_nth,
        summary="The position of the given occurrence (from 1) of `target`, -1 when there are not so many.",
        note="Occurrences may overlap; that is not documented.",
        examples=(
            Example("FindNth('banana', 'an', 2)", 3),
            Example("FindNth('banana', 'an', 3)", -1),
            Example("FindNth('banana', 'an', 0)", -1),
            Example("FindNth(NULL(), 'an', 1)", None),
        ),
    ),
    Function(
        name="GetWord",
        parameters=takes("text s, integer number"),
        result=V_WSTRING,
        python=_word,
        sql=_word_sql,
        summary="The word of a number (from 0); spaces part words. Empty when there is no such word.",
        note="What is given beyond the last word is not documented.",
        examples=(
            Example("GetWord('to be  or not', 2)", "or"),
            Example("GetWord('to be', 0)", "to"),
            Example("GetWord('to be', 2)", ""),
            Example("GetWord('to be', -1)", ""),
            Example("GetWord(NULL(), 0)", None),
        ),
    ),
    Function(
        name="GetPart",
        parameters=takes("text s, text delimiters, integer number"),
        result=V_WSTRING,
        python=_part,
        summary="The part of a number (from 0) of the text, split at each of the `delimiters`.",
        note="Delimiters side by side have an empty part between them; that is not documented.",
        examples=(
            Example("GetPart('a,b;c', ',;', 1)", "b"),
            Example("GetPart('a,,c', ',', 1)", ""),
            Example("GetPart('a', ',', 3)", ""),
            Example("GetPart(NULL(), ',', 0)", None),
        ),
    ),
    Function(
        name="GetLeft",
        parameters=takes("text s, text delimiters"),
        result=V_WSTRING,
        python=_before,
        summary="The text before the first of the `delimiters`, all of it when there is none.",
        examples=(
            Example("GetLeft('12-b_c', '_-')", "12"),
            Example("GetLeft('abc', '-')", "abc"),
            Example("GetLeft(NULL(), '-')", None),
        ),
    ),
    Function(
        name="GetRight",
        parameters=takes("text s, text delimiters"),
        result=V_WSTRING,
        python=_after,
        summary="The text after the first of the `delimiters`, nothing when there is none.",
        note="What a text without delimiter gives is not documented.",
        examples=(
            Example("GetRight('12-b_c', '_-')", "b_c"),
            Example("GetRight('abc', '-')", ""),
            Example("GetRight(NULL(), '-')", None),
        ),
    ),
    Function(
        name="STRSPN",
        parameters=takes("text s, text characters"),
        result=INT64,
        python=_span_of,
        sql=_span_sql,
        summary="How many characters at the start of the text are among the given ones.",
        examples=(
            Example("STRSPN('aabxa', 'ab')", 3),
            Example("STRSPN('abc', '')", 0),
            Example("STRSPN(NULL(), 'a')", None),
        ),
    ),
    Function(
        name="STRCSPN",
        parameters=takes("text s, text characters"),
        result=INT64,
        python=_span_without,
        summary="How many characters at the start of the text are none of the given ones.",
        examples=(
            Example("STRCSPN('xyab', 'ab')", 2),
            Example("STRCSPN('xy', 'ab')", 2),
            Example("STRCSPN(NULL(), 'a')", None),
        ),
    ),
    Function(
        name="CompareDictionary",
        parameters=takes("text a, text b"),
        result=INT64,
        python=_compare,
        sql=_compare_sql,
        summary="-1, 0 or 1 as `a` stands before, with or after `b` when case is ignored.",
        examples=(
            Example("CompareDictionary('Apple', 'apricot')", -1),
            Example("CompareDictionary('a', 'A')", 0),
            Example("CompareDictionary('b', 'A')", 1),
            Example("CompareDictionary(NULL(), 'A')", None),
        ),
    ),
)
