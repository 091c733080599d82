"""The receiver of a whole run: keeps what is small, passes on what is large."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from kedge.exceptions import ProtocolError
from kedge.host.message_log import MessageLog
from kedge.host.results import AnchorStatistics
from kedge.lifecycle.limits import LARGEST_CONTROL_MESSAGE, MOST_COLUMNS, MOST_CONNECTIONS
from kedge.sdk.batch_converter import BatchConverter
from kedge.sdk.constants import MessageType
from kedge.sdk.engine_types import OutgoingPlan
from kedge.sdk.outlet import Message
from kedge.sdk.schemas import schema_from_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyarrow as pa

    from kedge.host.sinks import Sink
    from kedge.sdk.fields import Field, Metadata
    from kedge.sdk.outlet import Answer, Request

__all__ = ["Collector", "Observer"]


class Observer:
    """Hears of a run while it goes on; derive from it and override what is of interest. Called from other threads."""

    def on_message(self, message: Message) -> None:
        """Hear a message."""

    def on_progress(self, fraction: float) -> None:
        """Hear of progress, 0.0 to 1.0."""

    def on_rows(self, anchor: str, rows: int) -> None:
        """Hear that ``rows`` more rows came out of an anchor."""

    def on_line(self, stream: str, line: str) -> None:
        """Hear a line that the tool process printed to ``stdout`` or ``stderr``."""


class Collector:
    """Takes all that one tool sends.

    ``open_sink`` is called once for each outgoing anchor, before the run. ``answer`` answers the tool's requests.
    """

    def __init__(
        self,
        open_sink: Callable[[str], Sink],
        answer: Callable[[Request], Answer],
        observer: Observer | None = None,
    ) -> None:
        self._log = MessageLog()
        self.messages = self._log.kept
        self.metadata: dict[str, Metadata] = {}
        self.statistics: dict[str, AnchorStatistics] = {}
        self._columns: dict[str, tuple[int, int]] = {}
        """Of each anchor with metadata: the columns, and the characters in them."""
        self._open_sink = open_sink
        self._answer = answer
        self._observer = observer or Observer()
        self._converters: dict[str, BatchConverter] = {}
        self._sinks: dict[str, Sink] = {}
        self._lock = threading.Lock()

    def open(self, anchors: Iterable[str]) -> None:
        """Make the sinks of the outgoing anchors."""
        for anchor in anchors:
            self._sinks[anchor] = self._open_sink(anchor)
            self.statistics[anchor] = AnchorStatistics()

    def on_metadata(self, anchor: str, metadata: Metadata) -> None:
        """Remember the last announcement of each anchor."""
        with self._lock:
            if anchor not in self.metadata and len(self.metadata) >= MOST_CONNECTIONS:
                raise ProtocolError(f"the tool pushed metadata for more than {MOST_CONNECTIONS} anchors, the limit")
            self._columns[anchor] = len(metadata), sum(map(_characters, metadata))
            columns, characters = map(sum, zip(*self._columns.values(), strict=True))
            if columns > MOST_COLUMNS or characters > LARGEST_CONTROL_MESSAGE:
                raise ProtocolError(
                    f"the tool pushed metadata of {columns} columns with {characters} characters in all; the limits "
                    f"are {MOST_COLUMNS} and {LARGEST_CONTROL_MESSAGE}"
                )
            self.metadata[anchor] = metadata

    def on_message(self, message: Message) -> None:
        """Keep a message, within the limits of a run."""
        with self._lock:
            shown = self._log.take(message)
        if shown is not None:
            self._observer.on_message(shown)

    def on_progress(self, fraction: float) -> None:
        """Pass progress on."""
        self._observer.on_progress(fraction)

    def on_request(self, request: Request) -> Answer:
        """Answer from the engine's services."""
        return self._answer(request)

    def on_batch(self, anchor: str, table: pa.Table) -> None:
        """Bring records of any peer into the engine's form, and pass them on."""
        converter = self._converters.setdefault(anchor, BatchConverter(OutgoingPlan))
        conversion = converter.convert(table)
        for warning in conversion.warnings:
            self.on_message(Message(MessageType.WARN, f"anchor {anchor!r}: {warning}"))
        if anchor not in self._sinks:
            raise ProtocolError(f"the tool wrote to an anchor {anchor!r} that it was never told of")
        self._sinks[anchor].write(conversion.table)
        self.statistics[anchor] = self.statistics[anchor].plus(conversion.table)
        self._observer.on_rows(anchor, table.num_rows)

    def on_close(self, anchor: str) -> None:
        """Nothing to do: sinks close when the whole run is known to be good."""

    @property
    def failed(self) -> bool:
        """Whether the tool reported an error."""
        return any(message.kind is MessageType.ERROR for message in self.messages)

    def finish(self) -> None:
        """Close every sink; an anchor that got no records has the schema that was announced last."""
        self._end_messages()
        for anchor, sink in self._sinks.items():
            if anchor in self.metadata:
                sink.announce(schema_from_metadata(self.metadata[anchor]))
            sink.close()

    def abandon(self) -> None:
        """Give every sink up."""
        self._end_messages()
        for sink in self._sinks.values():
            with contextlib.suppress(OSError):
                sink.abandon()

    def _end_messages(self) -> None:
        with self._lock:
            last = self._log.end()
        if last is not None:
            self._observer.on_message(last)


def _characters(field: Field) -> int:
    return len(field.name) + len(field.source) + len(field.description)
