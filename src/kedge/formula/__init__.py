"""The expression language of Designer: parsing, typing, translation to SQL, and evaluation row by row.

``bind`` parses a text and types it on the fields of an input; ``to_sql`` translates the result to a sqlglot
expression for DuckDB, to whose connection ``register_udfs`` has added what DuckDB lacks. ``convert`` stores
a value in the type of a field and says what was lost. ``evaluate``, ``compile_fold`` and
``compile_generator`` run expressions in Python, the latter two for Multi-Row Formula and Generate Rows.
"""

from __future__ import annotations

__all__ = [
    "Conversion",
    "Current",
    "DesignerType",
    "FieldRef",
    "FormulaOptions",
    "Typed",
    "bind",
    "common_type",
    "compile_fold",
    "compile_generator",
    "convert",
    "evaluate",
    "mismatch",
    "negated",
    "parse",
    "references",
    "register_udfs",
    "to_sql",
    "unparse",
    "walk",
]

from kedge.formula.binder import Current, bind, negated
from kedge.formula.convert import Conversion, convert, mismatch
from kedge.formula.folding import compile_fold
from kedge.formula.generating import compile_generator
from kedge.formula.options import FormulaOptions
from kedge.formula.parser import parse
from kedge.formula.rows import evaluate, references
from kedge.formula.translate import to_sql
from kedge.formula.typed import FieldRef, Typed, walk
from kedge.formula.types import DesignerType, common_type
from kedge.formula.udfs import register as register_udfs
from kedge.formula.unparse import unparse
