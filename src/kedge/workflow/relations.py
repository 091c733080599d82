"""The relations of a run: what each output anchor is by now, and the one statement that a stretch of them makes."""

from __future__ import annotations

__all__ = ["Relation", "statement"]

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.contract import OrderKey, Query, Source, column, select_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kedge.tools.schema import Schema


@dataclass(frozen=True)
class Relation:
    """An output anchor: a table where ``query`` is ``None``, else a SELECT over its ``parents``.

    ``count`` is the number of rows, where it is known.
    """

    name: str
    schema: Schema
    query: exp.Query | None = None
    order: tuple[OrderKey, ...] = ()
    natural: bool = False
    parents: tuple[Relation, ...] = ()
    count: int | None = None

    @classmethod
    def of(cls, name: str, schema: Schema, query: Query, parents: tuple[Relation, ...]) -> Relation:
        """Return the relation that a tool's SELECT makes."""
        return cls(name, schema, query.select, query.order, query.natural, parents)

    def source(self, ordered: bool) -> Source:
        """Return the relation as an input; its order is handed on only where it is needed."""
        if not ordered:
            return Source(self.name, self.schema)
        return Source(self.name, self.schema, self.order, self.natural, rowid=self.query is None)

    def as_table(self, count: int) -> Relation:
        """Return the relation after it has been materialised under its name."""
        return replace(self, query=None, parents=(), count=count)

    def everything(self) -> exp.Query:
        """Return one statement that yields the rows with their hidden columns, in no promised order unless natural."""
        hidden = [column(key.column) for key in self.order]
        columns = [column(field.name) for field in self.schema]
        return statement(select_from([*columns, *hidden], _table(self.name)), (self,))

    def records(self, limit: int = 0) -> exp.Query:
        """Return one statement that yields the visible columns in order."""
        select = select_from([column(field.name) for field in self.schema], _table(self.name))
        if self.order:
            select = select.order_by(*(key.sql() for key in self.order), copy=False)
        if limit:
            select = select.limit(limit, copy=False)
        return statement(select, (self,))


def _table(name: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def statement(query: exp.Query, parents: Sequence[Relation]) -> exp.Query:
    """Put the SELECTs that a query reads before it, as a WITH chain: each once, each after those that it reads."""
    chain: dict[str, exp.Query] = {}

    def collect(relation: Relation) -> None:
        if relation.query is None or relation.name in chain:
            return
        for parent in relation.parents:
            collect(parent)
        chain[relation.name] = relation.query

    for parent in parents:
        collect(parent)
    result = query.copy()
    for name, select in chain.items():
        result = result.with_(exp.to_identifier(name, quoted=True), select, copy=False)
    return result
