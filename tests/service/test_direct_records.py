"""A tool process's end of a record socket: what it waits for, and when it pauses first."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from kedge.lifecycle.events import SendBatch
from kedge.service.direct_records import DirectRecords, pays_to_pause
from kedge.wire.record_socket import SUPPORTED, RecordSocket
from kedge.wire.record_streams import RecordWriter
from kedge.wire.records import Direction
from kedge.wire.shared_memory_writer import SharedMemoryWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="needs Unix sockets")

NUMBERS = pa.table({"n": pa.array(range(4096), pa.int64())})


@pytest.mark.parametrize(
    ("seconds", "messages", "pays"),
    [
        (0.0002, 1, True),
        (0.0002, 0, True),
        (0.0009, 3, True),
        (0.0002, 8, False),  # several are there whenever one looks
        (0.00005, 1, False),
        (0.5, 1, False),  # the engine waits for each answer, or has little to send
    ],
)
def test_a_pause_pays_at_some_paces_alone(seconds: float, messages: int, pays: bool) -> None:
    assert pays_to_pause(seconds, messages) is pays


@contextmanager
def ends(folder: Path) -> Iterator[tuple[RecordSocket, DirectRecords]]:
    """The engine's end, and the tool process's, which writes into shared memory."""
    theirs, ours = map(RecordSocket, socket.socketpair())
    direct = DirectRecords(ours, RecordWriter(Direction.OUTGOING, shared=SharedMemoryWriter(folder, "out")))
    yield theirs, direct
    direct.close()
    theirs.close()


class TestWait:
    def test_messages_come_in_order_while_the_engine_holds_batches(self, tmp_path: Path) -> None:
        with ends(tmp_path) as (engine, direct):
            for _ in range(4):
                direct.send(SendBatch("Output", NUMBERS))
            taken = []
            for number in range(50):
                engine.send(b"%d" % number)
                assert direct.wait(10, wanted=True)
                taken.append(direct.receive())
            assert taken == [b"%d" % number for number in range(50)]

    def test_the_bell_is_heard_whoever_rings_it_and_whenever(self, tmp_path: Path) -> None:
        with ends(tmp_path) as (_, direct):
            for _ in range(4):
                direct.send(SendBatch("Output", NUMBERS))
            for _ in range(50):
                direct.ring()
                assert not direct.wait(None, wanted=True)

    def test_a_message_is_left_where_none_is_wanted(self, tmp_path: Path) -> None:
        with ends(tmp_path) as (engine, direct):
            engine.send(b"early")
            assert not direct.wait(0, wanted=False)
            assert direct.wait(10, wanted=True)
            assert direct.receive() == b"early"
