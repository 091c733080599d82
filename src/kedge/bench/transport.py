"""``kedge bench transport``: records through shared memory and inline, against every other way at hand."""

from __future__ import annotations

import contextlib
import tempfile
import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.bench.flight_echo import FlightEcho
from kedge.bench.kedge_echo import KedgeEcho
from kedge.bench.measure import Figure, in_flight, machine, round_trips, sustained
from kedge.bench.pipe_echo import PipeEcho
from kedge.bench.raw_echo import RawEcho
from kedge.sdk.engine_types import from_engine

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bench_transport"]

_KIB, _MIB = 1 << 10, 1 << 20
_SIZES = (64 * _KIB, 256 * _KIB, _MIB, 4 * _MIB, 16 * _MIB)
_SECONDS = 0.5
"""Of each way at each size: long enough for the system to settle which thread runs on which core."""
_MOST_IN_FLIGHT, _BYTES_IN_FLIGHT = 8, 32 * _MIB
_EACH_SECOND = 1024
"""Batches of 1 MiB, while a tool asks for translations."""
_PINGS = 300
_SMALL = 8000  # bytes: 1,000 rows of one number


def bench_transport(rounds: int = 5, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure all ways in turn, ``rounds`` times; returns one JSON document. ``say`` hears what is being measured."""
    with contextlib.ExitStack() as stack:
        ways = _open_ways(stack)
        figures = _figures()
        throughput: dict[int, dict[str, list[float]]] = {size: {name: [] for name in ways} for size in _SIZES}
        for number in range(rounds + 1):
            say(f"round {number} of {rounds}{' (warm-up)' if number == 0 else ''}")
            _round(ways, figures if number else _figures(), throughput if number else None)
    translation = _translation(say)
    return {
        "benchmark": "transport",
        "machine": machine(),
        "rounds": rounds,
        "figures": [*(figure.as_json() for figure in figures.values()), *translation],
        "throughput": {
            str(size): {name: round(_median(values), 1) for name, values in by_way.items()}
            for size, by_way in throughput.items()
        },
    }


def _figures() -> dict[str, Figure]:
    flight, raw = "Arrow Flight DoExchange over a Unix socket", "raw bytes echo over Python gRPC"
    return {
        "shared 1": Figure("shared memory, 1 MiB batches", "MiB/s", flight, ">= 6.0"),
        "shared 16": Figure("shared memory, 16 MiB batches", "MiB/s", flight, ">= 4.0"),
        "inline 1": Figure("inline, 1 MiB batches", "MiB/s", raw, ">= 0.85"),
        "inline ping": Figure("inline, 1,000-row batch, p50 round trip", "s", raw, "<= 1.6"),
        "grpc 1": Figure("gRPC alone, as with any other engine, 1 MiB batches", "MiB/s", raw, "none"),
        "grpc ping": Figure("gRPC alone, as with any other engine, 1,000-row batch, p50", "s", raw, "none"),
        "shared ping": Figure("shared memory, 1,000-row batch, p50 round trip", "s", flight, "<= 2.5"),
        "copies": Figure("shared memory, 16 MiB batches", "MiB/s", "memcpy of the same bytes on one core", "none"),
        "pipe": Figure("shared memory, 1 MiB batches", "MiB/s", "a pipe of multiprocessing, one in flight", "none"),
    }


def _open_ways(stack: contextlib.ExitStack) -> dict[str, Any]:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kedge-"))
    schema = _table(8).schema
    ways: dict[str, Any] = {}
    for name, make in {
        "kedge, shared memory": lambda: KedgeEcho(schema, shared_memory=True),
        "kedge, inline": lambda: KedgeEcho(schema),
        "kedge, gRPC alone": lambda: KedgeEcho(schema, record_socket=False),
        "flight": lambda: FlightEcho(f"{folder}/flight.sock", schema),
        "raw gRPC": lambda: RawEcho(f"unix:{folder}/raw.sock"),
        "pipe": PipeEcho,
    }.items():
        ways[name] = make()
        stack.callback(ways[name].close)
    return ways


def _round(
    ways: dict[str, Any], figures: dict[str, Figure], throughput: dict[int, dict[str, list[float]]] | None
) -> None:
    speeds = {size: {name: _speed(name, way, size) for name, way in ways.items()} for size in _SIZES}
    for size, by_way in speeds.items():
        for name, speed in by_way.items():
            if throughput is not None:
                throughput[size][name].append(speed)
    mib, large = speeds[_MIB], speeds[16 * _MIB]
    figures["shared 1"].add(mib["kedge, shared memory"], mib["flight"])
    figures["shared 16"].add(large["kedge, shared memory"], large["flight"])
    figures["inline 1"].add(mib["kedge, inline"], mib["raw gRPC"])
    figures["grpc 1"].add(mib["kedge, gRPC alone"], mib["raw gRPC"])
    figures["copies"].add(large["kedge, shared memory"], _copy_speed(16 * _MIB))
    figures["pipe"].add(mib["kedge, shared memory"], mib["pipe"])
    trips = {name: round_trips(way, _item(name, _SMALL), _PINGS) for name, way in ways.items()}
    figures["inline ping"].add(trips["kedge, inline"], trips["raw gRPC"])
    figures["grpc ping"].add(trips["kedge, gRPC alone"], trips["raw gRPC"])
    figures["shared ping"].add(trips["kedge, shared memory"], trips["flight"])


def _speed(name: str, way: Any, size: int) -> float:
    """MiB per second that go there and come back, once it has the memory that batches of this size take."""
    window = 1 if name == "pipe" else max(1, min(_MOST_IN_FLIGHT, _BYTES_IN_FLIGHT // size))
    item = _item(name, size)
    in_flight(way, item, 2 * window, window)
    return sustained(way, item, _SECONDS, window) * size / _MIB


def _item(name: str, size: int) -> Any:
    return bytes(size) if name in ("raw gRPC", "pipe") else _table(size)


def _copy_speed(size: int) -> float:
    source, target = bytes(size), bytearray(size)
    start = time.perf_counter()
    for _ in range(10):
        target[:] = source
    return 10 * size / _MIB / (time.perf_counter() - start)


def _translation(say: Callable[[str], None]) -> list[dict[str, Any]]:
    """How long a tool waits for a translation while 1 GiB of records passes it each second."""
    say("translations")
    table = _table(_MIB)
    echo = KedgeEcho(table.schema, shared_memory=True, tool="Translating")
    speed = _paced(echo, table, 3 * _EACH_SECOND)
    echo.close()
    return [
        {
            "name": "translate_msg while records flow, p99 round trip",
            "unit": "s",
            "kedge": float(f"{float(echo.said.get()):.4g}"),
            "peer": f"records at {speed:.0f} MiB/s",
            "target": "<= 0.01",
        }
    ]


def _paced(echo: KedgeEcho, table: pa.Table, count: int) -> float:
    """Send batches at an even pace; how many came back in a second."""
    start = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, start + number / _EACH_SECOND - time.perf_counter()))
        echo.send(table)
        if number >= _MOST_IN_FLIGHT:
            echo.receive()
    for _ in range(_MOST_IN_FLIGHT):
        echo.receive()
    return count / (time.perf_counter() - start)


def _table(size: int) -> pa.Table:
    """``size`` bytes of 8-byte numbers, in the form that engines send."""
    return from_engine(pa.table({"number": pa.array(range(size // 8), pa.int64())})).table


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
