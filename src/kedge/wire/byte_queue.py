"""A queue bounded in bytes, between threads that make things and one that sends them."""

from __future__ import annotations

import threading
from collections import deque
from copy import copy
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ByteQueue", "QueueStatistics"]

T = TypeVar("T")

_BUNCH = 8 << 20
"""Bytes of the items that are taken at once, if they are more than one."""


class QueueStatistics(NamedTuple):
    """What passed a queue: items and bytes put, the most bytes held at once, and how often a writer had to wait."""

    items: int
    bytes: int
    high_water: int
    waits: int


class ByteQueue(Generic[T]):
    """First in, first out, with room for ``budget`` bytes; an item larger than that fits when the queue is empty.

    Many threads may put; one iterates. Iteration ends when the queue is closed and empty.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._items: deque[tuple[T, int]] = deque()
        self._held = 0
        self._closed: BaseException | bool | None = False
        self._lock = threading.Lock()
        # The taker waits for a lock that is held but for the moment in which it is called. A condition, which makes
        # a lock for each wait, takes twice as long to pass an item on; writers and flushers, who seldom wait, use one.
        self._bell = threading.Lock()
        self._bell.acquire()
        self._taker_waits = False
        self._others = threading.Condition(self._lock)
        self._others_wait = 0
        self._count = self._bytes = self._high_water = self._waits = 0

    def __repr__(self) -> str:
        state = "closed" if self._closed is not False else "open"
        return f"<ByteQueue {state}, {len(self._items)} items, {self._held} of {self._budget} bytes>"

    def put(self, item: T, size: int) -> None:
        """Append; blocks while there is no room. Raises what :meth:`close` was given where the queue is closed."""
        with self._lock:
            if not self._has_room(size):
                self._waits += 1
                self._wait_for(lambda: self._has_room(size) or self._closed is not False)
            self._require_open()
            self._items.append((item, size))
            self._held += size
            self._count += 1
            self._bytes += size
            self._high_water = max(self._high_water, self._held)
            self._call_taker()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued, and the reader has come back for more."""
        return self._taker_waits and not self._items and self._closed is False

    def close(self, error: BaseException | None = None) -> None:
        """Take nothing more. With an ``error`` what is queued is dropped and writers get the error.

        Each gets a copy: the frames that an error has passed would live as long as this queue.
        """
        with self._lock:
            if self._closed is False:
                self._closed = error
            if error is not None:
                self._items.clear()
                self._held = 0
            self._call_taker()
            self._others.notify_all()

    def cede(self, size: int) -> None:
        """Leave ``size`` bytes of the budget to something else that holds what was taken; negative takes back."""
        with self._lock:
            self._budget -= size
            self._others.notify_all()

    def flush(self) -> None:
        """Block until the reader has taken every item and come back for more."""
        with self._lock:
            self._wait_for(lambda: (not self._items and self._taker_waits) or self._closed is not False)
            if isinstance(self._closed, BaseException):
                raise copy(self._closed)

    def __iter__(self) -> Iterator[T]:
        for items in self.bunches(1):
            yield items.pop()

    def bunches(self, most: int = 8) -> Iterator[list[T]]:
        """Iterate over what is there when the reader comes: lists of one item or, if they are small, up to ``most``."""
        while True:
            with self._lock:
                items = self._take(most)
                if not items and self._closed is not False:
                    return
                self._taker_waits = not items
                if self._others_wait:
                    self._others.notify_all()
            if items:
                yield items
            else:
                self._bell.acquire()
            del items

    def statistics(self) -> QueueStatistics:
        """What passed so far."""
        return QueueStatistics(self._count, self._bytes, self._high_water, self._waits)

    def _take(self, most: int) -> list[T]:
        items: list[T] = []
        room = _BUNCH
        while self._items and len(items) < most and (not items or self._items[0][1] <= room):
            item, size = self._items.popleft()
            self._held -= size
            room -= size
            items.append(item)
        return items

    def _call_taker(self) -> None:
        if self._taker_waits:
            self._taker_waits = False
            self._bell.release()

    def _wait_for(self, ready: Callable[[], bool]) -> None:
        self._others_wait += 1
        try:
            self._others.wait_for(ready)
        finally:
            self._others_wait -= 1

    def _has_room(self, size: int) -> bool:
        return not self._items or self._held + size <= self._budget

    def _require_open(self) -> None:
        if isinstance(self._closed, BaseException):
            raise copy(self._closed)
        if self._closed is not False:
            raise ValueError("the queue is closed")
