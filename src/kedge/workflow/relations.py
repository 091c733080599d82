"""The relations of a run: what each output anchor is by now, and the one statement that a stretch of them makes."""

from __future__ import annotations

__all__ = ["Relation", "Statement", "statement"]

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.contract import FEW, OrderKey, Query, Scan, Source, aliased, column, select_from
from kedge.tools.expecting import expecting, naming
from kedge.tools.sql import NULL, call, number
from kedge.workflow.counting import NOTHING, Count, Counting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.tools.schema import Schema
    from kedge.workflow.arriving import Arriving

EXPECTED = 10_000_000
"""Records that a stream is taken to have: more than what is held of the other side of a join."""


TINY = 1024
"""Rows that engines keep in one piece."""


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


@dataclass(frozen=True)
class Relation:
    """An output anchor: a table where ``query`` is ``None``, else a SELECT over its ``parents`` or a stream.

    ``few`` says that all that it is made of has few records, ``tiny`` that it is made of one piece, in which an engine
    keeps the order whatever it does, ``grows`` that it may have many more. ``beside`` are the
    tool's anchors that nobody reads, and whose number of records would be good to know.
    """

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
    few: bool = False
    tiny: bool = False
    grows: bool = False
    beside: tuple[Relation, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, name: str, schema: Schema, query: Query, parents: tuple[Relation, ...]) -> Relation:
        """Return the relation that a tool's SELECT makes."""
        few = all(parent.few for parent in parents) if parents else query.few
        made = cls(name, schema, query.select, query.order, query.natural, parents, few=few, grows=query.grows)
        tiny = len(parents) == 1 and parents[0].tiny
        return replace(made, tiny=tiny, scans=query.scans, typed=query.typed)

    @classmethod
    def over(cls, name: str, schema: Schema, arriving: Arriving, count: Count, few: bool) -> Relation:
        """Return the relation of records that arrive as a stream, in the schema's types."""
        columns = aliased((exp.cast(column(field.name), field.type.sql), field.name) for field in schema)
        arrived = select_from(columns, _table(arriving.name))
        none = expecting(EXPECTED, ((field.name, field.type.sql) for field in schema))
        query = exp.union(arrived, none, distinct=False, copy=False)
        return cls(name, schema, query, natural=True, count=count, arriving=arriving, few=few)

    def numbered(self, hidden: str) -> Relation:
        """Return the relation with its order in a column: engines that keep rows for two readers lose their order.

        They do not within a piece of some 2,000 rows.
        """
        if not self.natural or self.query is None or self.tiny:
            return self
        columns = [column(name) for name in (*self.schema.names, *self.typed.values())]
        row = exp.alias_(exp.Window(this=exp.RowNumber()), hidden, quoted=True)
        query = select_from([*columns, row], self.query.subquery("rows", copy=False))
        return replace(self, query=query, order=(OrderKey(hidden),), natural=False)

    def chain(self) -> tuple[Relation, ...]:
        """Return all that has to be computed for this, each once and after what it reads; itself is the last."""
        found: dict[str, Relation] = {}

        def collect(relation: Relation) -> None:
            if relation.query is None or relation.name in found:
                return
            for parent in relation.parents:
                collect(parent)
            found[relation.name] = relation

        collect(self)
        return tuple(found.values())

    def source(self, ordered: bool) -> Source:
        """Return the relation as an input; its order is handed on only where it is needed."""
        source = Source(self.name, self.schema, typed=self.typed)
        if not ordered:
            return source
        return replace(source, order=self.order, natural=self.natural, rowid=self.query is None)

    def as_table(self, rows: int) -> Relation:
        """Return the relation after it has been materialised under its name."""
        self.count.rows = rows
        table = replace(self, query=None, parents=(), arriving=None, scans={}, typed={}, beside=())
        return replace(table, few=rows <= FEW, tiny=rows <= TINY, grows=False)

    def everything(self, counting: Counting = NOTHING) -> Statement:
        """Return one statement that yields the rows with their hidden columns, in no promised order unless natural."""
        hidden = [column(key.column) for key in self.order]
        columns = [column(field.name) for field in self.schema]
        return statement(select_from([*columns, *hidden], _table(self.name)), (self,), counting)

    def records(self, limit: int = 0, counting: Counting = NOTHING) -> Statement:
        """Return one statement that yields the visible columns in order."""
        select = select_from([column(field.name) for field in self.schema], _table(self.name))
        if self.order:
            select = select.order_by(*(key.sql() for key in self.order), copy=False)
        if limit:
            select = select.limit(limit, copy=False)
        return statement(select, (self,), counting)


