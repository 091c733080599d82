"""The hand-written codec of the record messages against protobuf's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from kedge.exceptions import ProtocolError
from kedge.wire.records import (
    CloseAnchor,
    ConnectionComplete,
    Direction,
    Incoming,
    Outgoing,
    RecordRequest,
    Records,
    decode_incoming,
    decode_outgoing,
    encode_incoming,
    encode_outgoing,
    frame_records,
)
from kedge.wire.sdk_v2_pb2 import RecordTransferIn, RecordTransferOut

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = st.text(max_size=8) | st.sampled_from(["Input", "#1", "x" * 200])
DATA = st.binary(max_size=40) | st.sampled_from([bytes(127), bytes(128), bytes(16_384)])
RECORDS = st.builds(Records, NAMES, NAMES, DATA, st.booleans())
INCOMING = st.one_of(
    RECORDS,
    st.builds(RecordRequest, NAMES),
    st.builds(ConnectionComplete, st.none() | NAMES, st.none() | NAMES),
)
OUTGOING = st.one_of(RECORDS, st.builds(RecordRequest, NAMES), st.builds(CloseAnchor, NAMES))

Message: TypeAlias = RecordTransferIn | RecordTransferOut
Value: TypeAlias = Incoming | Outgoing


def incoming_message(value: Incoming) -> RecordTransferIn:
    message = RecordTransferIn()
    if isinstance(value, Records):
        set_records(message.incoming_records, value)
    elif isinstance(value, RecordRequest):
        message.record_request.SetInParent()
        message.record_request.anchor_name = value.anchor
    else:
        message.incoming_connection_complete.SetInParent()
        if value.anchor is not None:
            message.incoming_connection_complete.anchor_name = value.anchor
        if value.connection is not None:
            message.incoming_connection_complete.connection_name = value.connection
    return message


def outgoing_message(value: Outgoing) -> RecordTransferOut:
    message = RecordTransferOut()
    if isinstance(value, Records):
        set_records(message.outgoing_records, value)
    elif isinstance(value, RecordRequest):
        message.want_records.SetInParent()
        message.want_records.anchor_name = value.anchor
    else:
        message.close_outgoing_anchor.SetInParent()
        message.close_outgoing_anchor.name = value.name
    return message


def set_records(message: Any, value: Records) -> None:
    message.SetInParent()
    message.anchor_name, message.connection_name, message.data, message.end_of_chunk = value


def payload(message: Message) -> Value | None:
    """What protobuf read, as the value that the codec gives for it."""
    kind = message.WhichOneof("payload")
    part: Any = getattr(message, kind) if kind else None
    if kind in ("incoming_records", "outgoing_records"):
        return Records(part.anchor_name, part.connection_name, part.data, part.end_of_chunk)
    if kind in ("record_request", "want_records"):
        return RecordRequest(part.anchor_name)
    if kind == "incoming_connection_complete":
        names = ("anchor_name", "connection_name")
        return ConnectionComplete(*(getattr(part, name) if part.HasField(name) else None for name in names))
    return CloseAnchor(part.name) if kind else None


def outcome(read: Callable[[bytes], Value | None], encoded: bytes) -> Value | str | None:
    """What ``read`` gives, or the word "refused"."""
    try:
        return read(encoded)
    except (DecodeError, ProtocolError):
        return "refused"


def protobuf_incoming(encoded: bytes) -> Value | None:
    return payload(RecordTransferIn.FromString(encoded))


def protobuf_outgoing(encoded: bytes) -> Value | None:
    return payload(RecordTransferOut.FromString(encoded))


class TestAgreementWithProtobuf:
    """Byte for byte the same, both ways."""

    @given(INCOMING)
    def test_incoming_messages_are_written_alike_and_come_back(self, value: Incoming) -> None:
        encoded = encode_incoming(value)
        assert encoded == incoming_message(value).SerializeToString()
        assert decode_incoming(encoded) == value

    @given(OUTGOING)
    def test_outgoing_messages_are_written_alike_and_come_back(self, value: Outgoing) -> None:
        encoded = encode_outgoing(value)
        assert encoded == outgoing_message(value).SerializeToString()
        assert decode_outgoing(encoded) == value

    def test_a_megabyte_is_written_alike(self) -> None:
        value = Records("Input", "#1", bytes(1024 * 1024), end_of_chunk=True)
        assert encode_incoming(value) == incoming_message(value).SerializeToString()

    @pytest.mark.parametrize("wrap", [bytearray, memoryview, pa.py_buffer])
    def test_data_is_anything_with_the_buffer_protocol(self, wrap: Callable[[bytes], object]) -> None:
        expected = encode_outgoing(Records("Output", "#1", b"abc", end_of_chunk=True))
        assert encode_outgoing(Records("Output", "#1", wrap(b"abc"), end_of_chunk=True)) == expected


def varint(value: int, extra: int = 0) -> bytes:
    """A number in protobuf's form, made ``extra`` bytes longer than it need be."""
    parts = []
    while value > 0x7F or extra > 0:
        parts.append(value & 0x7F | 0x80)
        extra -= value <= 0x7F
        value >>= 7
    return bytes((*parts, value))


