"""What a tool process prints: the greeting among the noise, the last lines, and the stacks that it leaves."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections import deque
from typing import IO, TYPE_CHECKING, Any

from kedge.lifecycle.limits import LARGEST_LINE
from kedge.wire.process_lines import (
    ADDRESS_PREFIX,
    DESCRIPTION_PREFIX,
    PORT_PREFIX,
    REFUSAL_PREFIX,
    STACK_PREFIX,
    STATISTICS_PREFIX,
    TAKEN_LINE,
    WAITING_LINE,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ProcessOutput", "tool_frames", "was_in_callback"]

_LISTENING = re.compile(rf"(?:{PORT_PREFIX}(?P<port>\d{{1,9}})|{ADDRESS_PREFIX}(?P<address>unix:.+))$")
_HIGHEST_PORT = 65535
_TAIL_LINES = 50
_STACK_LINES = 200
_DUMP_BEGINS = (STACK_PREFIX, "Fatal Python error", "Windows fatal exception", "Stack (most recent call first)")
_DUMP_GOES_ON = (*_DUMP_BEGINS, "  ", "Current thread", "Thread 0x", "Extension modules:", "<")
_DRIVER = re.compile(
    r"[\\/]kedge[\\/](?:(?:tool_run|loading)\.py|(?:service|cli|lifecycle|wire)[\\/]\w+\.py)\"|<frozen "
)

_CALL = re.compile(r"[\\/]kedge[\\/]tool_run\.py\".* in _invoke$")


class ProcessOutput:
    """Reads both pipes of a tool process, each on a thread, to their ends.

    ``on_line`` gets each line, as ``("stdout" | "stderr", line)``, but those of a greeting and of a stack; a line of
    more than 64 KiB comes in pieces. What ``on_line`` raises is dropped: a process whose pipes nobody reads would stand
    still.
    """

    def __init__(self, on_line: Callable[[str, str], None]) -> None:
        self.found = threading.Event()
        self.waiting = threading.Event()
        self.taken = threading.Event()
        self.waits = False
        """Whether the process has said that it waits for its order; ``has_order``, that it has it."""
        self.has_order = False
        self.address = ""
        self.description: dict[str, Any] | None = None
        self.refusal: tuple[str, ...] = ()
        self.statistics: dict[str, Any] | None = None
        self.on_line = on_line
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._stack: list[str] = []
        self._in_stack = False
        self._threads: list[threading.Thread] = []

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of stderr, without stacks."""
        return tuple(self._tail)

    @property
    def stack(self) -> tuple[str, ...]:
        """The lines of the last stacks that the process wrote."""
        return tuple(self._stack)

    def read(self, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        """Begin to read."""
        for name, stream, take in (("stdout", stdout, self._take_stdout), ("stderr", stderr, self._take_stderr)):
            thread = threading.Thread(
                target=self._read_lines, args=(name, stream, take), name=f"kedge-child-{name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def join(self, timeout: float) -> None:
        """Wait until both pipes have ended; a process that outlives the tool's own may hold them for longer."""
        for thread in self._threads:
            thread.join(timeout)

    def _read_lines(self, name: str, stream: IO[bytes], take: Callable[[str], bool]) -> None:
        with contextlib.suppress(ValueError), stream:
            begins = True
            for raw in iter(lambda: stream.readline(LARGEST_LINE), b""):
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                taken = begins and take(line)
                begins = raw.endswith(b"\n")
                if not taken:
                    with contextlib.suppress(Exception):
                        self.on_line(name, line)

    def _take_stdout(self, line: str) -> bool:
        """Whether the line was for the host. Noise without a line end may stand before a greeting."""
        if self.address:
            return self._take_statistics(line) or self._take_refusal(line)
        if line in (WAITING_LINE, TAKEN_LINE):
            return self._take_stage(line)
        _, described, text = line.partition(DESCRIPTION_PREFIX)
        if described:
            self.description = _json_object(text)
            return True
        match = _LISTENING.search(line)
        if match is None or int(match["port"] or 1) not in range(1, _HIGHEST_PORT + 1):
            return False
        self.address = match["address"] or f"localhost:{match['port']}"
        self.found.set()
        return True

    def _take_stage(self, line: str) -> bool:
        if line == WAITING_LINE:
            self.waits = True
            self.waiting.set()
        else:
            self.has_order = True
            self.taken.set()
        return True

    def _take_statistics(self, line: str) -> bool:
        _, told, text = line.partition(STATISTICS_PREFIX)
        if told:
            self.statistics = _json_object(text)
        return bool(told)

    def _take_refusal(self, line: str) -> bool:
        _, refused, text = line.partition(REFUSAL_PREFIX)
        with contextlib.suppress(ValueError, RecursionError):
            problems = json.loads(text) if refused else None
            if isinstance(problems, list) and all(isinstance(problem, str) for problem in problems):
                self.refusal = tuple(problems)
                return True
        return False

    def _take_stderr(self, line: str) -> bool:
        """Whether the line belongs to a stack."""
        if line.startswith(_DUMP_BEGINS):
            self._in_stack = True
        elif not (line == "" or line.startswith(_DUMP_GOES_ON)):
            self._in_stack = False
        if not self._in_stack:
            self._tail.append(line)
        elif len(self._stack) < _STACK_LINES:
            self._stack.append(line)
        return self._in_stack


def _json_object(text: str) -> dict[str, Any] | None:
    """The object that a text is in JSON; None where it is none."""
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(text)
        return document if isinstance(document, dict) else None
    return None


def was_in_callback(stack: tuple[str, ...]) -> bool:
    """Whether a stack is that of a process of Kedge whose tool was at work."""
    return any(line.startswith(STACK_PREFIX) or _CALL.search(line) for line in stack)


def tool_frames(stack: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of a stack that speak of the tool: what it ran, and where, without the frames that drive it."""
    heads = (line.removeprefix(STACK_PREFIX) for line in stack if line.startswith(STACK_PREFIX))
    frames = (line for line in stack if line.startswith("  ") and not _DRIVER.search(line))
    return (*heads, *frames)
