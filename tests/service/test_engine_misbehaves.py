"""An engine that vanishes or breaks the protocol: the service never hangs, and its error says what was wrong."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pyarrow as pa
import pytest

from kedge import Anchor
from tests.behaviour import tools
from tests.behaviour.adapters import RawStreams, Script, Served, ipc_bytes, raw_initialization
from tests.behaviour.raw_protocol import CONTROL, RECORD_TRANSFER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

INPUT = Anchor("Input", "#1")
TABLE = pa.table({"number": list(range(1000))})
SCRIPT = Script(tools.Copy, {INPUT: [TABLE]})
NAMED = {"anchor_name": "Input", "connection_name": "#1"}


class Heard(NamedTuple):
    """What an engine got: error texts, rows, closed anchors, and whether the run was confirmed."""

    errors: list[str]
    rows: int
    closed: list[str]
    confirmed: bool


class Engine:
    """A raw client, and the service that it speaks to."""

    def __init__(self, folder: Path, script: Script = SCRIPT, **settings: Any) -> None:
        self.served = Served(script, folder, **settings)
        self.script = script
        self.channel = grpc.insecure_channel(self.served.address)
        self.streams = RawStreams(self.channel)

    def initialise(self, *, until_it_speaks: bool = True) -> None:
        """Send the first message, and wait for the tool's, by which time it knows its anchors."""
        self.streams.control(plugin_initialization_data=raw_initialization(self.script))
        if until_it_speaks:
            next(self.streams.control_in)

    def hear(self) -> Heard:
        """Read both streams to their ends, then hang up."""
        outcome: list[Any] = []
        reader = threading.Thread(target=lambda: outcome.extend(self.streams.records_in), daemon=True)
        reader.start()
        control = list(self.streams.control_in)
        self.streams.end_records()
        self.streams.end_control()
        reader.join(10)
        self.hang_up()
        errors = [m.output_message.message for m in control if m.output_message.message_type == 3]
        halves = [m.outgoing_records.data for m in outcome if m.WhichOneof("payload") == "outgoing_records"]
        rows = sum(pa.ipc.open_stream(data).read_all().num_rows for data in halves)
        closed = [m.close_outgoing_anchor.name for m in outcome if m.WhichOneof("payload") == "close_outgoing_anchor"]
        return Heard(errors, rows, closed, bool(control) and control[-1].WhichOneof("payload") == "confirm_complete")

    def hang_up(self) -> None:
        """Vanish: the connection is gone, whatever was under way."""
        self.streams.end_records()
        self.streams.end_control()
        self.channel.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    engine.hang_up()
    assert engine.served.join()


STEPS: list[tuple[str, Callable[[RawStreams], None]]] = [
    ("the initialisation", lambda s: s.control(plugin_initialization_data=raw_initialization(SCRIPT))),
    ("a batch", lambda s: s.batch(INPUT, TABLE)),
    ("half a batch", lambda s: s.batch(INPUT, TABLE, 1000, end=False)),
    ("the rest of it", lambda s: s.chunk(INPUT, ipc_bytes(TABLE)[-(len(ipc_bytes(TABLE)) % 1000) :], end=True)),
    ("the completion", lambda s: s.control(incoming_connection_complete=NAMED)),
    ("the end of the records", lambda s: s.end_records()),
    ("notify_complete", lambda s: s.control(notify_complete={})),
]


