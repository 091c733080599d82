"""Clocks and medians."""

from __future__ import annotations

import os
import platform
import statistics
import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import grpc
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Echo", "Figure", "Pinging", "in_flight", "machine", "round_trips", "sustained"]

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Echo(Protocol[T]):
    """Something that sends back what it is sent."""

    def send(self, item: T) -> None:
        """Send without waiting."""

    def receive(self) -> T:
        """The next reply; blocks until it is there."""


@runtime_checkable
class Pinging(Protocol[T_contra]):
    """Something that measures its own round trips, because replies come by a call, not to one that waits for them."""

    def round_trips(self, item: T_contra, count: int) -> list[float]:
        """Seconds of ``count`` round trips."""


def round_trips(echo: Echo[T], item: T, count: int) -> float:
    """The median seconds of ``count`` round trips, one at a time."""
    if isinstance(echo, Pinging):
        return statistics.median(echo.round_trips(item, count))
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        echo.send(item)
        echo.receive()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def in_flight(echo: Echo[T], item: T, count: int, window: int) -> float:
    """Items per second, with ``window`` of them on their way at any time."""
    start = time.perf_counter()
    for _ in range(window):
        echo.send(item)
    for _ in range(count - window):
        echo.receive()
        echo.send(item)
    for _ in range(window):
        echo.receive()
    return count / (time.perf_counter() - start)


def sustained(echo: Echo[T], item: T, seconds: float, window: int) -> float:
    """Items per second over at least so many seconds, with ``window`` of them on their way at any time."""
    count = window
    start = time.perf_counter()
    for _ in range(window):
        echo.send(item)
    while time.perf_counter() - start < seconds:
        echo.receive()
        echo.send(item)
        count += 1
    for _ in range(window):
        echo.receive()
    return count / (time.perf_counter() - start)


class Figure:
    """One measure of Kedge and of its peer, taken in turns; the ratio is the median of the pairs' ratios."""

    def __init__(self, name: str, unit: str, peer: str, target: str) -> None:
        self.name, self.unit, self.peer, self.target = name, unit, peer, target
        self._ours: list[float] = []
        self._theirs: list[float] = []

    def add(self, ours: float, theirs: float) -> None:
        """Take one pair."""
        self._ours.append(ours)
        self._theirs.append(theirs)

    def as_json(self) -> dict[str, Any]:
        """The figure as JSON values."""
        ratios = [ours / theirs for ours, theirs in zip(self._ours, self._theirs, strict=True)]
        return {
            "name": self.name,
            "unit": self.unit,
            "kedge": _rounded(self._ours),
            "peer": self.peer,
            "peer_value": _rounded(self._theirs),
            "ratio": round(statistics.median(ratios), 3),
            "ratios": [round(ratio, 3) for ratio in ratios],
            "target": self.target,
        }


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": _load(),
        "python": platform.python_version(),
        "pyarrow": pa.__version__,
        "grpcio": grpc.__version__,
    }


def _load() -> str:
    """How many processes wanted a core in the last minute, these ones included."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _rounded(values: Sequence[float]) -> float:
    return float(f"{statistics.median(values):.4g}")
