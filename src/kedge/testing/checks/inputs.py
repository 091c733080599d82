"""Checks of what a tool does with the shape of its input."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from kedge.testing.checks.check import DoesNotApplyError, ViolationError, check, counted
from kedge.testing.checks.samples import cut, cut_at_random, nulls_of, with_texts
from kedge.testing.checks.subject import demand_same_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kedge.testing.checks.subject import Subject
    from kedge.testing.harness import Connection
    from kedge.testing.outcome import Outcome

__all__ = ["batch_splits", "column_order", "null_columns", "optional_anchors", "plain_run", "texts", "zero_rows"]

_RANDOM_SPLITS = 4


@check(
    "plain-run",
    does="ran the tool on the sample, each connection in one batch",
    why="every other check compares with this run",
    fix="give a sample and a configuration with which the tool runs (--sample, -c, --config), or mend the error",
)
def plain_run(subject: Subject) -> str:
    """The tool runs without an error."""
    subject.demand_no_errors(subject.plain, "on the sample")
    rows_in = sum(part.rows for part in subject.plain.statistics.incoming.values())
    rows_out = {anchor: part.rows for anchor, part in subject.plain.statistics.outgoing.items()}
    written = ", ".join(f"{rows:,} to {anchor}" for anchor, rows in rows_out.items())
    return f"{counted(rows_in, 'row')} in; {written or 'nothing'} out"


@check(
    "batch-splits",
    does="ran the tool on the sample cut in halves, into tens, and into random batches, empty ones among them",
    why="engines cut records into batches as they like, and a tool whose output depends on it gives other results "
    "on another day",
    fix="carry what spans batches (counts, previous rows, keys seen) in the object, and write totals in on_complete; a "
    "tool that works on batches as such says so with batch_invariant = False in its class",
)
def batch_splits(subject: Subject) -> str:
    """The output does not depend on how the input was cut."""
    if not getattr(subject.tool_class, "batch_invariant", True):
        raise DoesNotApplyError("the tool says batch_invariant = False")
    connections, reference = subject.inputs(), subject.reference
    count = 0
    for situation, cuts in _cuts(connections):
        demand_same_outputs(subject.run(cuts), reference, situation)
        count += 1
    return f"the same output for {count} ways to cut the input"


def _cuts(connections: Sequence[Connection]) -> Iterator[tuple[str, list[Connection]]]:
    for parts in (2, 10):
        yield (
            f"cut into {parts} batches",
            [cut(c, max(1, -(-sum(t.num_rows for t in c.tables) // parts))) for c in connections],
        )
    for seed in range(_RANDOM_SPLITS):
        chance = random.Random(seed)  # noqa: S311 - not for secrets, and the same every time
        cuts = [cut_at_random(connection, chance) for connection in connections]
        sizes = [table.num_rows for table in cuts[0].tables[:8]]
        yield f"cut into batches of {', '.join(map(str, sizes))}, … rows", cuts


@check(
    "zero-rows",
    does="ran the tool on inputs without rows: once without any batch, once with one batch of no rows",
    why="a filter in front of the tool may let nothing through",
    fix="do not assume that on_record_batch was called, or that a batch has a first row",
)
def zero_rows(subject: Subject) -> str:
    """The tool runs on inputs without rows, and its outputs keep their columns."""
    connections, reference = subject.inputs(), subject.reference
    without = [connection._replace(tables=[]) for connection in connections]
    empty = [connection._replace(tables=[connection.schema.empty_table()]) for connection in connections]
    for situation, inputs in (("without any batch", without), ("with one batch of no rows", empty)):
        outcome = subject.run(inputs)
        subject.demand_no_errors(outcome, situation)
        _demand_columns(outcome, reference, situation)
    return "ran without rows, and kept the columns that it announced"


def _demand_columns(outcome: Outcome, reference: Outcome, situation: str) -> None:
    for anchor, table in outcome.outputs.items():
        names, usual = table.column_names, reference.outputs[anchor].column_names
        if names and names != usual:
            raise ViolationError(f"{situation}, {anchor} has the columns {names}, otherwise {usual}")


@check(
    "optional-anchors",
    does="ran the tool with each of its optional anchors left unconnected in turn, and with all of them",
    why="an optional anchor without a connection is in incoming_anchors, and empty; no callback comes for it",
    fix="ask provider.incoming_anchors what is connected before counting on it",
)
def optional_anchors(subject: Subject) -> str:
    """The tool runs with nothing on its optional anchors."""
    optional = [name for name, anchor in (subject.declared.inputs or {}).items() if anchor.optional]
    if not optional:
        raise DoesNotApplyError("the tool declares no optional anchor")
    for left_out in [[name] for name in optional] + [optional]:
        connections = [connection for connection in subject.connections if connection.anchor.name not in left_out]
        subject.demand_no_errors(subject.run(connections), f"without a connection on {', '.join(left_out)}")
    return f"ran without {', '.join(optional)}"


@check(
    "null-columns",
    does="ran the tool on the sample with null in every place: in columns of the same types, and in columns without "
    "a type, which arrive as text",
    why="nulls are ordinary, and a column in which all is null comes without a type from many sources",
    fix="test for null before computing; look at a column's type, and say with WorkflowRuntimeError what it must be",
)
def null_columns(subject: Subject) -> str:
    """Nulls are no reason to crash."""
    connections = subject.inputs()
    said = []
    for situation, typed in (("with null in every place", True), ("with columns of the type null", False)):
        outcome = subject.run([nulls_of(connection, typed=typed) for connection in connections])
        subject.demand_no_crash(outcome, situation)
        said.append(f"{situation} it {'ran' if outcome.ok else f'said: {outcome.errors[0]}'}")
    return "; ".join(said)


@check(
    "texts",
    does="ran the tool with awkward texts in all columns of strings: empty, of many scripts, with quotes, braces and "
    "control characters, and one of 1 MiB",
    why="texts come from people and from files; what is cut off or replaced in silence is lost for good",
    fix="keep texts as they are: no encode('ascii'), no fixed widths, no formatting of a message that holds data",
)
def texts(subject: Subject) -> str:
    """Texts of any kind pass unharmed."""
    connections, reference = subject.inputs(), subject.reference
    if not any(pa.types.is_string(field.type) for connection in connections for field in connection.schema):
        raise DoesNotApplyError("the sample has no column of strings")
    awkward = [with_texts(connection) for connection in connections]
    outcome = subject.run(awkward)
    subject.demand_no_crash(outcome, "with awkward texts")
    passed = [*_passed_on(connections, reference)] if outcome.ok else []
    for anchor, name in passed:
        strangers = _values(outcome.outputs[anchor], name) - _texts_of(awkward, name)
        if strangers:
            worst = max(strangers, key=len)
            raise ViolationError(
                f"column {name!r} of {anchor}, which otherwise comes as it went in, has a text that never went in: "
                f"{worst[:40]!r}, {len(worst):,} characters"
            )
    return (
        f"{counted(len(passed), 'column')} came as they went in"
        if outcome.ok
        else f"the tool said: {outcome.errors[0]}"
    )


def _passed_on(connections: Sequence[Connection], outcome: Outcome) -> Iterator[tuple[str, str]]:
    """The columns of strings whose values all come from the input's column of that name."""
    for anchor, table in outcome.outputs.items():
        for name in table.column_names:
            if pa.types.is_string(table.schema.field(name).type):
                values = _values(table, name)
                if values and values <= _texts_of(connections, name):
                    yield anchor, name


