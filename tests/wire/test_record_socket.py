"""The socket beside gRPC: what is sent arrives, and what is missing is noticed."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kedge.exceptions import ProtocolError
from kedge.lifecycle.limits import LARGEST_RECORD_MESSAGE
from kedge.wire import record_socket
from kedge.wire.record_socket import RecordListener, RecordSocket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not record_socket.SUPPORTED, reason="Python has no Unix sockets on this system")

LENGTH = struct.Struct("<Q")
SIZES = st.one_of(st.integers(0, 100), st.integers(32_700, 32_800), st.integers(0, 300_000))


@contextmanager
def connected() -> Iterator[tuple[RecordSocket, RecordSocket]]:
    ends = [RecordSocket(end) for end in socket.socketpair()]
    yield ends[0], ends[1]
    for end in ends:
        end.close()


@pytest.fixture
def pair() -> Iterator[tuple[RecordSocket, RecordSocket]]:
    with connected() as ends:
        yield ends


@pytest.fixture
def raw() -> Iterator[tuple[socket.socket, RecordSocket]]:
    """A peer that may send anything, and the end that is tested."""
    peer, tested = socket.socketpair()
    receiver = RecordSocket(tested)
    yield peer, receiver
    peer.close()
    receiver.close()


class TestRecordSocket:
    @settings(max_examples=40, deadline=None)
    @given(sizes=st.lists(SIZES, max_size=12))
    def test_messages_of_any_size_arrive_as_they_were_sent(self, sizes: list[int]) -> None:
        messages = [bytes([number % 251]) * size for number, size in enumerate(sizes)]

        def send_all(sender: RecordSocket) -> None:
            for message in messages:
                sender.send(message)
            sender.end()

        with connected() as (sender, receiver):
            sending = threading.Thread(target=send_all, args=(sender,))
            sending.start()
            assert list(iter(receiver.receive, None)) == messages
            sending.join()

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(sizes=st.lists(st.integers(0, 90_000), min_size=1, max_size=4), cuts=st.lists(st.integers(1, 50_000)))
    def test_it_does_not_matter_how_the_system_cuts_the_stream(
        self, raw: tuple[socket.socket, RecordSocket], sizes: list[int], cuts: list[int]
    ) -> None:
        peer, receiver = raw
        messages = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
        stream = b"".join(LENGTH.pack(len(message)) + message for message in messages)

        def send_in_pieces() -> None:
            rest = stream
            for cut in cuts:
                peer.sendall(rest[:cut])
                rest = rest[cut:]
            peer.sendall(rest)

        sending = threading.Thread(target=send_in_pieces)
        sending.start()
        assert [receiver.receive() for _ in messages] == messages
        sending.join()

    def test_messages_that_came_together_are_read_ahead(self, pair: tuple[RecordSocket, RecordSocket]) -> None:
        sender, receiver = pair
        for message in (b"one", b"two"):
            sender.send(message)
        sender.end()
        assert not receiver.has_read_ahead
        assert receiver.receive() == b"one"
        assert receiver.has_read_ahead
        assert receiver.receive() == b"two"
        assert receiver.has_read_ahead  # the end
        assert receiver.receive() is None

    def test_threads_do_not_mix_their_messages(self, pair: tuple[RecordSocket, RecordSocket]) -> None:
        sender, receiver = pair

        def send_twenty(byte: bytes) -> None:
            for _ in range(20):
                sender.send(byte * 50_000)

        threads = [threading.Thread(target=send_twenty, args=(byte,)) for byte in (b"a", b"b", b"c")]
        for thread in threads:
            thread.start()
        received = [receiver.receive() or b"" for _ in range(60)]
        for thread in threads:
            thread.join()
        assert sorted(received) == sorted(byte * 50_000 for byte in (b"a", b"b", b"c") for _ in range(20))

    @pytest.mark.parametrize("sent", [b"", b"abc", LENGTH.pack(5), LENGTH.pack(5) + b"abc", LENGTH.pack(99_999) + b"a"])
    def test_a_peer_that_is_gone_without_having_ended_is_lost(
        self, raw: tuple[socket.socket, RecordSocket], sent: bytes
    ) -> None:
        peer, receiver = raw
        peer.sendall(sent)
        peer.close()
        with pytest.raises(ConnectionError, match="had not said that no more records follow"):
            receiver.receive()

    @pytest.mark.parametrize("size", [LARGEST_RECORD_MESSAGE + 1, 1 << 62])
    def test_a_length_beyond_the_limit_is_refused_before_memory_is_taken(
        self, raw: tuple[socket.socket, RecordSocket], size: int
    ) -> None:
        peer, receiver = raw
        peer.sendall(LENGTH.pack(size))
        with pytest.raises(ProtocolError, match=f"a message of {size} bytes came; the largest has 2147483648"):
            receiver.receive()

    def test_room_is_made_for_what_comes_and_not_for_what_is_said_to_come(
        self, raw: tuple[socket.socket, RecordSocket], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(record_socket, "_PIECE", 1000)
        peer, receiver = raw
        message = bytes(range(256)) * 200
        peer.sendall(LENGTH.pack(len(message)) + message + LENGTH.pack(1) + b"!")
        assert receiver.receive() == message
        assert receiver.receive() == b"!"

    def test_who_waits_for_a_peer_that_does_not_read_is_freed_by_breaking_off(
        self, pair: tuple[RecordSocket, RecordSocket]
    ) -> None:
        sender, _ = pair
        failure: list[OSError] = []

        def send_without_end() -> None:
            try:
                while True:
                    sender.send(bytes(1 << 20))
            except OSError as error:
                failure.append(error)

        sending = threading.Thread(target=send_without_end)
        sending.start()
        while sender.takes_at_once():
            """Until the system holds no more."""
        sender.break_off()
        sending.join(10)
        assert len(failure) == 1

    @pytest.mark.parametrize("size", [1, 100, 5_000, 32 << 10])
    def test_who_asks_whether_it_takes_at_once_is_not_kept_waiting(
        self, pair: tuple[RecordSocket, RecordSocket], size: int
    ) -> None:
        """Nobody reads: a message that were not taken at once would wait until the test's time is over."""
        sender, receiver = pair
        sent = 0
        while sender.takes_at_once():
            sender.send(bytes(size))
            sent += 1
        assert sent > 0
        for _ in range(sent):
            assert receiver.receive() == bytes(size)
        assert sender.takes_at_once()

    def test_its_text_tells_its_state(self, pair: tuple[RecordSocket, RecordSocket]) -> None:
        pair[0].break_off()
        assert repr(pair[0]) == "<RecordSocket, 0 bytes read ahead, broken off>"


