"""Shared memory: the pool, its bounds, who may use it, and how segments come back."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from kedge.exceptions import ProtocolError
from kedge.wire import shared_memory_segment, shared_memory_writer
from kedge.wire.batch_reader import read_batch
from kedge.wire.ipc import stream_pieces
from kedge.wire.record_streams import RecordReader, RecordWriter
from kedge.wire.records import Direction, Records, decode_incoming
from kedge.wire.shared_memory import (
    SUPPORTED,
    Place,
    is_private,
    make_segment,
    pack_descriptor,
)
from kedge.wire.shared_memory_reader import SharedMemoryReader
from kedge.wire.shared_memory_writer import SharedMemoryWriter
from tests.wire.arrow_streams import MIB, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kedge.wire.shared_memory import Memory

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="needs files that can be removed while they are mapped")


class Pool:
    """Both ends."""

    def __init__(self, folder: Path, budget: int = 8 * MIB) -> None:
        self.folder = folder
        self.writer = SharedMemoryWriter(folder, "in", budget)
        self.reader = SharedMemoryReader(folder, "in", "out")

    def send(self, table: pa.Table) -> pa.Table | None:
        """The table as it comes out at the other end; None where it would travel inline."""
        place = self.writer.place(table)
        if place is None:
            return None
        return read_batch(self.reader.buffer(place), trusted=True)


@pytest.fixture
def pool(folder: Path) -> Iterator[Pool]:
    made = Pool(folder)
    yield made
    del made.writer, made.reader  # and with them the mappings


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory_writer, "_PATIENCE", 0.02)


class TestPool:
    def test_a_batch_comes_out_as_it_went_in(self, pool: Pool) -> None:
        words = pa.array(["x" * n for n in range(500)])
        tables = [
            numbers(MIB),
            pa.table({"t": words}),
            numbers(MIB).slice(7, 60_000),
            pa.concat_tables([numbers(MIB), numbers(800), numbers(MIB // 2)]),
            pa.table({"d": words.dictionary_encode(), "n": range(500)}),
            pa.table({"l": [list(range(n)) for n in range(200)], "b": [n % 3 == 0 or None for n in range(200)]}),
            pa.table({"s": pa.array([{"a": n, "b": str(n)} for n in range(5000)])}).slice(3, 4000),
        ]
        for table in tables:
            received = pool.send(table)
            assert received is not None
            assert received.equals(table)

    @pytest.mark.parametrize("most_open", [0, 16])
    def test_whatever_lay_there_before(self, pool: Pool, most_open: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the schema is the one before, it stays where it is; a dictionary is written over it."""
        monkeypatch.setattr(shared_memory_writer, "_MOST_OPEN", most_open)
        monkeypatch.setattr(shared_memory_writer, "SMALLEST", 0)
        nulls = pa.table({"n": pa.array([None if n % 3 else n for n in range(50_000)], pa.int64())})
        tables = [
            numbers(MIB),
            numbers(MIB // 2, 7),
            nulls,
            numbers(MIB).slice(1001, 40_000),
            pa.table({"t": ["x" * n for n in range(500)]}),
            numbers(MIB, 3),
            pa.table({"d": pa.array(["x", "y"] * 20_000).dictionary_encode()}),
            numbers(MIB, 5),
            numbers(MIB).replace_schema_metadata({"k": "v"}),
            pa.table({"n": pa.array(range(MIB // 8), pa.int64())}, pa.schema([pa.field("n", pa.int64(), False)])),
            numbers(MIB, 9),
            numbers(0),
        ]
        for table in [*tables, *reversed(tables)]:
            place = pool.writer.place(table)
            assert place is not None
            buffer = pool.reader.buffer(place)
            assert buffer.to_pybytes() == b"".join(map(bytes, stream_pieces(table)))
            assert read_batch(buffer, trusted=True).equals(table, check_metadata=True)
            del buffer
        assert pool.writer.statistics().segments == 1

    @pytest.mark.parametrize("most_open", [0, 16])
    def test_where_it_takes_more_room_than_was_reckoned_with(
        self, pool: Pool, most_open: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Because of what Arrow says of each piece, or of nulls."""
        monkeypatch.setattr(shared_memory_writer, "_MOST_OPEN", most_open)
        whole = numbers(MIB // 2 - 4096)
        pieces = pa.concat_tables([whole.slice(first, 8) for first in range(0, len(whole), 8)])
        bits = pa.table({"b": [n % 2 == 0 for n in range(3 * MIB)]})
        nulls = pa.table({"b": [n % 2 == 0 or None for n in range(3 * MIB)]})
        for table in (whole, pieces, whole, pieces, bits, nulls, bits, nulls):
            received = pool.send(table)
            assert received is not None
            assert received.equals(table)
            del received
        assert pool.writer.statistics().segments == 2
        assert pool.writer.statistics().batches == 8

    def test_its_columns_lie_in_the_segment(self, pool: Pool) -> None:
        before = pa.total_allocated_bytes()
        received = pool.send(numbers(MIB))
        assert received is not None
        assert pa.total_allocated_bytes() - before < MIB

    def test_one_segment_serves_batch_after_batch(self, pool: Pool) -> None:
        for first in range(20):
            received = pool.send(numbers(MIB, first))
            assert received is not None
            assert received["n"][0].as_py() == first
            del received
        assert pool.writer.statistics().segments == 1
        assert pool.writer.statistics().batches == 20

    def test_a_batch_that_is_held_is_not_written_over(self, pool: Pool) -> None:
        held = [pool.send(numbers(MIB, first)) for first in range(5)]
        assert [table["n"][0].as_py() for table in held if table is not None] == [0, 1, 2, 3, 4]
        assert pool.writer.statistics().segments == 5

    def test_a_slice_and_a_column_hold_the_segment(self, pool: Pool) -> None:
        received = pool.send(numbers(MIB, 3))
        assert received is not None
        column = received.slice(10, 5)["n"].chunk(0)
        del received
        other = pool.send(numbers(MIB, 1000))
        assert other is not None
        assert column.to_pylist() == [13, 14, 15, 16, 17]

    def test_the_last_reference_may_go_on_another_thread(self, pool: Pool) -> None:
        tables = [pool.send(numbers(MIB))]
        thread = threading.Thread(target=tables.clear)
        thread.start()
        thread.join()
        assert pool.send(numbers(MIB)) is not None
        assert pool.writer.statistics().segments == 1

    def test_what_dies_in_a_circle_is_handed_back(self, pool: Pool) -> None:
        """The search for garbage finds the batch, and all that it lies on, at once."""
        place = pool.writer.place(numbers(MIB))
        assert place is not None
        reader = SharedMemoryReader(pool.folder, "in", "out")
        with pytest.raises(ProtocolError, match="outside") as caught:
            reader.buffer(place._replace(length=1 << 40))
        circle: list[object] = [caught, reader]
        circle.append(circle)
        del circle, caught, reader
        gc.collect()
        assert pool.send(numbers(MIB)) is not None
        assert pool.writer.statistics().segments == 1

    def test_what_is_kept_does_not_use_the_pool_up(self, pool: Pool) -> None:
        """Beyond half of the pool what comes is copied, and its segment comes back at once."""
        shared = SharedMemoryReader(pool.folder, "in", "out", 4 * MIB)
        reader = RecordReader(Direction.INCOMING, trusted=True, shared=shared)

        def send(first: int) -> pa.Table:
            place = pool.writer.place(numbers(MIB - 4096, first))
            assert place is not None
            ((table, _),) = reader.batches(Records("Input", "#1", memoryview(pack_descriptor([place])), True))
            return table

        kept = [send(first) for first in range(20)]
        assert [table["n"][0].as_py() for table in kept] == list(range(20))
        assert [shared.send_back(table) is not None for table in kept] == [True] * 2 + [False] * 18
        assert pool.writer.statistics().segments == 3
        assert pool.writer.statistics().batches == 20
        kept.clear()
        assert not shared.holds_much

    @pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")
    def test_few_segments_hold_a_descriptor_and_none_once_it_is_closed(
        self, pool: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shared_memory_writer, "_MOST_OPEN", 2)
        before = len(list(Path("/proc/self/fd").iterdir()))
        held = [pool.send(numbers(MIB, first)) for first in range(6)]
        assert len(list(Path("/proc/self/fd").iterdir())) == before + 2
        pool.writer.close()
        assert len(list(Path("/proc/self/fd").iterdir())) == before
        assert pool.writer.statistics().segments == 6, "those that there were"
        assert [table["n"][0].as_py() for table in held if table is not None] == list(range(6))

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a program that lists its descriptors")
    def test_programs_that_are_started_do_not_inherit_it(self, pool: Pool) -> None:
        held = pool.send(numbers(MIB))
        listing = "import os; print([os.readlink(f'/dev/fd/{n}') for n in os.listdir('/dev/fd') if n != '3'])"
        listed = subprocess.run([sys.executable, "-c", listing], close_fds=False, capture_output=True, check=False)
        assert held is not None
        assert b"in-0" not in listed.stdout

    def test_stays_within_its_budget(self, folder: Path) -> None:
        pool = Pool(folder, budget=3 * MIB)
        held = [pool.send(numbers(MIB - 4096)) for _ in range(5)]
        assert [table is not None for table in held] == [True, True, True, False, False]
        assert pool.writer.statistics().high_water <= 3 * MIB
        assert pool.writer.statistics().inline == 2
        assert pool.writer.statistics().waits == 1  # the second does not wait: nothing has come back since

    def test_waits_for_a_segment_that_comes_back(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shared_memory_writer, "_PATIENCE", 20.0)
        pool = Pool(folder, budget=MIB + 65536)
        held = [pool.send(numbers(MIB))]
        threading.Timer(0.05, held.clear).start()
        assert pool.send(numbers(MIB)) is not None

    def test_a_batch_above_the_budget_travels_inline(self, folder: Path) -> None:
        assert Pool(folder, budget=MIB).send(numbers(MIB)) is None

    def test_a_small_batch_travels_inline(self, pool: Pool) -> None:
        assert pool.send(numbers(1024)) is None
        assert pool.send(pa.table({f"column {n}": [n] for n in range(200)})) is None, "also one of many columns"
        assert pool.writer.statistics().inline == 0

    def test_gives_up_small_segments_for_a_large_one(self, folder: Path) -> None:
        pool = Pool(folder, budget=4 * MIB)
        held = [pool.send(numbers(MIB - 4096)) for _ in range(4)]
        kept = held.pop()
        held.clear()
        large = pool.send(numbers(2 * MIB, 5))
        assert large is not None
        assert kept is not None
        assert (kept["n"][1].as_py(), large["n"][0].as_py()) == (1, 5)
        assert pool.writer.statistics().high_water <= 4 * MIB
        assert len(list(folder.iterdir())) == pool.writer.statistics().segments
        assert f"{pool.writer.statistics().segments} segments" in repr(pool.reader)

    def test_a_small_batch_does_not_take_a_large_segment(self, folder: Path) -> None:
        pool = Pool(folder, budget=16 * MIB)
        assert pool.send(numbers(4 * MIB)) is not None
        small = pool.send(numbers(MIB // 2))
        assert small is not None
        assert pool.send(numbers(4 * MIB)) is not None
        assert small["n"][1].as_py() == 1
        assert pool.writer.statistics().segments == 2
        assert pool.writer.statistics().high_water < 6 * MIB

    def test_takes_a_large_segment_where_there_is_no_room_for_a_small_one(self, folder: Path) -> None:
        pool = Pool(folder, budget=4 * MIB + 65536)
        assert pool.send(numbers(4 * MIB)) is not None
        assert pool.send(numbers(MIB // 2)) is not None
        assert pool.writer.statistics().segments == 1

    def test_large_segments_make_room_when_only_small_batches_follow(self, folder: Path) -> None:
        pool = Pool(folder, budget=4 * MIB + 65536)
        assert pool.send(numbers(4 * MIB)) is not None
        for _ in range(shared_memory_writer._LATELY + 1):
            assert pool.send(numbers(MIB // 2)) is not None
        held = [pool.send(numbers(MIB // 2, first)) for first in range(5)]
        assert [table["n"][0].as_py() for table in held if table is not None] == [0, 1, 2, 3, 4]
        assert pool.writer.statistics().high_water <= 4 * MIB + 65536
        assert len(list(folder.iterdir())) == pool.writer.statistics().segments == 5

    def test_large_segments_stay_where_large_batches_come_again_and_again(self, folder: Path) -> None:
        pool = Pool(folder, budget=4 * MIB + 65536)
        for number in range(3 * shared_memory_writer._LATELY):
            assert pool.send(numbers(4 * MIB if number % 8 == 0 else MIB // 2)) is not None
        assert [path.name for path in folder.iterdir()] == ["in-0"]

    def test_a_full_disk_is_said_once(
        self, pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        first = pool.send(numbers(MIB))

        def full(_path: Path, _size: int) -> tuple[Memory, pa.MemoryMappedFile]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(shared_memory_segment, "make_segment", full)
        assert [pool.send(numbers(MIB)) for _ in range(3)] == [None, None, None]
        assert first is not None
        del first
        assert pool.send(numbers(MIB)) is not None
        assert len([record for record in caplog.records if "less shared memory" in record.message]) == 1


@pytest.mark.skipif(not SUPPORTED or os.geteuid() != 0 or sys.platform != "linux", reason="needs to mount")
class TestTinyFileSystem:
    def test_what_does_not_fit_travels_inline(self, tmp_path: Path) -> None:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=False)
        if mounted.returncode:
            pytest.skip("may not mount")
        try:
            pool = Pool(tmp_path)
            assert pool.send(numbers(2 * MIB)) is None
            assert pool.send(numbers(MIB // 4)) is None  # the pool has given up
        finally:
            subprocess.run(["umount", "-l", tmp_path], check=True)

    def test_set_aside_is_all_or_nothing(self, tmp_path: Path) -> None:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=False)
        if mounted.returncode:
            pytest.skip("may not mount")
        try:
            with pytest.raises(OSError, match="No space"):
                make_segment(tmp_path / "in-0", 2 * MIB)
            assert list(tmp_path.iterdir()) == []
        finally:
            subprocess.run(["umount", "-l", tmp_path], check=True)


class TestEnd:
    CODE = """
import sys
from pathlib import Path
from kedge.wire.batch_reader import read_batch
from kedge.wire.shared_memory import Place
from kedge.wire.shared_memory_reader import SharedMemoryReader
reader = SharedMemoryReader(Path(sys.argv[1]), "in", "out")
table = read_batch(reader.buffer(Place(*map(int, sys.argv[2:5]))), trusted=True)
print(table.num_rows)
"""

    def test_an_interpreter_may_end_while_it_holds_a_batch(self, folder: Path) -> None:
        place = SharedMemoryWriter(folder, "in").place(numbers(MIB))
        assert place is not None
        command = [sys.executable, "-W", "error", "-c", self.CODE, str(folder), *map(str, place)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (ended.stdout, ended.stderr, ended.returncode) == (f"{MIB // 8}\n", "", 0)

    def test_a_batch_outlives_the_folder_and_both_ends(self, folder: Path) -> None:
        pool = Pool(folder)
        received = pool.send(numbers(MIB))
        shutil.rmtree(folder)
        del pool
        gc.collect()
        assert received is not None
        assert received.equals(numbers(MIB))


class TestTrust:
    def test_the_folder_is_for_this_user_alone(self, folder: Path) -> None:
        assert is_private(folder)
        folder.chmod(0o755)
        assert not is_private(folder)

    def test_a_link_or_a_file_is_no_folder(self, folder: Path, tmp_path: Path) -> None:
        link, file = tmp_path / "link", tmp_path / "file"
        link.symlink_to(folder)
        file.touch(0o600)
        assert [is_private(path) for path in (link, file, tmp_path / "absent")] == [False, False, False]

    def test_segments_are_for_this_user_alone(self, folder: Path) -> None:
        SharedMemoryWriter(folder, "in").place(numbers(MIB))
        assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]

    def test_a_link_is_no_segment(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "other").write_bytes(bytes(4096))
        (folder / "in-0").symlink_to(tmp_path / "other")
        reader = SharedMemoryReader(folder, "in", "out")
        with pytest.raises(ProtocolError, match="in-0"):
            reader.buffer(Place(0, 64, 8))

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives a file away")
    def test_a_file_of_another_user_is_no_segment(self, folder: Path) -> None:
        (folder / "in-0").write_bytes(bytes(4096))
        os.chown(folder / "in-0", 65534, 65534)
        reader = SharedMemoryReader(folder, "in", "out")
        with pytest.raises(ProtocolError, match="in-0 is no plain file of this user"):
            reader.buffer(Place(0, 64, 8))

    def test_a_pipe_is_no_segment(self, folder: Path) -> None:
        os.mkfifo(folder / "in-0", 0o600)
        reader = SharedMemoryReader(folder, "in", "out")
        with pytest.raises(ProtocolError, match="in-0 is no plain file of this user"):
            reader.buffer(Place(0, 64, 8))

    def test_a_writer_does_not_take_a_file_that_is_there(self, folder: Path) -> None:
        (folder / "in-0").touch()
        assert SharedMemoryWriter(folder, "in").place(numbers(MIB)) is None

    def test_a_place_outside_of_its_segment_is_refused(self, folder: Path) -> None:
        place = SharedMemoryWriter(folder, "in").place(numbers(MIB))
        assert place is not None
        reader = SharedMemoryReader(folder, "in", "out")
        with pytest.raises(ProtocolError, match="outside"):
            reader.buffer(place._replace(length=place.length * 2))


class TestStreams:
    def test_both_forms_alternate(self, folder: Path) -> None:
        writer = RecordWriter(Direction.INCOMING, align=True, shared=SharedMemoryWriter(folder, "in"))
        reader = RecordReader(Direction.INCOMING, trusted=True, shared=SharedMemoryReader(folder, "in", "out"))
        tables = [numbers(MIB), numbers(80), numbers(3 * MIB), pa.table({"n": pa.array([], pa.int64())})]
        messages = [list(writer.encode("Input", "#1", [table])) for table in tables * 3]
        received = []
        for message in (message for batch in messages for message in batch):
            records = reader.decode(message)
            assert isinstance(records, Records)
            received += [batch.table for batch in reader.batches(records)]
        assert received == tables * 3
        assert [sum(map(len, batch)) < 200 for batch in messages[:3]] == [True, False, True]

    def test_batches_that_follow_each_other_take_one_message(self, folder: Path) -> None:
        writer = RecordWriter(Direction.INCOMING, shared=SharedMemoryWriter(folder, "in", 4 * MIB))
        reader = RecordReader(Direction.INCOMING, trusted=True, shared=SharedMemoryReader(folder, "in", "out"))
        tables = [numbers(MIB - 4096, first) for first in range(6)]
        messages = list(writer.encode("Input", "#1", tables))
        received = []
        for message in messages:
            records = reader.decode(message)
            assert isinstance(records, Records)
            received += [batch.table for batch in reader.batches(records)]
        assert received == tables
        assert [len(message) > MIB // 2 for message in messages] == [False, True, True]

    def test_a_reader_that_has_not_agreed_takes_a_descriptor_for_a_broken_stream(self, folder: Path) -> None:
        writer = RecordWriter(Direction.INCOMING, shared=SharedMemoryWriter(folder, "in"))
        (message,) = writer.encode("Input", "#1", [numbers(MIB)])
        records = decode_incoming(message)
        assert isinstance(records, Records)
        with pytest.raises(ProtocolError, match="no Arrow stream"):
            RecordReader(Direction.INCOMING).batches(records)
