"""Any message, any order, any bytes, over a real socket: neither end crashes, hangs, or loses its head.

``KEDGE_FUZZ`` is the number of sequences against each end; ``make fuzz`` tries 10,000.
"""

from __future__ import annotations

import os
import queue
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kedge import Anchor, KedgeError
from kedge.host.session import ToolSession
from kedge.sdk.outlet import TranslatedMessage
from kedge.wire.grpc_names import CHANNEL_OPTIONS, CONTROL_METHOD, RECORDS_METHOD, SERVICE_NAME
from tests.behaviour import tools
from tests.behaviour.adapters import Outcome, RawStreams, Script, Served, initialization, ipc_bytes, raw_initialization
from tests.behaviour.raw_protocol import message_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kedge.sdk.outlet import Answer, Request

SEQUENCES = int(os.environ.get("KEDGE_FUZZ", "200"))
TABLE = pa.table({"number": [1, 2, 3], "text": ["a", None, "c"]})
STREAM = ipc_bytes(TABLE)
SCRIPT = Script(tools.Copy, {Anchor("Input", "#1"): [TABLE], Anchor("Input", "#2"): [TABLE]})
ENDS_WITHIN = 20.0
_SEARCH = 1000
"""Sequences of one search. Hypothesis remembers what it tried, some 40 KiB of each, for as long as a search goes on."""

names = st.sampled_from(["Input", "Output", "", "Elsewhere"])
connections = st.sampled_from(["#1", "#2", "", "#3"])
chunks = st.one_of(
    st.just(STREAM),
    st.integers(0, len(STREAM)).map(lambda n: STREAM[:n]),
    st.integers(0, len(STREAM)).map(lambda n: STREAM[n:]),
    st.binary(max_size=64),
)
damaged = st.one_of(st.binary(max_size=48), st.tuples(st.binary(max_size=4), chunks).map(b"".join))


class FuzzedService(RuleBasedStateMachine):
    """A service of Kedge's, and the streams of an engine that calls it."""

    folder: Path
    served: Served
    channel: grpc.Channel
    streams: RawStreams

    def _listen(self) -> None:
        """Take all that comes, on threads of their own."""
        self.heard: list[Any] = []
        self.readers = [self._reader(self.streams.control_in), self._reader(self.streams.records_in)]

    def _reader(self, stream: Any) -> threading.Thread:
        def read() -> None:
            try:
                self.heard.extend(stream)
            except grpc.RpcError as error:
                self.heard.append(error)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    @initialize(first=st.booleans())
    def begin(self, first: bool) -> None:
        if first:
            self.initialise()

    @rule()
    def initialise(self) -> None:
        self.streams.control(plugin_initialization_data=raw_initialization(SCRIPT))

    @rule()
    def notify(self) -> None:
        self.streams.control(notify_complete={})

    def _hang_up_streams(self) -> None:
        """The engine goes, in good manners; the service has to end by itself."""
        self.streams.end_records()
        self.streams.end_control()
        for reader in self.readers:
            reader.join(ENDS_WITHIN)
        self.channel.close()
        assert self.served.join(ENDS_WITHIN), self.served.service.run
        assert self.served.confirmed is not None, "serving ended without an exception"
        shutil.rmtree(self.folder)


