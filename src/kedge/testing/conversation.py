"""A run that goes on only as far as it is told: a tool's lifecycle, driven from a test on the test's own thread."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kedge.host.in_process import DirectPort
from kedge.lifecycle import Lifecycle
from kedge.lifecycle.events import NotifyComplete, RecordsClosed
from kedge.lifecycle.transitions import State
from kedge.tool_run import ToolRun

if TYPE_CHECKING:
    from pydantic import BaseModel

    from kedge.lifecycle.events import Event
    from kedge.testing.tape import Tape, Told
    from kedge.tool_run import ToolFactory

__all__ = ["Conversation"]


class _NothingToldError(Exception):
    """The run wants the next event, and there is none yet."""


class _Script:
    """The events that were told and not yet taken; asking for more interrupts the run."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque()

    def __iter__(self) -> _Script:
        return self

    def __next__(self) -> Event:
        if not self.events:
            raise _NothingToldError
        return self.events.popleft()


class Conversation:
    """An engine and one tool in this process; both sides go onto ``tape``."""

    def __init__(
        self, tool_factory: ToolFactory, tool_name: str, tape: Tape, settings_class: type[BaseModel] | None = None
    ) -> None:
        self.tape = tape
        self._script = _Script()
        self._lifecycle = Lifecycle(quiet=0.0)
        port = DirectPort(tape, self._script)
        self._run = port.run = ToolRun(tool_factory, tool_name, self._lifecycle, port, settings_class=settings_class)

    def __repr__(self) -> str:
        return f"<Conversation {self._run!r}, {len(self.tape.entries)} entries>"

    @property
    def over(self) -> bool:
        """Whether the run has ended: nothing that is told now reaches the tool."""
        return self._lifecycle.state in (State.CONFIRMED, State.LOST)

    def tell(self, told: Told) -> None:
        """Tell the tool something, and run all callbacks that follow from it. Blocks until they have returned.

        Raises nothing that the tool did wrong: that is on the tape. Raises KeyboardInterrupt.
        """
        self.tape.tell(told)
        if isinstance(told, NotifyComplete):
            self._script.events.append(RecordsClosed())
        self._script.events.append(told)
        if not self.over:
            self._continue()

    def _continue(self) -> None:
        try:
            self._run.run()
        except _NothingToldError:
            """The run waits for what it is told next."""
