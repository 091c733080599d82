"""What DuckDB is told of the number of records that a stream will have."""

from __future__ import annotations

__all__ = ["expecting", "naming"]

import math
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.contract import aliased, select_from
from kedge.tools.sql import call, number

if TYPE_CHECKING:
    from collections.abc import Iterable


def expecting(rows: int, columns: Iterable[tuple[str, exp.DataType]]) -> exp.Select:
    """Return a SELECT of no rows, of these columns, of which DuckDB expects ``rows``.

    It takes a stream for one row, and would keep the whole of it as the smaller side of a join; with this beside it, it
    does not. The values are not constants, which it would see through: it expects that a fifth of them pass.
    """
    text = exp.cast(exp.column("n", "a"), "text")
    values = aliased((exp.TryCast(this=text.copy(), to=type_), name) for name, type_ in columns)
    side = number(max(math.isqrt(5 * rows), 1))
    first, second = (exp.Table(this=call("range", side.copy()), alias=naming(name)) for name in ("a", "b"))
    none = exp.LT(this=exp.column("n", "a"), expression=number(0))
    return select_from(values, first).join(second, join_type="cross", copy=False).where(none, copy=False)


def naming(name: str) -> exp.TableAlias:
    """Return the alias of a table function whose only column is ``n``."""
    return exp.TableAlias(this=exp.to_identifier(name), columns=[exp.to_identifier("n")])
