"""The bytes of every message, checked in, in both directions.

Each file in ``golden`` is named ``<message>-<case>.txt`` and has three parts: what it is, the message in
protobuf's text format, and its bytes in hexadecimal, a field to a line.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from google.protobuf import text_format

from kedge.wire import sdk_v2_pb2
from kedge.wire.records import (
    CloseAnchor,
    ConnectionComplete,
    Incoming,
    Outgoing,
    RecordRequest,
    Records,
    decode_incoming,
    decode_outgoing,
    encode_incoming,
    encode_outgoing,
)

if TYPE_CHECKING:
    from google.protobuf.message import Message

FOLDER = Path(__file__).parent / "golden"
END_MARKER = b"\xff\xff\xff\xff\x00\x00\x00\x00"

INCOMING: dict[str, Incoming] = {
    "incoming_records": Records("Input", "#1", END_MARKER, end_of_chunk=True),
    "incoming_records-empty": Records("Input", "#1", b"", end_of_chunk=False),
    "record_request": RecordRequest("Output"),
    "incoming_connection_complete": ConnectionComplete("Input", "#1"),
    "incoming_connection_complete-empty_names": ConnectionComplete("", ""),
    "incoming_connection_complete-no_names": ConnectionComplete(None, None),
}
OUTGOING: dict[str, Outgoing] = {
    "want_records": RecordRequest("Input"),
    "outgoing_records": Records("Größen", "#12", b"\xff\xff\xff\xff", end_of_chunk=False),
    "outgoing_records-last": Records("Output", "1", b"", end_of_chunk=True),
    "close_outgoing_anchor": CloseAnchor("Output"),
}


class Golden(NamedTuple):
    message: Message
    encoded: bytes


def load(name: str) -> Golden:
    _, text, dump = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").split("\n\n")
    message = getattr(sdk_v2_pb2, name.partition("-")[0])()
    encoded = bytes.fromhex(" ".join(line.partition("#")[0] for line in dump.splitlines()))
    return Golden(text_format.Parse(text, message), encoded)


def names(prefix: str = "") -> list[str]:
    return sorted(path.stem for path in FOLDER.glob(f"{prefix}*.txt"))


class TestProtobuf:
    """What protobuf's classes write and read."""

    @pytest.mark.parametrize("name", names())
    def test_the_message_is_written_as_the_golden_bytes(self, name: str) -> None:
        golden = load(name)
        assert golden.message.SerializeToString(deterministic=True).hex(" ") == golden.encoded.hex(" ")

    @pytest.mark.parametrize("name", names())
    def test_the_golden_bytes_are_read_as_the_message(self, name: str) -> None:
        golden = load(name)
        assert type(golden.message).FromString(golden.encoded) == golden.message

    @pytest.mark.parametrize("kind", ["ControlIn", "ControlOut", "RecordTransferIn", "RecordTransferOut"])
    def test_every_payload_has_golden_bytes(self, kind: str) -> None:
        payloads = getattr(sdk_v2_pb2, kind).DESCRIPTOR.oneofs_by_name["payload"].fields
        cases = {name.split("-")[1] for name in names(f"{kind}-")}
        assert cases == {field.name for field in payloads}

    def test_every_field_type_has_golden_bytes(self) -> None:
        golden = load("Metadata-field_types")
        assert isinstance(golden.message, sdk_v2_pb2.Metadata)
        assert [field.type for field in golden.message.fields] == list(range(18))


class TestOwnCodec:
    """What the hand-written codec writes and reads."""

    def test_every_record_message_has_golden_bytes(self) -> None:
        assert names("RecordTransferIn-") == sorted(f"RecordTransferIn-{case}" for case in INCOMING)
        assert names("RecordTransferOut-") == sorted(f"RecordTransferOut-{case}" for case in OUTGOING)

    @pytest.mark.parametrize("case", INCOMING)
    def test_an_incoming_message_is_written_and_read(self, case: str) -> None:
        encoded = load(f"RecordTransferIn-{case}").encoded
        assert encode_incoming(INCOMING[case]) == encoded
        assert decode_incoming(encoded) == INCOMING[case]

    @pytest.mark.parametrize("case", OUTGOING)
    def test_an_outgoing_message_is_written_and_read(self, case: str) -> None:
        encoded = load(f"RecordTransferOut-{case}").encoded
        assert encode_outgoing(OUTGOING[case]) == encoded
        assert decode_outgoing(encoded) == OUTGOING[case]