class TestEngineVanishes:
    @pytest.mark.parametrize("count", range(len(STEPS)), ids=[f"before {name}" for name, _ in STEPS])
    def test_before_a_message_ends_the_service(self, tmp_path: Path, count: int) -> None:
        engine = Engine(tmp_path, connect_within=1.0)  # the first vanishes before it has called
        for _, step in STEPS[:count]:
            step(engine.streams)
        if count:
            time.sleep(0.1)  # so that the messages arrive, and the tool gets to work
        engine.hang_up()
        assert engine.served.join(5), engine.served.service.run
        assert engine.served.confirmed is False

    def test_before_it_reads_what_came_back_ends_the_service(self, tmp_path: Path) -> None:
        engine = Engine(tmp_path)
        for _, step in STEPS:
            step(engine.streams)
        assert next(iter(engine.streams.control_in)).WhichOneof("payload") == "output_message"
        engine.hang_up()
        assert engine.served.join(5)

    def test_after_control_was_confirmed_is_the_end_of_a_good_run(self, tmp_path: Path) -> None:
        engine = Engine(tmp_path)
        for _, step in STEPS:
            step(engine.streams)
        heard = engine.hear()
        assert heard == Heard([], 2000, ["Output"], True)
        assert engine.served.join(5)
        assert engine.served.confirmed is True

    def test_with_no_stream_opened_at_all_is_waited_for_no_longer_than_set(self, tmp_path: Path) -> None:
        served = Served(SCRIPT, tmp_path, connect_within=0.2)
        assert served.join(5)
        assert served.confirmed is False
        assert "no engine called within 0.2 s" in repr(served.service.run.lifecycle._loss)

    @pytest.mark.parametrize("stream", ["control", "records"])
    def test_on_one_stream_alone_ends_the_service(self, engine: Engine, stream: str) -> None:
        engine.initialise()
        engine.streams.batch(INPUT, TABLE)
        (engine.streams.control_in if stream == "control" else engine.streams.records_in).cancel()
        assert engine.served.join(5), engine.served.service.run
        assert engine.served.confirmed is False


class TestProtocolErrors:
    """Each is reported with names and sizes; the run fails, is confirmed, and ends."""

    def failed(self, engine: Engine, text: str) -> None:
        heard = engine.hear()
        assert len(heard.errors) == 1, heard
        assert text in heard.errors[0]
        assert heard.closed == ["Output"]
        assert heard.confirmed

    def test_half_a_batch_and_then_the_end_of_the_stream(self, engine: Engine) -> None:
        engine.initialise()
        engine.streams.batch(INPUT, TABLE, 1000, end=False)
        engine.streams.end_records()
        self.failed(engine, "connection '#1' of anchor 'Input' ended inside a batch, 8000 bytes into it")

    def test_half_a_batch_and_then_a_completion_on_the_same_stream(self, engine: Engine) -> None:
        engine.initialise()
        engine.streams.batch(INPUT, TABLE, 1000, end=False)
        engine.streams.records(incoming_connection_complete=NAMED)
        self.failed(engine, "ended inside a batch, 8000 bytes into it")

    @pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x0a\x05ab", b"\x0b", bytes(64)])
    @pytest.mark.parametrize("stream", ["control", "records"])
    def test_bytes_that_are_no_message(self, engine: Engine, stream: str, data: bytes) -> None:
        engine.initialise()
        (engine.streams.raw_control if stream == "control" else engine.streams.raw_records)(data)
        self.failed(engine, "ControlIn" if stream == "control" else "RecordTransferIn")

    def test_a_batch_that_is_no_arrow_stream(self, engine: Engine) -> None:
        engine.initialise()
        engine.streams.chunk(INPUT, b"garbage" * 100, end=True)
        self.failed(engine, "anchor 'Input', connection '#1', in 1 chunk")

    def test_a_batch_after_its_connection_was_completed(self, engine: Engine) -> None:
        engine.initialise()
        engine.streams.records(incoming_connection_complete=NAMED)
        engine.streams.batch(INPUT, TABLE)
        self.failed(engine, "for connection '#1' of anchor 'Input' after the engine had completed it")

    def test_a_batch_for_an_anchor_that_was_never_announced(self, engine: Engine) -> None:
        engine.initialise()
        engine.streams.batch(Anchor("Inptu", "#1"), TABLE)
        self.failed(engine, "anchor 'Inptu', which was never announced; the engine announced connection '#1' of anchor")

    def test_a_completion_of_a_connection_that_was_never_announced(self, engine: Engine) -> None:
        engine.initialise()
        engine.streams.control(incoming_connection_complete={"anchor_name": "Input", "connection_name": "#2"})
        self.failed(engine, "completed connection '#2' of anchor 'Input', which it never announced")

    def test_a_second_initialisation(self, engine: Engine) -> None:
        engine.initialise()
        engine.initialise(until_it_speaks=False)
        self.failed(engine, "a second initialisation came while the tool was")

    def test_a_configuration_with_a_billion_laughs(self, tmp_path: Path) -> None:
        laughs = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><Configuration>&b;</Configuration>'
        engine = Engine(tmp_path, Script(tools.Source, config=laughs))
        engine.initialise(until_it_speaks=False)
        heard = engine.hear()
        assert "entit" in heard.errors[0].lower()
        assert heard.confirmed
        assert engine.served.join()


