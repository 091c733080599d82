"""Functions that cut, pad, join and change texts."""

from __future__ import annotations

__all__ = ["FUNCTIONS", "LEFT", "LENGTH", "LOWERCASE", "REPLACE"]

from functools import reduce
from typing import TYPE_CHECKING, Final

import regex
from sqlglot import exp

from kedge.formula import sql
from kedge.formula.functions.family import engine, known, like, lowered, raised
from kedge.formula.typed import Apply, Example, Function, takes
from kedge.formula.types import INT64, V_WSTRING

if TYPE_CHECKING:
    from collections.abc import Callable

_SPACES: Final = " \t\n\v\f\r"
_MOST: Final = 2**31 - 1
_FEW: Final = 8
_GRAPHEME: Final = regex.compile(r"\X")
_WORD: Final = regex.compile(r"[^\t\n\f\r ]+")
_TITLE_WORD: Final = regex.compile(r"[\p{L}\p{N}][\p{L}\p{N}'’]*")


def _count_within(call: Apply, index: int, count: exp.Expr) -> exp.Expr | None:
    """Return None for a literal count that the engine takes, else the test that it is one."""
    value = known(call, index)
    if isinstance(value, int) and 0 <= value <= _MOST:
        return None
    return exp.Between(this=sql.free(count), low=sql.integer(0), high=sql.integer(_MOST))


def _cut_sql(name: str) -> Callable[..., exp.Expr | None]:
    def build(call: Apply, text: exp.Expr, count: exp.Expr) -> exp.Expr:
        test = _count_within(call, 1, count)
        cut = sql.call(name, text, count)
        return cut if test is None else sql.case([(test, cut), (sql.not_null(count), text)])

    return build


def _left(text: str, count: int) -> str:
    return text[:count] if count >= 0 else text


def _right(text: str, count: int) -> str:
    return text[max(len(text) - count, 0) :] if count >= 0 else text


def _substring(text: str, start: int, length: int) -> str:
    start = max(start, 0)
    return text[start : start + max(length, 0)]


def _substring_sql(call: Apply, text: exp.Expr, start: exp.Expr, length: exp.Expr) -> exp.Expr:
    return sql.call("substring", text, _from_one(call, start), *_length(call, length))


def _from_one(call: Apply, start: exp.Expr) -> exp.Expr:
    value = known(call, 1)
    if isinstance(value, int):
        return sql.integer(min(max(value, 0), _MOST) + 1)
    within = exp.Between(this=sql.free(start), low=sql.integer(0), high=sql.integer(_MOST))
    below = sql.binary(exp.LT, start, sql.integer(0))
    above = sql.not_null(start)
    shifted = sql.binary(exp.Add, start, sql.integer(1))
    return sql.case([(within, shifted), (below, sql.integer(1)), (above, sql.integer(_MOST))])


def _length(call: Apply, length: exp.Expr) -> list[exp.Expr]:
    value = known(call, 2)
    if isinstance(value, int):
        return [] if value >= _MOST else [sql.integer(max(value, 0))]
    within = exp.Between(this=sql.free(length), low=sql.integer(0), high=sql.integer(_MOST))
    below = sql.binary(exp.LT, length, sql.integer(0))
    return [sql.case([(within, length), (below, sql.integer(0)), (sql.not_null(length), sql.integer(_MOST))])]


def _pad_left(text: str, length: int, character: str) -> str:
    return text.rjust(min(length, _MOST), character[0]) if character else text


def _pad_right(text: str, length: int, character: str) -> str:
    return text.ljust(min(length, _MOST), character[0]) if character else text


def _pad_sql(name: str) -> Callable[..., exp.Expr | None]:
    def build(call: Apply, text: exp.Expr, length: exp.Expr, _: exp.Expr) -> exp.Expr | None:
        size, pad = known(call, 1), known(call, 2)
        if not (isinstance(size, int) and isinstance(pad, str) and pad and size <= _MOST):
            return None
        padded = sql.call(name, text, length, sql.text(pad[0]))
        long = sql.binary(exp.GTE, sql.call("length", text), length)
        return sql.case([(long, text)], padded)

    return build


