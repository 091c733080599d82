"""Write ``kedge/formula/grammar.json``: what lark works out of ``grammar.lark``, so that no command has to."""

from __future__ import annotations

import json

from lark.grammar import Rule
from lark.lexer import TerminalDef

from kedge.formula.grammar import TABLES, made_of, make_reader


def main() -> None:
    """Write the tables for the grammar as it is and the lark that is installed."""
    data, memo = make_reader().memo_serialize([TerminalDef, Rule])
    tables = {"made_of": made_of(), "data": data, "memo": memo}
    TABLES.write_text(json.dumps(tables, separators=(",", ":")) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