class TestRecordListener:
    def test_the_one_with_the_token_is_let_in(self, tmp_path: Path) -> None:
        listener = RecordListener(tmp_path / "records.sock", "token")
        caller = RecordSocket.call(listener.path, "token")
        accepted = listener.accept(5)
        caller.send(b"hello")
        assert accepted.receive() == b"hello"
        for each in (caller, accepted, listener):
            each.close()
        assert not listener.path.exists()

    @pytest.mark.parametrize("token", ["other", "", "token2"])
    def test_one_without_it_is_not(self, tmp_path: Path, token: str) -> None:
        listener = RecordListener(tmp_path / "records.sock", "token")
        caller = RecordSocket.call(listener.path, token)
        with pytest.raises(ProtocolError, match="somebody without the run's token called"):
            listener.accept(5)
        caller.close()
        listener.close()

    def test_one_that_says_nothing_is_not_waited_for_for_ever(self, tmp_path: Path) -> None:
        listener = RecordListener(tmp_path / "records.sock", "token")
        silent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        silent.connect(str(listener.path))
        with pytest.raises(ProtocolError, match="somebody without the run's token called"):
            listener.accept(0.05)
        silent.close()
        with pytest.raises(ProtocolError, match="and did not call"):
            listener.accept(0.05)
        listener.close()

    @pytest.mark.parametrize(
        "said", [LENGTH.pack(1 << 31), LENGTH.pack((1 << 64) - 1), LENGTH.pack(0) * 9, b"\0" * 999]
    )
    def test_one_that_says_something_else_is_refused_unread(self, tmp_path: Path, said: bytes) -> None:
        listener = RecordListener(tmp_path / "records.sock", "a token of some length")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
            stranger.connect(str(listener.path))
            stranger.sendall(said)
            stranger.shutdown(socket.SHUT_WR)
            with pytest.raises(ProtocolError, match="somebody without the run's token called"):
                listener.accept(5)
        listener.close()

    def test_one_that_says_it_byte_by_byte_has_no_more_time_than_others(self, tmp_path: Path) -> None:
        listener = RecordListener(tmp_path / "records.sock", "token" * 20)
        refused = threading.Event()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as slow:
            slow.connect(str(listener.path))

            def say_slowly() -> None:
                for byte in LENGTH.pack(100) + b"token" * 20:
                    if refused.wait(0.02):
                        return
                    slow.sendall(bytes((byte,)))

            saying = threading.Thread(target=say_slowly)
            saying.start()
            with pytest.raises(ProtocolError, match="somebody without the run's token called"):
                listener.accept(0.1)
            refused.set()
            saying.join()
        listener.close()

    def test_a_caller_does_not_wait_for_one_who_takes_no_more_calls(self, tmp_path: Path) -> None:
        with contextlib.ExitStack() as opened:
            deaf = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            deaf.bind(str(tmp_path / "records.sock"))
            deaf.listen(1)

            def call_again_and_again() -> None:
                for _ in range(200):
                    opened.callback(RecordSocket.call(tmp_path / "records.sock", "token").close)

            with pytest.raises(OSError, match=r"temporarily unavailable|timed out|refused"):
                call_again_and_again()

    def test_a_path_that_cannot_be_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="path too long" if sys.platform != "win32" else ""):
            RecordListener(tmp_path / ("x" * 200), "token")
