"""What passed a run is counted, at both ends and in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from kedge import Anchor, run_tool
from kedge.host.session import ToolSession
from kedge.wire.capabilities import SHARED_MEMORY
from tests.behaviour import tools
from tests.behaviour.adapters import TOKEN, Outcome, Script, Served, initialization
from tests.faults.processes import TOOLS, kedge, posix_only

if TYPE_CHECKING:
    from kedge.wire.statistics import ConnectionStatistics

TABLE = pa.table({"x": pa.array(range(3 << 17), pa.int64())})
BUDGET = 64 << 20


def transport_of(table: pa.Table) -> ConnectionStatistics:
    result = run_tool(f"{TOOLS}:Copy", {"Input": table})
    assert result.outputs["Output"].equals(table)
    transport = result.statistics.transport
    assert transport is not None
    return transport


@posix_only
class TestRun:
    def test_counts_what_went_to_the_process_and_what_came_back(self) -> None:
        transport = transport_of(TABLE)
        assert transport.sent.items == 3
        assert transport.sent.bytes == TABLE.nbytes
        assert transport.sent.high_water <= BUDGET
        assert transport.received_batches == 3
        assert transport.received_bytes > TABLE.nbytes

    def test_keeps_many_results_with_few_descriptors(self) -> None:
        """All that is kept is more than the pool, and travels through it; the limit is the tool process's, too."""
        resource = pytest.importorskip("resource")
        table = pa.concat_tables([TABLE] * 24)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/dev/fd").iterdir())) + 40, hard))
        try:
            transport = transport_of(table)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert transport.pool is not None
        assert table.nbytes > BUDGET
        assert (transport.pool.batches, transport.pool.inline) == (72, 0)

    def test_has_no_pool_without_shared_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEDGE_SHARED_MEMORY", "")
        transport = transport_of(TABLE)
        assert transport.pool is None
        assert transport.received_batches == 3

    def test_in_the_callers_own_process_has_no_transport(self) -> None:
        assert run_tool(f"{TOOLS}:Copy", {"Input": TABLE}, in_process=True).statistics.transport is None

    def test_is_in_the_report(self, tmp_path: Path) -> None:
        (tmp_path / "in.csv").write_text("x\n1\n2\n")
        arguments = ("-i", "Input=in.csv", "-o", "Output=out.csv", "--report", "report.json")
        code, _, stderr = kedge("tool", "run", f"{TOOLS}:Copy", *arguments, folder=tmp_path)
        assert code == 0, stderr
        report = json.loads((tmp_path / "report.json").read_text())
        transport, tool = report["transport"], report["tool_process"]
        assert transport["sent"]["items"] == 1
        assert transport["received"]["batches"] == 1
        assert set(transport) == set(tool["transport"]) == {"sent", "received", "pool"}
        assert tool["transport"]["sent"]["items"] == 1
        assert tool["transport"]["received"]["batches"] == 1
        records = tool["records"]
        assert (records["batches_in"], records["rows_in"], records["batches_out"], records["rows_out"]) == (1, 2, 1, 2)
        assert records["high_water"] > records["bytes_in"] > 0


class TestBothEnds:
    @pytest.mark.parametrize("token", [None, pytest.param(TOKEN, marks=posix_only)], ids=["inline", "shared memory"])
    def test_count_alike(self, tmp_path: Path, token: str | None) -> None:
        shared = tmp_path / "shared"
        shared.mkdir(mode=0o700)
        script = Script(tools.Copy, {Anchor("Input", "#1"): [TABLE]})
        served = Served(script, tmp_path, token=token)
        with ToolSession(served.address, token, Outcome(), shared_folder=shared) as session:
            session.initialize(initialization(script))
            assert (SHARED_MEMORY in session.agreed(20)) is bool(token)
            session.write(Anchor("Input", "#1"), TABLE)
            session.complete(Anchor("Input", "#1"))
            session.notify_complete()
            assert session.wait(20)
        assert served.join()
        engine = session.statistics()
        tool, run = served.service.statistics(), served.service.run.statistics()
        assert (engine.sent.items, engine.received_batches) == (1, 1)
        assert (tool.sent.items, tool.received_batches) == (1, 1)
        assert tool.received_bytes == engine.received_bytes, "the tool sends on what it gets"
        assert (run.batches_in, run.rows_in, run.batches_out, run.rows_out) == (1, 3 << 17, 1, 3 << 17)
        assert run.high_water >= TABLE.nbytes
        if token is None:
            assert engine.pool is tool.pool is None
        else:
            assert engine.pool is not None
            assert (engine.pool.batches, engine.pool.bytes, engine.pool.inline) == (1, engine.received_bytes, 0)
            assert engine.received_bytes <= engine.pool.high_water <= BUDGET
            assert tool.pool is not None
            assert tool.pool.batches == 0, "it was sent back where it lay"
