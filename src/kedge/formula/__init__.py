"""The expression language of Designer: parsing, typing, translation to SQL, and evaluation row by row.

``bind`` parses a text and types it on the fields of an input; ``to_sql`` translates the result to a sqlglot
expression for DuckDB, to whose connection ``register_udfs`` has added what DuckDB lacks.
"""

from __future__ import annotations

__all__ = [
    "FUNCTIONS",
    "Current",
    "DesignerType",
    "FieldRef",
    "FormulaOptions",
    "Typed",
    "bind",
    "common_type",
    "parse",
    "register_udfs",
    "to_sql",
    "unparse",
    "walk",
]

# The functions come first: they and the implicit conversions import each other.
from kedge.formula.functions import FUNCTIONS  # isort: skip
from kedge.formula.binder import Current, bind
from kedge.formula.options import FormulaOptions
from kedge.formula.parser import parse
from kedge.formula.translate import to_sql
from kedge.formula.typed import FieldRef, Typed, walk
from kedge.formula.types import DesignerType, common_type
from kedge.formula.udfs import register as register_udfs
from kedge.formula.unparse import unparse
