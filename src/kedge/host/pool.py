"""Tool processes that are started ahead of the runs that they serve."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from kedge.exceptions import ToolStartError, UsageError
from kedge.host.process import ToolProcess
from kedge.host.process_kind import ProcessKind, brings_its_own
from kedge.host.target import SERVICE, ToolTarget, resolve_target
from kedge.loading import ToolName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from typing_extensions import Self

__all__ = ["ToolPool", "ToolPoolStatistics", "wanted"]

K = TypeVar("K")

_PARTS = 6
"""Interpreter, the three of ``SERVICE``, package and tool."""
_WAIT = ("-m", "kedge.service", "wait-for-order")
_STARTS_WITHIN = 1.0
"""Seconds to wait for one that is just being started; it takes some thousandths of one."""
_FILLS_AFTER = 0.5
"""Seconds from a hand-out until the place is filled where the run is still going on: it has the machine to itself."""


class ToolPoolStatistics(NamedTuple):
    """What a pool did: ``waiting`` processes now, all that were ``started``, and what came of them.

    ``handed_out`` went to a run; ``missed`` are the runs for which there was none; ``discarded`` ended or printed while
    they waited; ``ended`` nobody had a use for in time.
    """

    waiting: int
    started: int
    handed_out: int
    missed: int
    discarded: int
    ended: int


@dataclass
class _Waiting:
    """A process in the pool, and the last line that it printed, which it should not."""

    process: ToolProcess
    printed: deque[tuple[str, str]]

    @property
    def is_fit(self) -> bool:
        return not self.printed and self.process.exit_cause() is None


@dataclass
class _Shelf:
    """The processes of one kind; ``used`` is when a run last asked for one."""

    used: float = 0.0
    waiting: deque[_Waiting] = field(default_factory=deque)
    fails: bool = False
    """Whether no process of this kind can be started, or one ended by itself before it waited, as the next would."""
    is_away: bool = False
    """Whether this process's own surroundings were others, when one of this kind was to be started."""
    last: ToolProcess | None = None
    """The one that was handed out last, perhaps before it could be seen to fail."""

    @property
    def may_grow(self) -> bool:
        return not self.fails and not self.is_away


