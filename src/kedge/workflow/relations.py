"""The relations of a run: what each output anchor is by now, and the one statement that a stretch of them makes."""

from __future__ import annotations

__all__ = ["Count", "Relation", "Statement", "statement"]

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.contract import OrderKey, Query, Scan, Source, aliased, column, select_from
from kedge.tools.expecting import expecting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.tools.schema import Schema
    from kedge.workflow.arriving import Arriving

EXPECTED = 10_000_000
"""Records that a stream is taken to have: more than what is held of the other side of a join."""


@dataclass(frozen=True)
class Statement:
    """A query with everything that it reads.

    ``arriving`` are the streams among that, each with the number of times that the query reads it, ``scans`` the
    records of sources, by name. ``place`` is where the tool that runs it stands in the plan.
    """

    query: exp.Query
    arriving: Mapping[Arriving, int] = field(default_factory=dict)
    scans: Mapping[str, Scan] = field(default_factory=dict)
    place: int = 0


@dataclass
class Count:
    """A number of records, shared by all relations that have the same number of them; ``None`` until it is known."""

    rows: int | None = None


@dataclass(frozen=True)
class Relation:
    """An output anchor: a table where ``query`` is ``None``, else a SELECT over its ``parents`` or a stream."""

    name: str
    schema: Schema
    query: exp.Query | None = None
    order: tuple[OrderKey, ...] = ()
    natural: bool = False
    parents: tuple[Relation, ...] = ()
    count: Count = field(default_factory=Count)
    arriving: Arriving | None = None
    scans: Mapping[str, Scan] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, schema: Schema, query: Query, parents: tuple[Relation, ...]) -> Relation:
        """Return the relation that a tool's SELECT makes."""
        made = cls(name, schema, query.select, query.order, query.natural, parents)
        return replace(made, scans=query.scans, typed=query.typed)

    @classmethod
    def over(cls, name: str, schema: Schema, arriving: Arriving, count: Count) -> Relation:
        """Return the relation of records that arrive as a stream, in the schema's types."""
        columns = aliased((exp.cast(column(field.name), field.type.sql), field.name) for field in schema)
        arrived = select_from(columns, _table(arriving.name))
        none = expecting(EXPECTED, ((field.name, field.type.sql) for field in schema))
        query = exp.union(arrived, none, distinct=False, copy=False)
        return cls(name, schema, query, natural=True, count=count, arriving=arriving)

    def source(self, ordered: bool) -> Source:
        """Return the relation as an input; its order is handed on only where it is needed."""
        source = Source(self.name, self.schema, typed=self.typed)
        if not ordered:
            return source
        return replace(source, order=self.order, natural=self.natural, rowid=self.query is None)

    def as_table(self, rows: int) -> Relation:
        """Return the relation after it has been materialised under its name."""
        self.count.rows = rows
        return replace(self, query=None, parents=(), arriving=None, scans={}, typed={})

    def everything(self) -> Statement:
        """Return one statement that yields the rows with their hidden columns, in no promised order unless natural."""
        hidden = [column(key.column) for key in self.order]
        columns = [column(field.name) for field in self.schema]
        return statement(select_from([*columns, *hidden], _table(self.name)), (self,))

    def records(self, limit: int = 0) -> Statement:
        """Return one statement that yields the visible columns in order."""
        select = select_from([column(field.name) for field in self.schema], _table(self.name))
        if self.order:
            select = select.order_by(*(key.sql() for key in self.order), copy=False)
        if limit:
            select = select.limit(limit, copy=False)
        return statement(select, (self,))


def _table(name: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def statement(query: exp.Query, parents: Sequence[Relation]) -> Statement:
    """Put the SELECTs that a query reads before it, as a WITH chain: each once, each after those that it reads."""
    chain: dict[str, Relation] = {}

    def collect(relation: Relation) -> None:
        if relation.query is None or relation.name in chain:
            return
        for parent in relation.parents:
            collect(parent)
        chain[relation.name] = relation

    for parent in parents:
        collect(parent)
    result = query.copy()
    for name, relation in chain.items():
        assert relation.query is not None
        result = result.with_(exp.to_identifier(name, quoted=True), relation.query, copy=False)
    scans = {name: scan for relation in chain.values() for name, scan in relation.scans.items()}
    return Statement(result, _readings(query, chain), scans)


def _readings(query: exp.Query, chain: Mapping[str, Relation]) -> dict[Arriving, int]:
    """Count how often a query reads each stream, through the chain: a SELECT that is read twice reads twice."""
    arriving = {relation.arriving: name for name, relation in chain.items() if relation.arriving is not None}
    if not arriving:
        return {}
    times = _tables(query)
    for name, relation in reversed(tuple(chain.items())):
        assert relation.query is not None
        for table, count in _tables(relation.query).items():
            times[table] += count * times[name]
    return {stream: times[name] for stream, name in arriving.items() if not stream.stored}


def _tables(query: exp.Query) -> Counter[str]:
    return Counter(table.name for table in query.find_all(exp.Table))