@st.composite
def loose_fields(draw: st.DrawFn, depth: int = 0) -> bytes:
    """One field as protobuf would never write it but must read it, or one that it must refuse.

    Tags and lengths have at most five bytes and groups hold no field number 0: there protobuf's releases
    differ.
    """
    number = draw(st.sampled_from([1, 2, 3, 4, 5, 15, 16, 2**29 - 1]))
    wire_type = draw(st.sampled_from([2, 2, 2, 2, 0, 0, 1, 3, 5]))
    tag = varint(number << 3 | wire_type, draw(st.integers(0, 5 - len(varint(number << 3)))))
    if wire_type == 0:
        value = draw(st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1]))
        return tag + varint(value, draw(st.integers(0, 10 - len(varint(value)))))
    if wire_type in (1, 5):
        return tag + bytes(8 if wire_type == 1 else 4)
    if wire_type == 3:
        inside = b"".join(draw(st.lists(loose_fields(depth + 1), max_size=2))) if depth < 3 else b""
        return tag + inside + varint(number << 3 | 4)
    content = draw(st.sampled_from([b"", b"abc", "é".encode(), b"\xff", b"\xed\xa0\x80", bytes(130)]))
    if depth == 0 and draw(st.booleans()):
        content = b"".join(draw(st.lists(loose_fields(depth + 1), max_size=4)))
    return tag + varint(len(content), draw(st.integers(0, 5 - len(varint(len(content)))))) + content


@st.composite
def damaged(draw: st.DrawFn, encoded: bytes) -> bytes:
    """The bytes, cut somewhere, or with one of them replaced."""
    if not encoded:
        return encoded
    position = draw(st.integers(0, len(encoded) - 1))
    rest = b"" if draw(st.booleans()) else bytes((draw(st.integers(0, 255)),)) + encoded[position + 1 :]
    return encoded[:position] + rest


LOOSE = st.lists(loose_fields(), max_size=5).map(b"".join)


