r"""Regular expressions in Boost's Perl syntax, for the two engines that stand in for Boost.

A pattern is read once and written twice: for RE2, which DuckDB runs, where RE2 has all that the pattern
needs; and for the ``regex`` package, which has the rest. Character classes are written out, so that both
mean the same by ``\w``, ``\s`` and ``[[:alpha:]]``: letters of any script, as with Boost's wide
characters.
"""

from __future__ import annotations

__all__ = ["Pattern", "compile_pattern", "parse_replacement"]

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import regex

if TYPE_CHECKING:
    from kedge.formula.options import FormulaOptions

_WORD: Final = r"\p{L}\p{Nd}_"
_SPACE: Final = r" \t\n\v\f\r\x85\p{Z}"
_BLANK: Final = r"\t\p{Zs}"
_SETS: Final = {"d": "0-9", "w": _WORD, "s": _SPACE, "h": _BLANK, "l": r"\p{Ll}", "u": r"\p{Lu}"}
_POSIX: Final = {
    "alpha": r"\p{L}",
    "alnum": r"\p{L}\p{Nd}",
    "digit": "0-9",
    "d": "0-9",
    "word": _WORD,
    "w": _WORD,
    "space": _SPACE,
    "s": _SPACE,
    "blank": _BLANK,
    "upper": r"\p{Lu}",
    "u": r"\p{Lu}",
    "lower": r"\p{Ll}",
    "l": r"\p{Ll}",
    "punct": r"\p{P}\p{S}",
    "cntrl": r"\p{Cc}",
    "xdigit": "0-9A-Fa-f",
    "graph": r"\p{L}\p{M}\p{N}\p{P}\p{S}",
    "print": r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}",
}
_CASED: Final = r"\p{Lu}\p{Ll}\p{Lt}"
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_LINE_END: Final = r"(?:\r\n|[\n\v\f\r\x85\p{Zl}\p{Zp}])"
_MOST_REPEATS: Final = 1000

