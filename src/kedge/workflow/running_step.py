"""A step that runs, from its start until its records are read or nobody wants them any more."""

from __future__ import annotations

__all__ = ["RunningStep"]

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.exceptions import KedgeError, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kedge.tools.contract import Step
    from kedge.workflow.arriving import Traffic
    from kedge.workflow.journal import Journal


def _nothing() -> None:
    """The input is closed."""


class RunningStep:
    """The step of one tool. It ends once, by ``finish`` or by ``stop``; what it did wrong is said under its tool.

    ``inputs`` are what passes into it, whose errors are the cause of its own.
    """

    def __init__(
        self, tool_id: int, step: Step, inputs: Sequence[Traffic], journal: Journal, cancelled: Callable[[], bool]
    ) -> None:
        self.tool_id = tool_id
        self.over = False
        self._step = step
        self._inputs = inputs
        self._journal = journal
        self._cancelled = cancelled
        self._ending = threading.Lock()

    def guard(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches; an error that they raise is the tool's."""
        with self.blamed():
            yield from batches

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Say errors under the tool, unless something else is wrong before, which they come from."""
        try:
            yield
        except (KedgeError, pa.ArrowException, OSError) as fault:
            cause = next((passed.fault for passed in self._inputs if passed.fault is not None), fault)
            known = self.tool_id in self._journal.failed or self._journal.broken(self.tool_id)
            if not (known or self._cancelled()):
                self._journal.say(self.tool_id, "error", str(cause))
            if isinstance(cause, KedgeError):
                raise cause from None
            raise WorkflowError(str(cause), self.tool_id) from fault

    def finish(self) -> None:
        """Wait for the end of the step, whose records are read. Raises ``WorkflowError`` where its tool has failed."""
        with self._ending:
            if not self.over:
                self.over = True
                try:
                    with self.blamed():
                        self._step.finish()
                finally:
                    self._close_inputs()
                    self._journal.end(self.tool_id)
        if self.tool_id in self._journal.failed:
            raise WorkflowError(f"tool {self.tool_id} failed", self.tool_id)

    def stop(self) -> None:
        """End the step, whose records nobody wants any more; blocks until it has ended."""
        with self._ending:
            if self.over:
                return
            self.over = True
            self._journal.stopped.add(self.tool_id)
            self._step.cancel()
            try:
                self._step.finish()
            except (KedgeError, pa.ArrowException, OSError) as fault:  # that it was ended
                fault.__traceback__ = None  # or its frames and the records that they hold keep each other
            self._close_inputs()
            self._journal.end(self.tool_id)

    def _close_inputs(self) -> None:
        for passed in self._inputs:
            passed.close()
            passed.close = _nothing

    def cancel(self) -> None:
        """Have the step end soon, from any thread."""
        self._step.cancel()