def _replace(text: str, target: str, replacement: str) -> str:
    return text.replace(target, replacement) if target else text


def _replace_first(text: str, target: str, replacement: str) -> str:
    return text.replace(target, replacement, 1) if target else text


def _replace_first_sql(_: Apply, text: exp.Expr, target: exp.Expr, replacement: exp.Expr) -> exp.Expr:
    place = sql.call("strpos", text, target)
    before = sql.call("left", text, sql.binary(exp.Sub, place, sql.integer(1)))
    after = sql.call("substring", text, sql.binary(exp.Add, place, sql.call("length", target)))
    joined = sql.binary(exp.DPipe, sql.binary(exp.DPipe, before, replacement), after)
    found = sql.binary(exp.And, sql.binary(exp.GT, place, sql.integer(0)), sql.binary(exp.NEQ, target, sql.text("")))
    missing = sql.not_null(sql.binary(exp.DPipe, sql.binary(exp.DPipe, text, target), replacement))
    return sql.case([(found, joined), (missing, text)])


def _replace_each(text: str, characters: str, replacement: str) -> str:
    return text.translate(dict.fromkeys(map(ord, characters), replacement))


def _replace_each_sql(call: Apply, text: exp.Expr, _: exp.Expr, replacement: exp.Expr) -> exp.Expr | None:
    """Nest one replacement for each of a few characters, as long as none puts in another of them."""
    characters, put = known(call, 1), known(call, 2)
    if not (isinstance(characters, str) and isinstance(put, str)) or len(characters) > _FEW:
        return None
    if any(each in put for each in characters):
        return None
    return reduce(lambda done, each: sql.call("replace", done, sql.text(each), replacement), characters, text)


def _trim_sql(name: str) -> Callable[..., exp.Expr | None]:
    return lambda _, text, characters: sql.call(name, text, characters)


