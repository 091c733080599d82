from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kedge.formula import grammar

if TYPE_CHECKING:
    import pytest

EXPRESSION = 'IF [a] + 2 > -b THEN Left("x", 1) ELSEIF c NOT IN (1, 2) THEN %User.X% ELSE NULL() ENDIF // why'


class TestTables:
    """The tables in the package are those of the grammar."""

    def test_are_made_of_the_grammar_as_it_is(self) -> None:
        made_of = json.loads(grammar.TABLES.read_text(encoding="utf-8"))["made_of"]
        assert made_of["grammar"] == grammar.made_of()["grammar"], "run make grammar"

    def test_read_an_expression_as_the_grammar_does(self) -> None:
        assert grammar.load_reader().parse(EXPRESSION) == grammar.make_reader().parse(EXPRESSION)

    def test_of_another_lark_are_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        anew = object()
        monkeypatch.setattr("lark.__version__", "1.2.0")
        monkeypatch.setattr(grammar, "make_reader", lambda: anew)
        assert grammar.load_reader() is anew
