"""What a peer may make an end hold has limits, and each is kept."""

from __future__ import annotations

import pytest

from kedge import Anchor, ProtocolError
from kedge.lifecycle import limits
from kedge.lifecycle.events import ConnectionCompleted, Initialized
from kedge.lifecycle.incoming import IncomingRecords
from kedge.lifecycle.machine import Lifecycle
from kedge.lifecycle.transitions import State
from kedge.sdk.initialization import IncomingAnchor, IncomingConnection, Initialization
from kedge.wire import control
from kedge.wire.assembler import ChunkAssembler, Limits
from kedge.wire.control import decode_control_in
from kedge.wire.records import Records
from tests.behaviour.raw_protocol import message_class


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
