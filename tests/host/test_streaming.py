"""A run whose records are read while it goes on, and the kinds of records that a run takes."""

from __future__ import annotations

import gc
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kedge import PluginV2, ToolCrashed, UsageError, run_tool
from kedge.host.session import ToolSession
from kedge.host.streaming import StreamedResult
from kedge.sdk.sizes import overhead_bytes
from tests.faults.processes import TOOLS, posix_only, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

COPY = f"{TOOLS}:Copy"
TWO = f"{TOOLS}:TwoOutputs"
MEGABYTE = pa.table({"number": pa.array(range(1 << 17), pa.int64())})

# In this process and in one of its own: the same, but for what only a process can do.
ways = pytest.mark.parametrize("in_process", [True, False], ids=["in process", "own process"])


ROW = pa.table({"number": [1]})


class RowByRow(PluginV2):
    """Writes each row on its own."""

    rows = 3000

    def __init__(self, provider: Any) -> None:
        self.provider = provider

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None: ...

    def on_incoming_connection_complete(self, anchor: Any) -> None: ...

    def on_complete(self) -> None:
        for _ in range(self.rows):
            self.provider.write_to_anchor("Output", ROW)


def endless() -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        while True:
            yield from MEGABYTE.to_batches()

    return pa.RecordBatchReader.from_batches(MEGABYTE.schema, batches())


def megabytes(count: int) -> pa.Table:
    return pa.concat_tables([MEGABYTE] * count)


def open_sessions() -> int:
    """Those of which something is held yet."""
    return sum(isinstance(each, ToolSession) for each in gc.get_objects())


def spilled() -> list[Path]:
    """The files to which records went."""
    return list(Path(tempfile.gettempdir()).rglob("*.arrow"))


