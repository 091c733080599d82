"""``kedge bench``: all that is measured, in one document."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from kedge.bench.measure import machine
from kedge.bench.memory import require_proc
from kedge.exceptions import KedgeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["PARTS", "bench_whole"]

PARTS = ("echo", "transport", "start", "harness", "flow", "memory")
_STARTS_FOR_A_ROUND = 4
"""One takes some hundredths of a second."""


def bench_whole(
    say: Callable[[str], None] = lambda _: None,
    *,
    parts: Iterable[str] = PARTS,
    rounds: int = 5,
    gib: float = 1.0,
    runs: int = 100,
) -> dict[str, Any]:
    """Measure the ``parts``, each by its own command in a new process; returns one JSON document with theirs.

    What cannot be measured on this machine is ``left_out``, with the reason. ``gib`` and ``runs`` are those of the
    memory. ``say`` hears which part is being measured. Raises KedgeError where one fails, which tells why itself.
    """
    documents, left_out = [], {}
    for part in parts:
        say(f"--- {part}")
        try:
            if part == "memory":
                require_proc()
        except UsageError as error:
            left_out[part] = str(error)
            continue
        documents.append(_measured(part, rounds, gib, runs))
    return {"benchmark": "whole", "machine": machine(), "documents": documents, "left_out": left_out}


def _measured(part: str, rounds: int, gib: float, runs: int) -> dict[str, Any]:
    options: dict[str, list[str | float]] = {
        "start": ["--rounds", _STARTS_FOR_A_ROUND * rounds],
        "memory": ["--gib", gib, "--runs", runs],
    }
    command = [sys.executable, "-m", "kedge.cli", "bench", part, *map(str, options.get(part, ["--rounds", rounds]))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - this very program
    try:
        printed, _ = process.communicate()
    except KeyboardInterrupt:
        process.communicate()  # it was told, too, and clears away what it has begun
        raise
    if process.returncode:
        raise KedgeError(f"kedge bench {part} ended with exit code {process.returncode}")
    document: dict[str, Any] = json.loads(printed)
    return document
