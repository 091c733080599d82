"""What a standard tool is: its configuration, ``parse``, ``bind`` and ``build``, and the values that pass between them.

A tool is one module of this package with a ``TOOL``. Its four parts, in this order: a frozen dataclass ``Config``;
``parse(xml)``, which turns the ``Configuration`` element into it and refuses what it does not know; ``bind``, which
says the schemas of the output anchors from those of the inputs; ``build``, which says each output anchor as one
SELECT over the inputs, or, where SQL cannot say it, all of them as one ``Step``, a function over Arrow records. A tool
whose *schema* depends on records has ``probe`` as well: SELECTs whose results ``bind`` is given.

**Row order** is part of the meaning of a workflow. A relation carries it in one of two ways: ``natural``, the order in
which the engine yields the rows (scans, projections, filters, limits and unions keep it), or ``order``, a list of
columns to sort by, hidden ones that travel with the rows. A tool that is not asked for ordered output (``ordered`` is
false, because nobody downstream looks at the order) gets neither, so order costs nothing where it does not matter.
"""

from __future__ import annotations

__all__ = [
    "Built",
    "Context",
    "Described",
    "FileSink",
    "Input",
    "Inputs",
    "Order",
    "OrderKey",
    "Query",
    "Report",
    "Scan",
    "ScanServices",
    "Source",
    "Step",
    "Tool",
    "Wanted",
    "column",
    "select_from",
]

import threading
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from sqlglot import exp

from kedge.exceptions import WorkflowError

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Container, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from kedge.formula.types import DesignerType
    from kedge.tools.element import Element
    from kedge.tools.schema import Schema
    from kedge.tools.settings import Settings

HIDDEN = "__kedge_"
FEW = 100_000
"""Records of a source up to which a run is small: every anchor is counted."""

Item = TypeVar("Item")
Config = TypeVar("Config")


class Order(Enum):
    """What a tool does with the order of an input's rows."""

    KEPT = "kept"
    """Passed on: needed only where somebody downstream needs it."""
    USED = "used"
    """Needed in any case: the result depends on it."""
    LOST = "lost"
    """Not looked at."""


@dataclass(frozen=True)
class OrderKey:
    """One column to sort by; nulls come first where ``nulls_first``."""

    column: str
    descending: bool = False
    nulls_first: bool = True

    def sql(self) -> exp.Ordered:
        """Return the term of an ORDER BY."""
        return exp.Ordered(this=column(self.column), desc=self.descending, nulls_first=self.nulls_first)


class Wanted(NamedTuple):
    """A type that the reader of a field converts its texts to.

    ``convert`` returns that conversion of a column ``value`` of texts, for those that are not plainly of the type.
    """

    type: DesignerType
    convert: Callable[[], exp.Expr]


class ScanServices(Protocol):
    """What a scan asks of the engine that reads it, from any thread."""

    def note(self, texts: list[str]) -> None:
        """Take a message for each value that had to be changed."""

    def converter(self, expression: exp.Expr) -> Callable[[pa.Array], pa.Array]:
        """Return a function of texts that computes an expression over them, as a column ``value``."""


@dataclass(frozen=True)
class Scan:
    """Records of a source outside the engine, read anew by each statement, and no further than that wants.

    ``open`` is told the columns whose values matter, and yields batches of the schema. ``size`` is that of the source,
    in bytes.
    """

    tool_id: int
    schema: pa.Schema
    size: int
    open: Callable[[ScanServices, Container[str]], Generator[pa.RecordBatch, None, None]]


