"""One tool, driven through its lifecycle on a thread."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from kedge import tool_run
from kedge.exceptions import EngineGone, UsageError
from kedge.lifecycle import State
from kedge.lifecycle.events import BatchArrived, ControlClosed, Disconnected, Returned, SendBatch, Violated
from kedge.sdk.constants import MessageType
from kedge.sdk.outlet import Message
from tests.lifecycle.driving import NOTIFIED, answer, batch, completed, initialized, rows
from tests.scripted_port import COMPLETE, PATIENCE, RECORD_BATCH, WHOLE_RUN, Gate, Tool, called, errors, feed, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kedge.lifecycle.events import Event
    from kedge.tool_run import ToolRun


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8, thread_name_prefix="test") as pool:
        yield pool


class TestWholeRun:
    def test_goes_from_the_constructor_to_the_confirmation(self) -> None:
        def write(tool: Tool, *_: object) -> None:
            tool.provider.write_to_anchor("Output", rows(2))

        run, port = made({RECORD_BATCH: write, COMPLETE: write})
        feed(run, *WHOLE_RUN)
        run.run()
        assert called(run) == ["__init__", "on_record_batch", "on_incoming_connection_complete", "on_complete"]
        assert port.sent == [
            *("announce Output: n", "2 rows to Output", "2 rows to Output", "close Output", "flushed", "confirm")
        ]
        assert run.lifecycle.state is State.CONFIRMED

    def test_gives_the_tool_what_the_engine_sent(self) -> None:
        got: list[object] = []
        run, _ = made({RECORD_BATCH: lambda tool, *arguments: got.extend(arguments)})
        event = batch(count=3)
        feed(run, initialized("In#1"), event, completed(), NOTIFIED)
        run.run()
        assert got == [event.table, ("In", "#1")]
        assert isinstance(run.plugin, Tool)
        assert run.plugin.provider.incoming_anchors == {"In": {"#1": {"name": "#1", "metadata": None}}}

    def test_of_an_update_only_run_is_the_constructor(self) -> None:
        run, port = made({"__init__": lambda tool: tool.provider.io.info("ready")})
        run.feed(initialized("In#1", update_only=True))
        run.run()
        assert (called(run), port.sent) == (["__init__"], ["INFO: ready", "flushed", "confirm"])

    def test_takes_its_events_from_the_port_where_that_has_them(self) -> None:
        run, port = made()
        port.script.extend(WHOLE_RUN)
        run.run()
        assert called(run)[-1] == "on_complete"

    def test_calls_the_tool_on_the_thread_that_runs_it(self, threads: ThreadPoolExecutor) -> None:
        idents: set[int] = set()
        names = ("__init__", "on_record_batch", "on_incoming_connection_complete", "on_complete")
        run, port = made({name: lambda *_: idents.add(threading.get_ident()) for name in names})
        port.script.extend(partial(_fed_by_another, threads, run, event) for event in WHOLE_RUN)
        run.run()
        assert idents == {threading.get_ident()}

    def test_holds_no_batch_while_it_waits_for_the_next(self) -> None:
        """The memory of a batch may be a segment that the engine waits for."""
        run, port = made()
        table = rows(3)
        held = weakref.ref(table)
        seen: list[object] = []
        port.script.extend([initialized("In#1"), BatchArrived("In", "#1", table, 10)])
        port.script.extend([lambda: seen.append(held()), completed(), NOTIFIED])
        del table
        run.run()
        assert seen == [None]

    def test_shows_itself(self) -> None:
        run, _ = made()
        assert repr(run).startswith("<ToolRun of Tool, idle, <Lifecycle awaiting initialisation: 0 deliveries waiting")


class TestFeeding:
    def test_wakes_a_run_that_waits(self, threads: ThreadPoolExecutor) -> None:
        run, port = made()
        running = threads.submit(run.run)
        feed(run, *WHOLE_RUN)
        running.result(PATIENCE)
        assert port.sent[-1] == "confirm"

    def test_is_possible_while_a_callback_runs(self, threads: ThreadPoolExecutor) -> None:
        run, _ = made({RECORD_BATCH: lambda *_: threads.submit(feed, run, completed(), NOTIFIED).result(PATIENCE)})
        feed(run, initialized("In#1"), batch())
        run.run()
        assert called(run)[1:] == ["on_record_batch", "on_incoming_connection_complete", "on_complete"]

    def test_time_alone_wakes_a_run_for_a_completion_that_came_on_control(self, threads: ThreadPoolExecutor) -> None:
        run, _ = made(quiet=0.005)
        running = threads.submit(run.run)
        feed(run, initialized("In#1"), completed(on_control=True), NOTIFIED)
        running.result(PATIENCE)
        assert called(run)[1:] == ["on_incoming_connection_complete", "on_complete"]

    def test_where_waits_must_be_short_a_run_wakes_in_vain_and_waits_again(
        self, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Windows takes no Ctrl-C while a lock is waited for."""
        awake = threading.Semaphore(0)

        def pump(_timeout: float | None) -> bool:
            awake.release()
            return False

        run, port = made()
        monkeypatch.setattr(tool_run, "_LONGEST_WAIT", 0.001)
        monkeypatch.setattr(port, "pump", pump)
        running = threads.submit(run.run)
        for _ in range(3):
            assert awake.acquire(timeout=PATIENCE)
        feed(run, *WHOLE_RUN)
        running.result(PATIENCE)

    def test_a_fault_of_the_driver_is_an_error_for_the_driver(self) -> None:
        run, _ = made()
        with pytest.raises(RuntimeError, match="Returned cannot happen while awaiting initialisation"):
            run.feed(Returned())

    def test_waits_until_more_records_are_wanted(self, threads: ThreadPoolExecutor) -> None:
        gate = Gate()
        run, _ = made({"__init__": lambda *_: gate.stop_here()}, budget=10)
        running = threads.submit(run.run)
        feed(run, initialized("In#1"), batch(size=10))
        gate.await_arrival()
        reading = threads.submit(run.wait_until_wanted)
        assert not reading.done()
        assert not run.lifecycle.wants_records
        gate.open()
        reading.result(PATIENCE)
        feed(run, completed(), NOTIFIED)
        running.result(PATIENCE)

    def test_goes_on_while_the_batch_that_made_room_is_worked_on(self, threads: ThreadPoolExecutor) -> None:
        run, _ = made({RECORD_BATCH: lambda *_: reading.result(PATIENCE)}, budget=10)
        feed(run, initialized("In#1"), batch(size=10), NOTIFIED)
        reading = threads.submit(run.wait_until_wanted)
        running = threads.submit(run.run)
        reading.result(PATIENCE)
        feed(run, completed())
        running.result(PATIENCE)

    @pytest.mark.parametrize("end", [Violated("garbage"), Disconnected("gone")])
    def test_waits_for_no_records_of_a_run_that_has_failed(self, threads: ThreadPoolExecutor, end: Event) -> None:
        run, _ = made(budget=10)
        feed(run, initialized("In#1"), batch(size=10))
        reading = threads.submit(run.wait_until_wanted)
        feed(run, end)
        reading.result(PATIENCE)


