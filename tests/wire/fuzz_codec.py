"""Coverage-guided fuzzing of what reads a peer's bytes; ``make fuzz`` runs it, with atheris.

The hand-written codec has to agree with protobuf on what is a message, the reader of Arrow streams has to refuse a
stream or give a table that can be used, and a record socket has to give every message of what came, and then to end.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys

import atheris

with atheris.instrument_imports(include=["kedge.wire"]):
    from kedge.exceptions import ProtocolError
    from kedge.wire.assembler import ChunkAssembler, Limits
    from kedge.wire.control import decode_control_in, decode_control_out
    from kedge.wire.ipc import schema_from_bytes
    from kedge.wire.record_socket import RecordSocket
    from kedge.wire.records import Records, decode_incoming, decode_outgoing
    from kedge.wire.shared_memory import is_descriptor, unpack_descriptor

LENGTH = struct.Struct("<Q")
LIMITS = Limits(batch_bytes=1 << 20, open_streams=4, open_bytes=2 << 20)


def read_everything(data: bytes) -> None:
    """Give the bytes to every reader; anything but a ProtocolError is a finding."""
    for decode in (decode_incoming, decode_outgoing, decode_control_in, decode_control_out, schema_from_bytes):
        with contextlib.suppress(ProtocolError):
            decode(data)
    with contextlib.suppress(ProtocolError):
        table = ChunkAssembler(limits=LIMITS).add(Records("Input", "#1", data, end_of_chunk=True))
        if table is not None:
            table.combine_chunks().slice(1)
    if is_descriptor(memoryview(data)):
        with contextlib.suppress(ProtocolError):
            list(unpack_descriptor(data))
    read_frames(data)


def read_frames(data: bytes) -> None:
    """Let the bytes come out of a record socket, up to the end of its peer."""
    peer, tested = socket.socketpair()
    receiver = RecordSocket(tested)
    with peer, contextlib.closing(receiver):
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        frames = b""
        try:
            while (message := receiver.receive()) is not None:
                frames += LENGTH.pack(len(message)) + message
            frames += LENGTH.pack((1 << 64) - 1)
        except (ProtocolError, ConnectionError):
            """Cut off, or too long."""
        assert data.startswith(frames), "what came out is what went in"


if __name__ == "__main__":
    atheris.Setup(sys.argv, read_everything)
    atheris.Fuzz()
