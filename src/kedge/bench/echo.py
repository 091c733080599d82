"""``kedge bench echo``: a batch through the pass-through tool and back, against bytes echoed over raw gRPC."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.bench.kedge_echo import KedgeEcho
from kedge.bench.measure import Figure, in_flight, machine, round_trips
from kedge.bench.raw_echo import RawEcho
from kedge.sdk.engine_types import from_engine

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bench_echo"]

_SMALL_ROWS = 1000
_MIB = 1 << 20
_WINDOW = 8


def bench_echo(rounds: int = 5, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure start, small batches and bulk, ``rounds`` pairs each; returns one JSON document.

    ``say`` hears what is being measured.
    """
    figures = [_start(rounds, say), *_streams(rounds, say)]
    return {"benchmark": "echo", "machine": machine(), "rounds": rounds, "figures": [f.as_json() for f in figures]}


def _streams(rounds: int, say: Callable[[str], None]) -> list[Figure]:
    small, large = _table(_SMALL_ROWS), _table(_MIB // 8)
    trips = Figure("1,000-row batch, p50 round trip", "s", "raw bytes ping-pong over Python gRPC", "<= 2.0")
    bulk = Figure("1 MiB batches, 8 in flight", "batches/s", "raw bytes echo over Python gRPC, 1 MiB", ">= 0.8")
    with tempfile.TemporaryDirectory(prefix="kedge-") as folder:
        raw, ours = RawEcho(f"unix:{folder}/raw.sock"), KedgeEcho(small.schema)
        try:
            for number in range(rounds + 1):
                say(f"round {number} of {rounds}{' (warm-up)' if number == 0 else ''}")
                pair = round_trips(ours, small, 300), round_trips(raw, bytes(small.nbytes), 300)
                flow = in_flight(ours, large, 256, _WINDOW), in_flight(raw, bytes(_MIB), 256, _WINDOW)
                if number:
                    trips.add(*pair)
                    bulk.add(*flow)
        finally:
            ours.close()
            raw.close()
    return [trips, bulk]


def _start(rounds: int, say: Callable[[str], None]) -> Figure:
    figure = Figure("launch to constructor", "s", 'python -c "import pyarrow, grpc"', "<= 1.6")
    with tempfile.TemporaryDirectory(prefix="kedge-") as cache:
        # As installed: the bytecode of all modules is there, written by the warm-up.
        environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache}
        for number in range(rounds + 1):
            say(f"start {number} of {rounds}{' (warm-up)' if number == 0 else ''}")
            start = time.monotonic()
            ours = KedgeEcho(_table(1).schema, environment)
            seconds = ours.constructed - start
            ours.close()
            peer = _seconds_to_import(environment)
            if number:
                figure.add(seconds, peer)
    return figure


def _seconds_to_import(environment: dict[str, str]) -> float:
    """From the launch of an interpreter until it has imported what every tool process needs."""
    code = "import pyarrow, grpc, time; print(time.monotonic())"
    start = time.monotonic()
    output = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, check=True, text=True
    )
    return float(output.stdout) - start


def _table(rows: int) -> pa.Table:
    """Rows of one 8-byte number, in the form that engines send."""
    return from_engine(pa.table({"number": pa.array(range(rows), pa.int64())})).table