class HostileEngine(FuzzedService):
    """An engine that says anything to Kedge's service."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.served = Served(SCRIPT, self.folder, quiet=0.005, linger=0.01, grace=0.05, connect_within=5.0)
        self.channel = grpc.insecure_channel(self.served.address)
        self.streams = RawStreams(self.channel)
        self._listen()

    @rule(anchor=names, connection=connections, data=chunks, end=st.booleans())
    def records(self, anchor: str, connection: str, data: bytes, end: bool) -> None:
        self.streams.chunk(Anchor(anchor, connection), data, end=end)

    @rule(anchor=names, connection=connections, in_band=st.booleans())
    def complete(self, anchor: str, connection: str, in_band: bool) -> None:
        named = {"anchor_name": anchor, "connection_name": connection}
        send = self.streams.records if in_band else self.streams.control
        send(incoming_connection_complete=named)

    @rule(text=st.text(max_size=5))
    def answer(self, text: str) -> None:
        self.streams.control(translated_message={"translated_message": text}, msg_id=text)

    @rule(data=damaged, on_control=st.booleans())
    def garbage(self, data: bytes, on_control: bool) -> None:
        (self.streams.raw_control if on_control else self.streams.raw_records)(data)

    @rule()
    def half_close_records(self) -> None:
        self.streams.end_records()

    def teardown(self) -> None:
        """Nothing odd was said until the end."""
        self._hang_up_streams()
        errors = [heard.code() for heard in self.heard if isinstance(heard, grpc.RpcError)]
        assert set(errors) <= {grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE}, self.heard


class Engine(Outcome):
    """Takes what comes, and answers every question alike."""

    def on_request(self, request: Request) -> Answer:
        return TranslatedMessage("well")


class HostileTool(RuleBasedStateMachine):
    """A tool process that says anything to Kedge's host."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
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
        self.session = ToolSession(address, None, Engine(), negotiates=False)
        self.session.initialize(initialization(SCRIPT))

    def _serving(self, method: str) -> Any:
        def serve(_requests: Iterator[bytes], _context: Any) -> Iterator[bytes]:
            yield from iter(self.out[method].get, None)

        return serve

    def _say(self, method: str, kind: str, **payload: Any) -> None:
        self.out[method].put(message_class(kind)(**payload).SerializeToString())

    @rule(anchor=names, data=chunks, end=st.booleans())
    def records(self, anchor: str, data: bytes, end: bool) -> None:
        records = {"anchor_name": anchor, "data": data, "end_of_chunk": end}
        self._say(RECORDS_METHOD, "RecordTransferOut", outgoing_records=records)

    @rule(anchor=names)
    def close(self, anchor: str) -> None:
        self._say(RECORDS_METHOD, "RecordTransferOut", close_outgoing_anchor={"name": anchor})

    @rule(anchor=names, schema=st.one_of(st.binary(max_size=20), st.just(TABLE.schema.serialize().to_pybytes())))
    def announce(self, anchor: str, schema: bytes) -> None:
        push = {"output_anchor_name": anchor, "schema": schema}
        self._say(CONTROL_METHOD, "ControlOut", outgoing_metadata=push)

    @rule(kind=st.integers(-1, 12), text=st.text(max_size=5))
    def message(self, kind: int, text: str) -> None:
        said = {"message_type": kind, "message": text}
        self._say(CONTROL_METHOD, "ControlOut", output_message=said)

    @rule(text=st.text(max_size=5))
    def ask(self, text: str) -> None:
        self._say(CONTROL_METHOD, "ControlOut", translate_message={"unlocalized_string": text}, msg_id=text)

    @rule()
    def confirm(self) -> None:
        self._say(CONTROL_METHOD, "ControlOut", confirm_complete={})

    @rule(method=st.sampled_from([CONTROL_METHOD, RECORDS_METHOD]), data=damaged)
    def garbage(self, method: str, data: bytes) -> None:
        self.out[method].put(data)

    def teardown(self) -> None:
        """The tool process leaves; the session has to know how it ended."""
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


def try_sequences(peer: type[RuleBasedStateMachine], count: int) -> None:
    """Many sequences, in several searches, of which each begins anew."""
    for done in range(0, count, _SEARCH):
        search = settings(
            max_examples=min(_SEARCH, count - done),
            stateful_step_count=12,
            deadline=None,
            derandomize=settings().derandomize and count <= _SEARCH,  # or each search would be the first
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(peer, settings=search)


@pytest.mark.timeout(0 if "KEDGE_FUZZ" in os.environ else 120)
@pytest.mark.parametrize("peer", [HostileEngine, HostileTool])
def test_a_hostile_peer_ends_nothing_but_its_own_run(peer: type[RuleBasedStateMachine]) -> None:
    try_sequences(peer, SEQUENCES)
