"""The check of memory: what a tool holds must not grow with every batch."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pyarrow as pa

from kedge.testing.checks.check import DoesNotApplyError, ViolationError, check
from kedge.testing.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kedge.testing.checks.subject import Subject
    from kedge.testing.harness import Connection
    from kedge.testing.tape import Told

__all__ = ["memory_slope"]

_BATCHES = 200
_WARM = 50
_BATCH_BYTES = 16 << 10
_NOISE = 2 << 10
"""Bytes by which memory may grow with each batch without a cause in the records."""
_OF_A_STREAM, _OF_A_COLLECTION = 0.05, 2.0
"""Shares of the input that tools may hold."""


@check(
    "memory-slope",
    does=f"ran the tool on {_BATCHES} batches, and measured what Arrow and Python hold after {_WARM} of them "
    "and after all",
    why="inputs are larger than memory; what grows with each batch ends in a crash",
    fix="let go of a batch that was written; what must be kept (to sort, to join) keep as Arrow, not as Python objects",
)
def memory_slope(subject: Subject) -> str:
    """Memory does not grow in a tool that writes as it reads; in one that collects, by twice its input at most."""
    subject.reference  # noqa: B018 - where there is none the check does not apply
    connections = subject.inputs()
    largest = max(connections, key=lambda connection: sum(table.nbytes for table in connection.tables))
    stream = _Stream(largest)
    fed = [c._replace(tables=cast("Sequence[pa.Table]", stream)) if c is largest else c for c in connections]
    tracemalloc.start()
    try:
        outcome = subject.run(fed, make_tape=stream.make_tape)
    finally:
        tracemalloc.stop()
    subject.demand_no_errors(outcome, f"on {_BATCHES} batches")
    return stream.judge()


class _ForgetfulTape(Tape):
    """Keeps no records; counts what was written."""

    def __init__(self, services: Any) -> None:
        super().__init__(services)
        self.bytes_out = 0

    def tell(self, told: Told) -> None:
        """Keep nothing."""

    def on_batch(self, anchor: str, table: pa.Table) -> None:  # noqa: ARG002 - a receiver's signature
        """Count a batch."""
        self.bytes_out += table.nbytes


class _Mark(NamedTuple):
    """Bytes held, and written, at one moment."""

    held: int
    written: int


class _Stream:
    """Many batches, each in memory of its own; measures as they are taken."""

    def __init__(self, connection: Connection) -> None:
        self._sample = pa.concat_tables([connection.schema.empty_table(), *connection.tables])
        if not self._sample.num_rows:
            raise DoesNotApplyError("the sample has no rows")
        rows = max(1, self._sample.num_rows * _BATCH_BYTES // max(1, self._sample.nbytes))
        self._rows = pa.array([row % self._sample.num_rows for row in range(rows)])
        self._marks: list[_Mark] = []
        self._tape: _ForgetfulTape | None = None

    def make_tape(self, services: Any) -> Tape:
        """The tape whose output counts."""
        self._tape = _ForgetfulTape(services)
        return self._tape

    def __iter__(self) -> Iterator[pa.Table]:
        for number in range(_BATCHES):
            if number == _WARM:
                self._marks.append(self._mark())
            yield self._sample.take(self._rows)
        self._marks.append(self._mark())

    def _mark(self) -> _Mark:
        gc.collect()
        assert self._tape is not None
        return _Mark(pa.total_allocated_bytes() + tracemalloc.get_traced_memory()[0], self._tape.bytes_out)

    def judge(self) -> str:
        """What was seen. Raises ViolationError where memory grew by more than it may."""
        before, after = self._marks
        batch = self._sample.take(self._rows).nbytes
        grown = (after.held - before.held) / (_BATCHES - _WARM)
        streams = after.written > before.written
        limit = _NOISE + batch * (_OF_A_STREAM if streams else _OF_A_COLLECTION)
        kind = "writes as it reads" if streams else "collects its input"
        saw = f"{grown:,.0f} bytes more with each batch of {batch:,}, in a tool that {kind}"
        if grown > limit:
            raise ViolationError(f"{saw}; {limit:,.0f} are allowed")
        return saw