def _strip_quotes(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _strip_quotes_sql(_: Apply, text: exp.Expr) -> exp.Expr:
    ends = [sql.call("left", text, sql.integer(1)), sql.call("right", text, sql.integer(1))]
    same = sql.binary(exp.EQ, *ends)
    quote = exp.In(this=sql.free(ends[0]), expressions=[sql.text('"'), sql.text("'")])
    long = sql.binary(exp.GT, sql.call("length", text), sql.integer(1))
    inner = sql.binary(exp.Sub, sql.call("length", text), sql.integer(2))
    test = sql.binary(exp.And, sql.binary(exp.And, long, same), quote)
    return sql.case([(test, sql.call("substring", text, sql.integer(2), inner))], text)


def _reverse(text: str) -> str:
    return text[::-1] if text.isascii() else "".join(reversed(_GRAPHEME.findall(text)))


def _title(text: str) -> str:
    return _TITLE_WORD.sub(lambda word: raised(word[0][0]) + lowered(word[0][1:]), text)


def _count_words_sql(_: Apply, text: exp.Expr) -> exp.Expr:
    return sql.call("len", sql.call("regexp_extract_all", text, sql.text(r"[^\t\n\f\r ]+")))


LOWERCASE: Final = Function(
    name="LowerCase",
    parameters=takes("text s"),
    result=like,
    python=lowered,
    sql=engine("lower"),
    summary="The text in lower case.",
    examples=(Example("LowerCase('AbÉ')", "abé"), Example("LowerCase(NULL())", None)),
)

REPLACE: Final = Function(
    name="Replace",
    parameters=takes("text s, text target, text replacement"),
    result=V_WSTRING,
    python=_replace,
    sql=engine("replace"),
    summary="The text with every occurrence of `target` replaced; upper and lower case differ.",
    examples=(
        Example("Replace('banana', 'an', 'o')", "booa"),
        Example("Replace('abc', 'B', '')", "abc"),
        Example("Replace('abc', '', 'x')", "abc"),
        Example("Replace(NULL(), 'a', 'b')", None),
    ),
)

LEFT: Final = Function(
    name="Left",
    parameters=takes("text s, integer count"),
    result=like,
    python=_left,
    sql=_cut_sql("left"),
    summary="The first `count` characters; all of them when `count` is negative.",
    note="What a negative count gives is a claim, not documented.",
    examples=(
        Example("Left('Kedge', 2)", "Ke"),
        Example("Left('añb', 2)", "añ"),
        Example("Left('ab', 9)", "ab"),
        Example("Left('ab', 0)", ""),
        Example("Left('ab', -1)", "ab"),
        Example("Left('Kedge', 2.9)", "Ke"),
        Example("Left(NULL(), 2)", None),
    ),
)

LENGTH: Final = Function(
    name="Length",
    parameters=takes("text s"),
    result=INT64,
    python=len,
    inline="len({0})",
    sql=engine("length"),
    summary="The number of characters.",
    note="Whether the length of null is null or 0 is not documented.",
    examples=(Example("Length('añb')", 3), Example("Length('')", 0), Example("Length(NULL())", None)),
)

FUNCTIONS: Final = (
    LOWERCASE,
    LEFT,
    Function(
        name="Right",
        parameters=takes("text s, integer count"),
        result=like,
        python=_right,
        sql=_cut_sql("right"),
        summary="The last `count` characters; all of them when `count` is negative.",
        note="What a negative count gives is a claim, not documented.",
        examples=(
            Example("Right('Kedge', 2)", "ge"),
            Example("Right('ab', 9)", "ab"),
            Example("Right('ab', 0)", ""),
            Example("Right('ab', -1)", "ab"),
            Example("Right(NULL(), 2)", None),
        ),
    ),
    Function(
        name="Substring",
        parameters=takes("text s, integer start, integer length=2147483647"),
        result=like,
        python=_substring,
        sql=_substring_sql,
        summary="`length` characters (the rest, when not given) from position `start`, counted from 0.",
        note="A negative start counts as 0, a negative length as 0; neither is documented.",
        examples=(
            Example("Substring('Kedge', 1, 3)", "edg"),
            Example("Substring('Kedge', 2)", "dge"),
            Example("Substring('Kedge', 9)", ""),
            Example("Substring('Kedge', -1, 2)", "Ke"),
            Example("Substring('Kedge', 1, -1)", ""),
            Example("Substring(NULL(), 1)", None),
        ),
    ),
    LENGTH,
    Function(
        name="Uppercase",
        parameters=takes("text s"),
        result=like,
        python=raised,
        sql=engine("upper"),
        summary="The text in upper case.",
        examples=(Example("Uppercase('abé')", "ABÉ"), Example("Uppercase(NULL())", None)),
    ),
    Function(
        name="TitleCase",
        parameters=takes("text s"),
        result=V_WSTRING,
        python=_title,
        summary="Each word with its first letter in upper case and the others in lower case.",
        note="Letters, digits and apostrophes make a word; the exact rule is not documented.",
        examples=(
            Example("TitleCase('joHN o\"neil')", 'John O"Neil'),
            Example('TitleCase("it\'s")', "It's"),
            Example("TitleCase(NULL())", None),
        ),
    ),
    Function(
        name="Trim",
        parameters=takes(f"text s, text characters={_SPACES!r}"),
        result=like,
        python=str.strip,
        sql=_trim_sql("trim"),
        summary="The text without the given characters (white space) at both ends.",
        examples=(
            Example("Trim('  a b ')", "a b"),
            Example("Trim('xxaxyx', 'xy')", "a"),
            Example("Trim(' a', '')", " a"),
            Example("Trim(NULL())", None),
        ),
    ),
    Function(
        name="TrimLeft",
        parameters=takes(f"text s, text characters={_SPACES!r}"),
        result=like,
        python=str.lstrip,
        sql=_trim_sql("ltrim"),
        summary="The text without the given characters (white space) at its start.",
        examples=(Example("TrimLeft('  a ')", "a "), Example("TrimLeft('xya', 'xy')", "a")),
    ),
    Function(
        name="TrimRight",
        parameters=takes(f"text s, text characters={_SPACES!r}"),
        result=like,
        python=str.rstrip,
        sql=_trim_sql("rtrim"),
        summary="The text without the given characters (white space) at its end.",
        examples=(Example("TrimRight('  a ')", "  a"), Example("TrimRight('axy', 'xy')", "a")),
    ),
    Function(
        name="PadLeft",
        parameters=takes("text s, integer length, text character"),
        result=V_WSTRING,
        python=_pad_left,
        sql=_pad_sql("lpad"),
        summary="The text, filled up on the left to `length` characters; longer texts stay.",
        note="Only the first character of the filling counts.",
        examples=(
            Example("PadLeft('7', 3, '0')", "007"),
            Example("PadLeft('1234', 3, '0')", "1234"),
            Example("PadLeft('a', 4, 'xy')", "xxxa"),
            Example("PadLeft('a', 4, '')", "a"),
            Example("PadLeft(NULL(), 3, '0')", None),
        ),
    ),
    Function(
        name="PadRight",
        parameters=takes("text s, integer length, text character"),
        result=V_WSTRING,
        python=_pad_right,
        sql=_pad_sql("rpad"),
        summary="The text, filled up on the right to `length` characters; longer texts stay.",
        note="Only the first character of the filling counts.",
        examples=(Example("PadRight('7', 3, '0')", "700"), Example("PadRight('1234', -3, '0')", "1234")),
    ),
    REPLACE,
    Function(
        name="ReplaceFirst",
        parameters=takes("text s, text target, text replacement"),
        result=V_WSTRING,
        python=_replace_first,
        sql=_replace_first_sql,
        summary="The text with the first occurrence of `target` replaced; upper and lower case differ.",
        examples=(
            Example("ReplaceFirst('0.0.1', '0.', '')", "0.1"),
            Example("ReplaceFirst('abc', 'x', 'y')", "abc"),
            Example("ReplaceFirst('abc', '', 'y')", "abc"),
            Example("ReplaceFirst(NULL(), 'x', 'y')", None),
        ),
    ),
    Function(
        name="ReplaceChar",
        parameters=takes("text s, text characters, text replacement"),
        result=V_WSTRING,
        python=_replace_each,
        sql=_replace_each_sql,
        summary="The text with each of the `characters` replaced.",
        examples=(
            Example("ReplaceChar('a-b_c', '-_', ' ')", "a b c"),
            Example("ReplaceChar('(1)', '()', '')", "1"),
            Example("ReplaceChar('ab', 'ab', 'ba')", "baba"),
            Example("ReplaceChar(NULL(), 'a', 'b')", None),
        ),
    ),
    Function(
        name="ReverseString",
        parameters=takes("text s"),
        result=like,
        python=_reverse,
        sql=engine("reverse"),
        summary="The characters in reverse order; a letter and its accents stay together.",
        examples=(Example("ReverseString('abñ')", "ñba"), Example("ReverseString(NULL())", None)),
    ),
    Function(
        name="StripQuotes",
        parameters=takes("text s"),
        result=like,
        python=_strip_quotes,
        sql=_strip_quotes_sql,
        summary="The text without a pair of equal quotes around it.",
        examples=(
            Example("StripQuotes('\"ab\"')", "ab"),
            Example('StripQuotes("\'")', "'"),
            Example("StripQuotes('ab\"')", 'ab"'),
            Example("StripQuotes(NULL())", None),
        ),
    ),
    Function(
        name="CountWords",
        parameters=takes("text s"),
        result=INT64,
        python=lambda text: len(_WORD.findall(text)),
        sql=_count_words_sql,
        summary="The number of words; white space parts them.",
        examples=(
            Example("CountWords(' to be  or not ')", 4),
            Example("CountWords('')", 0),
            Example("CountWords(NULL())", None),
        ),
    ),
)
