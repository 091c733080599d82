"""What a peer may make an end hold has limits, and each is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from kedge import Anchor, PluginV2, ProtocolError, run_tool
from kedge.host import collector, message_log
from kedge.host.collector import Collector
from kedge.host.message_log import MessageLog
from kedge.host.run_tool import TableSink
from kedge.lifecycle import limits
from kedge.lifecycle.events import ConnectionCompleted, Initialized, SendProgress
from kedge.lifecycle.incoming import IncomingRecords
from kedge.lifecycle.machine import Lifecycle
from kedge.lifecycle.transitions import State
from kedge.sdk.constants import MessageType
from kedge.sdk.fields import Metadata
from kedge.sdk.initialization import IncomingAnchor, IncomingConnection, Initialization
from kedge.sdk.outlet import Message, TranslatedMessage
from kedge.wire import control, shared_memory_reader
from kedge.wire.assembler import ChunkAssembler, Limits
from kedge.wire.control import decode_control_in, decode_control_out
from kedge.wire.records import Records
from kedge.wire.shared_memory import SUPPORTED, Place, pack_descriptor, unpack_descriptor
from kedge.wire.shared_memory_reader import SharedMemoryReader
from tests.behaviour.raw_protocol import message_class

SECURITY = Path(__file__).parents[2] / "SECURITY.md"
DECLARED = {
    "CONTROL_BUDGET": "16 MiB",
    "KEPT_MESSAGES": "10,000",
    "KEPT_MESSAGE_BYTES": "64 MiB",
    "LARGEST_BATCH": "2 GiB",
    "LARGEST_CONTROL_MESSAGE": "64 MiB",
    "LARGEST_LINE": "64 KiB",
    "LARGEST_NAME": "4 KiB",
    "LARGEST_RECORD_MESSAGE": "2 GiB",
    "LARGEST_TEXT": "1 MiB",
    "LOGGED_STRAY_ANSWERS": "10",
    "MOST_COLUMNS": "1,000,000",
    "MOST_CONNECTIONS": "10,000",
    "MOST_HALF_RECEIVED": "256",
    "MOST_PLACES": "1,000",
    "MOST_SEGMENTS": "16,384",
    "OPEN_BYTES": "4 GiB",
}
UNITS = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "": 1}


class TestDeclaration:
    """``SECURITY.md`` names every limit, with the value that it has."""

    def test_has_every_limit(self) -> None:
        assert sorted(DECLARED) == sorted(limits.__all__)

    @pytest.mark.parametrize(("name", "declared"), DECLARED.items())
    def test_is_what_is_kept(self, name: str, declared: str) -> None:
        number, _, unit = declared.partition(" ")
        assert getattr(limits, name) == int(number.replace(",", "")) * UNITS[unit]
        (row,) = (line for line in SECURITY.read_text(encoding="utf-8").splitlines() if f"`{name}`" in line)
        assert declared in row


class TestDefaults:
    def test_of_the_assembler_are_the_declared_ones(self) -> None:
        assert Limits() == Limits(limits.LARGEST_BATCH, limits.MOST_HALF_RECEIVED, limits.OPEN_BYTES)

    def test_one_more_half_received_batch_is_refused(self) -> None:
        assembler = ChunkAssembler()
        for number in range(limits.MOST_HALF_RECEIVED):
            assembler.add(Records("Input", f"#{number}", b"x", end_of_chunk=False))
        with pytest.raises(ProtocolError, match="256 others are half received, the limit is 256"):
            assembler.add(Records("Input", "#one more", b"x", end_of_chunk=False))


class TestControl:
    def test_a_message_that_is_too_large_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(control, "LARGEST_CONTROL_MESSAGE", 100)
        with pytest.raises(ProtocolError, match="a message on Control has 101 bytes, the limit is 100"):
            decode_control_in(bytes(101))

    def test_more_anchors_than_any_tool_has_are_refused(self) -> None:
        data = {"incomingAnchors": [{"name": str(n)} for n in range(limits.MOST_CONNECTIONS + 1)]}
        message = message_class("ControlIn")(plugin_initialization_data=data).SerializeToString()
        with pytest.raises(ProtocolError, match="announced 10001 anchors, the limit is 10000"):
            decode_control_in(message)

    @pytest.mark.parametrize("anchors", ["incomingAnchors", "outgoingAnchors"])
    def test_more_announced_columns_than_any_tool_has_are_refused(
        self, monkeypatch: pytest.MonkeyPatch, anchors: str
    ) -> None:
        monkeypatch.setattr(control, "MOST_COLUMNS", 5)
        metadata = {"fields": [{"name": name} for name in "abc"]}
        anchor = {"metadata": metadata} if anchors == "outgoingAnchors" else {"connections": [{"metadata": metadata}]}
        message = message_class("ControlIn")(plugin_initialization_data={anchors: [anchor] * 2}).SerializeToString()
        with pytest.raises(ProtocolError, match="announced 6 columns, the limit is 5"):
            decode_control_in(message)

    @pytest.mark.parametrize("way", ["metadata", "schema"])
    def test_more_columns_than_any_table_has_are_refused(self, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
        monkeypatch.setattr(control, "MOST_COLUMNS", 2)
        schema = pa.schema([(name, pa.int64()) for name in "abc"])
        fields = [{"name": name, "type": 5} for name in "abc"]
        columns = {"metadata": {"fields": fields}} if way == "metadata" else {"schema": schema.serialize().to_pybytes()}
        push = {"output_anchor_name": "Output", **columns}
        message = message_class("ControlOut")(outgoing_metadata=push).SerializeToString()
        with pytest.raises(ProtocolError, match="anchor 'Output' cannot be read: it has 3 columns, the limit is 2"):
            decode_control_out(message)

    @pytest.mark.parametrize(("sent", "shown"), [(float("nan"), 0.0), (float("inf"), 1.0), (-1.0, 0.0), (0.5, 0.5)])
    def test_progress_is_a_fraction(self, sent: float, shown: float) -> None:
        message = message_class("ControlOut")(update_progress={"value": sent}).SerializeToString()
        assert decode_control_out(message) == SendProgress(shown)


class TestSharedMemory:
    def test_more_places_than_any_message_has_are_refused(self) -> None:
        places = [Place(0, 64, 8)] * (limits.MOST_PLACES + 1)
        assert len(list(unpack_descriptor(pack_descriptor(places[1:])))) == limits.MOST_PLACES
        with pytest.raises(ProtocolError, match="says that 1001 batches lie in shared memory, the limit is 1000"):
            unpack_descriptor(pack_descriptor(places))

    @pytest.mark.skipif(not SUPPORTED, reason="there is no shared memory here")
    def test_more_segments_than_any_pool_has_are_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shared_memory_reader, "MOST_SEGMENTS", 2)
        for number in range(3):
            (tmp_path / f"in-{number}").write_bytes(bytes(128))
        reader = SharedMemoryReader(tmp_path, "in", "out")
        assert [reader.buffer(Place(number, 64, 8)).size for number in (0, 1)] == [8, 8]
        with pytest.raises(ProtocolError, match="more than 2 segments"):
            reader.buffer(Place(2, 64, 8))

    @pytest.mark.skipif(not SUPPORTED, reason="there is no shared memory here")
    @pytest.mark.parametrize("size", [0, 1, 63])
    def test_what_is_too_short_for_a_segment_is_none(self, tmp_path: Path, size: int) -> None:
        (tmp_path / "in-0").write_bytes(bytes(size))
        reader = SharedMemoryReader(tmp_path, "in", "out")
        with pytest.raises(ProtocolError, match=f"has {size} bytes, and a segment at least 64"):
            reader.buffer(Place(0, 0, 0))


class TestMessages:
    def test_of_a_run_are_kept_up_to_a_number_and_errors_beside_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(message_log, "KEPT_MESSAGES", 3)
        log = MessageLog()
        taken = [log.take(Message(MessageType.WARN, str(n))) for n in range(5)]
        assert [message is not None for message in taken] == [True, True, True, False, False]
        assert log.take(Message(MessageType.ERROR, "no")) is not None
        last = log.end()
        assert last is log.kept[-1]
        assert last.kind is MessageType.WARN
        assert last.text.startswith("the tool sent 2 messages more, 0 of them errors, that are not shown")
        assert [message.text for message in log.kept[:-1]] == ["0", "1", "2", "no"]
        assert log.end() is None

    def test_of_a_run_are_kept_up_to_a_size(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(message_log, "KEPT_MESSAGE_BYTES", 10)
        log = MessageLog()
        for _ in range(3):
            log.take(Message(MessageType.ERROR, "12345"))
        last = log.end()
        assert last is not None
        assert last.kind is MessageType.ERROR, "errors that are not shown fail the run, too"
        assert len(log.kept) == 3

    def test_that_are_too_long_are_cut_and_say_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(message_log, "LARGEST_TEXT", 3)
        log = MessageLog()
        log.take(Message(MessageType.INFO, "abcdef"))
        log.take(Message(MessageType.UPDATE_CONFIG, "<Configuration/>"))
        texts = [message.text for message in log.kept]
        assert texts == ["abc … (cut: the message has 6 characters)", "<Configuration/>"]

    def test_reach_the_one_who_started_the_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(message_log, "KEPT_MESSAGES", 2)
        result = run_tool(Talks, in_process=True, outputs=[])
        assert [message.text for message in result.messages[:2]] == ["0", "1"]
        assert len(result.messages) == 3
        assert result.ok


class Talks(PluginV2):
    def __init__(self, provider: Any) -> None:
        self.provider = provider

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None: ...

    def on_incoming_connection_complete(self, anchor: Any) -> None: ...

    def on_complete(self) -> None:
        for number in range(9):
            self.provider.io.info(str(number))


class TestMetadata:
    def test_of_more_anchors_than_any_tool_has_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(collector, "MOST_CONNECTIONS", 2)
        receiver = Collector(lambda _anchor: TableSink(), lambda _request: TranslatedMessage(""))
        for name in ("a", "b", "a"):
            receiver.on_metadata(name, Metadata())
        with pytest.raises(ProtocolError, match="pushed metadata for more than 2 anchors"):
            receiver.on_metadata("c", Metadata())


class TestConnections:
    def test_more_than_any_tool_has_are_refused(self) -> None:
        connections = tuple(IncomingConnection(f"#{n}", None) for n in range(limits.MOST_CONNECTIONS + 1))
        lifecycle = Lifecycle()
        lifecycle.receive(Initialized(Initialization(incoming=(IncomingAnchor("Input", connections),))), 0.0)
        assert lifecycle.failed
        assert lifecycle.state is State.ENDING
        assert "announced 10001 connections, the limit is 10000" in str(lifecycle.control_out[0])

    def test_messages_before_the_first_are_kept_up_to_a_number(self) -> None:
        incoming = IncomingRecords(0.05, 30.0, 64 << 20)
        completion = ConnectionCompleted(*Anchor("Input", "#1"), in_band=True)
        for _ in range(limits.MOST_CONNECTIONS):
            incoming.take(completion, 0.0)
        with pytest.raises(ProtocolError, match="10000 messages came before the initialisation"):
            incoming.take(completion, 0.0)
