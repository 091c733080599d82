"""Any bytes on a record socket, any place in shared memory: what both ends agreed upon bears a peer that breaks it.

``KEDGE_FUZZ`` as for ``test_fuzz.py``. The peers here have the run's token. What such a peer says of the inside of a
batch is taken as it is (``SECURITY.md``), so batches come whole, cut short, or as bytes that are none.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import socket
import struct
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, rule

from kedge import Anchor, EngineGone, KedgeError
from kedge.host.session import ToolSession
from kedge.wire import record_socket, shared_memory
from kedge.wire.capabilities import (
    CAPABILITIES_KEY,
    INBAND_COMPLETE,
    RECORD_SOCKET,
    RECORD_SOCKET_KEY,
    SHARED_MEMORY,
    SHARED_MEMORY_KEY,
)
from kedge.wire.grpc_names import CHANNEL_OPTIONS, CONTROL_METHOD, RECORDS_METHOD, SERVICE_NAME
from kedge.wire.records import CloseAnchor, ConnectionComplete, Records, encode_incoming, encode_outgoing
from kedge.wire.shared_memory import BODY, SENT_BACK, TO_ENGINE, TO_TOOL, Place, pack_descriptor
from tests.behaviour.adapters import TOKEN, RawStreams, Served, initialization
from tests.behaviour.raw_protocol import message_class
from tests.wire.test_fuzz import (
    ENDS_WITHIN,
    SCRIPT,
    SEQUENCES,
    STREAM,
    TABLE,
    Engine,
    FuzzedService,
    connections,
    damaged,
    names,
    try_sequences,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not record_socket.SUPPORTED, reason="Python has no Unix sockets on this system")

LENGTH = struct.Struct("<Q")
CAPABILITIES = ",".join((INBAND_COMPLETE, RECORD_SOCKET, SHARED_MEMORY))

lengths = st.sampled_from([0, 1, 5, 1 << 20, 1 << 31, (1 << 31) + 1, 1 << 63, (1 << 64) - 2])
batches = st.one_of(
    st.just((STREAM, True)),
    st.tuples(st.integers(0, len(STREAM)).map(lambda n: STREAM[:n]), st.just(True)),
    st.tuples(st.one_of(st.just(STREAM), st.just(b""), st.binary(max_size=64)), st.booleans()),
)
places = st.builds(
    Place,
    st.one_of(st.integers(0, 7), st.integers(0, 7).map(lambda n: n | SENT_BACK), st.just(SENT_BACK - 1)),
    st.sampled_from([BODY, 0, 1, BODY + 8, 4096, (1 << 64) - 1]),
    st.sampled_from([len(STREAM), len(STREAM) - 9, 0, 1, 1 << 20, (1 << 64) - 1]),
)
descriptors = st.one_of(
    st.lists(places, min_size=1, max_size=3).map(pack_descriptor),
    st.tuples(st.lists(places, min_size=1, max_size=2).map(pack_descriptor), st.binary(max_size=9)).map(b"".join),
)


def make_segments(folder: Path, *prefixes: str) -> None:
    """Under the names of segments: two that are right, one that is handed back, and what is none."""
    for prefix in prefixes:
        for number, state in enumerate((shared_memory.TAKEN, shared_memory.TAKEN, shared_memory.FREE)):
            head = bytes((state, state)) + bytes(BODY - 2)
            (folder / f"{prefix}-{number}").write_bytes(head + STREAM + bytes(64))
        (folder / f"{prefix}-3").symlink_to(folder / f"{prefix}-0")
        (folder / f"{prefix}-4").write_bytes(b"")
        (folder / f"{prefix}-5").write_bytes(b"\1")
        os.mkfifo(folder / f"{prefix}-6")
        (folder / f"{prefix}-7").mkdir()


class HostilePeer(RuleBasedStateMachine):
    """The end of a record socket that writes what it likes, and reads all that comes."""

    peer: socket.socket

    def _begin(self, peer: socket.socket) -> None:
        self.peer = peer
        self.drain = threading.Thread(target=self._drain, daemon=True)
        self.drain.start()

    def _drain(self) -> None:
        with contextlib.suppress(OSError):
            while self.peer.recv(1 << 16):
                """Take it."""

    def send(self, data: bytes) -> None:
        """Send what the system takes: the other end may be gone, or not want any more."""
        with contextlib.suppress(OSError):
            self.peer.send(data, socket.MSG_DONTWAIT)

    def frame(self, message: bytes) -> None:
        self.send(LENGTH.pack(len(message)) + message)

    @rule(message=damaged)
    def garbage_in_a_frame(self, message: bytes) -> None:
        self.frame(message)

    @rule(data=damaged)
    def garbage(self, data: bytes) -> None:
        self.send(data)

    @rule(length=lengths, data=st.binary(max_size=16))
    def a_length_that_is_not_kept(self, length: int, data: bytes) -> None:
        self.send(LENGTH.pack(length) + data)

    @rule(message=damaged)
    def byte_by_byte(self, message: bytes) -> None:
        for byte in LENGTH.pack(len(message)) + message:
            self.send(bytes((byte,)))

    @rule()
    def end_of_records(self) -> None:
        self.send(LENGTH.pack((1 << 64) - 1))

    @rule()
    def half_close(self) -> None:
        with contextlib.suppress(OSError):
            self.peer.shutdown(socket.SHUT_WR)

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.peer.shutdown(socket.SHUT_RDWR)
        self.drain.join(ENDS_WITHIN)
        self.peer.close()


class HostileEngine(HostilePeer, FuzzedService):
    """An engine that has agreed upon everything with Kedge's service."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        make_segments(self.folder, TO_TOOL, TO_ENGINE)
        self.served = Served(SCRIPT, self.folder, token=TOKEN, linger=0.01, grace=0.05, connect_within=5.0)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.folder / "records.sock"))
        listener.listen(2)
        metadata: Any = (
            ("authorization", f"Bearer {TOKEN}"),
            (CAPABILITIES_KEY, CAPABILITIES),
            (RECORD_SOCKET_KEY, os.fsencode(self.folder / "records.sock")),
            (SHARED_MEMORY_KEY, os.fsencode(self.folder)),
        )
        self.channel = grpc.insecure_channel(self.served.address)
        self.streams = RawStreams(self.channel, metadata)
        self._listen()
        with listener:
            listener.settimeout(ENDS_WITHIN)
            self._begin(listener.accept()[0])

    @rule(anchor=names, connection=connections, batch=batches)
    def records(self, anchor: str, connection: str, batch: tuple[bytes, bool]) -> None:
        self.frame(encode_incoming(Records(anchor, connection, *batch)))

    @rule(anchor=names, connection=connections, descriptor=descriptors, end=st.booleans())
    def shared(self, anchor: str, connection: str, descriptor: bytes, end: bool) -> None:
        self.frame(encode_incoming(Records(anchor, connection, descriptor, end)))

    @rule(anchor=names, connection=connections, on_control=st.booleans())
    def complete(self, anchor: str, connection: str, on_control: bool) -> None:
        if on_control:
            named = {"anchor_name": anchor, "connection_name": connection}
            self.streams.control(incoming_connection_complete=named)
        else:
            self.frame(encode_incoming(ConnectionComplete(anchor, connection)))

    @rule(count=st.integers(1, 200))
    def ring(self, count: int) -> None:
        """What comes on Control calls the thread that waits for records."""
        for _ in range(count):
            self.streams.control(translated_message={"translated_message": ""}, msg_id="nobody's")

    @rule(data=damaged)
    def over_grpc_after_all(self, data: bytes) -> None:
        self.streams.raw_records(data)

    def teardown(self) -> None:
        """The engine hangs up on the socket, too."""
        self._hang_up()
        self._hang_up_streams()


