"""Translate a tool's messages by a catalogue."""

from __future__ import annotations

__all__ = ["Catalogue", "translate"]

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from kedge.lifecycle.limits import LARGEST_TEXT

Catalogue: TypeAlias = Mapping[str, Mapping[str, str]]
"""Translations by locale and text: ``{"de": {"{0} rows": "{0} Zeilen"}}``."""

_PLACEHOLDER = re.compile(r"\{([0-9]+)\}")


def translate(text: str, args: Sequence[str], catalogue: Catalogue, locale: str) -> str:
    """Return ``text`` in the language of ``locale``, with ``{0}``, ``{1}``, … replaced by ``args``.

    A locale such as ``pt-BR`` that lacks the text falls back to its language, ``pt``, then to ``text`` itself. A
    placeholder without an argument stays as it is, and so do all other braces. So does one whose argument would make
    the text longer than what is shown of it, :data:`~kedge.lifecycle.limits.LARGEST_TEXT`: a few bytes could ask for
    terabytes.
    """
    languages = (locale, re.split("[-_]", locale)[0])
    found = next((catalogue[name][text] for name in languages if text in catalogue.get(name, {})), text)
    room = LARGEST_TEXT - len(found)
    if room < 0:
        return found

    def filled(placeholder: re.Match[str]) -> str:
        nonlocal room
        argument = _argument(placeholder, args)
        if len(argument) > room:
            return placeholder[0]
        room -= len(argument)
        return argument

    return _PLACEHOLDER.sub(filled, found)


def _argument(placeholder: re.Match[str], args: Sequence[str]) -> str:
    # The digits may be thousands, so they are compared before they are used.
    number = int(placeholder[1]) if len(placeholder[1]) < 5 else len(args)
    return args[number] if number < len(args) else placeholder[0]