@dataclass(frozen=True)
class Query:
    """One SELECT. Its columns are those of the schema and then the hidden ones; ``order`` and ``natural`` as above.

    ``same_count`` names the input anchor whose number of rows the result has, where that is certain; ``rows`` says the
    number from those of the inputs, where that is certain. ``few`` says of a source that it has some 100,000 rows at
    most, by whatever can be known before they are read; ``grows`` that there may be many more rows than in the inputs.
    ``scans`` are records that it reads beside the inputs, by the name of their relation. ``typed`` says which hidden
    column has the values of a text field in the type that its reader wants; the text itself is null then.
    """

    select: exp.Query
    order: tuple[OrderKey, ...] = ()
    natural: bool = False
    same_count: str = ""
    rows: Callable[[Inputs[int]], int] | None = None
    few: bool = False
    grows: bool = False
    scans: Mapping[str, Scan] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """An input relation as ``build`` sees it: a name to select from, its schema, and how its rows are ordered.

    ``typed`` is as in ``Query``.
    """

    relation: str
    schema: Schema
    order: tuple[OrderKey, ...] = ()
    natural: bool = False
    rowid: bool = False
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> exp.Expr:
        """The relation as a FROM term."""
        return exp.Table(this=exp.to_identifier(self.relation, quoted=True))

    def named(self, alias: str) -> exp.Expr:
        """The relation as a FROM term under another name, for SELECTs over several relations."""
        return exp.Table(
            this=exp.to_identifier(self.relation, quoted=True),
            alias=exp.TableAlias(this=exp.to_identifier(alias)),
        )

    @property
    def columns(self) -> list[exp.Expr]:
        """Every visible column."""
        return [column(item.name) for item in self.schema]

    @property
    def hidden(self) -> list[exp.Expr]:
        """The hidden order columns."""
        return [column(key.column) for key in self.order]

    @property
    def ordering(self) -> list[exp.Ordered]:
        """The terms of an ORDER BY that restores the order."""
        return [key.sql() for key in self.order]

    @property
    def backwards(self) -> list[exp.Ordered]:
        """The terms of an ORDER BY that turns the order round."""
        return [
            replace(key, descending=not key.descending, nulls_first=not key.nulls_first).sql() for key in self.order
        ]

    def select(self, projections: Sequence[exp.Expr] | None = None) -> Query:
        """Return SELECT ``projections`` (by default every column) FROM this, order kept, row for row."""
        chosen = self.columns if projections is None else list(projections)
        return Query(select_from([*chosen, *self.hidden], self.table), self.order, self.natural)

    def numbered(self, hidden: str) -> Source:
        """Return this relation with its order in columns, numbering the rows where the order is only natural.

        The result may be a subquery; ``hidden`` is the name to give the number.
        """
        if self.order or not self.natural:
            return self
        number: exp.Expr = exp.column("rowid") if self.rowid else exp.Window(this=exp.RowNumber())
        inner = exp.select(*self.columns, exp.alias_(number, hidden, quoted=True)).from_(self.table)
        return _Derived(self.relation, self.schema, (OrderKey(hidden),), query=inner)

    def ordinal(self) -> exp.Expr:
        """Return the rank of a row in the order, as a window function; on a natural order it costs one pass."""
        if not self.order:
            return exp.Window(this=exp.RowNumber())
        return exp.Window(this=exp.RowNumber(), order=exp.Order(expressions=self.ordering))


@dataclass(frozen=True)
class _Derived(Source):
    """A source that is a subquery."""

    query: exp.Query = field(default_factory=exp.Select)

    @property
    def table(self) -> exp.Expr:
        return self.query.copy().subquery(exp.to_identifier(self.relation, quoted=True))

    def named(self, alias: str) -> exp.Expr:
        return self.query.copy().subquery(exp.to_identifier(alias))


Records: TypeAlias = "pa.RecordBatchReader | pa.Table"


@dataclass(frozen=True)
class Described:
    """Records that say their schema themselves, for tools that only know it once they run."""

    schema: Schema
    records: Records


@dataclass(frozen=True)
class Step:
    """Arrow records in, Arrow records out, by anchor; inputs arrive as streams in their order.

    An input anchor that takes several is handed over as ``Input#1``, ``Input#2`` and so on. The records of one output
    anchor are read to their end before those of the next. ``finish`` is called when all are read; ``cancel``, from
    another thread, where the run is to end before.
    """

    run: Callable[[Mapping[str, pa.RecordBatchReader]], Mapping[str, Records | Described]]
    finish: Callable[[], None] = lambda: None
    cancel: Callable[[], None] = lambda: None


Built: TypeAlias = "Mapping[str, Query] | Step"


@dataclass(frozen=True)
class FileSink:
    """A file to write: ``format`` is ``csv``, ``parquet``, ``json`` or ``arrow``, ``options`` are that format's.

    ``limit`` is the most records to write, 0 for all. ``split`` names the column whose values say the file of each row,
    ``keep_split`` whether it is written too, and ``place`` makes the path of a value.
    """

    path: Path
    format: str
    options: Mapping[str, str | bool] = field(default_factory=dict)
    limit: int = 0
    split: str = ""
    keep_split: bool = True
    place: Callable[[str], Path] | None = None


@dataclass(frozen=True)
class Inputs(Generic[Item]):
    """What arrives at a tool, by input anchor; the items of an anchor that takes several are in connection order."""

    by_anchor: Mapping[str, Sequence[Item]]
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def one(self, anchor: str) -> Item:
        """Return the only item of an anchor that must be connected."""
        found = self.by_anchor.get(anchor, ())
        if not found:
            raise WorkflowError(f"nothing is connected to the input anchor {anchor}; connect it")
        return found[0]

    def optional(self, anchor: str) -> Item | None:
        """Return the item of an anchor, ``None`` where nothing is connected."""
        found = self.by_anchor.get(anchor, ())
        return found[0] if found else None

    def many(self, anchor: str) -> Sequence[Item]:
        """Return all items of an anchor."""
        return self.by_anchor.get(anchor, ())


