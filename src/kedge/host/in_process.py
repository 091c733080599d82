"""A run in the caller's own process: the same lifecycle, with plain calls in the place of the streams."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kedge.exceptions import EngineGone
from kedge.host.receiver import hand_over
from kedge.lifecycle import Lifecycle
from kedge.lifecycle.events import (
    BatchArrived,
    ConnectionCompleted,
    Disconnected,
    Initialized,
    NotifyComplete,
    RecordsClosed,
    SendBatch,
)
from kedge.tool_run import ToolRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kedge.host.feeds import Feed
    from kedge.host.receiver import Receiver
    from kedge.lifecycle.events import ControlAction, Event, RecordAction
    from kedge.lifecycle.machine import Statistics
    from kedge.sdk.initialization import Initialization
    from kedge.tool_run import ToolFactory

__all__ = ["DirectPort", "run_in_process"]


def run_in_process(
    tool_factory: ToolFactory, tool_name: str, initialization: Initialization, feeds: Sequence[Feed], receiver: Receiver
) -> Statistics:
    """Run a tool on this thread; a debugger steps through it. Blocks until the run is over.

    Raises what reading an input and what the receiver raises, SettingsError for a configuration that the tool does not
    take, and KeyboardInterrupt; what the tool did wrong goes to the receiver.
    """
    lifecycle = Lifecycle(quiet=0.0)
    port = DirectPort(receiver, _events(initialization, feeds))
    port.run = ToolRun(tool_factory, tool_name, lifecycle, port)
    port.run.run()
    if port.failure is not None:
        raise port.failure
    if port.run.refused is not None:
        raise port.run.refused
    return lifecycle.statistics()


def _events(initialization: Initialization, feeds: Sequence[Feed]) -> Iterator[Event]:
    yield Initialized(initialization)
    if not initialization.update_only:
        for anchor, tables in feeds:
            for table in tables:
                yield BatchArrived(anchor.name, anchor.connection, table, table.nbytes)
            yield ConnectionCompleted(anchor.name, anchor.connection, in_band=True)
        yield RecordsClosed()
    yield NotifyComplete()


class DirectPort:
    """Hands events to the run when it has nothing to do, and what the run sends straight to the receiver."""

    run: ToolRun

    def __init__(self, receiver: Receiver, events: Iterator[Event]) -> None:
        self.failure: Exception | None = None
        self._receiver = receiver
        self._events = events

    def send_control(self, action: ControlAction) -> None:
        """Hand an action to the receiver, and its answer, if any, back to the run."""
        with self._going_away():
            answer = hand_over(action, self._receiver)
        if answer is not None:
            self.run.feed(answer)

    def send_records(self, action: RecordAction) -> None:
        """Hand records to the receiver."""
        with self._going_away():
            if isinstance(action, SendBatch):
                self._receiver.on_batch(action.anchor, action.table)
            else:
                self._receiver.on_close(action.anchor)

    @contextmanager
    def _going_away(self) -> Iterator[None]:
        """To the tool a receiver that failed is an engine that is gone, as it would be from another process."""
        if self.failure is not None:
            raise EngineGone(str(self.failure))
        try:
            yield
        except Exception as error:
            self.failure = error
            self.run.feed(Disconnected(f"the run was broken off: {error}"))
            raise EngineGone(str(error)) from error

    def flush_records(self) -> None:
        """Nothing is ever held back."""

    def pump(self, timeout: float | None) -> bool:  # noqa: ARG002 - a port's signature
        """Feed the next event; False at the end."""
        event = next(self._events, None)
        if event is not None:
            self.run.feed(event)
        return event is not None