class ToolPool:
    """Keeps up to ``size`` started tool processes, so that a run need not wait for the start of an interpreter.

    Hand it to :func:`kedge.run_tool` and close it, best in a ``with`` statement. A process waits with all imported that
    every tool needs, and no tool loaded. It serves one run and ends; another one is started in its place, in the
    background. So runs are as far apart as without a pool.

    A run gets a process only of the interpreter, variables, working folder and limits that it would be started with
    now; else a new one. After ``idle_seconds`` without a run of their kind, those that wait end. Kinds share the pool.
    All methods may be called from any thread. A process forked from this one has no part in the pool: its runs start
    new processes.

    Raises UsageError for a size under 1, and a time that is not above 0.
    """

    def __init__(self, size: int = 2, idle_seconds: float = 60.0) -> None:
        if size < 1 or not idle_seconds > 0:
            raise UsageError(f"a pool has a size from 1, and idle_seconds above 0, and not {size} and {idle_seconds:g}")
        self.size = size
        self.idle_seconds = idle_seconds
        self._owner = os.getpid()
        self._changed = threading.Condition()
        self._shelves: dict[ProcessKind, _Shelf] = {}  # the last used one last
        self._fill_at = 0.0
        self._closed = False
        self._keeper: threading.Thread | None = None
        self._started = self._handed_out = self._missed = self._discarded = self._ended = 0

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self.statistics().waiting} of {self.size} waiting"
        return f"<ToolPool {state}, {self._handed_out} handed out, {self._missed} missed>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def statistics(self) -> ToolPoolStatistics:
        """What the pool did so far."""
        with self._changed:
            waiting = sum(len(shelf.waiting) for shelf in self._shelves.values())
            counts = (self._started, self._handed_out, self._missed, self._discarded, self._ended)
        return ToolPoolStatistics(waiting, *counts)

    def warm_up(
        self,
        tool: str | type[Any] | Sequence[str] | ToolTarget,
        *,
        python: str | None = None,
        timeout: float = 30.0,
    ) -> bool:
        """Start processes for the runs of ``tool``, and of whatever else runs in the same surroundings, now.

        Blocks until as many wait as the pool has room for; False where they do not within ``timeout`` seconds, or ever.
        ``tool`` and ``python`` are those of :func:`kedge.run_tool`. Raises UsageError, also for a tool that is served
        by another command than Kedge's.
        """
        target = tool if isinstance(tool, ToolTarget) else resolve_target(tool, python)
        command = target.require_command()
        if command[1:4] != SERVICE:
            raise UsageError(f"{target.name} is served by {command[0]!r}; only processes of Kedge's own wait in a pool")
        deadline = time.monotonic() + timeout
        if (kind := _kind_for(command, target.environment)) is None:
            return False
        with self._changed:
            shelf = self._use(kind)
            shelf.fails = False
            self._fill(0.0)
            self._changed.wait_for(lambda: self._closed or not self._is_lacking(kind), timeout)
            waiting = list(shelf.waiting)
        return bool(waiting) and all(w.process.wait_until_it_waits(deadline - time.monotonic()) for w in waiting)

    def take(
        self, command: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str, str], None] | None
    ) -> ToolProcess | None:
        """A process that has its order to be what ``command`` starts, in ``environment``; None where there is none.

        The caller has it from now on, and ends it. Raises UsageError where the pool is closed.
        """
        if os.getpid() != self._owner:
            return None
        process = self._take(_kind_for(command, environment))
        if process is not None:
            process.order(command[3:], environment, on_line)
        return process

    def fill(self) -> None:
        """Start what is lacking, now that no run has just begun."""
        if os.getpid() == self._owner:
            with self._changed:
                self._fill(0.0)

    def close(self) -> None:
        """End all that wait; who runs is let run. Blocks until they are gone."""
        if os.getpid() != self._owner:
            return
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            keeper = self._keeper
        atexit.unregister(self.close)
        if keeper is not None:
            keeper.join()
        for shelf in self._shelves.values():
            _end(shelf.waiting)
            shelf.waiting.clear()

    # --- with the lock ------------------------------------------------------------------------------------------------

    def _take(self, kind: ProcessKind | None) -> ToolProcess | None:
        unfit: list[_Waiting] = []
        with self._changed:
            is_new = kind not in self._shelves
            shelf = _Shelf() if kind is None else self._use(kind)
            while shelf.waiting and not shelf.waiting[0].is_fit:
                unfit.append(shelf.waiting.popleft())
            ended = [each.process for each in unfit] + ([shelf.last] if shelf.last else [])
            shelf.fails = shelf.fails or any(map(_cannot_wait, ended))
            if kind is not None and not is_new:
                self._changed.wait_for(lambda: shelf.waiting or not self._is_coming(kind), _STARTS_WITHIN)
            found = shelf.last = shelf.waiting.popleft().process if shelf.waiting else None
            self._discarded += len(unfit)
            self._handed_out += found is not None
            self._missed += found is None
            self._fill(_FILLS_AFTER)
        for each in unfit:
            each.process.kill()
        return found

    def _use(self, kind: ProcessKind) -> _Shelf:
        if self._closed:
            raise UsageError("the pool is closed: run the tool without it, or inside its with statement")
        shelf = self._shelves.pop(kind, None) or _Shelf()
        shelf.used = time.monotonic()
        shelf.is_away = False
        self._shelves[kind] = shelf
        return shelf

    def _fill(self, after: float) -> None:
        self._fill_at = time.monotonic() + after
        if self._keeper is None and not self._closed:
            self._keeper = threading.Thread(target=self._keep, name="kedge-pool", daemon=True)
            self._keeper.start()
            atexit.register(self.close)
        self._changed.notify_all()

    def _wanted(self) -> dict[ProcessKind, int]:
        last_used_first = reversed(self._shelves.items())
        return wanted({kind: len(shelf.waiting) for kind, shelf in last_used_first if shelf.may_grow}, self.size)

    def _is_lacking(self, kind: ProcessKind) -> bool:
        return kind in self._shelves and len(self._shelves[kind].waiting) < self._wanted().get(kind, 0)

    def _is_coming(self, kind: ProcessKind) -> bool:
        """Whether one of a kind is just being started; it will be there no later than another that is started now."""
        return not self._closed and self._is_lacking(kind) and time.monotonic() >= self._fill_at

    def _drop(self, now: float) -> list[_Waiting]:
        """Take out what is to end: kinds that nobody used for long, and what gives way to other kinds."""
        dropped: list[_Waiting] = []
        for kind in [kind for kind, shelf in self._shelves.items() if now >= shelf.used + self.idle_seconds]:
            dropped += self._shelves.pop(kind).waiting
        goal = self._wanted()
        for kind, shelf in self._shelves.items():
            while len(shelf.waiting) > goal.get(kind, 0):
                dropped.append(shelf.waiting.popleft())
        self._ended += len(dropped)
        return dropped

    # --- the keeper ---------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        """Fill and empty the shelves until the pool is closed."""
        while True:
            with self._changed:
                if self._closed:
                    return
                now = time.monotonic()
                dropped = self._drop(now)
                lacking = next(filter(self._is_lacking, reversed(self._shelves)), None)
                if not dropped and (lacking is None or now < self._fill_at):
                    due = [shelf.used + self.idle_seconds for shelf in self._shelves.values()]
                    due += [] if lacking is None else [self._fill_at]
                    self._changed.wait(max(0.0, min(due) - now) if due else None)
                    continue
            _end(dropped)
            if lacking is not None and now >= self._fill_at:
                self._start(lacking)

    def _start(self, kind: ProcessKind) -> None:
        started, fails = None, False
        try:
            started = _launched(kind)
        except (ToolStartError, RuntimeError):  # the latter of an interpreter that is about to end
            fails = True
        with self._changed:
            shelf = self._shelves.get(kind) or _Shelf()
            shelf.fails, shelf.is_away = fails, started is None and not fails
            if started is not None:
                self._started += 1
                shelf.waiting.append(started)
            if kind in self._shelves:
                started = None
            self._changed.notify_all()
        if started is not None:
            started.process.kill()


