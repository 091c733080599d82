"""Expressions over the descriptions of fields, not over records: ``[Name]``, ``[Type]``, ``[Size]`` and so on."""

from __future__ import annotations

__all__ = ["evaluate", "evaluate_on_field"]

import datetime
import decimal
from typing import TYPE_CHECKING

import duckdb
from sqlglot import exp

from kedge.formula.translate import to_sql
from kedge.formula.types import INT32, V_WSTRING
from kedge.formula.udfs import register
from kedge.tools.expressions import condition
from kedge.tools.schema import Field, Schema

if TYPE_CHECKING:
    from kedge.formula.typed import FieldRef, Typed
    from kedge.tools.contract import Context

DESCRIPTION = Schema(
    (
        Field("Name", V_WSTRING),
        Field("Type", V_WSTRING),
        Field("Size", INT32),
        Field("Scale", INT32),
        Field("Source", V_WSTRING),
        Field("Description", V_WSTRING),
        Field("FieldNumber", INT32),
    )
)

Value = str | int | float | bool | datetime.date | datetime.time | decimal.Decimal | None


def evaluate_on_field(text: str, field: Field, number: int, context: Context, place: str) -> bool:
    """Tell whether a condition holds for a field; ``number`` counts the fields from 1."""
    values: dict[str, Value] = {
        "Name": field.name,
        "Type": field.type.name,
        "Size": field.type.size,
        "Scale": field.type.scale,
        "Source": field.source,
        "Description": field.description,
        "FieldNumber": number,
    }
    return bool(evaluate(condition(text, DESCRIPTION, context, place), values))


def evaluate(expression: Typed, values: dict[str, Value]) -> Value:
    """Return the value of an expression whose fields have these values."""

    def resolve(ref: FieldRef) -> exp.Expr:
        value = values[ref.name]
        return exp.cast(exp.Null() if value is None else exp.convert(value), ref.type.sql)

    with duckdb.connect() as connection:
        register(connection)
        row = connection.execute(f"SELECT {to_sql(expression, resolve).sql('duckdb')}").fetchone()
    return row[0] if row else None
