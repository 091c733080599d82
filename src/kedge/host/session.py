"""The engine's end of the two streams to one tool process."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from itertools import groupby
from typing import TYPE_CHECKING, Any

import grpc

from kedge.exceptions import EngineGone, ProtocolError
from kedge.host.receiver import hand_over
from kedge.lifecycle.events import (
    Answered,
    Confirm,
    ConnectionCompleted,
    Initialized,
    NotifyComplete,
)
from kedge.lifecycle.limits import CONTROL_BUDGET
from kedge.sdk.sizes import BatchSizes, overhead_bytes
from kedge.wire.byte_queue import ByteQueue
from kedge.wire.capabilities import (
    CAPABILITIES_KEY,
    INBAND_COMPLETE,
    RECORD_SOCKET,
    RECORD_SOCKET_KEY,
    SHARED_MEMORY,
    SHARED_MEMORY_KEY,
    parse_capabilities,
)
from kedge.wire.control import decode_control_out, encode_control_in
from kedge.wire.grpc_names import CHANNEL_OPTIONS, CONTROL_METHOD, RECORDS_METHOD, SERVICE_NAME
from kedge.wire.record_socket import SUPPORTED as SOCKETS_SUPPORTED
from kedge.wire.record_socket import RecordListener
from kedge.wire.record_streams import RecordReader, RecordWriter
from kedge.wire.records import (
    CloseAnchor,
    ConnectionComplete,
    Direction,
    Records,
    encode_incoming,
)
from kedge.wire.shared_memory import TO_ENGINE, TO_TOOL
from kedge.wire.shared_memory_reader import SharedMemoryReader
from kedge.wire.shared_memory_writer import SharedMemoryWriter, pool_share
from kedge.wire.statistics import ConnectionStatistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa
    from typing_extensions import Self

    from kedge.host.receiver import Receiver
    from kedge.sdk.constants import Anchor
    from kedge.sdk.initialization import Initialization
    from kedge.wire.record_socket import RecordSocket
    from kedge.wire.transport_security import Certificates

__all__ = ["StreamBrokenError", "ToolSession"]

logger = logging.getLogger(__name__)

_QUIET = 2.0
"""Seconds without a record after the confirmation, until a peer that negotiates nothing and leaves RecordTransfer
open counts as done."""
_CHANNEL_CLOSES_WITHIN = 1.0
_READERS_END_WITHIN = 5.0
"""Seconds; a receiver that stands still cannot be ended."""
_CALLS_WITHIN = 5.0
"""Seconds until a process that has agreed to a record socket must have called; it called before it agreed."""


class StreamBrokenError(ProtocolError):
    """The tool process broke a stream off; often because it is no longer there."""


class ToolSession:
    """Both streams, open. Whatever the tool sends goes to ``receiver``, on two threads of this object.

    ``budget`` bounds, in bytes, what was written but not yet received: what waits here, and what lies in shared memory,
    in the ``shared_folder``, for a process that has the run's ``token``. A process of this host's may send records to a
    socket in the ``run_directory`` in place of gRPC. ``negotiates`` says that the peer is known to answer capabilities;
    a peer of another make may be silent until it has something to say. :meth:`close` the session, best as a context
    manager.
    """

    def __init__(
        self,
        address: str,
        token: str | None,
        receiver: Receiver,
        *,
        budget: int = 64 << 20,
        negotiates: bool = True,
        shared_folder: Path | None = None,
        certificates: Certificates | None = None,
        run_directory: Path | None = None,
    ) -> None:
        self._receiver = receiver
        self._has_token = token is not None
        self._folder = shared_folder if token is not None else None
        self._pool_share = 0 if self._folder is None else pool_share(budget)
        self._control_queue: ByteQueue[bytes] = ByteQueue(CONTROL_BUDGET)
        self._records_queue: ByteQueue[tuple[Anchor, pa.Table | None]] = ByteQueue(budget - self._pool_share)
        self._channel = (
            grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
            if certificates is None
            else grpc.secure_channel(address, certificates.client(), options=CHANNEL_OPTIONS)
        )
        self._listener = _listener(run_directory, token) if negotiates else None
        self._socket: RecordSocket | None = None
        metadata = self._offer(token)
        self.negotiates = negotiates
        self._capabilities: frozenset[str] = frozenset()
        self._met = threading.Event()
        self._writing = threading.Lock()
        self._writer = RecordWriter(Direction.INCOMING)
        self._failure: Exception | None = None
        self._reader = RecordReader(Direction.OUTGOING)
        self._update_only = False
        self._open_anchors: set[str] = set()
        self._sizes = BatchSizes()
        self._taken = 0
        self._taking = self._hearing = self._heard = False
        self._preparing = True
        self._batches = self._bytes = self._sent_batches = self._sent_bytes = 0
        self.signs = 0
        """Grows with each message that the tool process sends or takes."""
        self._confirmed = False
        self._records_left = False
        self._ended = threading.Event()
        self._control = self._stream(CONTROL_METHOD)(iter(self._control_queue), metadata=metadata, wait_for_ready=True)
        self._records = self._stream(RECORDS_METHOD)(self._outgoing(), metadata=metadata, wait_for_ready=True)
        self._readers = [
            threading.Thread(target=self._guard, args=(body, broken), name=f"kedge-host-{name}", daemon=True)
            for name, body, broken in (
                ("control", self._read_control, self._control_broken),
                ("records", self._read_records, self._records_broken),
            )
        ]
        for reader in self._readers:
            reader.start()

    def _offer(self, token: str | None) -> list[tuple[str, str | bytes]]:
        """The metadata of both calls."""
        capabilities = [INBAND_COMPLETE]
        metadata: list[tuple[str, str | bytes]] = [] if token is None else [("authorization", f"Bearer {token}")]
        if self._folder is not None:
            capabilities.append(SHARED_MEMORY)
            metadata.append((SHARED_MEMORY_KEY, os.fsencode(self._folder)))
        if self._listener is not None:
            capabilities.append(RECORD_SOCKET)
            metadata.append((RECORD_SOCKET_KEY, os.fsencode(self._listener.path)))
        return [(CAPABILITIES_KEY, ",".join(capabilities)), *metadata]

    def __repr__(self) -> str:
        state = "confirmed" if self._confirmed else "failed" if self._failure else "open"
        return f"<ToolSession {state}, control {self._control_queue!r}, records {self._records_queue!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what the engine says -----------------------------------------------------------------------------------------

    def initialize(self, initialization: Initialization) -> None:
        """Send the first message."""
        self._update_only = initialization.update_only
        self._open_anchors = {anchor.name for anchor in initialization.outgoing if anchor.num_connections}
        self._say(Initialized(initialization))

    def agreed(self, timeout: float | None = None) -> frozenset[str]:
        """The capabilities that both ends have; waits for the answer of the peer, ``timeout`` seconds at most.

        A peer that knows of none may answer only with its first record.
        """
        self._met.wait(timeout)
        return self._capabilities

    def write(self, anchor: Anchor, table: pa.Table) -> None:
        """Send one batch; blocks while more than the budget waits. Raises EngineGone when the session is over."""
        self._preparing = False
        size = self._sizes.of(table)
        if self._socket is None or not self._written_at_once(self._socket, anchor, table):
            self._records_queue.put((anchor, table), size + overhead_bytes(table))
        self._sent_batches += 1
        self._sent_bytes += size
        self.signs += 1
        self._preparing = True

    def _written_at_once(self, socket: RecordSocket, anchor: Anchor, table: pa.Table) -> bool:
        """Send a batch from this thread, where nothing waits before it and it need not wait itself."""
        if not self._records_queue.is_idle or not socket.takes_at_once():
            return False
        with self._writing:
            message = self._writer.encode_at_once(*anchor, table)
            if message is None:
                return False
            try:
                socket.send(message)
            except OSError:
                return False  # the queue tells why
        return True

    def complete(self, anchor: Anchor) -> None:
        """Say that a connection carries nothing more."""
        self._records_queue.put((anchor, None), 0)

    def notify_complete(self) -> None:
        """Say that all is sent, once it is; blocks until then."""
        self._preparing = False
        with contextlib.suppress(EngineGone):
            self._records_queue.flush()
        self._records_queue.close()
        self._say(NotifyComplete())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run was confirmed and its last record received, or failed; False after ``timeout`` seconds."""
        return self._ended.wait(timeout)

    def is_connected(self, timeout: float) -> bool:
        """Whether somebody answers at the address; waits up to ``timeout`` seconds for that."""
        ready = grpc.channel_ready_future(self._channel)
        try:
            ready.result(timeout)
        except grpc.FutureTimeoutError:
            return False
        finally:
            ready.cancel()
        return True

    @property
    def at_work(self) -> bool:
        """Whether it is this side's turn: the receiver has something in its hands, or the next batch is being made."""
        return self._taking or self._hearing or self._preparing

    @property
    def answered(self) -> bool:
        """Whether anything has come from the peer; one of another make may say nothing for long."""
        return self._met.is_set() or self._heard

    @property
    def confirmed(self) -> bool:
        """Whether the tool process said that the run is over."""
        return self._confirmed

    @property
    def failure(self) -> Exception | None:
        """Why the streams broke; None while they have not."""
        return self._failure

    def statistics(self) -> ConnectionStatistics:
        """What passed so far."""
        sent = self._records_queue.statistics()._replace(items=self._sent_batches, bytes=self._sent_bytes)
        return ConnectionStatistics(sent, self._writer.statistics(), self._batches, self._bytes)

    def close(self) -> None:
        """Break off what is still open, and free the channel. Blocks for six seconds at most."""
        gone = EngineGone("the session is closed")
        self._control_queue.close(None if self._confirmed else gone)
        self._records_queue.close(gone)
        if not self._confirmed:
            self._control.cancel()
            self._break_records_off()
        deadline = time.monotonic() + _READERS_END_WITHIN
        for reader in self._readers:
            if reader is not threading.current_thread():
                reader.join(max(0.0, deadline - time.monotonic()))
        # gRPC waits for a write that is under way. Where the peer reads nothing, that ends with the peer's process.
        closing = threading.Thread(target=self._channel.close, name="kedge-close", daemon=True)
        closing.start()
        closing.join(_CHANNEL_CLOSES_WITHIN)
        self._writer.close()
        self._reader.close()
        if self._listener is not None:
            self._listener.close()
        if self._socket is not None:
            self._socket.close()

    def _say(self, event: Initialized | NotifyComplete | Answered | ConnectionCompleted) -> None:
        data = encode_control_in(event)
        with contextlib.suppress(EngineGone, ValueError):
            self._control_queue.put(data, len(data))

    def _stream(self, method: str) -> Any:
        return self._channel.stream_stream(f"/{SERVICE_NAME}/{method}")

    def _outgoing(self) -> Iterator[bytes]:
        """The messages of RecordTransfer; none with a record socket, to which this thread of gRPC's sends them."""
        try:
            if self._listener is not None:
                self._met.wait()
            if self._socket is None:
                for data in self._encoded():
                    yield data
                    self.signs += 1
                return
            self._send_all(self._socket)
        except OSError:
            """The process takes no more; who reads from it learns why."""
        except Exception as error:
            self._fail(error)

    def _send_all(self, socket: RecordSocket) -> None:
        for bunch in self._records_queue.bunches():
            with self._writing:
                for message in self._messages(bunch):
                    socket.send(message)
                    self.signs += 1
            del bunch
        socket.end()

    def _encoded(self) -> Iterator[bytes]:
        for bunch in self._records_queue.bunches():
            yield from self._messages(bunch)
            del bunch

    def _messages(self, bunch: list[tuple[Anchor, pa.Table | None]]) -> Iterator[bytes]:
        """What is sent for batches and completions that were queued."""
        for (anchor, is_end), items in groupby(bunch, key=_connection_and_end):
            if not is_end:
                yield from self._writer.encode(*anchor, (table for _, table in items if table is not None))
            elif self._accepts(INBAND_COMPLETE):
                yield encode_incoming(ConnectionComplete(anchor.name, anchor.connection))
            else:
                self._say(ConnectionCompleted(anchor.name, anchor.connection, in_band=False))

    def _shares(self) -> bool:
        return SHARED_MEMORY in self._capabilities

    def _shared_writer(self) -> SharedMemoryWriter | None:
        if self._folder is not None and self._shares():
            return SharedMemoryWriter(self._folder, TO_TOOL, self._pool_share)
        self._records_queue.cede(-self._pool_share)
        return None

    def _accepts(self, capability: str) -> bool:
        """Whether both ends named it. Waits for the answer of a peer that gives one."""
        if self.negotiates:
            self._met.wait()
        return capability in self._capabilities

    # --- what the tool says -------------------------------------------------------------------------------------------

    def _guard(self, body: Callable[[], None], broken: Callable[[grpc.RpcError | OSError], None]) -> None:
        try:
            try:
                body()
            except (grpc.RpcError, OSError) as error:
                error.__traceback__ = None  # gRPC may keep the error, and by its frames this session
                broken(error)
        except Exception as error:
            self._fail(error)

    def _control_broken(self, error: grpc.RpcError | OSError) -> None:
        self._fail(StreamBrokenError(f"the tool process broke Control off: {_status(error)}"))

    def _records_broken(self, error: grpc.RpcError | OSError) -> None:
        """Harmless where nothing more was to come; then Control tells whether the run is over."""
        if self._records_left:
            self._reader.finish()
        elif self._reader.half_received or not self._all_records_in():
            missing = ", ".join(map(repr, sorted(self._open_anchors)))
            raise StreamBrokenError(
                f"the tool process broke RecordTransfer off before it had closed anchor {missing}: {_status(error)}"
            )
        self._records_queue.close(EngineGone("the tool takes no more records"))

    def abort(self, error: Exception) -> None:
        """Break the run off; ``error`` becomes its :attr:`failure`."""
        self._fail(error)

    def _fail(self, error: Exception) -> None:
        if self._failure is None and not self._ended.is_set():
            self._failure = error
        gone = EngineGone(str(error))
        self._records_queue.close(gone)
        self._control_queue.close(gone)
        self._control.cancel()
        self._break_records_off()
        self._ended.set()

    def _break_records_off(self) -> None:
        self._records.cancel()
        if self._socket is not None:
            self._socket.break_off()

    def _read_control(self) -> None:
        for data in self._control:
            self.signs += 1
            action = decode_control_out(data)
            if isinstance(action, Confirm):
                self._take_confirmation()
                return
            self._hearing = self._heard = True
            answer = None if action is None else hand_over(action, self._receiver)
            self._hearing = False
            if answer is not None:
                self._say(answer)
        raise ProtocolError("the tool process closed Control without a confirm_complete")

    def _take_confirmation(self) -> None:
        """What is still on its way on RecordTransfer is read before the run counts as over."""
        self._confirmed = True
        self._records_queue.close(EngineGone("the tool has ended the run"))
        self._control_queue.close()
        records = self._readers[1]
        while records.is_alive() and not self._all_records_in():
            taken = self._taken
            records.join(_QUIET)
            if taken == self._taken and not self._taking and not self._capabilities:
                break
        self._records_left = True
        self._break_records_off()
        records.join()
        self._ended.set()

    def _all_records_in(self) -> bool:
        """Nothing can come any more on RecordTransfer, also where the peer leaves it open."""
        return self._update_only or (not self._taking and self._open_anchors == set())

    def _read_records(self) -> None:
        try:
            self._capabilities = parse_capabilities(dict(self._records.initial_metadata()))
            shared = self._shared_writer()
            if self._capabilities:
                self._writer = RecordWriter(Direction.INCOMING, align=True, shared=shared)
            if self._listener is not None and RECORD_SOCKET in self._capabilities:
                self._socket = self._listener.accept(_CALLS_WITHIN)
        finally:
            self._met.set()
        shared_reader = None
        if self._folder is not None and self._shares():
            shared_reader = SharedMemoryReader(self._folder, TO_ENGINE, TO_TOOL, self._pool_share, remembers=False)
        trusted = self._has_token and bool(self._capabilities)
        self._reader = RecordReader(Direction.OUTGOING, trusted=trusted, shared=shared_reader)
        for data in self._records if self._socket is None else iter(self._socket.receive, None):
            message = self._reader.decode(data)
            if isinstance(message, Records):
                arrived = self._reader.batches(message)
                self._bytes += 0 if arrived else len(message.data)
                for table, size in arrived:
                    self._taking = True
                    self._batches += 1
                    self._bytes += size
                    self._receiver.on_batch(message.anchor, table)
                    self._taking = False
                    del table
                del arrived
            elif isinstance(message, CloseAnchor):
                self._receiver.on_close(message.name)
                self._open_anchors.discard(message.name)
            self._taken += 1
            self.signs += 1
        self._reader.finish()


def _listener(folder: Path | None, token: str | None) -> RecordListener | None:
    """A listener for records; None where the peer could not call it."""
    if folder is None or token is None or not SOCKETS_SUPPORTED:
        return None
    try:
        return RecordListener(folder / "records.sock", token)
    except OSError as error:
        logger.warning("records travel over gRPC: there is no socket in %s: %s", folder, error)
        return None


def _connection_and_end(item: tuple[Anchor, pa.Table | None]) -> tuple[Anchor, bool]:
    return item[0], item[1] is None


def _status(error: grpc.RpcError | OSError) -> str:
    code, details = getattr(error, "code", None), getattr(error, "details", None)
    return f"{code().name}: {details()}" if code and details else str(error)