class TestOrder:
    """Nothing orders the two streams, so none of these is an error, and nothing is lost."""

    @pytest.mark.parametrize("first", ["notify_complete", "completion", "records", "all but the initialisation"])
    def test_what_comes_before_its_time_waits(self, engine: Engine, first: str) -> None:
        streams = engine.streams
        if first == "notify_complete":
            engine.initialise()
            streams.control(notify_complete={})
        elif first == "completion":
            engine.initialise()
            streams.control(incoming_connection_complete=NAMED)
        else:
            streams.batch(INPUT, TABLE, 100)
        if first == "all but the initialisation":
            streams.end_records()
            time.sleep(0.05)
        if first in ("records", "all but the initialisation"):
            engine.initialise()
        else:
            streams.batch(INPUT, TABLE, 100)
        if first != "all but the initialisation":
            streams.end_records()
        streams.control(notify_complete={})
        assert engine.hear() == Heard([], 1000, ["Output"], True)

    def test_a_completion_on_control_before_the_last_chunks_loses_none(self, engine: Engine) -> None:
        engine.initialise()
        engine.streams.control(incoming_connection_complete=NAMED)
        engine.streams.control(notify_complete={})
        for _ in range(20):
            engine.streams.batch(INPUT, TABLE, 1000)
        assert engine.hear() == Heard([], 20_000, ["Output"], True)


class TestStrangers:
    """A service that was given a token serves the host that has it, and nobody else."""

    @pytest.fixture
    def served(self, tmp_path: Path) -> Iterator[Served]:
        served = Served(SCRIPT, tmp_path, token="right")
        yield served
        with grpc.insecure_channel(served.address) as channel:
            streams = RawStreams(channel, (("authorization", "Bearer right"),))
            streams.control(plugin_initialization_data=raw_initialization(SCRIPT))
            assert next(streams.control_in).WhichOneof("payload") == "output_message", "the right host is served"
            streams.end_records()
            streams.end_control()
        assert served.join()

    @pytest.mark.parametrize("metadata", [(), (("authorization", "Bearer wrong"),), (("authorization", "right"),)])
    def test_are_refused_on_both_streams(self, served: Served, metadata: Any) -> None:
        with grpc.insecure_channel(served.address) as channel:
            streams = RawStreams(channel, metadata)
            for stream in (streams.control_in, streams.records_in):
                with pytest.raises(grpc.RpcError) as caught:
                    next(stream)
                assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            streams.end_control()
            streams.end_records()

    @pytest.mark.parametrize("method", [CONTROL, RECORD_TRANSFER])
    def test_that_call_without_end_are_refused_each(self, served: Served, method: str) -> None:
        with grpc.insecure_channel(served.address) as channel:
            call: Any = channel.stream_stream(method)
            for refused in [call(iter([b""])) for _ in range(500)]:
                with pytest.raises(grpc.RpcError) as caught:
                    next(refused)
                assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED

    @pytest.mark.parametrize("method", [CONTROL, RECORD_TRANSFER])
    def test_do_not_disturb_the_run(self, tmp_path: Path, method: str) -> None:
        engine = Engine(tmp_path)
        engine.initialise()
        engine.streams.batch(INPUT, TABLE)
        with grpc.insecure_channel(engine.served.address) as channel:
            open_stream: Any = channel.stream_stream(method)
            second = open_stream(iter([b""]))
            with pytest.raises(grpc.RpcError) as caught:
                next(second)
            assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
            assert "a process serves one run" in (caught.value.details() or "")
        engine.streams.end_records()
        engine.streams.control(notify_complete={})
        assert engine.hear() == Heard([], 1000, ["Output"], True)
        assert engine.served.join()
