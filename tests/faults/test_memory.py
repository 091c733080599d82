"""Memory is a budget: while a slow side is waited for, neither process grows by more than its queues."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from kedge.host.target import resolve_target
from kedge.host.tool_call import ToolCall
from tests.faults.memory_run import TOOLS, SlowSink

SCRIPT = Path(__file__).with_name("memory_run.py")
MIB = int(os.environ.get("KEDGE_TEST_MIB", "256"))
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


@pytest.mark.skipif("KEDGE_TEST_SLOW" not in os.environ, reason="more than 2 GiB pass; KEDGE_TEST_SLOW=1 asks for it")
@pytest.mark.skipif(psutil.virtual_memory().available < 8 << 30, reason="it takes some GiB of memory")
@pytest.mark.timeout(600)
def test_a_batch_of_more_than_2_gib_passes_in_parts() -> None:
    sink = SlowSink(0.0)
    result = ToolCall(
        resolve_target(f"{TOOLS}:WritesAtOnce"), config_xml="<Configuration><MiB>2200</MiB></Configuration>"
    ).run(lambda _anchor: sink)
    assert result.ok, result.errors
    assert sink.rows == 2200 << 17
    assert result.statistics.outgoing["Output"].batches > 1
