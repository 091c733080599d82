"""A tool process that waits for its order: what it has imported, and how it ends without one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from kedge.host.process_kind import IMPORTED_AHEAD
from tests.faults.processes import posix_only

WAIT = [sys.executable, "-m", "kedge.service", "wait-for-order"]

MODULES = """
import importlib, json, sys
before = set(sys.modules)
import kedge.service.__main__
from kedge.service.waiting import MODULES
for name in MODULES:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


@pytest.mark.parametrize(
    ("order", "code", "error"),
    [
        (b"", 0, ""),
        (b'{"arguments": ["start', 2, "error: 21 bytes came as the order of a tool process, which are no JSON\n"),
    ],
    ids=["none", "half an order"],
)
def test_without_an_order_it_ends(order: bytes, code: int, error: str) -> None:
    found = subprocess.run(WAIT, input=order, capture_output=True, check=False)
    assert (found.returncode, found.stdout.decode().splitlines()) == (code, ["KedgeWaiting"])
    assert found.stderr.decode() == error


@posix_only
def test_an_interrupt_ends_it_without_a_word() -> None:
    with subprocess.Popen(WAIT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert (process.stdout.read(), process.stderr.read()) == (b"", b"")


def test_what_it_imports_ahead_is_known_to_the_host() -> None:
    """So that a tool which brings a library of its own gets that, and not the one that was imported."""
    output = subprocess.run([sys.executable, "-c", MODULES], capture_output=True, check=True)
    imported = {name for name in json.loads(output.stdout) if not name.startswith(("_", "cython"))}
    assert imported - set(sys.stdlib_module_names) - {"kedge"} <= set(IMPORTED_AHEAD)
