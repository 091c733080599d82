"""Translated messages."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedge.host.translation import translate

CATALOGUE = {
    "de": {"{0} rows in {1}": "In {1} sind {0} Zeilen", "Done": "Fertig"},
    "pt": {"Done": "Feito"},
    "pt-BR": {"{0} rows in {1}": "{0} linhas em {1}"},
}


@pytest.mark.parametrize(
    ("locale", "text", "translated"),
    [
        ("de", "{0} rows in {1}", "In a.csv sind 3 Zeilen"),
        ("de", "Unknown {1}", "Unknown a.csv"),
        ("pt-BR", "{0} rows in {1}", "3 linhas em a.csv"),
        ("pt-BR", "Done", "Feito"),
        ("pt_BR", "Done", "Feito"),
        ("en", "Done", "Done"),
        ("", "Done", "Done"),
    ],
)
def test_a_text_is_looked_up_by_locale_and_language(locale: str, text: str, translated: str) -> None:
    assert translate(text, ["3", "a.csv"], CATALOGUE, locale) == translated


@pytest.mark.parametrize(
    ("text", "translated"),
    [
        ("{0} {2}", "a {2}"),
        ("{0}{0}", "aa"),
        ("{1}", "{0}"),
        ("{", "{"),
        ("}{", "}{"),
        ("{} {x} {0!r} {-1}", "{} {x} {0!r} {-1}"),
        ("{{0}}", "{a}"),
        ("{00}", "a"),
        ("{" + "9" * 5000 + "}", "{" + "9" * 5000 + "}"),
    ],
)
def test_only_numbered_placeholders_with_a_value_are_replaced(text: str, translated: str) -> None:
    assert translate(text, ["a", "{0}"], {}, "en") == translated


@given(st.text(string.digits + "{}ä "), st.lists(st.text()))
def test_no_text_is_too_odd(text: str, args: list[str]) -> None:
    assert isinstance(translate(text, args, {"en": {text: text}}, "en"), str)
