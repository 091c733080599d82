"""The subject: batches echoed by the pass-through tool in a process of its own."""

from __future__ import annotations

import queue
import sys
import time
from typing import TYPE_CHECKING

from kedge.host.process import ToolProcess
from kedge.host.session import ToolSession
from kedge.sdk.constants import Anchor
from kedge.sdk.initialization import IncomingAnchor, IncomingConnection, Initialization, OutgoingAnchor
from kedge.sdk.outlet import TranslatedMessage
from kedge.sdk.schemas import metadata_from_schema
from kedge.wire.metadata import metadata_to_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from kedge.sdk.fields import Metadata
    from kedge.sdk.outlet import Answer, Message, Request

__all__ = ["KedgeEcho"]

_INPUT = Anchor("Input", "#1")


class KedgeEcho:
    """A tool of ``kedge.bench.tools`` behind a session. :meth:`close` it.

    ``shared_memory`` and ``record_socket`` say whether batches may go through them. ``constructed`` is the time of the
    monotonic clock at which the tool's constructor ran, ``pid`` its process, ``said`` what the tool has said since.
    """

    def __init__(
        self,
        schema: pa.Schema,
        environment: Mapping[str, str] | None = None,
        *,
        shared_memory: bool = False,
        record_socket: bool = True,
        tool: str = "PassThrough",
    ) -> None:
        command = [sys.executable, "-m", "kedge.service", "start-sdk-tool-service", "kedge.bench.tools", tool]
        self.said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[pa.Table] = queue.SimpleQueue()
        self._ping: _Ping | None = None
        self._process = ToolProcess(command, environment=environment, shared_memory=shared_memory)
        address = self._process.start()
        self._session = ToolSession(
            address,
            self._process.token,
            self,
            shared_folder=self._process.shared_folder,
            run_directory=self._process.run_directory if record_socket else None,
        )
        self._session.initialize(
            Initialization(
                incoming=(IncomingAnchor("Input", (_connection(schema),)),),
                outgoing=(OutgoingAnchor("Output"),),
            )
        )
        constructed, pid = self.said.get().split()
        self.constructed, self.pid = float(constructed), int(pid)
        self._session.agreed()

    def send(self, table: pa.Table) -> None:
        """Send without waiting."""
        self._session.write(_INPUT, table)

    def receive(self) -> pa.Table:
        """The next reply; blocks until it is there."""
        return self._replies.get()

    def round_trips(self, table: pa.Table, count: int) -> list[float]:
        """Seconds of ``count`` round trips, each begun by the thread that took the reply before it."""
        ping = self._ping = _Ping(table, count)
        ping.sent = time.perf_counter()
        self.send(table)
        ping.over.get()
        self._ping = None
        return ping.seconds

    def close(self) -> None:
        """End the run and the process."""
        self._session.complete(_INPUT)
        self._session.notify_complete()
        self._session.wait()
        self._session.close()
        self._process.stop()

    # --- the receiver of the session ----------------------------------------------------------------------------------

    def on_metadata(self, anchor: str, metadata: Metadata) -> None:
        """Not measured."""

    def on_message(self, message: Message) -> None:
        """Keep what the tool says."""
        self.said.put(message.text)

    def on_progress(self, fraction: float) -> None:
        """Not measured."""

    def on_request(self, request: Request) -> Answer:  # noqa: ARG002 - a receiver's signature
        """Answer at once."""
        return TranslatedMessage("")

    def on_batch(self, anchor: str, table: pa.Table) -> None:  # noqa: ARG002 - a receiver's signature
        """Take a reply."""
        ping = self._ping
        if ping is None:
            self._replies.put(table)
            return
        ping.seconds.append(time.perf_counter() - ping.sent)
        if len(ping.seconds) == ping.count:
            ping.over.put(None)
        else:
            ping.sent = time.perf_counter()
            self.send(ping.table)

    def on_close(self, anchor: str) -> None:
        """Not measured."""


class _Ping:
    """Round trips, one after the other."""

    def __init__(self, table: pa.Table, count: int) -> None:
        self.table = table
        self.count = count
        self.sent = 0.0
        self.seconds: list[float] = []
        self.over: queue.SimpleQueue[None] = queue.SimpleQueue()


def _connection(schema: pa.Schema) -> IncomingConnection:
    return IncomingConnection(_INPUT.connection, metadata_to_wire(metadata_from_schema(schema)))