class Report(Protocol):
    """Where a tool's messages go."""

    def __call__(self, kind: str, text: str, times: int = 1, /) -> None:
        """Take a message; ``kind`` is ``info``, ``warning``, ``conversion`` or ``error``.

        The first few messages of the kind ``conversion`` are told, and how many there are: ``times`` more.
        """


@dataclass(frozen=True)
class Context:
    """What a tool may know beside its configuration and inputs.

    ``running`` is false where schemas are inferred without records; ``used`` are the output anchors that somebody
    reads, once it runs. ``wanted`` are the types that the only reader of the output converts text fields to.
    ``declared`` says the schema that the file declares for an output anchor (``MetaInfo``);
    ``facts`` are the results of the tool's probes, empty before the run. ``cancelled`` is set where schemas are not
    wanted any more, for tools that take long to say them.
    """

    tool_id: int
    name: str
    directory: Path
    constants: Mapping[str, str | float]
    settings: Settings
    started: datetime.datetime
    temporary: Path
    report: Report
    amp: bool = False
    running: bool = False
    used: frozenset[str] = frozenset()
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    declared: Mapping[str, Schema] = field(default_factory=dict)
    facts: Mapping[str, pa.Table] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def hidden(self, number: int = 0) -> str:
        """Return a name for a hidden column of this tool."""
        return f"{HIDDEN}{self.tool_id}_{number}"

    def warn(self, text: str) -> None:
        """Report a warning."""
        self.report("warning", text)

    def quiet(self) -> Context:
        """Return the context without messages, for what is asked a second time."""
        return replace(self, report=lambda _kind, _text, _times=1: None)

    def with_facts(self, facts: Mapping[str, pa.Table]) -> Context:
        """Return the context with the results of the probes."""
        return replace(self, facts=facts)


@dataclass(frozen=True)
class Input:
    """An input anchor: what it does with row order, whether it may be left open, whether it takes several."""

    name: str
    order: Order = Order.KEPT
    optional: bool = False
    multiple: bool = False


@dataclass(frozen=True)
class Tool(Generic[Config]):
    """A standard tool; ``plugins`` are plugin strings and macro base names.

    ``order`` overrides the order of the inputs by configuration. ``sink`` says that the tool is run for its effect,
    ``write`` which file it leaves. ``probes`` are the input anchors that ``probe`` reads. ``shares`` names the input
    anchor of which each record leaves by one output anchor and one only. ``brings_in`` says that the tool brings
    records into the workflow, so that the workflow's own limit of records holds for it. ``wants`` says of a tool with
    one input, by its id, how it converts fields of that, for a source that may find it easier to do so itself.
    """

    plugins: tuple[str, ...]
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    parse: Callable[[Element], Config]
    bind: Callable[[Config, Inputs[Schema], Context], Mapping[str, Schema]]
    build: Callable[[Config, Inputs[Source], Context], Built] | None = None
    probe: Callable[[Config, Inputs[Source], Context], Mapping[str, exp.Query]] | None = None
    probes: tuple[str, ...] = ()
    order: Callable[[Config], Mapping[str, Order]] | None = None
    write: Callable[[Config, Source, Context], FileSink] | None = None
    sink: bool = False
    shares: str = ""
    brings_in: bool = False
    wants: Callable[[Config, Schema, int], Mapping[str, Wanted]] | None = None

    def order_of(self, config: Any, anchor: str) -> Order:
        """Return what the tool does with the order of an input."""
        said = self.order(config) if self.order else {}
        return said.get(anchor) or next(item.order for item in self.inputs if item.name == anchor)


def column(name: str, table: str = "") -> exp.Column:
    """Return a column by its name, quoted, of ``table`` where a SELECT reads several."""
    of = exp.to_identifier(table) if table else None
    return exp.Column(this=exp.Identifier(this=name, quoted=True), table=of)


def select_from(projections: Iterable[exp.Expr], table: exp.Expr) -> exp.Select:
    """Return SELECT ``projections`` FROM ``table``, of these very nodes: copying them is what planning would cost."""
    return exp.select(*projections, copy=False).from_(table, copy=False)


def aliased(expressions: Iterable[tuple[exp.Expr, str]]) -> list[exp.Expr]:
    """Return projections with their names."""
    return [exp.alias_(expression, name, quoted=True, copy=False) for expression, name in expressions]
