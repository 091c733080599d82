"""One tool, driven through its lifecycle on the thread that calls :meth:`ToolRun.run`.

The transport below is a :class:`Port`: gRPC in a tool process, plain calls in the caller's own process. Events may be
fed from any thread; callbacks of the tool only ever run on the one that drives.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, TypeVar

from kedge.exceptions import EngineGone, SettingsError, UsageError, WorkflowRuntimeError
from kedge.lifecycle.events import (
    Construct,
    DeliverAnswer,
    DeliverBatch,
    DeliverCompletion,
    DeliverEnd,
    Disconnected,
    Flushed,
    Raised,
    Returned,
)
from kedge.lifecycle.transitions import State
from kedge.sdk.provider import AMPProviderV2

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    import pyarrow as pa
    from pydantic import BaseModel

    from kedge.lifecycle.events import Call, ControlAction, Event, RecordAction
    from kedge.lifecycle.machine import Lifecycle, Statistics
    from kedge.sdk.fields import Metadata
    from kedge.sdk.outlet import Answer, AnswerCallback, Message, Request
    from kedge.sdk.plugin import PluginV2

    ToolFactory: TypeAlias = Callable[[AMPProviderV2], PluginV2]
    ActionT = TypeVar("ActionT", ControlAction, RecordAction)

__all__ = ["CurrentCall", "Port", "ToolRun", "describe_exception"]

_PACKAGE = str(Path(__file__).parent) + os.sep
_OVER = (State.ENDING, State.CONFIRMED, State.LOST)
_LONGEST_WAIT = 1.0 if sys.platform == "win32" else None
"""Seconds; Windows takes no Ctrl-C while a lock is waited for."""
_CALL_NAMES: dict[type[object], str] = {
    Construct: "__init__",
    DeliverBatch: "on_record_batch",
    DeliverCompletion: "on_incoming_connection_complete",
    DeliverAnswer: "the callback of a request",
    DeliverEnd: "on_complete",
}


class Port(Protocol):
    """What a transport does for a run. Its methods raise EngineGone once the engine is gone.

    They may feed events to the run, an answer from within :meth:`send_control` for instance.
    """

    def send_control(self, action: ControlAction) -> None:
        """Send on Control, without waiting for the engine."""

    def send_records(self, action: RecordAction) -> None:
        """Send on RecordTransfer; blocks while the outgoing queue is full."""

    def flush_records(self) -> None:
        """Block until everything given to :meth:`send_records` has left."""

    def pump(self, timeout: float | None) -> bool:
        """Feed what comes next from this thread; False at once where nothing comes from it.

        Waits for it, ``timeout`` seconds at most, and until there is something else to do.
        """


class CurrentCall(NamedTuple):
    """The callback that runs now and for how long, in seconds."""

    name: str
    seconds: float


class ToolRun:
    """The driver of one run; also the outlet that the tool's provider speaks to."""

    def __init__(
        self,
        tool_factory: ToolFactory,
        tool_name: str,
        lifecycle: Lifecycle,
        port: Port,
        clock: Callable[[], float] = time.monotonic,
        settings_class: type[BaseModel] | None = None,
    ) -> None:
        """``settings_class`` is that of a tool whose factory is not its class."""
        self.lifecycle = lifecycle
        self.tool_name = tool_name
        self.plugin: PluginV2 | None = None
        self.refused: SettingsError | None = None
        """What is wrong with the configuration, where the tool was not made because of it."""
        self._tool_factory = tool_factory
        self._settings_class = settings_class or getattr(tool_factory, "settings_class", None)
        self._port = port
        self._clock = clock
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        """Threads that wait for a change; to call nobody is a fifth of the cost of taking an event."""
        self._held_back = False
        self._control_order = threading.RLock()
        self._records_order = threading.RLock()
        self._sending_control = 0
        self._call: tuple[str, float] | None = None

    def __repr__(self) -> str:
        return f"<ToolRun of {self.tool_name}, {self.current_call() or 'idle'}, {self.lifecycle!r}>"

    # --- driving ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run the tool from its construction to its end. Blocks; raises nothing that the tool did wrong.

        A KeyboardInterrupt passes through; :meth:`current_call` then still names the callback that it ended.
        """
        call = self._next_call()
        while call is not None:
            outcome = self._perform(call)
            call = None  # no batch is held while the next is waited for
            self.feed(outcome)
            call = self._next_call()
        self._finish()

    def feed(self, event: Event) -> None:
        """Take an event, from any thread."""
        with self._lock:
            self.lifecycle.receive(event, self._clock())
            if self._waiting:
                self._changed.notify_all()
        if self.lifecycle.control_out:
            with suppress(EngineGone):  # the run knows by now
                self._flush_control()

    def wait_until_wanted(self) -> None:
        """Block, without using the processor, until the run takes more records."""
        if self.lifecycle.wants_records:
            return
        with self._lock:
            self._held_back = True
            while not self.lifecycle.wants_records:
                self._wait()
            self._held_back = False

    def current_call(self) -> CurrentCall | None:
        """The callback that runs now, or that a KeyboardInterrupt ended; None between two."""
        if (call := self._call) is None:
            return None
        return CurrentCall(call[0], self._clock() - call[1])

    def statistics(self) -> Statistics:
        """What has passed so far."""
        with self._lock:
            return self.lifecycle.statistics()

    def _next_call(self) -> Call | None:
        """The next callback to run; None where there is none any more."""
        fed = True
        while True:
            with self._lock:
                call = self.lifecycle.next_call(self._clock())
                if self._held_back:
                    self._changed.notify_all()
                if call is not None or self.lifecycle.state in _OVER:
                    return call
                deadline = self.lifecycle.deadline()
                timeout = None if deadline is None else max(0.0, deadline - self._clock())
                if not fed:
                    self._wait(timeout)
                    fed = True
                    continue
            fed = self._port.pump(timeout)

    def recheck(self) -> None:
        """Have the run look again for what comes from its own thread."""
        with self._lock:
            self._changed.notify_all()

    def _wait(self, timeout: float | None = None) -> None:
        """Wait, with the lock, for a change."""
        limits = (limit for limit in (_LONGEST_WAIT, timeout) if limit is not None)
        self._waiting += 1
        try:
            self._changed.wait(min(limits, default=None))
        finally:
            self._waiting -= 1

    def _perform(self, call: Call) -> Event:
        """Run a callback; what has become of it."""
        name = _CALL_NAMES[type(call)]
        self._call = name, self._clock()
        try:
            self._invoke(call)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.refused = error if isinstance(error, SettingsError) and self.plugin is None else None
            where = f"{self.tool_name}.{name}" if name.isidentifier() else f"{name} by {self.tool_name}"
            outcome: Event = Raised(describe_exception(error, where))
        else:
            outcome = Returned()
        self._call = None
        return outcome

    def _invoke(self, call: Call) -> None:
        if isinstance(call, Construct):
            provider = AMPProviderV2(call.initialization, self, self.tool_name, self._settings_class)
            self.plugin = self._tool_factory(provider)
            _ = provider.tool_config  # one that cannot be read is an error, also of a tool that does not look
        elif isinstance(call, DeliverAnswer):
            call.callback(call.answer)
        else:
            assert self.plugin is not None
            if isinstance(call, DeliverBatch):
                self.plugin.on_record_batch(call.table, call.anchor)
            elif isinstance(call, DeliverCompletion):
                self.plugin.on_incoming_connection_complete(call.anchor)
            else:
                self.plugin.on_complete()

    def _finish(self) -> None:
        try:
            self._flush_control()
            self._flush_records()
            if self.lifecycle.state is State.ENDING:
                self._port.flush_records()
        except EngineGone as error:
            self.feed(Disconnected(str(error)))
        if self.lifecycle.state is State.ENDING:
            self.feed(Flushed())

    # --- the outlet ---------------------------------------------------------------------------------------------------

    def write(self, anchor: str, data: pa.Table | pa.RecordBatch) -> None:
        """Queue records for an outgoing anchor; blocks while the outgoing queue is full."""
        with self._lock:
            self.lifecycle.write(anchor, data)
        self._flush_records()

    def push_metadata(self, anchor: str, metadata: Metadata) -> None:
        """Announce what an outgoing anchor will carry."""
        with self._lock:
            self.lifecycle.push_metadata(anchor, metadata)
        self._flush_control()

    def close(self, anchor: str) -> None:
        """Say that an outgoing anchor gets nothing more."""
        with self._lock:
            self.lifecycle.close(anchor)
        self._flush_records()

    def message(self, message: Message) -> None:
        """Send one message."""
        with self._lock:
            self.lifecycle.message(message)
        self._flush_control()

    def progress(self, fraction: float) -> None:
        """Report progress from 0.0 to 1.0."""
        with self._lock:
            self.lifecycle.progress(fraction)
        self._flush_control()

    def request(self, request: Request, callback: AnswerCallback) -> None:
        """Send a request; the callback runs between two tool callbacks."""
        with self._lock:
            self.lifecycle.request(request, callback)
        self._flush_control()

    def ask(self, request: Request) -> Answer:
        """Send a request and wait for its answer."""
        with self._lock:
            msg_id = self.lifecycle.request(request, None)
        self._flush_control()
        with self._lock:
            while (answer := self.lifecycle.take_answer(msg_id)) is None:
                self._wait()
        return answer

    def _flush_control(self) -> None:
        """Send what is queued; returns when it is sent, also where another thread does that."""
        if not self.lifecycle.control_out and not self._sending_control:
            return
        with self._control_order:
            self._sending_control += 1  # an answer may be fed, and more be sent, from within
            try:
                while (action := _next(self.lifecycle.control_out)) is not None:
                    self._send(self._port.send_control, action)
            finally:
                self._sending_control -= 1

    def _flush_records(self) -> None:
        """Send what is queued, each batch after the announcement that came before it."""
        with self._records_order:
            while (action := _next(self.lifecycle.records_out)) is not None:
                self._flush_control()
                self._send(self._port.send_records, action)
            self._flush_control()

    def _send(self, send: Callable[[ActionT], None], action: ActionT) -> None:
        try:
            send(action)
        except EngineGone as error:
            self.feed(Disconnected(str(error)))
            raise


def _next(queue: deque[ActionT]) -> ActionT | None:
    try:
        return queue.popleft()
    except IndexError:
        return None


def describe_exception(error: BaseException, where: str) -> str:
    """The text that an engine's user sees: type, text and the tool's own frames.

    Errors that speak for themselves (:class:`~kedge.exceptions.WorkflowRuntimeError`, and those of a configuration)
    come without a traceback.
    """
    if isinstance(error, WorkflowRuntimeError | SettingsError):
        return str(error)
    if isinstance(error, SystemExit):
        headline = f"{where} called sys.exit({error.code!r}); a tool ends by returning from its callbacks"
    elif isinstance(error, UsageError):
        headline = f"{where}: {error}"
    else:
        headline = f"{where} raised {''.join(traceback.format_exception_only(type(error), error)).strip()}"
    frames = _tool_frames(error)
    return f"{headline}\n{frames}" if frames else headline


def _tool_frames(error: BaseException) -> str:
    """The traceback with the frames of this package left out, causes included."""
    summary = traceback.TracebackException.from_exception(error)
    link: traceback.TracebackException | None = summary
    while link is not None:
        link.stack = traceback.StackSummary.from_list([f for f in link.stack if not f.filename.startswith(_PACKAGE)])
        link = link.__cause__ or link.__context__
    return "".join(summary.format()).strip() if summary.stack else ""
