"""A peer that says too much, or too little at a time: what an end holds of it stays within the declared limits."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import grpc
import pyarrow as pa
import pytest

from kedge import Anchor, EngineGone, PluginV2, ProtocolError
from kedge.host import collector, message_log
from kedge.host.collector import Collector, Observer
from kedge.host.engine_services import LocalEngineServices
from kedge.host.requests import answer_request
from kedge.host.run_tool import TableSink
from kedge.host.session import ToolSession
from kedge.lifecycle import limits
from kedge.sdk.outlet import TranslatedMessage
from kedge.sdk.sizes import overhead_bytes
from kedge.wire.grpc_names import CHANNEL_OPTIONS, CONTROL_METHOD, RECORDS_METHOD, SERVICE_NAME
from tests.behaviour import tools
from tests.behaviour.adapters import RawStreams, Script, Served, initialization, ipc_bytes, raw_initialization
from tests.behaviour.raw_protocol import message_class
from tests.faults.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kedge.host.receiver import Receiver

INPUT = Anchor("Input", "#1")
ROW = pa.table({"number": [1]})
SCRIPT = Script(tools.Copy, {INPUT: [ROW]})
MANY = 2000


@contextmanager
def engine_of(served: Served) -> Iterator[RawStreams]:
    """Both streams of a raw engine to a service, which ends with them."""
    with grpc.insecure_channel(served.address, options=CHANNEL_OPTIONS) as channel:
        streams = RawStreams(channel)
        yield streams
        streams.end_records()
        streams.end_control()
    assert served.join()


class TestEngine:
    """Against Kedge's service."""

    def test_that_answers_what_nobody_asked_is_logged_a_few_times_and_served(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with engine_of(Served(SCRIPT, tmp_path)) as streams:
            for number in range(MANY):
                streams.control(translated_message={"translated_message": "x"}, msg_id=f"{number} {'x' * 1000}")
            streams.control(plugin_initialization_data=raw_initialization(SCRIPT))
            streams.batch(INPUT, ROW)
            streams.end_records()
            streams.control(notify_complete={})
            outcome = streams.read_all()
        assert outcome.rows["Output"] == [{"number": 1}]
        stray = [record.getMessage() for record in caplog.records if "for which nobody waits" in record.message]
        assert len(stray) == limits.LOGGED_STRAY_ANSWERS
        assert max(map(len, stray)) < 200

    def test_that_completes_without_end_before_it_begins_is_refused(self, tmp_path: Path) -> None:
        with engine_of(Served(SCRIPT, tmp_path)) as streams:
            for _ in range(limits.MOST_CONNECTIONS + 1):
                streams.control(incoming_connection_complete={"anchor_name": "Input", "connection_name": "#1"})
            outcome = streams.read_all()
        (error,) = outcome.errors
        assert "10000 messages came before the initialisation, which is the limit" in error

    @pytest.mark.parametrize("stream", ["control", "records"])
    def test_that_names_what_cannot_be_a_name_is_refused(self, tmp_path: Path, stream: str) -> None:
        with engine_of(Served(SCRIPT, tmp_path)) as streams:
            name = "x" * (limits.LARGEST_NAME + 1)
            say = streams.control if stream == "control" else streams.records
            say(incoming_connection_complete={"anchor_name": "Input", "connection_name": name})
            outcome = streams.read_all()
        (error,) = outcome.errors
        assert "the limit is 4096" in error

    def test_that_sends_row_by_row_to_a_tool_at_work_is_held_back_by_what_the_rows_take(self, tmp_path: Path) -> None:
        """A row of 8 bytes takes 2 KiB when it waits as a batch."""
        budget = 1 << 20
        Slow.goes_on = threading.Event()
        script = Script(Slow, {INPUT: [ROW]})
        served = Served(script, tmp_path, incoming_budget=budget)
        lifecycle = served.service.run.lifecycle
        with engine_of(served) as streams:
            streams.control(plugin_initialization_data=raw_initialization(script))
            for _ in range(MANY):
                streams.batch(INPUT, ROW)
            streams.end_records()
            streams.control(notify_complete={})
            is_held_back = wait_until(lambda: not lifecycle.wants_records, 10)
            held = lifecycle.statistics()
            Slow.goes_on.set()
            outcome = streams.read_all()
        assert is_held_back
        assert held.batches_in - 1 <= budget / (overhead_bytes(ROW) + len(ipc_bytes(ROW))) + 1
        assert held.batches_in > 100
        assert outcome.infos == [str(MANY)]


class Slow(PluginV2):
    """Stands still at its first batch, and says at the end how many came."""

    goes_on: threading.Event

    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self.batches = 0

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.goes_on.wait(20)
        self.batches += 1

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None:
        self.provider.io.info(str(self.batches))


class Writes(PluginV2):
    """Writes row by row."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None: ...

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None:
        for _ in range(MANY):
            self.provider.write_to_anchor("Output", ROW)


class TestStalledEngine:
    def test_holds_back_a_tool_that_writes_row_by_row_by_what_the_rows_take(self, tmp_path: Path) -> None:
        budget = 1 << 20
        script = Script(Writes)
        served = Served(script, tmp_path, outgoing_budget=budget)
        waiting = served.service._records_queue
        with engine_of(served) as streams:
            streams.control(plugin_initialization_data=raw_initialization(script))
            streams.control(notify_complete={})
            assert wait_until(lambda: waiting.statistics().waits > 0, 20)
            assert waiting.statistics().high_water <= budget
            assert len(waiting._items) <= budget / overhead_bytes(ROW)
            outcome = streams.read_all()
        assert outcome.rows["Output"] == [{"number": 1}] * MANY


# --- a tool process that is none of Kedge's ---------------------------------------------------------------------------


@contextmanager
def talking(
    folder: Path, messages: Iterable[bytes], receiver: Receiver, budget: int = 64 << 20
) -> Iterator[ToolSession]:
    """A session with a tool process that says this on Control, and takes nothing."""
    over = threading.Event()

    def control(_requests: Any, _context: Any) -> Iterator[bytes]:
        for message in messages:
            if over.is_set():
                return
            yield message
        over.wait(20)

    def records(_requests: Any, _context: Any) -> Iterator[bytes]:
        over.wait(20)
        yield from ()

    handlers: dict[str, Any] = {
        CONTROL_METHOD: grpc.stream_stream_rpc_method_handler(control),
        RECORDS_METHOD: grpc.stream_stream_rpc_method_handler(records),
    }
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool, options=CHANNEL_OPTIONS)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))
        address = f"unix:{folder / 'tool.sock'}"
        server.add_insecure_port(address)
        server.start()
        with ToolSession(address, None, receiver, negotiates=False, budget=budget) as session:
            session.initialize(initialization(Script(tools.Copy, outputs=())))
            try:
                yield session
            finally:
                over.set()
        server.stop(None).wait()


def said(**payload: Any) -> bytes:
    data: bytes = message_class("ControlOut")(**payload).SerializeToString()
    return data


CONFIRMED = said(confirm_complete={})


class Counting(Observer):
    """Counts what it hears."""

    def __init__(self) -> None:
        self.fractions = self.messages = 0

    def on_progress(self, fraction: float) -> None:
        self.fractions += 1

    def on_message(self, message: object) -> None:
        self.messages += 1


def receiver(observer: Observer | None = None) -> Collector:
    services = LocalEngineServices()
    return Collector(lambda _anchor: TableSink(), lambda request: answer_request(request, services), observer)


class TestTool:
    """Against Kedge's host."""

    def test_that_asks_and_takes_no_answer_is_not_heard_any_more(self, tmp_path: Path) -> None:
        request = said(translate_message={"unlocalized_string": "x" * (64 << 10)}, msg_id="1")
        with talking(tmp_path, repeat(request), receiver()) as session:
            queue = session._control_queue
            assert wait_until(lambda: queue.statistics().waits == 1, 30)
            assert queue.statistics().high_water <= limits.CONTROL_BUDGET
            assert not session._hearing, "it is the tool that is waited for"

    def test_that_waits_for_an_answer_is_not_the_silent_one(self, tmp_path: Path) -> None:
        asked, goes_on = threading.Event(), threading.Event()

        def answer(_request: object) -> TranslatedMessage:
            asked.set()
            goes_on.wait(20)
            return TranslatedMessage("")

        request = said(translate_message={"unlocalized_string": "x"}, msg_id="1")
        slow = Collector(lambda _anchor: TableSink(), answer)
        with talking(tmp_path, [request, CONFIRMED], slow) as session:
            assert asked.wait(20)
            assert session._hearing, "it is the host that is waited for"
            goes_on.set()
            assert wait_until(lambda: session.confirmed, 20)

    def test_that_takes_no_records_holds_the_host_back_by_what_the_rows_take(self, tmp_path: Path) -> None:
        budget = 1 << 20

        def write() -> None:
            with suppress(EngineGone):
                for _ in range(MANY):
                    session.write(INPUT, ROW)

        with talking(tmp_path, (), receiver(), budget=budget) as session:
            queue = session._records_queue
            writer = threading.Thread(target=write)
            writer.start()
            assert wait_until(lambda: queue.statistics().waits > 0, 20)
            assert queue.statistics().high_water <= budget
            assert 100 < len(queue._items) <= budget / overhead_bytes(ROW)
        writer.join()

    def test_that_reports_progress_without_end_costs_nothing(self, tmp_path: Path) -> None:
        heard = Counting()
        messages = chain(repeat(said(update_progress={"value": 0.5}), MANY), [CONFIRMED])
        with talking(tmp_path, messages, receiver(heard)) as session:
            assert wait_until(lambda: session.confirmed, 20)
        assert heard.fractions == MANY

    def test_that_talks_without_end_is_kept_up_to_the_limit(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(message_log, "KEPT_MESSAGES", 100)
        heard = Counting()
        into = receiver(heard)
        messages = chain(repeat(said(output_message={"message_type": 2, "message": "x"}), MANY), [CONFIRMED])
        with talking(tmp_path, messages, into) as session:
            assert wait_until(lambda: session.confirmed, 20)
        into.finish()
        assert len(into.messages) == heard.messages == 101
        assert into.messages[-1].text.startswith(f"the tool sent {MANY - 100} messages more")

    @pytest.mark.parametrize(
        ("limit", "text"),
        [("MOST_COLUMNS", "of 12 columns with 12 characters"), ("LARGEST_CONTROL_MESSAGE", "of 11 columns with 11 ch")],
    )
    def test_that_announces_ever_more_columns_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, text: str
    ) -> None:
        """The limit is for all anchors together; what one of them announced before counts no more."""
        monkeypatch.setattr(collector, limit, 11 if limit == "MOST_COLUMNS" else 10)

        def pushed(anchor: str, columns: int) -> bytes:
            fields = [{"name": "x", "type": 5}] * columns
            return said(outgoing_metadata={"output_anchor_name": anchor, "metadata": {"fields": fields}})

        messages = [*[pushed("first", 5)] * 3, pushed("second", 5), *(pushed("third", count) for count in (1, 2))]
        with talking(tmp_path, [*messages, CONFIRMED], receiver()) as session:
            assert session.wait(20)
        assert isinstance(session.failure, ProtocolError)
        assert text in str(session.failure)

    def test_that_asks_for_a_translation_of_any_length_gets_what_can_be_shown(self) -> None:
        answer = LocalEngineServices().translate("{0}" * 1000, ["x" * (limits.LARGEST_TEXT // 10)])
        assert limits.LARGEST_TEXT * 0.9 < len(answer) <= limits.LARGEST_TEXT
        assert answer.endswith("{0}")
        whole = "{0}" * limits.LARGEST_TEXT
        assert LocalEngineServices().translate(whole, ["xxxx"]) == whole

    def test_that_names_what_cannot_be_a_name_is_refused(self, tmp_path: Path) -> None:
        push = said(outgoing_metadata={"output_anchor_name": "x" * (limits.LARGEST_NAME + 1)})
        with talking(tmp_path, [push], receiver()) as session:
            assert session.wait(20)
        assert "a name on Control has 4097 bytes, the limit is 4096" in str(session.failure)
