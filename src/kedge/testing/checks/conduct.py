"""Checks of what a tool says and when: its schemas, messages and progress."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from kedge.exceptions import UsageError
from kedge.lifecycle.events import SendBatch
from kedge.testing.checks.check import DoesNotApplyError, ViolationError, check, counted
from kedge.testing.checks.samples import cut
from kedge.testing.checks.subject import demand_same_outputs
from kedge.testing.checks.surroundings import demand_nothing_left

if TYPE_CHECKING:
    from kedge.sdk.fields import Metadata
    from kedge.testing.checks.subject import Subject
    from kedge.testing.outcome import Outcome

__all__ = ["announced_schema", "message_order", "monotone_progress", "repeatable", "update_only"]

_QUICK = 0.5
"""Seconds that a constructor may take."""

_CHANGING = re.compile(r"0x[0-9a-f]+|[\d.,:]*\d")
"""Numbers, times and addresses: they may differ from run to run."""


@check(
    "repeatable",
    does="ran the tool twice on the sample, in one process",
    why="a run that is repeated must not depend on the one before, and results that vary cannot be compared",
    fix="keep state in the object, not in the class or the module; give random numbers a seed; sort what a set gives",
)
def repeatable(subject: Subject) -> str:
    """Two runs give the same."""
    reference = subject.reference
    demand_same_outputs(subject.run(), reference, "run again")
    return "the same output twice"


@check(
    "announced-schema",
    does="compared the columns that the constructor announces in an update-only run with those of a run, and looked "
    "for values that did not fit into them",
    why="the tools behind this one were configured for what was announced",
    fix="build the announced schema and the written tables from one place, whatever environment.update_only says",
)
def announced_schema(subject: Subject) -> str:
    """What is announced is what is written."""
    plain = subject.plain
    for error in plain.errors:
        if error.startswith(f"{subject.name}.") and "anchor '" in error:
            raise ViolationError(error)
    announced = subject.run(update_only=True).metadata
    for anchor, metadata in announced.items():
        written = subject.reference.metadata.get(anchor)
        if written is not None and written != metadata:
            raise ViolationError(f"{anchor}: announced {_listed(metadata)}, but in a run {_listed(written)}")
    lost = [warning for warning in subject.reference.warnings if warning.startswith("anchor '")]
    if lost:
        raise ViolationError(f"written values did not fit into the announced columns: {lost[0]}")
    silent = [anchor for anchor in plain.anchors if anchor not in announced]
    note = f"; {', '.join(silent)} announced nothing, the first batch decides" if silent else ""
    return f"{counted(len(announced), 'anchor')} as announced{note}"


def _listed(metadata: Metadata) -> str:
    return ", ".join(f"{f.name} ({f.type.name} {f.size}.{f.scale})" for f in metadata) or "no column"


@check(
    "update-only",
    does="constructed the tool, as an engine does at every change of a workflow; that may take "
    f"{_QUICK} seconds, and must write nothing",
    why="this happens at every click in a workflow; whoever builds one waits for it",
    fix="in the constructor read the configuration and announce columns; open files and connections in the callbacks",
)
def update_only(subject: Subject) -> str:
    """Construction is quick and writes nothing."""
    outcome, seconds = _constructed(subject)
    if seconds > _QUICK:
        outcome, seconds = _constructed(subject)
    written = [entry.anchor for entry in outcome.entries if isinstance(entry, SendBatch)]
    if written:
        raise ViolationError(f"wrote records to {', '.join(written)}")
    subject.demand_no_errors(outcome, "update-only")
    if seconds > _QUICK:
        raise ViolationError(f"construction took {seconds:.2f} seconds")
    return f"took {seconds * 1000:.0f} ms, and wrote nothing"


def _constructed(subject: Subject) -> tuple[Outcome, float]:
    with demand_nothing_left():
        outcome = subject.run([c._replace(tables=[]) for c in subject.connections], update_only=True)
    return outcome, outcome.statistics.seconds


@check(
    "message-order",
    does="compared the messages of two runs in this process and, for a tool with at most one connection that a process "
    "can import, those of a run over the real protocol; numbers and times may differ",
    why="messages tell what happened; in another order they tell another story",
    fix="send messages from the callbacks, not from threads, and in an order that does not depend on a set or a hash",
)
def message_order(subject: Subject) -> str:
    """The same messages, in the same order, every time."""
    first = _messages(subject.reference)
    _demand_messages(_messages(subject.run()), first, "run again")
    if len(subject.connections) > 1:
        return f"{counted(len(first), 'message')}, the same twice in this process"
    try:
        harness = subject.harness(process=True)
    except UsageError:
        return f"{counted(len(first), 'message')}, the same twice in this process, where alone this class can run"
    with harness:
        over_process = harness.run_connections(subject.connections)
    _demand_messages(_messages(over_process), first, "in a process of its own")
    return f"{counted(len(first), 'message')}, the same twice in this process, and over the real protocol"


def _messages(outcome: Outcome) -> list[str]:
    return [f"{message.kind.name.lower()}: {_CHANGING.sub('#', message.text)}" for message in outcome.messages]


def _demand_messages(actual: list[str], expected: list[str], situation: str) -> None:
    if actual == expected:
        return
    for number, (found, before) in enumerate(zip(actual, expected, strict=False), 1):
        if found != before:
            raise ViolationError(f"{situation}, message {number} is {found!r}, before it was {before!r}")
    raise ViolationError(f"{situation}, there are {len(actual)} messages, before there were {len(expected)}")


@check(
    "progress",
    does="ran the tool on the sample in ten batches and looked at its progress reports",
    why="a bar that jumps back, or past its end, tells nobody how long to wait",
    fix="report what is done as a share of all there is to do, 0.0 to 1.0, and never less than before",
)
def monotone_progress(subject: Subject) -> str:
    """Progress only grows, from 0.0 to 1.0."""
    subject.demand_no_errors(subject.reference, "on the sample")
    tenths = [cut(c, max(1, sum(t.num_rows for t in c.tables) // 10)) for c in subject.connections]
    outcome = subject.run(tenths)
    clamped = [warning for warning in outcome.warnings if warning.startswith("update_progress(")]
    if clamped:
        raise ViolationError(clamped[0])
    for before, after in pairwise(outcome.progress):
        if after < before:
            raise ViolationError(f"progress went back from {before:.3g} to {after:.3g}")
    if not outcome.progress:
        raise DoesNotApplyError("the tool reports no progress")
    return f"{counted(len(outcome.progress), 'report')}, up to {outcome.progress[-1]:.3g}"
