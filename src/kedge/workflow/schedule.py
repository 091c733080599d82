"""Work on the tools of a plan, each after those that it reads, several at once."""

from __future__ import annotations

__all__ = ["run_in_order"]

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kedge.workflow.graph import ResolvedTool

POLL = 0.2
"""Seconds between two looks at whether the run is to end."""


def run_in_order(
    tools: Sequence[ResolvedTool],
    work: Callable[[ResolvedTool], None],
    workers: int,
    look: Callable[[], None],
    cancel: Callable[[], None],
) -> None:
    """Call ``work`` once for every tool; with one worker in the order of the plan, in this thread.

    ``look`` is called now and then meanwhile. The first exception of ``work`` is raised when nothing runs any more;
    ``cancel`` is called before, so that this is soon, and where this thread is interrupted.
    """
    if workers == 1:
        for tool in tools:
            work(tool)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="kedge-tool") as pool:
        order = _Order(tools, work, pool)
        try:
            order.follow_all(look)
        except BaseException:
            cancel()
            raise


class _Order:
    """What still waits for what. A thread goes on with what its tool was waited for by: handing over costs time."""

    def __init__(
        self, tools: Sequence[ResolvedTool], work: Callable[[ResolvedTool], None], pool: ThreadPoolExecutor
    ) -> None:
        self._work = work
        self._pool = pool
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[ResolvedTool, set[int | None]]] = {
            tool.tool_id: (tool, {wire.origin for wire in tool.wires}) for tool in tools
        }
        self._running: set[Future[None]] = set()

    def follow_all(self, look: Callable[[], None]) -> None:
        """Work on everything; returns at the end of all, or raises the first exception."""
        self._start(self._ready())
        while running := self._now_running():
            done, _ = wait(running, timeout=POLL, return_when=FIRST_COMPLETED)
            look()
            for future in done:
                future.result()
                with self._lock:
                    self._running.discard(future)

    def _now_running(self) -> set[Future[None]]:
        with self._lock:
            return set(self._running)

    def _start(self, tools: Sequence[ResolvedTool]) -> None:
        with self._lock:
            self._running.update(self._pool.submit(self._follow, tool) for tool in tools)

    def _follow(self, tool: ResolvedTool) -> None:
        following = [tool]
        while following:
            self._start(following[1:])
            self._work(following[0])
            following = self._ready(following[0].tool_id)

    def _ready(self, ended: int | None = None) -> list[ResolvedTool]:
        with self._lock:
            for _, origins in self._waiting.values():
                origins.discard(ended)
            ready = [tool for tool, origins in self._waiting.values() if not origins]
            for tool in ready:
                del self._waiting[tool.tool_id]
        return ready
