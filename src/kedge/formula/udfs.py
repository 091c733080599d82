"""The functions that DuckDB does not have, as vectorised user-defined functions over Arrow arrays."""

from __future__ import annotations

__all__ = ["Udf", "has_udf", "register", "udfs"]

from functools import cache
from inspect import Parameter as SignatureParameter
from inspect import Signature
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from kedge.formula.functions.family import udf_name
from kedge.formula.functions.registry import FUNCTIONS, HELPERS, find
from kedge.formula.typed import Function, Literal, Nulls
from kedge.formula.types import DesignerType

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from duckdb import DuckDBPyConnection


class Udf(NamedTuple):
    """A function of the engine, with SQL types; ``parameters`` of None take any number of any type."""

    name: str
    parameters: tuple[str, ...] | None
    result: str
    compute: Callable[..., pa.Array]
    pure: bool


@cache
def has_udf(function: Function) -> bool:
    """Whether there is a UDF for a function: its columns must always be of the same types."""
    named = find(function.name) is function or function in HELPERS
    return bool(named and function.python and function.parameters and _result(function))


def _result(function: Function) -> DesignerType | None:
    """Return the type of the results; a rule is asked about arguments of the parameters' types."""
    if not all(each.kind.type or each.option or each.repeated for each in function.parameters):
        return None
    if isinstance(function.result, DesignerType):
        return function.result
    kinds = [each.kind.type for each in function.parameters]
    return function.result([Literal(None, each) for each in kinds if each]) if all(kinds) else None


@cache
def _sql_type(kind: DesignerType) -> str:
    return kind.sql.sql("duckdb")


def _parameters(function: Function) -> tuple[str, ...] | None:
    if any(each.repeated or each.option for each in function.parameters):
        return None
    return tuple(_sql_type(each.kind.type) for each in function.parameters if each.kind.type)


def _vectorised(function: Function, kind: pa.DataType) -> Callable[..., pa.Array]:
    python, nulls = function.python, function.nulls
    assert python

    def compute(*columns: Any) -> pa.Array:
        lists = [each.to_pylist() for each in columns]
        if nulls in (Nulls.OWN, Nulls.ALL) or not any(each.null_count for each in columns):
            return pa.array(map(python, *lists), kind, size=len(columns[0]))
        missing = False if nulls is Nulls.FALSE else None
        values = (missing if None in row else python(*row) for row in zip(*lists, strict=True))
        return pa.array(values, kind, size=len(columns[0]))

    if not any(each.repeated for each in function.parameters):
        compute.__signature__ = _signature(len(function.parameters))  # type: ignore[attr-defined]
    return compute


def _signature(count: int) -> Signature:
    """DuckDB compares the number of types with the function's signature."""
    return Signature([SignatureParameter(f"a{each}", SignatureParameter.POSITIONAL_ONLY) for each in range(count)])


def _udf(function: Function) -> Udf:
    result = _result(function)
    assert result
    compute = _vectorised(function, result.arrow)
    return Udf(udf_name(function), _parameters(function), _sql_type(result), compute, function.pure)


@cache
def udfs() -> tuple[Udf, ...]:
    """All user-defined functions; building them takes a moment, once."""
    named: Iterable[Function] = FUNCTIONS.values()
    return tuple(_udf(each) for each in (*named, *HELPERS) if has_udf(each))


def register(connection: DuckDBPyConnection, names: Container[str] | None = None) -> list[str]:
    """Add user-defined functions to a connection, and to those that share its database: all, or those of ``names``.

    Returns the names of those that were added.
    """
    added = [udf for udf in udfs() if names is None or udf.name in names]
    for udf in added:
        connection.create_function(  # type: ignore[call-overload]
            udf.name,
            udf.compute,
            None if udf.parameters is None else list(udf.parameters),
            udf.result,
            type="arrow",
            null_handling="special",
            side_effects=not udf.pure,
        )
    return [udf.name for udf in added]