class TestAsking:
    """``ask`` waits for the answer, from any thread."""

    @staticmethod
    def translated(tool: Tool, *_: object) -> None:
        tool.provider.io.info(tool.provider.io.translate_msg("hello"))

    def test_in_a_callback_gets_the_answer_that_another_thread_feeds(self, threads: ThreadPoolExecutor) -> None:
        run, port = made({RECORD_BATCH: self.translated})
        port.when_asked(lambda msg_id: threads.submit(run.feed, answer(msg_id, "salut")))
        feed(run, *WHOLE_RUN)
        run.run()
        assert "INFO: salut" in port.sent

    def test_gets_the_answer_that_a_port_feeds_while_it_sends(self) -> None:
        run, port = made({"__init__": self.translated, COMPLETE: self.translated})
        port.when_asked(lambda msg_id: run.feed(answer(msg_id)))
        feed(run, *WHOLE_RUN)
        run.run()
        assert port.sent.count("INFO: bonjour") == 2

    def test_in_a_thread_of_the_tool_does_not_keep_callbacks_from_running(self, threads: ThreadPoolExecutor) -> None:
        asking: list[Future[None]] = []
        asked: SimpleQueue[str] = SimpleQueue()

        def ask_in_a_thread(tool: Tool) -> None:
            asking.append(threads.submit(self.translated, tool))

        def let_it_be_answered(*_: object) -> None:
            run.feed(answer(asked.get(timeout=PATIENCE)))
            asking[0].result(PATIENCE)

        run, port = made({"__init__": ask_in_a_thread, RECORD_BATCH: let_it_be_answered})
        port.when_asked(asked.put)
        feed(run, *WHOLE_RUN)
        run.run()
        assert "INFO: bonjour" in port.sent

    def test_ends_with_an_error_where_the_engine_goes_away(self, threads: ThreadPoolExecutor) -> None:
        heard: list[BaseException] = []

        def ask(tool: Tool, *_: object) -> None:
            try:
                tool.provider.io.translate_msg("hello")
            except EngineGone as error:
                heard.append(error)
                raise

        run, port = made({RECORD_BATCH: ask})
        port.before_sending = lambda action: threads.submit(run.feed, Disconnected("the engine has gone"))
        feed(run, *WHOLE_RUN)
        run.run()
        assert [str(error) for error in heard] == ["the engine has gone"]
        assert (run.lifecycle.state, "on_complete" in called(run)) == (State.LOST, False)

    def test_ends_with_an_error_where_control_is_closed(self, threads: ThreadPoolExecutor) -> None:
        run, port = made({RECORD_BATCH: self.translated})
        port.when_asked(lambda _: threads.submit(run.feed, ControlClosed()))
        feed(run, *WHOLE_RUN)
        run.run()
        assert "EngineGone: the engine closed Control without answering" in errors(port)[0]

    def test_ends_with_an_error_where_the_run_ends_first(self, threads: ThreadPoolExecutor) -> None:
        """A thread that waited for ever would keep the process from ending."""
        asking: list[Future[None]] = []
        asked = Gate()
        run, port = made(
            {
                "__init__": lambda tool: asking.append(threads.submit(self.translated, tool)),
                COMPLETE: lambda *_: asked.await_arrival(),
            }
        )
        asked.open()
        port.when_asked(lambda _: asked.stop_here())
        feed(run, *WHOLE_RUN)
        run.run()
        with pytest.raises(UsageError, match="the wait for an answer came when the run was over"):
            asking[0].result(PATIENCE)
        assert port.sent[-1] == "confirm"