def wanted(waiting: Mapping[K, int], size: int) -> dict[K, int]:
    """How many processes of each kind are to wait in a pool of ``size``.

    ``waiting`` says how many do, the last used kind first. The ``size`` last used kinds have the same share. What does
    not divide stays with a kind that has it, so that kinds in turn do not drive each other out, or goes to the last
    used.
    """
    kinds = list(waiting)[:size]
    share = size // max(1, len(kinds))
    goal = {kind: max(share, waiting[kind]) for kind in kinds}
    surplus = sum(goal.values()) - size
    for kind in reversed(kinds):
        given = min(max(surplus, 0), goal[kind] - share)
        goal[kind] -= given
        surplus -= given
    if kinds:
        goal[kinds[0]] -= min(surplus, 0)
    return goal


def _kind_for(command: Sequence[str], environment: Mapping[str, str]) -> ProcessKind | None:
    """The kind of process that can become what a command starts; None where none that waited can."""
    if tuple(command[1:4]) != SERVICE or len(command) != _PARTS:
        return None
    if brings_its_own(ToolName(command[4], command[5])):
        return None
    try:
        return ProcessKind.of(command[0], environment)
    except OSError:  # there is no working folder
        return None


def _launched(kind: ProcessKind) -> _Waiting | None:
    """A new process of a kind; None where this process's own surroundings are others by now. Raises ToolStartError."""
    environment = dict(kind.handed)
    printed: deque[tuple[str, str]] = deque(maxlen=1)  # it may print without end
    process = ToolProcess([kind.python, *_WAIT], environment=environment, on_line=lambda *line: printed.append(line))
    with ExitStack() as stack, contextlib.suppress(OSError):
        stack.callback(process.kill)
        if ProcessKind.of(kind.python, environment) == kind:
            process.launch(waits=True)
            if ProcessKind.of(kind.python, environment) == kind:
                stack.pop_all()
                return _Waiting(process, printed)
    return None


def _cannot_wait(process: ToolProcess) -> bool:
    """Whether a process ended by itself before it waited, such as one of an interpreter without this very Kedge."""
    return not process.waits and (process.exit_cause() or "").startswith("exit code")


def _end(waiting: Iterable[_Waiting]) -> None:
    for each in waiting:
        each.process.kill()
