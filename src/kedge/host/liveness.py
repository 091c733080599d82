"""How long a tool process has given no sign of life while its host waited for one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kedge.host.session import ToolSession

__all__ = ["Silence"]

_LONGEST_STEP = 1.0
"""Seconds that count between two looks: a host that was itself stopped has waited for nobody meanwhile."""


class Silence:
    """Measures the time in which a session passes nothing, in either direction, and the host is not the one at work.

    A process that was stopped, or hangs in its I/O, looks just like a callback that takes long; so how much of it is
    too much depends on what the process is to do.
    """

    def __init__(self, session: ToolSession, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._clock = clock
        self._signs = session.signs
        self._looked = clock()
        self._seconds = 0.0

    def seconds(self) -> float:
        """Seconds of silence up to now; to be asked again and again."""
        now = self._clock()
        step, self._looked = min(now - self._looked, _LONGEST_STEP), now
        signs, self._signs = self._signs, self._session.signs
        silent = signs == self._signs and not self._session.at_work
        self._seconds = self._seconds + step if silent else 0.0
        return self._seconds
