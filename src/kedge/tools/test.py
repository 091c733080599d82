"""Test: assert something of records; a test that fails is an error of the run."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import BOOL
from kedge.tools.contract import Context, Input, Inputs, Order, Source, Tool
from kedge.tools.expressions import condition, holds
from kedge.tools.options import Options
from kedge.tools.sql import call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element
    from kedge.tools.schema import Schema

COUNTS = ("RecCountValue", "RecCountEqual")
EXPRESSIONS = ("ExpAll", "ExpFirst", "ExpLast", "ExpAny", "ExpNone")


@dataclass(frozen=True)
class Check:
    """One test: its name, the connection that it looks at, its type, and the number or expression it takes."""

    name: str
    connection: str
    type: str
    value: str


@dataclass(frozen=True)
class Config:
    """The tests, and whether only the first that fails is reported."""

    checks: tuple[Check, ...]
    first_only: bool


def parse(xml: Element) -> Config:
    """Read the tests."""
    options = Options(xml)
    checks: list[Check] = []
    for item in options.listed("Tests", "Test"):
        type_ = item.choice("Type", {name: name for name in (*COUNTS, *EXPRESSIONS)})
        checks.append(Check(item.text("Name", ""), item.name("Connection"), type_, item.text("Value")))
        if type_ in COUNTS and not checks[-1].value.strip().isdigit():
            raise item.fault("Value", f"{checks[-1].value!r} is not a number of records")
    config = Config(tuple(checks), options.flag("DontReportSubsequent", False))
    options.finish()
    return config


def _connected(config: Config, inputs: Inputs[Schema] | Inputs[Source]) -> list[int]:
    names = list(inputs.names["Input"])
    for number, check in enumerate(config.checks, 1):
        if check.connection not in names:
            place = f"Configuration/Tests/Test[{number}]/Connection"
            raise WorkflowError(f"{place}: {check.connection!r} is not connected; connected are {', '.join(names)}")
    return [names.index(check.connection) for check in config.checks]


def probe(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, exp.Query]:
    """Ask one row for each test: how many records, and for how many the expression holds."""
    queries: dict[str, exp.Query] = {}
    for number, (check, place) in enumerate(zip(config.checks, _connected(config, inputs), strict=True)):
        source = inputs.many("Input")[place]
        held: exp.Expr = exp.true()
        if check.type in EXPRESSIONS:
            held = holds(
                condition(check.value, source.schema, context, f"Configuration/Tests/Test[{number + 1}]/Value")
            )
        select = exp.select(exp.alias_(call("coalesce", exp.cast(held, BOOL.sql), exp.false()), "held")).from_(
            source.table
        )
        if check.type in ("ExpFirst", "ExpLast"):
            select = _edge(source, select, check.type == "ExpLast", context)
        counts = [
            exp.alias_(exp.Count(this=exp.Star()), "records"),
            exp.alias_(call("count_if", exp.column("held")), "held"),
        ]
        queries[str(number)] = exp.select(*counts).from_(select.subquery("tested"))
    return queries


def _edge(source: Source, select: exp.Select, last: bool, context: Context) -> exp.Select:
    source = source.numbered(context.hidden(0))
    terms = source.backwards if last else source.ordering
    return select.from_(source.table).order_by(*terms).limit(1)


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Type the expressions; in a run, report each test that fails."""
    for number, (check, place) in enumerate(zip(config.checks, _connected(config, inputs), strict=True), 1):
        if check.type in EXPRESSIONS:
            condition(check.value, inputs.many("Input")[place], context, f"Configuration/Tests/Test[{number}]/Value")
    failed = 0
    for number, check in enumerate(config.checks) if context.facts else ():
        row = context.facts[str(number)]
        complaint = _complaint(check, row["records"][0].as_py(), row["held"][0].as_py())
        if complaint and not (failed and config.first_only):
            context.report("error", f"the test {check.name!r} failed: {complaint}")
        elif not complaint:
            context.report("info", f"the test {check.name!r} passed")
        failed += bool(complaint)
    return {}


def _complaint(check: Check, records: int, held: int) -> str:
    if check.type in COUNTS:
        return "" if records == int(check.value) else f"{records} records, {check.value.strip()} expected"
    if check.type == "ExpAny":
        return "" if held else f"{check.value} holds for none of {records} records"
    if check.type == "ExpNone":
        return "" if not held else f"{check.value} holds for {held} of {records} records"
    return "" if held == records else f"{check.value} does not hold for {records - held} of {records} records"


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Test.Test",),
    inputs=(Input("Input", Order.USED, multiple=True),),
    outputs=(),
    parse=parse,
    bind=bind,
    probe=probe,
    probes=("Input",),
    sink=True,
)