def _values(table: pa.Table, name: str) -> set[str]:
    if name not in table.column_names:
        return set()
    return {value for value in pc.unique(table[name]).to_pylist() if value is not None}


def _texts_of(connections: Sequence[Connection], name: str) -> set[str]:
    found: set[str] = set()
    for connection in connections:
        if name in connection.schema.names and pa.types.is_string(connection.schema.field(name).type):
            found = found.union(*(_values(table, name) for table in connection.tables))
    return found


@check(
    "column-order",
    does="ran the tool on the sample with its columns in reverse",
    why="whoever builds a workflow moves columns about; a tool that takes them by number silently takes others then",
    fix="take columns by their names",
)
def column_order(subject: Subject) -> str:
    """The same columns in another order give the same values."""
    reference = subject.reference
    reverse = [
        connection._replace(
            schema=pa.schema(list(reversed(connection.schema))),
            tables=[table.select(table.column_names[::-1]) for table in connection.tables],
        )
        for connection in subject.inputs()
    ]
    outcome = subject.run(reverse)
    for anchor, table in outcome.outputs.items():
        names = reference.outputs[anchor].column_names
        if set(table.column_names) == set(names):
            outcome.outputs = {**outcome.outputs, anchor: table.select(names)}
    demand_same_outputs(outcome, reference, "with the columns in reverse")
    return "the same values"