class HostileTool(HostilePeer):
    """A tool process that has agreed upon everything with Kedge's host."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.shared_folder = Path(tempfile.mkdtemp())
        make_segments(self.shared_folder, TO_TOOL, TO_ENGINE)
        self.called: queue.SimpleQueue[socket.socket] = queue.SimpleQueue()
        self.out: dict[str, queue.SimpleQueue[bytes | None]] = {
            method: queue.SimpleQueue() for method in (CONTROL_METHOD, RECORDS_METHOD)
        }
        handlers: dict[str, Any] = {
            method: grpc.stream_stream_rpc_method_handler(self._serving(method)) for method in self.out
        }
        self.pool = ThreadPoolExecutor(4)
        self.server = grpc.server(self.pool, options=CHANNEL_OPTIONS)
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))
        address = f"unix:{self.folder / 'tool.sock'}"
        self.server.add_insecure_port(address)
        self.server.start()
        self.session = ToolSession(
            address, TOKEN, Engine(), shared_folder=self.shared_folder, run_directory=self.folder
        )
        self.session.initialize(initialization(SCRIPT))
        self._begin(self.called.get(timeout=ENDS_WITHIN))

    def _serving(self, method: str) -> Any:
        def serve(_requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
            if method == RECORDS_METHOD:
                path = dict(context.invocation_metadata())[RECORD_SOCKET_KEY]
                peer = socket.socket(socket.AF_UNIX)
                peer.connect(path)
                peer.sendall(LENGTH.pack(len(TOKEN)) + TOKEN.encode())
                with socket.socket(socket.AF_UNIX) as another:
                    another.connect(path)  # it is never asked in
                context.send_initial_metadata(((CAPABILITIES_KEY, CAPABILITIES),))
                self.called.put(peer)
            yield from iter(self.out[method].get, None)

        return serve

    def _say(self, **payload: Any) -> None:
        self.out[CONTROL_METHOD].put(message_class("ControlOut")(**payload).SerializeToString())

    @rule()
    def take_records(self) -> None:
        with contextlib.suppress(EngineGone):
            self.session.write(Anchor("Input", "#1"), TABLE)

    @rule(anchor=names, batch=batches)
    def records(self, anchor: str, batch: tuple[bytes, bool]) -> None:
        self.frame(encode_outgoing(Records(anchor, "", *batch)))

    @rule(anchor=names, descriptor=descriptors, end=st.booleans())
    def shared(self, anchor: str, descriptor: bytes, end: bool) -> None:
        self.frame(encode_outgoing(Records(anchor, "", descriptor, end)))

    @rule(anchor=names)
    def close(self, anchor: str) -> None:
        self.frame(encode_outgoing(CloseAnchor(anchor)))

    @rule(anchor=names, schema=st.one_of(st.binary(max_size=20), st.just(TABLE.schema.serialize().to_pybytes())))
    def announce(self, anchor: str, schema: bytes) -> None:
        self._say(outgoing_metadata={"output_anchor_name": anchor, "schema": schema})

    @rule()
    def confirm(self) -> None:
        self._say(confirm_complete={})

    @rule(data=damaged)
    def over_grpc_after_all(self, data: bytes) -> None:
        self.out[RECORDS_METHOD].put(data)

    def teardown(self) -> None:
        """The tool process leaves; the session has to know how it ended."""
        self._hang_up()
        for messages in self.out.values():
            messages.put(None)
        try:
            assert self.session.wait(ENDS_WITHIN), self.session
            failure = self.session.failure
            assert isinstance(failure, KedgeError) or (failure is None and self.session.confirmed), failure
        finally:
            self.session.close()
            self.server.stop(None).wait()
            self.pool.shutdown()
            shutil.rmtree(self.folder)
            shutil.rmtree(self.shared_folder)


@pytest.mark.timeout(0 if "KEDGE_FUZZ" in os.environ else 120)
@pytest.mark.parametrize("peer", [HostileEngine, HostileTool])
def test_a_peer_with_the_token_ends_nothing_but_its_own_run(peer: type[RuleBasedStateMachine]) -> None:
    try_sequences(peer, max(1, SEQUENCES // 2))
