"""Work on the tools of a plan, each after those that it reads, several at once."""

from __future__ import annotations

__all__ = ["run_in_order"]

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
        try:
            _feed(pool, tools, work, look)
        except BaseException:
            cancel()
            raise


def _feed(
    pool: ThreadPoolExecutor,
    tools: Sequence[ResolvedTool],
    work: Callable[[ResolvedTool], None],
    look: Callable[[], None],
) -> None:
    waiting = {tool.tool_id: {wire.origin for wire in tool.wires} for tool in tools}
    by_id = {tool.tool_id: tool for tool in tools}
    running: dict[Future[None], int] = {}
    while waiting or running:
        for tool_id in [tool_id for tool_id, origins in waiting.items() if not origins]:
            del waiting[tool_id]
            running[pool.submit(work, by_id[tool_id])] = tool_id
        done, _ = wait(running, timeout=POLL, return_when=FIRST_COMPLETED)
        look()
        for future in done:
            future.result()
            ended = running.pop(future)
            for origins in waiting.values():
                origins.discard(ended)
