r"""Regular expressions as Designer writes them (Boost, Perl syntax), on the ``regex`` package.

Differences that matter: ``\u`` and ``\l`` stand for an upper-case and a lower-case letter, ``.`` matches line ends, ``^``
and ``$`` match at line ends too, and replacements write groups as ``$1`` and ``${1}``.
"""

from __future__ import annotations

__all__ = ["compile_pattern", "replacement_template"]

from functools import lru_cache

import regex

ESCAPE = regex.compile(r"\\(.)", regex.DOTALL)
CLASSES = {
    "u": "[[:upper:]]",
    "l": "[[:lower:]]",
    "U": "[^[:upper:]]",
    "L": "[^[:lower:]]",
    "<": r"\b",
    ">": r"\b",
}
GROUP = regex.compile(r"\$(?:(\d+)|\{(\d+)\}|(&)|(\$))|\\(\d)")


@lru_cache(maxsize=256)
def compile_pattern(pattern: str, ignore_case: bool) -> regex.Pattern[str]:
    """Compile a pattern; raises ``ValueError`` that says what is wrong and where."""
    flags = regex.DOTALL | regex.MULTILINE | (regex.IGNORECASE if ignore_case else 0)
    translated = ESCAPE.sub(lambda match: CLASSES.get(match[1], match[0]), pattern)
    try:
        return regex.compile(translated, flags)
    except regex.error as fault:
        raise ValueError(f"{pattern!r} is not a regular expression: {fault}") from fault


@lru_cache(maxsize=256)
def replacement_template(replacement: str) -> str:
    """Turn ``$1``, ``${1}`` and ``$&`` into the template that ``regex`` takes."""
    parts: list[str] = []
    end = 0
    for match in GROUP.finditer(replacement):
        parts.append(replacement[end : match.start()].replace("\\", "\\\\"))
        number = match[1] or match[2] or match[5] or "0"
        parts.append("$" if match[4] else rf"\g<{number}>")
        end = match.end()
    return "".join(parts) + replacement[end:].replace("\\", "\\\\")