class TestReaders:
    @ways
    def test_give_the_records_while_the_run_goes_on(self, in_process: bool) -> None:
        with run_tool(COPY, {"Input": endless()}, stream=True, in_process=in_process, budget=4 << 20) as result:
            reader = result.outputs["Output"]
            assert reader.schema.names == ["number"]
            for _ in range(8):
                assert reader.read_next_batch().num_rows > 0

    @ways
    def test_give_everything_and_then_the_figures(self, in_process: bool) -> None:
        with run_tool(COPY, {"Input": megabytes(8)}, stream=True, in_process=in_process) as result:
            assert result.outputs["Output"].read_all().num_rows == 8 << 17
            assert result.wait().statistics.outgoing["Output"].rows == 8 << 17
            assert result.ok

    def test_hold_back_a_tool_that_writes_row_by_row_by_what_the_rows_take(self) -> None:
        """A row of 8 bytes takes 2 KiB when it waits as a batch."""
        budget = 1 << 20
        with run_tool(RowByRow, outputs=["Output"], stream=True, in_process=True, budget=budget) as result:
            assert isinstance(result, StreamedResult)
            reader = result.outputs["Output"]
            assert wait_until(lambda: result._buffer._held >= budget, 20)
            assert 100 < len(result._buffer._queues["Output"]) <= budget / overhead_bytes(ROW) + 1
            assert reader.read_all().num_rows == RowByRow.rows

    @ways
    def test_of_two_anchors_may_be_read_one_after_the_other(self, in_process: bool) -> None:
        """The second anchor's records come after all of the first's, which exceed the budget by far."""
        inputs = {"Input": megabytes(16)}
        with run_tool(TWO, inputs, stream=True, in_process=in_process, budget=2 << 20) as result:
            assert result.outputs["Second"].read_all().num_rows == 3
            assert spilled(), "what nobody read went through files"
            assert result.outputs["First"].read_all().num_rows == 16 << 17
            assert not spilled(), "each is removed when it is read"
        assert list(Path(tempfile.gettempdir()).glob("kedge-*")) == []

    @ways
    def test_of_all_anchors_are_listed_once_the_run_is_over(self, in_process: bool) -> None:
        with run_tool(TWO, {"Input": megabytes(4)}, stream=True, in_process=in_process, budget=1 << 20) as result:
            assert sorted(result.outputs) == ["First", "Second"]
            assert {name: reader.read_all().num_rows for name, reader in result.outputs.items()} == {
                "First": 4 << 17,
                "Second": 3,
            }

    def test_may_be_on_threads_of_their_own(self) -> None:
        rows: dict[str, int] = {}
        with run_tool(TWO, {"Input": megabytes(4)}, stream=True, in_process=True, budget=1 << 20) as result:

            def read(name: str) -> None:
                rows[name] = result.outputs[name].read_all().num_rows

            threads = [threading.Thread(target=read, args=(name,)) for name in ("First", "Second")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
        assert rows == {"First": 4 << 17, "Second": 3}

    @ways
    def test_that_stand_still_stall_the_tool(self, in_process: bool) -> None:
        with run_tool(COPY, {"Input": endless()}, stream=True, in_process=in_process, budget=1 << 20) as result:
            result.outputs["Output"].read_next_batch()
            time.sleep(0.3)
            held: Any = result._buffer  # type: ignore[attr-defined]
            assert held._held <= 3 << 20
            assert not spilled()

    def test_let_go_of_all_records_when_they_are_closed(self) -> None:
        """Without the garbage collector, which comes when it likes."""
        gc.collect()
        gc.disable()
        try:
            before = open_sessions()
            with run_tool(COPY, {"Input": endless()}, stream=True, budget=4 << 20) as result:
                result.outputs["Output"].read_next_batch()
            del result
            assert wait_until(lambda: open_sessions() <= before, 10)
        finally:
            gc.enable()

    def test_can_be_had_once(self) -> None:
        with run_tool(COPY, {"Input": MEGABYTE}, stream=True, in_process=True) as result:
            _ = result.outputs["Output"]
            with pytest.raises(UsageError, match="are read already; keep the reader"):
                _ = result.outputs["Output"]

    def test_of_an_anchor_that_is_not_there_are_missing(self) -> None:
        with run_tool(COPY, {"Input": MEGABYTE}, stream=True, in_process=True) as result, pytest.raises(KeyError):
            _ = result.outputs["Outptu"]


class TestErrors:
    @posix_only
    def test_of_the_process_reach_the_reader(self) -> None:
        with run_tool(f"{TOOLS}:Segfaults", {"Input": MEGABYTE}, stream=True) as result:
            with pytest.raises(ToolCrashed, match="SIGSEGV"):
                result.outputs["Output"].read_all()
            with pytest.raises(ToolCrashed, match="SIGSEGV"):
                result.wait()

    @ways
    def test_of_an_input_reach_the_reader(self, in_process: bool) -> None:
        def batches() -> Iterator[pa.RecordBatch]:
            yield from MEGABYTE.to_batches()
            raise OSError("the disk is gone")

        reader = pa.RecordBatchReader.from_batches(MEGABYTE.schema, batches())
        with (
            run_tool(COPY, {"Input": reader}, stream=True, in_process=in_process) as result,
            pytest.raises(OSError, match="the disk is gone"),
        ):
            result.outputs["Output"].read_all()

    @ways
    def test_that_the_tool_reports_are_in_the_result(self, in_process: bool) -> None:
        tool = f"{TOOLS}:LeavesBySysExit"
        with run_tool(tool, {"Input": MEGABYTE}, stream=True, in_process=in_process) as result:
            assert result.outputs["Output"].read_all().num_rows == 0
            assert not result.wait().ok

    def test_of_a_wrong_call_come_where_they_are_asked_for(self) -> None:
        with run_tool(COPY, {"Input": "no.csv"}, stream=True) as result, pytest.raises(UsageError, match=r"no\.csv"):
            result.wait()


class TestRecordsIn:
    rows = ({"name": "Ada", "age": 36}, {"name": "Grace", "age": 85})

    def given(self, kind: str, folder: Path) -> object:
        table = pa.Table.from_pylist(list(self.rows))
        if kind == "pandas":
            return table.to_pandas()
        if kind == "polars":
            return pytest.importorskip("polars").from_arrow(table)
        if kind == "DuckDB":
            return pytest.importorskip("duckdb").from_arrow(table)
        if kind == "a path":
            pq.write_table(table, folder / "people.parquet")
            return folder / "people.parquet"
        return table.to_reader() if kind == "a reader" else table.to_batches()[0] if kind == "a batch" else table

    @pytest.mark.parametrize("kind", ["a table", "a batch", "a reader", "a path", "pandas", "polars", "DuckDB"])
    def test_may_be_of_many_kinds(self, kind: str, tmp_path: Path) -> None:
        result = run_tool(COPY, {"Input": self.given(kind, tmp_path)}, in_process=True)
        assert result.outputs["Output"].to_pylist() == list(self.rows)

    def test_of_a_list_are_a_connection_each(self) -> None:
        tables = [pa.table({"number": [n]}) for n in range(3)]
        result = run_tool(COPY, {"Input": tables})
        assert sorted(result.outputs["Output"]["number"].to_pylist()) == [0, 1, 2]
        assert set(result.statistics.incoming) == {"Input #1", "Input #2", "Input #3"}

    def test_of_no_kind_are_refused(self) -> None:
        with pytest.raises(UsageError, match="a builtins int is no input"):
            run_tool(COPY, {"Input": 3}, in_process=True)


class TestFailingSinks:
    @ways
    def test_end_the_run_with_their_own_error(self, in_process: bool) -> None:
        from kedge.host.target import resolve_target
        from kedge.host.tool_call import ToolCall

        class Full:
            def announce(self, schema: pa.Schema) -> None: ...

            def write(self, table: pa.Table) -> None:
                raise UsageError("out.csv cannot be written: No space left on device")

            def close(self) -> None: ...

            def abandon(self) -> None: ...

        call = ToolCall(resolve_target(COPY), {"Input": megabytes(4)}, in_process=in_process)
        with pytest.raises(UsageError, match="No space left"):
            call.run(lambda _: Full())