class TestSending:
    def test_blocks_the_writer_alone_while_there_is_no_room(self, threads: ThreadPoolExecutor) -> None:
        gate = Gate()
        run, port = made({RECORD_BATCH: lambda tool, *_: tool.provider.write_to_anchor("Output", rows(1))})
        port.before_sending = lambda action: gate.stop_here() if isinstance(action, SendBatch) else None
        feed(run, *WHOLE_RUN)
        running = threads.submit(run.run)
        gate.await_arrival()
        feed(run, answer("nobody asked"))
        run.message(Message(MessageType.INFO, "meanwhile"))
        current = run.current_call()
        assert current is not None
        assert current.name == "on_record_batch"
        assert port.sent == ["announce Output: n", "INFO: meanwhile"]
        gate.open()
        running.result(PATIENCE)
        assert port.sent[2:] == ["1 rows to Output", "close Output", "flushed", "confirm"]

    def test_from_threads_of_the_tool_loses_nothing_and_keeps_each_threads_order(
        self, threads: ThreadPoolExecutor
    ) -> None:
        def write(tool: Tool, anchor: str) -> None:
            for count in range(20):
                tool.provider.write_to_anchor(anchor, rows(count))
                tool.provider.io.info("{} of {}", count, anchor)

        names = ["a", "b", "c"]
        run, port = made({COMPLETE: lambda tool: list(threads.map(write, [tool] * 3, names, timeout=PATIENCE))})
        feed(run, initialized("In", outgoing=dict.fromkeys(names, 1)), NOTIFIED)
        run.run()
        for name in names:
            batches = [text for text in port.sent if text.endswith(f"rows to {name}")]
            assert batches == [f"{count} rows to {name}" for count in range(20)]
            assert port.sent.index(f"announce {name}: n") < port.sent.index(batches[0])
            messages = [text for text in port.sent if text.endswith(f"of {name}")]
            assert messages == [f"INFO: {count} of {name}" for count in range(20)]
            assert port.sent.count(f"close {name}") == 1
        assert port.sent[-1] == "confirm"

    def test_sends_the_announcement_before_the_batch_whichever_thread_sends_that(
        self, threads: ThreadPoolExecutor
    ) -> None:
        gate = Gate()
        run, port = made({COMPLETE: lambda tool: tool.provider.write_to_anchor("a", rows(1))})
        port.before_sending = lambda action: gate.stop_here() if isinstance(action, SendBatch) else None
        feed(run, initialized("In", outgoing={"a": 1, "b": 1}), NOTIFIED)
        running = threads.submit(run.run)
        gate.await_arrival()
        run.lifecycle.write("b", rows(2))  # as far as another thread comes before it is its turn to send
        gate.open()
        running.result(PATIENCE)
        assert port.sent[:4] == ["announce a: n", "1 rows to a", "announce b: n", "2 rows to b"]

    def test_and_feeding_from_one_port_at_once_does_not_lock_up(self, threads: ThreadPoolExecutor) -> None:
        """The port feeds on the run's thread while another thread is in the middle of sending, and feeds as well."""
        sending = Gate()
        asking: list[Future[None]] = []

        def pump_while_another_sends() -> None:
            assert isinstance(run.plugin, Tool)
            asking.append(threads.submit(TestAsking.translated, run.plugin))
            sending.await_arrival()
            sending.open()
            feed(run, completed())

        def answer_while_the_run_pumps(msg_id: str) -> None:
            sending.stop_here()
            run.feed(answer(msg_id))

        run, port = made()
        port.when_asked(answer_while_the_run_pumps)
        port.script.extend(
            [initialized("In#1"), pump_while_another_sends, lambda: asking[0].result(PATIENCE), NOTIFIED]
        )
        threads.submit(run.run).result(PATIENCE)
        assert called(run)[-1] == "on_complete"
        assert "INFO: bonjour" in port.sent

    def test_the_confirmation_follows_the_flushing(self) -> None:
        run, port = made()
        port.before_flush = lambda: port.sent.append(f"flushing while {run.lifecycle.state.value}")
        feed(run, *WHOLE_RUN)
        run.run()
        assert port.sent == ["close Output", "flushing while ending", "flushed", "confirm"]


def _fed_by_another(threads: ThreadPoolExecutor, run: ToolRun, event: Event) -> None:
    threads.submit(run.feed, event).result(PATIENCE)
