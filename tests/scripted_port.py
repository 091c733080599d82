"""A port that does what a test says, and a tool that does, for runs of a real lifecycle."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from kedge.lifecycle import Lifecycle
from kedge.lifecycle.events import SendRequest
from kedge.sdk.plugin import PluginV2
from kedge.tool_run import ToolRun
from tests.lifecycle.driving import NOTIFIED, batch, completed, initialized, name_of_action

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from kedge.lifecycle.events import ControlAction, Event, RecordAction
    from kedge.sdk.constants import Anchor
    from kedge.sdk.provider import AMPProviderV2

PATIENCE = 10.0  # seconds, after which a test that hangs fails
WHOLE_RUN: list[Event] = [initialized("In#1"), batch(), completed(), NOTIFIED]
RECORD_BATCH = "on_record_batch"
COMPLETE = "on_complete"


class Port:
    """Keeps the names of what it is sent. Hooks run on the thread that sends, before the sending is noted."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.script: deque[Event | Callable[[], object]] = deque()
        self.before_sending: Callable[[ControlAction | RecordAction], object] = lambda action: None
        self.before_flush: Callable[[], object] = lambda: None
        self.run: ToolRun | None = None

    def send_control(self, action: ControlAction) -> None:
        self.before_sending(action)
        self.sent.append(name_of_action(action))

    def send_records(self, action: RecordAction) -> None:
        self.before_sending(action)
        self.sent.append(name_of_action(action))

    def flush_records(self) -> None:
        self.before_flush()
        self.sent.append("flushed")

    def when_asked(self, reply: Callable[[str], object]) -> None:
        """Call ``reply`` with the id of each request."""
        self.before_sending = lambda action: isinstance(action, SendRequest) and reply(action.msg_id)

    def pump(self, timeout: float | None) -> bool:
        """Feeds what the script says; where that is a function, it is called."""
        if not self.script:
            return False
        step = self.script.popleft()
        if callable(step):
            step()
        else:
            assert self.run is not None
            self.run.feed(step)
        return True


class Tool(PluginV2):
    """Calls the functions of ``does`` by the callbacks' names; they get the tool, and what the callback gets."""

    def __init__(self, provider: AMPProviderV2, does: dict[str, Callable[..., object]]) -> None:
        self.provider = provider
        self.does = does
        self.called: list[str] = []
        self._do("__init__")

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self._do("on_record_batch", batch, anchor)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        self._do("on_incoming_connection_complete", anchor)

    def on_complete(self) -> None:
        self._do("on_complete")

    def _do(self, name: str, *arguments: object) -> None:
        self.called.append(name)
        if name in self.does:
            self.does[name](self, *arguments)


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def made(does: dict[str, Callable[..., object]] | None = None, **options: Any) -> tuple[ToolRun, Port]:
    """A run and its port; the lifecycle's options are quiet, patience and budget."""
    port = Port()
    clock = options.pop("clock", None)
    arguments: dict[str, Any] = {"clock": clock} if clock else {}
    run = ToolRun(lambda provider: Tool(provider, does or {}), "Tool", Lifecycle(**options), port, **arguments)
    port.run = run
    return run, port


def feed(run: ToolRun, *events: Event) -> None:
    for event in events:
        run.feed(event)


def errors(port: Port) -> list[str]:
    return [text.removeprefix("ERROR: ") for text in port.sent if text.startswith("ERROR: ")]


def called(run: ToolRun) -> list[str]:
    assert isinstance(run.plugin, Tool)
    return run.plugin.called


class Gate:
    """Where a thread stops, and a test sees it, until the test lets it pass."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._open = threading.Event()

    def stop_here(self) -> None:
        self._reached.set()
        assert self._open.wait(PATIENCE)

    def await_arrival(self) -> None:
        assert self._reached.wait(PATIENCE)

    def open(self) -> None:
        self._open.set()