def _table(name: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def statement(query: exp.Query, parents: Sequence[Relation], counting: Counting = NOTHING) -> Statement:
    """Put the SELECTs that a query reads before it, as a WITH chain: each once, each after those that it reads.

    What is to be counted is counted on the way.
    """
    chain = {relation.name: relation for parent in (*parents, *counting.beside) for relation in parent.chain()}
    queries = {name: relation.query for name, relation in chain.items() if relation.query is not None}
    if counting.numbers:
        top = parents[0].name
        queries[top] = _with_counts(queries.pop(top), parents[0], counting.numbers)
    result = query.copy()
    for name, made in queries.items():
        fence = name in counting.fenced or (False if name in counting.numbers else None)
        result = result.with_(exp.to_identifier(name, quoted=True), made, materialized=fence, copy=False)
    scans = {name: scan for relation in chain.values() for name, scan in relation.scans.items()}
    return Statement(result, _readings(query, chain, queries, counting.fenced), scans)


def _with_counts(query: exp.Query, relation: Relation, numbers: Mapping[str, int]) -> exp.Query:
    """Return the query, and no more rows than it has, which reports the numbers of records on its way.

    One GROUP BY of the relations' numbers costs half of what a count of each does. Each number is there once more, so
    that it is reported where there are no records.
    """
    places = list(numbers.values())
    series = exp.Table(this=call("range", number(places[0]), number(places[-1] + 1)), alias=naming("places"))
    rows: list[exp.Query] = [select_from([number(place)], _table(name)) for name, place in numbers.items()]
    union = exp.union(select_from([exp.Column(this=exp.to_identifier("n"))], series), *rows, distinct=False, copy=False)
    records = exp.Sub(this=exp.Count(this=exp.Star()), expression=number(1))
    counted = select_from([exp.column("n"), exp.alias_(records, "records")], union.subquery("rows", copy=False))
    counts = counted.group_by(exp.column("n"), copy=False).subquery("counts", copy=False)
    reported = exp.LT(this=call("kedge_counted", exp.column("n"), exp.column("records")), expression=number(0))
    empty = [NULL.copy() for _ in (*relation.schema, *relation.order)]
    none = select_from(empty, counts).where(reported, copy=False)
    return exp.union(select_from([exp.Star()], query.subquery("rows", copy=False)), none, distinct=False, copy=False)


def _readings(
    query: exp.Query, chain: Mapping[str, Relation], queries: Mapping[str, exp.Query], fenced: frozenset[str]
) -> dict[Arriving, int]:
    """Count how often a query reads each stream, through the chain: a SELECT that is read twice reads twice."""
    arriving = {relation.arriving: name for name, relation in chain.items() if relation.arriving is not None}
    if not arriving:
        return {}
    times = _tables(query)
    for name, made in reversed(tuple(queries.items())):
        here = min(times[name], 1) if name in fenced else times[name]
        for table, count in _tables(made).items():
            times[table] += count * here
    return {
        stream: min(times[name], 1) if name in fenced else times[name]
        for stream, name in arriving.items()
        if not stream.stored
    }


def _tables(query: exp.Query) -> Counter[str]:
    return Counter(table.name for table in query.find_all(exp.Table))
