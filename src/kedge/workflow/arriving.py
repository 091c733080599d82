"""Records on their way from a step into the one statement that reads them."""

from __future__ import annotations

__all__ = ["Arriving", "Traffic"]

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kedge.exceptions import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa

    from kedge.exceptions import KedgeError


def _nothing(*_: object) -> None:
    """There is nothing to do any more."""


@dataclass
class Traffic:
    """What has passed so far, and whether that is all; ``size`` in bytes of Arrow records.

    ``fault`` is the error that ended the records: whoever reads them through a stream hears it in other words.
    """

    rows: int = 0
    batches: int = 0
    size: int = 0
    complete: bool = False
    fault: KedgeError | None = field(default=None, compare=False)
    close: Callable[[], None] = field(default=_nothing, compare=False)
    """Ends the statement whose rows pass. Never left to the collector of garbage, which may come by in any thread."""

    def count(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Count batches while they pass."""
        for batch in batches:
            self.rows += batch.num_rows
            self.batches += 1
            self.size += batch.nbytes
            yield batch
        self.complete = True


class Arriving:
    """An Arrow stream that one statement reads, once, under ``name``, or that is ``stored`` as a table of this name.

    ``end`` is called after the last batch and raises what went wrong in the step, so that a statement never ends well
    on half of the records; ``fault`` is that error, since the engine that reads tells it in other words. ``stop`` ends
    the step before. Engines read it by the Arrow PyCapsule interface.
    """

    def __init__(
        self,
        name: str,
        schema: pa.Schema,
        records: Iterable[pa.RecordBatch],
        end: Callable[[Traffic], None],
        stop: Callable[[], None],
    ) -> None:
        self.name = name
        self.traffic = Traffic()
        self.fault: BaseException | None = None
        self.stored = False
        self.taken = False
        self._schema = schema
        self._batches: Any = self._guarded(records)
        self._end = end
        self._stop = stop

    def __arrow_c_schema__(self) -> object:
        """Say the schema to an engine that asks before it reads."""
        return self._schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> object:
        """Hand over the records. Raises ``WorkflowError`` for a second reader, who would see none."""
        import pyarrow as pa

        if self.taken:
            raise WorkflowError(f"{self.name} can be read once only, and is read already")
        self.taken = True
        return pa.RecordBatchReader.from_batches(self._schema, self._batches).__arrow_c_stream__(requested_schema)

    def finish(self) -> None:
        """Read what the statement left, so that the step comes to its end. Raises the step's error."""
        self.taken = True
        deque(self._batches, maxlen=0)
        if self.fault is not None:
            raise self.fault

    def abandon(self) -> None:
        """End the step, whose records nobody wants any more; nothing where it has ended."""
        if self.fault is None:
            self._stop()
        self.taken = True
        with suppress(AttributeError, ValueError):  # it is released, or ends in another thread by now
            self._batches.close()

    def release(self) -> None:
        """Let go of the records and the error, whose frames hold the run: streams in C++ hide such circles."""
        self.fault = None
        self._batches = iter(())
        self._end = self._stop = _nothing

    def _guarded(self, records: Iterable[pa.RecordBatch]) -> Iterator[Any]:
        try:
            yield from self.traffic.count(records)
            self._end(self.traffic)
        except GeneratorExit:
            raise
        except BaseException as fault:
            self.fault = fault
            raise
