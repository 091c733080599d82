"""The queue that is bounded in bytes."""

from __future__ import annotations

import threading

import pytest

from kedge.exceptions import EngineGone
from kedge.wire.byte_queue import ByteQueue


def in_thread(body: object, *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=body, args=arguments, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


class TestByteQueue:
    def test_gives_items_in_order(self) -> None:
        queue: ByteQueue[int] = ByteQueue(100)
        for number in range(5):
            queue.put(number, 1)
        queue.close()
        assert list(queue) == [0, 1, 2, 3, 4]

    def test_every_item_of_many_writers_arrives_once(self) -> None:
        queue: ByteQueue[int] = ByteQueue(10)

        def write(number: int) -> None:
            for _ in range(500):
                queue.put(number, 3)

        writers = [in_thread(write, n) for n in range(4)]
        taken: list[int] = []
        reader = in_thread(lambda: taken.extend(queue))
        for writer in writers:
            writer.join(10)
        queue.close()
        reader.join(10)
        assert [taken.count(n) for n in range(4)] == [500] * 4
        assert queue.statistics().high_water <= 10

    def test_a_writer_waits_for_room(self) -> None:
        queue: ByteQueue[str] = ByteQueue(10)
        queue.put("first", 8)
        writer = in_thread(queue.put, "second", 8)
        writer.join(0.05)
        assert writer.is_alive()
        items = iter(queue)
        assert next(items) == "first"
        assert next(items) == "second"
        assert queue.statistics().waits == 1

    def test_an_item_above_the_budget_fits_when_the_queue_is_empty(self) -> None:
        queue: ByteQueue[str] = ByteQueue(10)
        queue.put("huge", 1000)
        assert queue.statistics().high_water == 1000

    def test_flush_waits_until_the_reader_comes_back(self) -> None:
        queue: ByteQueue[str] = ByteQueue(10)
        queue.put("item", 1)
        items = iter(queue)
        flusher = in_thread(queue.flush)
        next(items)
        flusher.join(0.05)
        assert flusher.is_alive()
        in_thread(next, items, None)
        flusher.join(10)
        assert not flusher.is_alive()
        queue.close()

    def test_an_error_drops_what_is_queued_and_reaches_writers(self) -> None:
        queue: ByteQueue[str] = ByteQueue(10)
        queue.put("item", 10)
        failures: list[BaseException] = []

        def write() -> None:
            try:
                queue.put("more", 10)
            except EngineGone as error:
                failures.append(error)

        writer = in_thread(write)
        queue.close(EngineGone("away"))
        writer.join(10)
        assert [str(error) for error in failures] == ["away"]
        assert list(queue) == []
        with pytest.raises(EngineGone, match="away"):
            queue.flush()

    def test_the_error_keeps_nothing_of_who_got_it(self) -> None:
        queue: ByteQueue[str] = ByteQueue(10)
        away = EngineGone("away")
        queue.close(away)
        with pytest.raises(EngineGone, match="away"):
            queue.put("more", 1)
        with pytest.raises(EngineGone, match="away"):
            queue.flush()
        assert away.__traceback__ is None

    def test_takes_nothing_once_closed(self) -> None:
        queue: ByteQueue[str] = ByteQueue(10)
        queue.close()
        with pytest.raises(ValueError, match="closed"):
            queue.put("late", 1)

    def test_what_is_ceded_is_no_room_any_more_until_it_comes_back(self) -> None:
        queue: ByteQueue[str] = ByteQueue(10)
        queue.cede(6)
        queue.put("first", 4)
        writer = in_thread(queue.put, "second", 4)
        writer.join(0.05)
        assert writer.is_alive()
        queue.cede(-6)
        writer.join(10)
        assert not writer.is_alive()
        assert queue.statistics().high_water == 8