_TOKEN: Final = regex.compile(
    r"""
    \\Q(?P<quoted>.*?)(?:\\E|\Z)
  | \\x\{(?P<long>[0-9A-Fa-f]{1,6})\} | \\x(?P<hex>[0-9A-Fa-f]{1,2})
  | (?P<property>\\[pP](?:\{\^?[\w&]+\}|\w))
  | (?P<back>\\[1-9]\d* | \\[gk](?:\{-?\w+\}|<\w+>|-?\d+))
  | \\(?P<escape>.)
  | \[(?P<set>\^?\]?(?:\[[:.=].*?[:.=]\] | \\. | [^\]\\])*)\]
  | (?P<comment>\(\?\#[^)]*\))
  | \(\?(?P<flags>[a-z-]+)(?P<scope>[:)])
  | \(\?P?<(?P<name>[A-Za-z_]\w*)>
  | (?P<look>\(\?(?:<?[=!]|>|\||[R(+&\d-]))
  | (?P<open>\((?:\?:)?) | (?P<close>\))
  | (?P<possessive>(?:[*+?]|\{\d+(?:,\d*)?\})\+)
  | \{(?P<repeat>\d+(?:,\d*)?)\} | (?P<brace>[{}])
  | (?P<end>\$) | (?P<plain>.)
    """,
    regex.VERBOSE | regex.DOTALL,
)
_SET_ITEM: Final = regex.compile(
    r"\[:(?P<not>\^?)(?P<posix>\w+):\] | \[[.=](?P<collating>.+?)[.=]\]"
    r"| \\x\{(?P<long>[0-9A-Fa-f]{1,6})\} | \\x(?P<hex>[0-9A-Fa-f]{1,2})"
    r"| (?P<property>\\[pP](?:\{\^?[\w&]+\}|\w)) | \\(?P<escape>.) | (?P<plain>.)",
    regex.VERBOSE | regex.DOTALL,
)


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern.

    ``re2`` is the pattern for DuckDB's functions, flags included; None where RE2 lacks something. Where
    ``ascii_only``, it finds the same only in texts of ASCII characters. ``maybe_empty`` patterns can match
    the empty text, and RE2 counts empty matches beside others differently. ``python`` is the pattern of the
    ``regex`` package.
    """

    python: regex.Pattern[str]
    re2: str | None
    ascii_only: bool
    maybe_empty: bool

    @property
    def groups(self) -> int:
        """The number of marked groups."""
        return self.python.groups


@lru_cache(maxsize=512)
def compile_pattern(pattern: str, ignore_case: bool, dot_matches_newline: bool, anchors: bool) -> Pattern:
    """Return the pattern for both engines. Raises ``regex.error`` for what is no pattern.

    ``anchors`` says whether ``^`` and ``$`` match at line ends inside of the text.
    """
    writer = _Writer(ignore_case, anchors)
    writer.write(pattern)
    python, re2 = writer.finished()
    flags = (ignore_case and regex.IGNORECASE) | (dot_matches_newline and regex.DOTALL)
    compiled = regex.compile(python, flags | (anchors and regex.MULTILINE))
    letters = "i" * ignore_case + "m" * anchors + "s" * dot_matches_newline
    text = None if re2 is None else f"(?{letters}){re2}" if letters else re2
    return Pattern(compiled, text, writer.ascii_only, _maybe_empty(python, compiled))


def pattern_of(text: str, ignore_case: bool, options: FormulaOptions) -> Pattern:
    """Return the pattern as the settings want it."""
    return compile_pattern(text, ignore_case, options.dot_matches_newline, options.anchors_match_lines)


def _maybe_empty(python: str, compiled: regex.Pattern[str]) -> bool:
    if compiled.fullmatch("") is not None:
        return True
    without_borders = regex.sub(r"\\[bBmM]", "", python)
    return without_borders != python and regex.compile(without_borders).fullmatch("") is not None


class _Writer:
    """Writes a pattern for both engines, piece by piece; ``re2`` ends where RE2 cannot follow."""

    def __init__(self, ignore_case: bool, anchors: bool) -> None:
        self.ignore_case = ignore_case
        self.anchors = anchors
        self.python: list[str] = []
        self.re2: list[str] = []
        self.for_re2 = True
        self.ascii_only = False
        self.unclosed = [0]

    def finished(self) -> tuple[str, str | None]:
        self.both(")" * self.unclosed.pop())
        return "".join(self.python), "".join(self.re2) if self.for_re2 else None

    def both(self, text: str) -> None:
        self.python.append(text)
        self.re2.append(text)

    def python_only(self, text: str) -> None:
        self.python.append(text)
        self.for_re2 = False

    def write(self, pattern: str) -> None:
        at = 0
        while at < len(pattern):
            token = _TOKEN.match(pattern, at)
            if token is None:
                raise regex.error("this cannot stand here", pattern, at)
            kind = token.lastgroup or ""
            getattr(self, f"_{kind}")(token)
            at = token.end()

    def _literal(self, character: str) -> None:
        self.both(regex.escape(character) if character.isascii() else character)

    def _quoted(self, token: regex.Match[str]) -> None:
        for character in token["quoted"]:
            self._literal(character)

    def _long(self, token: regex.Match[str]) -> None:
        self._literal(chr(int(token["long"], 16)))

    def _hex(self, token: regex.Match[str]) -> None:
        self._literal(chr(int(token["hex"], 16)))

    def _property(self, token: regex.Match[str]) -> None:
        self.both(token["property"])

    def _back(self, token: regex.Match[str]) -> None:
        written = token["back"]
        name = written[2:].strip("{}<>") if written[1] in "gk" else written[1:]
        self.python_only(f"\\g<{name}>" if not name.isdigit() else f"(?:\\{name})")

    def _escape(self, token: regex.Match[str]) -> None:
        letter = token["escape"]
        if letter.lower() in _SETS:
            self.both(f"[{'^' * letter.isupper()}{self._set_text(_SETS[letter.lower()])}]")
        elif letter in "bB":
            self.ascii_only = True
            self.both(f"\\{letter}")
        elif letter in _PYTHON_ONLY:
            self.python_only(_PYTHON_ONLY[letter])
        elif letter in "A`":
            self.both(r"\A")
        elif letter in "z'":
            self.python.append(r"\Z")
            self.re2.append(r"\z")
        elif letter == "R":
            self.both(_LINE_END)
        else:
            self._literal(_CONTROLS.get(letter, letter))

    def _set_text(self, items: str) -> str:
        """Without case, a class of one case stands for both."""
        cased = self.ignore_case and items in (r"\p{Lu}", r"\p{Ll}")
        return _CASED if cased else items

    def _set(self, token: regex.Match[str]) -> None:
        body = token["set"]
        negated = body.startswith("^")
        items = [self._set_item(each) for each in _SET_ITEM.finditer(body[negated:])]
        self.both(f"[{'^' * negated}{''.join(items)}]")

    def _set_item(self, item: regex.Match[str]) -> str:
        if item["posix"]:
            return self._posix(item)
        if item["property"]:
            return str(item["property"])
        if item["long"] or item["hex"]:
            return _in_set(chr(int(item["long"] or item["hex"], 16)))
        if item["collating"]:
            return _in_set(item["collating"])
        if item["plain"]:
            return "-" if item["plain"] == "-" else _in_set(item["plain"])
        return self._set_escape(item["escape"])

    def _posix(self, item: regex.Match[str]) -> str:
        if item["posix"] not in _POSIX:
            raise regex.error(f"there is no character class [:{item['posix']}:]")
        if not item["not"]:
            return self._set_text(_POSIX[item["posix"]])
        self.for_re2 = False
        return f"[:^{item['posix']}:]"

    def _set_escape(self, letter: str) -> str:
        if letter in _SETS:
            return self._set_text(_SETS[letter])
        if letter in "DWS":
            self.for_re2 = self.for_re2 and letter == "D"
            return f"\\{letter}"
        return _in_set("\b" if letter == "b" else _CONTROLS.get(letter, letter))

    def _comment(self, _token: regex.Match[str]) -> None:
        """Comments are left out."""

    def _scope(self, token: regex.Match[str]) -> None:
        if set(token["flags"]) - set("ims-"):
            self.for_re2 = False
        self.both(f"(?{token['flags']}:")
        if token["scope"] == ")":
            self.unclosed[-1] += 1
        else:
            self.unclosed.append(0)

    def _name(self, token: regex.Match[str]) -> None:
        self.unclosed.append(0)
        self.both(f"(?P<{token['name']}>")

    def _look(self, token: regex.Match[str]) -> None:
        self.unclosed.append(0)
        self.python_only(token["look"])

    def _open(self, token: regex.Match[str]) -> None:
        self.unclosed.append(0)
        self.both(token["open"])

    def _close(self, token: regex.Match[str]) -> None:
        if len(self.unclosed) < 2:
            raise regex.error("a ')' without a '('", token.string, token.start())
        self.both(")" * self.unclosed.pop() + ")")

    def _possessive(self, token: regex.Match[str]) -> None:
        self.python_only(token["possessive"])

    def _repeat(self, token: regex.Match[str]) -> None:
        if any(int(each) > _MOST_REPEATS for each in token["repeat"].split(",") if each):
            self.for_re2 = False
        self.both(f"{{{token['repeat']}}}")

    def _brace(self, token: regex.Match[str]) -> None:
        self.both(f"\\{token['brace']}")

    def _end(self, _token: regex.Match[str]) -> None:
        self.python.append("$" if self.anchors else r"\Z")
        self.re2.append("$")

    def _plain(self, token: regex.Match[str]) -> None:
        self.both(token["plain"])


_PYTHON_ONLY: Final = {"Z": r"(?=\n*\Z)", "K": r"\K", "G": r"\G", "<": r"\m", ">": r"\M", "X": r"\X"}


def _in_set(character: str) -> str:
    return f"\\{character}" if character in r"\[]^-&~|" else character


_REPLACEMENT: Final = regex.compile(
    r"\$\{(?P<braced>\w+)\} | \$(?P<number>\d{1,2}) | \$(?P<whole>&) | \$(?P<dollar>\$)"
    r"| \\(?P<back>[1-9]) | \\(?P<case>[luLUE]) | \\x(?P<hex>[0-9A-Fa-f]{2}) | \\(?P<escape>.)"
    r"| (?P<plain>.)",
    regex.VERBOSE | regex.DOTALL,
)


@dataclass(frozen=True)
class Group:
    """The text of a marked group, by number or name."""

    key: int | str


@dataclass(frozen=True)
class Change:
    r"""A change of case: ``l u`` for the next character, ``L U`` up to ``E``."""

    letter: str


@lru_cache(maxsize=512)
def parse_replacement(text: str) -> tuple[str | Group | Change, ...]:
    r"""Return the pieces of a replacement: texts, groups (``$1 ${1} \1 $&``), changes of case (``\u``)."""
    pieces: list[str | Group | Change] = []
    for token in _REPLACEMENT.finditer(text):
        piece = _piece(token)
        if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return tuple(pieces)


def _piece(token: regex.Match[str]) -> str | Group | Change:
    if number := token["braced"] or token["number"] or token["back"]:
        return Group(int(number) if number.isdigit() else number)
    if token["whole"]:
        return Group(0)
    if token["case"]:
        return Change(token["case"])
    if token["hex"]:
        return chr(int(token["hex"], 16))
    if token["escape"]:
        return _CONTROLS.get(token["escape"], token["escape"])
    return str(token["dollar"] or token["plain"])


def replace(pattern: Pattern, text: str, replacement: str) -> str:
    """Return the text with every match replaced."""
    pieces = parse_replacement(replacement)
    return pattern.python.sub(lambda match: _expanded(match, pieces), text)


def _expanded(match: regex.Match[str], pieces: tuple[str | Group | Change, ...]) -> str:
    written, once, lasting = "", "", ""
    for piece in pieces:
        if isinstance(piece, Change):
            once = piece.letter if piece.letter in "lu" else once
            lasting = piece.letter if piece.letter in "LU" else "" if piece.letter == "E" else lasting
            continue
        text = piece if isinstance(piece, str) else _group(match, piece.key)
        text = text.upper() if lasting == "U" else text.lower() if lasting == "L" else text
        if once and text:
            text = (text[0].upper() if once == "u" else text[0].lower()) + text[1:]
            once = ""
        written += text
    return written


def _group(match: regex.Match[str], key: int | str) -> str:
    try:
        return str(match[key] or "")
    except IndexError:
        return ""


def re2_replacement(pattern: Pattern, replacement: str) -> str | None:
    r"""Return the replacement as RE2 reads it (``\1``), or None where only `replace` can do it."""
    written = ""
    for piece in parse_replacement(replacement):
        if isinstance(piece, str):
            written += piece.replace("\\", "\\\\")
        elif isinstance(piece, Group) and isinstance(piece.key, int) and piece.key < 10:
            written += f"\\{piece.key}" if piece.key <= pattern.groups else ""
        else:
            return None
    return written


def describe(problem: Any) -> str:
    """Return what is wrong with a pattern, from the error of `compile_pattern`."""
    return f"the regular expression cannot be read: {problem}"