class TestReadingWhatProtobufWouldNotWrite:
    """Fields in any order, repeated, unknown, overlong, of the wrong type; and bytes that are no message."""

    @given(LOOSE)
    @settings(max_examples=250)
    def test_loose_messages_are_read_or_refused_as_protobuf_does(self, encoded: bytes) -> None:
        assert outcome(decode_incoming, encoded) == outcome(protobuf_incoming, encoded)
        assert outcome(decode_outgoing, encoded) == outcome(protobuf_outgoing, encoded)

    @given((LOOSE | INCOMING.map(encode_incoming)).flatmap(damaged) | st.binary(max_size=30))
    @settings(max_examples=250)
    def test_nothing_is_read_differently_from_protobuf(self, encoded: bytes) -> None:
        for own, reference in ((decode_incoming, protobuf_incoming), (decode_outgoing, protobuf_outgoing)):
            value = outcome(own, encoded)
            assert value in ("refused", outcome(reference, encoded))

    def test_every_cut_of_a_message_is_read_or_refused_as_protobuf_does(self) -> None:
        encoded = encode_incoming(Records("Input", "#1", b"abc", end_of_chunk=True))
        for end in range(len(encoded)):
            assert outcome(decode_incoming, encoded[:end]) == outcome(protobuf_incoming, encoded[:end])

    def test_the_same_payload_twice_is_merged(self) -> None:
        first = encode_incoming(Records("Input", "#1", b"abc", end_of_chunk=True))
        second = encode_incoming(Records("", "#2", b"", end_of_chunk=False))
        assert decode_incoming(first + second) == Records("Input", "#2", b"abc", end_of_chunk=True)

    def test_the_last_of_different_payloads_counts(self) -> None:
        records = encode_incoming(Records("Input", "#1", b"abc", end_of_chunk=True))
        request = encode_incoming(RecordRequest("Output"))
        assert decode_incoming(records + request) == RecordRequest("Output")
        assert decode_incoming(records + request + encode_incoming(RecordRequest(""))) == RecordRequest("Output")
        again = encode_incoming(Records("", "#2", b"", end_of_chunk=False))
        assert decode_incoming(records + request + again) == Records("", "#2", b"", end_of_chunk=False)

    def test_a_message_without_a_known_payload_is_none(self) -> None:
        assert decode_incoming(b"") is None
        assert decode_outgoing(b"\x22\x01x") is None

    @pytest.mark.parametrize("depth", [98, 99, 100, 101])
    def test_unknown_groups_may_be_as_deep_as_in_protobuf(self, depth: int) -> None:
        groups = b"\x53" * depth + b"\x54" * depth
        inside = b"\x0a" + varint(len(groups)) + groups
        assert outcome(decode_incoming, groups) == outcome(protobuf_incoming, groups)
        assert outcome(decode_incoming, inside) == outcome(protobuf_incoming, inside)

    def test_a_flag_is_the_lowest_64_bits_of_its_number(self) -> None:
        encoded = b"\x0a\x0b\x20" + b"\x80" * 9 + b"\x02"
        assert decode_incoming(encoded) == protobuf_incoming(encoded) == Records("", "", b"", end_of_chunk=False)

    @pytest.mark.parametrize(
        ("encoded", "reason"),
        [
            (b"\x0a", "malformed at byte 1: the message ends inside a number"),
            (b"\x0a\x05\x0a\x03ab", "malformed at byte 2: field 1 is 5 bytes long, but 4 are left"),
            (b"\x0a\x03\x0a\x02ab\x00", "malformed at byte 4: field 1 is 2 bytes long, but 1 are left"),
            (b"\x0a\x02\x20\x80\x01", "malformed at byte 3: the message ends inside a number"),
            (
                b"\x0a\x04\x0a\x02\xc3\x28",
                "malformed at byte 4: a name is not UTF-8: invalid continuation byte",
            ),
            (b"\x02\x00", "malformed at byte 0: 0 is no field number"),
            (b"\x0c", "malformed at byte 1: field 1 closes a group that is not open"),
            (b"\x0e", "malformed at byte 1: field 1 has wire type 6"),
            (b"\x53\x5c", "malformed at byte 1: field 11 closes a group that is not open"),
            (b"\x53", "malformed at byte 1: the group of field 10 is not closed"),
            (b"\x0d\x00", "malformed at byte 1: field 1 is 4 bytes long, but 1 are left"),
            (b"\x08" + b"\xff" * 11, "malformed at byte 1: a number has more than 10 bytes"),
            (
                b"\x0a\xff\xff\xff\xff\x0f",
                "malformed at byte 6: field 1 is 4294967295 bytes long, but 0 are left",
            ),
        ],
    )
    def test_an_error_says_where_and_why(self, encoded: bytes, reason: str) -> None:
        with pytest.raises(ProtocolError) as caught:
            decode_incoming(encoded)
        assert str(caught.value) == f"a RecordTransferIn message of {len(encoded)} bytes is {reason}"


class TestCopies:
    """The data of a message is looked at, not copied."""

    def test_decoded_data_lies_in_the_message(self) -> None:
        encoded = encode_outgoing(Records("Output", "#1", bytes(1000), end_of_chunk=True))
        decoded = decode_outgoing(encoded)
        assert isinstance(decoded, Records)
        offset = pa.py_buffer(decoded.data).address - pa.py_buffer(encoded).address
        assert encoded[offset : offset + 1000] == decoded.data
        assert 0 < offset < len(encoded) - 1000
        assert decoded.data.readonly


class TestAlignment:
    """Padding puts the data where a reader need not copy it, and nobody else notices."""

    @given(NAMES, NAMES, st.integers(1, 300) | st.integers(16_250, 16_390), st.booleans())
    def test_aligned_data_starts_at_a_multiple_of_eight(
        self, anchor: str, connection: str, size: int, end: bool
    ) -> None:
        head, tail = frame_records(Direction.OUTGOING, anchor, connection, size, end, align=True)
        encoded = b"".join((head, bytes(size), tail))
        assert len(head) % 8 == 0
        assert decode_outgoing(encoded) == Records(anchor, connection, bytes(size), end)
        assert protobuf_outgoing(encoded) == Records(anchor, connection, bytes(size), end)

    def test_padding_is_a_few_bytes_and_none_where_there_is_no_data(self) -> None:
        for size in range(200):
            plain, _ = frame_records(Direction.INCOMING, "Input", "#1", size, end_of_chunk=True)
            aligned, _ = frame_records(Direction.INCOMING, "Input", "#1", size, end_of_chunk=True, align=True)
            assert 0 <= len(aligned) - len(plain) <= (17 if size else 0)
