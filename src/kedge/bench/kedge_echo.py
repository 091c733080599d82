"""The subject: batches echoed by the pass-through tool in a process of its own."""

from __future__ import annotations

import queue
import sys
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
    """The pass-through tool behind a session. :meth:`close` it.

    ``constructed`` is the time of the monotonic clock at which the tool's constructor ran.
    """

    def __init__(self, schema: pa.Schema, environment: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "kedge.service", "start-sdk-tool-service", "kedge.bench.tools", "PassThrough"]
        self._replies: queue.SimpleQueue[pa.Table] = queue.SimpleQueue()
        self._constructed: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._process = ToolProcess(command, environment=environment)
        self._session = ToolSession(self._process.start(), self._process.token, self)
        self._session.initialize(
            Initialization(
                incoming=(IncomingAnchor("Input", (_connection(schema),)),),
                outgoing=(OutgoingAnchor("Output"),),
            )
        )
        self.constructed = self._constructed.get()

    def send(self, table: pa.Table) -> None:
        """Send without waiting."""
        self._session.write(_INPUT, table)

    def receive(self) -> pa.Table:
        """The next reply; blocks until it is there."""
        return self._replies.get()

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
        """Take the time at which the tool was constructed."""
        self._constructed.put(float(message.text))

    def on_progress(self, fraction: float) -> None:
        """Not measured."""

    def on_request(self, request: Request) -> Answer:  # noqa: ARG002 - a receiver's signature
        """Answer at once."""
        return TranslatedMessage("")

    def on_batch(self, anchor: str, table: pa.Table) -> None:  # noqa: ARG002 - a receiver's signature
        """Take a reply."""
        self._replies.put(table)

    def on_close(self, anchor: str) -> None:
        """Not measured."""


def _connection(schema: pa.Schema) -> IncomingConnection:
    return IncomingConnection(_INPUT.connection, metadata_to_wire(metadata_from_schema(schema)))
