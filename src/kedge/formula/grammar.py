"""The grammar of expressions as a reader: from tables made beforehand, or worked out of ``grammar.lark``.

To work the tables out takes a twentieth of a second, which every ``kedge run`` and ``kedge check`` would wait for.
``grammar.json`` holds them, with the version of lark and the digest of the grammar that they are made of; for any other
they are made anew. ``make grammar`` writes the file.
"""

from __future__ import annotations

__all__ = ["TABLES", "load_reader", "made_of", "make_reader"]

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import lark

GRAMMAR: Final = Path(__file__).with_name("grammar.lark")
TABLES: Final = GRAMMAR.with_suffix(".json")


def load_reader() -> lark.Lark:
    """Return what reads the text of an expression into a tree of the grammar's rules."""
    tables = json.loads(TABLES.read_text(encoding="utf-8"), object_hook=_with_numbers)
    return lark.Lark.load(tables) if tables["made_of"] == made_of() else make_reader()


def make_reader() -> lark.Lark:
    """Return the same from the grammar itself."""
    text = GRAMMAR.read_text(encoding="utf-8")
    return lark.Lark(text, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def made_of() -> dict[str, str]:
    """Return what tables must be made of to be those of this grammar and this lark."""
    return {"lark": lark.__version__, "grammar": hashlib.sha256(GRAMMAR.read_bytes()).hexdigest()}


def _with_numbers(pairs: dict[str, Any]) -> dict[Any, Any]:
    """Return an object as lark knows it: states and symbols are numbers, which JSON writes as texts."""
    return {int(key) if key.isdigit() else key: value for key, value in pairs.items()}
