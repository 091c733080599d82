"""A queue bounded in bytes, between a thread that makes things and one that sends them."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ByteQueue", "QueueStatistics"]

T = TypeVar("T")


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
        self._taker_waits = False
        self._changed = threading.Condition()
        self._count = self._bytes = self._high_water = self._waits = 0

    def __repr__(self) -> str:
        state = "closed" if self._closed is not False else "open"
        return f"<ByteQueue {state}, {len(self._items)} items, {self._held} of {self._budget} bytes>"

    def put(self, item: T, size: int) -> None:
        """Append; blocks while there is no room. Raises what :meth:`close` was given where the queue is closed."""
        with self._changed:
            if not self._has_room(size):
                self._waits += 1
                self._changed.wait_for(lambda: self._has_room(size) or self._closed is not False)
            self._require_open()
            self._items.append((item, size))
            self._held += size
            self._count += 1
            self._bytes += size
            self._high_water = max(self._high_water, self._held)
            self._changed.notify_all()

    def close(self, error: BaseException | None = None) -> None:
        """Take nothing more. With an ``error`` what is queued is dropped and writers get the error."""
        with self._changed:
            if self._closed is False:
                self._closed = error
            if error is not None:
                self._items.clear()
                self._held = 0
            self._changed.notify_all()

    def flush(self) -> None:
        """Block until the reader has taken every item and come back for more."""
        with self._changed:
            self._changed.wait_for(lambda: (not self._items and self._taker_waits) or self._closed is not False)
            if isinstance(self._closed, BaseException):
                raise self._closed

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._taker_waits = True
                if not self._items:
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: bool(self._items) or self._closed is not False)
                if not self._items:
                    return
                self._taker_waits = False
                item, size = self._items.popleft()
                self._held -= size
                self._changed.notify_all()
            yield item
            del item

    def statistics(self) -> QueueStatistics:
        """What passed so far."""
        return QueueStatistics(self._count, self._bytes, self._high_water, self._waits)

    def _has_room(self, size: int) -> bool:
        return not self._items or self._held + size <= self._budget

    def _require_open(self) -> None:
        if isinstance(self._closed, BaseException):
            raise self._closed
        if self._closed is not False:
            raise ValueError("the queue is closed")
