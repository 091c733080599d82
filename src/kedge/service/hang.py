"""Where a callback is that takes long, or that goes on when its engine is gone."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kedge.tool_run import ToolRun

__all__ = ["HangWatch", "callback_report"]

logger = logging.getLogger(__name__)

_PACKAGE = str(Path(__file__).parents[1])
_RUNNERS = ("<frozen ", "<string>")


def callback_report(run: ToolRun) -> str | None:
    """Which callback runs, for how long, and the tool's own frames of it, the innermost last; None between two."""
    call = run.current_call()
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    if call is None or frame is None:
        return None
    stack = traceback.StackSummary.from_list(
        [f for f in traceback.extract_stack(frame) if not f.filename.startswith((_PACKAGE, *_RUNNERS))]
    )
    return f"{run.tool_name}.{call.name} has run for {call.seconds:.1f} s\n{''.join(stack.format())}".rstrip()


class HangWatch:
    """Logs where a callback is once it has run for ``after`` seconds, and again whenever that time has doubled."""

    def __init__(self, run: ToolRun, after: float) -> None:
        self._run = run
        self._after = after
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="kedge-hang", daemon=True)
        if after > 0:
            self._thread.start()

    def stop(self) -> None:
        """Watch no more. Blocks until the watching thread has ended."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        reported_at, seconds_before = self._after, 0.0
        while not self._over.wait(self._pause(reported_at)):
            call = self._run.current_call()
            seconds = 0.0 if call is None else call.seconds
            if seconds < seconds_before:
                reported_at = self._after
            seconds_before = seconds
            if seconds >= reported_at:
                reported_at *= 2
                logger.warning("%s", callback_report(self._run))

    def _pause(self, reported_at: float) -> float:
        """Half of what is missing, so that a callback which begins now is seen in time."""
        call = self._run.current_call()
        missing = reported_at - (0.0 if call is None else call.seconds)
        return max(0.05, min(missing, self._after / 2))
