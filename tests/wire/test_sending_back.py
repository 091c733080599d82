"""Shared memory: a batch that a tool sends on as it came stays where it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kedge.wire.record_streams import RecordReader, RecordWriter
from kedge.wire.records import Direction, Records
from kedge.wire.shared_memory import SUPPORTED
from kedge.wire.shared_memory_reader import SharedMemoryReader
from kedge.wire.shared_memory_writer import SharedMemoryWriter
from tests.wire.arrow_streams import MIB, numbers

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="needs files that can be removed while they are mapped")


class Echo:
    """An engine and a tool that sends back what it gets."""

    def __init__(self, folder: Path) -> None:
        self.to_tool = SharedMemoryWriter(folder, "in")
        self.to_engine = SharedMemoryWriter(folder, "out")
        received = SharedMemoryReader(folder, "in", "out")
        self._engine_writes = RecordWriter(Direction.INCOMING, shared=self.to_tool)
        self._tool_reads = RecordReader(Direction.INCOMING, trusted=True, shared=received)
        self._tool_writes = RecordWriter(Direction.OUTGOING, shared=self.to_engine, received=received)
        self._engine_reads = RecordReader(
            Direction.OUTGOING, trusted=True, shared=SharedMemoryReader(folder, "out", "in")
        )

    def to_the_tool(self, table: pa.Table) -> pa.Table:
        (message,) = self._engine_writes.encode("Input", "#1", [table])
        return self._table(self._tool_reads, message)

    @property
    def unread(self) -> int:
        """The batches that the tool has sent, and the engine holds."""
        return self._tool_writes.unread

    def back(self, table: pa.Table) -> pa.Table:
        (message,) = self._tool_writes.encode("Output", "", [table])
        return self._table(self._engine_reads, message)

    @staticmethod
    def _table(reader: RecordReader, message: bytes) -> pa.Table:
        records = reader.decode(message)
        assert isinstance(records, Records)
        (batch,) = reader.batches(records)
        return batch.table


class TestSendingBack:
    def test_a_table_that_is_sent_on_as_it_came_is_not_written_again(self, folder: Path) -> None:
        echo = Echo(folder)
        for first in range(5):
            received = echo.to_the_tool(numbers(MIB, first))
            returned = echo.back(received)
            assert returned.equals(numbers(MIB, first))
            del received, returned
        assert echo.to_engine.statistics().batches == 0
        assert echo.to_tool.statistics().segments == 1

    def test_the_tool_knows_how_many_batches_the_engine_holds(self, folder: Path) -> None:
        echo = Echo(folder)
        assert echo.unread == 0
        held = [echo.back(echo.to_the_tool(numbers(MIB))), echo.back(numbers(MIB)), echo.back(numbers(MIB // 2))]
        assert echo.unread == 3
        del held[0]
        assert echo.unread == 2
        held.clear()
        assert echo.unread == 0

    def test_without_shared_memory_nothing_is_known_of_that(self) -> None:
        assert RecordWriter(Direction.OUTGOING).unread == 0

    @pytest.mark.parametrize("first_to_go", ["tool", "engine"])
    def test_its_segment_is_free_when_both_ends_have_let_go(self, folder: Path, first_to_go: str) -> None:
        echo = Echo(folder)
        held = {"tool": echo.to_the_tool(numbers(MIB, 1))}
        held["engine"] = echo.back(held["tool"])
        del held[first_to_go]
        other = echo.to_the_tool(numbers(MIB, 2))
        assert [table["n"][0].as_py() for table in held.values()] == [1]
        assert echo.to_tool.statistics().segments == 2
        held.clear()
        assert echo.to_the_tool(numbers(MIB, 3)).equals(numbers(MIB, 3))
        assert other.equals(numbers(MIB, 2))
        assert echo.to_tool.statistics().segments == 2

    def test_a_table_that_is_sent_twice_is_written_the_second_time(self, folder: Path) -> None:
        echo = Echo(folder)
        received = echo.to_the_tool(numbers(MIB))
        both = [echo.back(received), echo.back(received)]
        assert both == [numbers(MIB)] * 2
        assert echo.to_engine.statistics().batches == 1

    def test_a_slice_is_written_with_its_rows_alone(self, folder: Path) -> None:
        echo = Echo(folder)
        returned = echo.back(echo.to_the_tool(numbers(MIB)).slice(5, 20_000))
        assert returned.equals(numbers(MIB).slice(5, 20_000))
        assert echo.to_engine.statistics().bytes < 200_000

    def test_another_table_at_the_same_address_is_another_table(self, folder: Path) -> None:
        echo = Echo(folder)
        for first in range(20):
            received = echo.to_the_tool(numbers(MIB, first))
            del received
            other = numbers(MIB, 100 + first)
            assert echo.back(other).equals(other)
