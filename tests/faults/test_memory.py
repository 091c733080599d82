"""Memory is a budget: while a slow side is waited for, neither process grows by more than its queues."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("memory_run.py")
MIB = int(os.environ.get("KEDGE_TEST_MIB", "512"))
"""How much passes; the figure of the pages is measured with 4096."""
LIMIT = 128
"""How much more than idle each process may hold, in MiB: 64 of them are the budget of a queue."""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("slow", ["slow-tool", "slow-engine"])
def test_a_slow_side_stalls_the_other_and_not_the_heap(slow: str) -> None:
    run = subprocess.run([sys.executable, str(SCRIPT), slow, str(MIB)], capture_output=True, check=True, env=os.environ)
    figures = json.loads(run.stdout)
    assert figures["rows"] == MIB << 17, "nothing is lost"
    assert figures["host"] <= LIMIT, figures
    assert figures["tool"] <= LIMIT, figures
