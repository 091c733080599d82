"""What passed between an engine and a tool, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from kedge.host.requests import answer_request
from kedge.lifecycle.events import (
    Answered,
    BatchArrived,
    CloseAnchor,
    ConnectionCompleted,
    Initialized,
    NotifyComplete,
    PushMetadata,
    SendBatch,
    SendMessage,
    SendProgress,
    SendRequest,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from kedge.host.engine_services import EngineServices
    from kedge.sdk.fields import Metadata
    from kedge.sdk.outlet import Answer, Message, Request

__all__ = ["Entry", "Said", "Tape", "Told"]

Told: TypeAlias = Initialized | BatchArrived | ConnectionCompleted | NotifyComplete
"""What an engine tells a tool of its own accord."""

Said: TypeAlias = PushMetadata | SendMessage | SendProgress | SendRequest | Answered | SendBatch | CloseAnchor
"""What a tool says, and the answers that it got."""

Entry: TypeAlias = Told | Said


class Tape:
    """Keeps all that an engine and a tool say to each other; answers the tool's requests.

    A :class:`~kedge.host.receiver.Receiver`: over a real process it is called from two threads. What one stream carries
    is in order, and in process so is everything.
    """

    def __init__(self, services: EngineServices | Callable[[Request], Answer]) -> None:
        self.entries: list[Entry] = []
        self._services = services

    def tell(self, told: Told) -> None:
        """Note what the engine says."""
        self.entries.append(told)

    def on_metadata(self, anchor: str, metadata: Metadata) -> None:
        """Note an announcement."""
        self.entries.append(PushMetadata(anchor, metadata))

    def on_message(self, message: Message) -> None:
        """Note a message."""
        self.entries.append(SendMessage(message))

    def on_progress(self, fraction: float) -> None:
        """Note progress."""
        self.entries.append(SendProgress(fraction))

    def on_request(self, request: Request) -> Answer:
        """Answer a request, and note both."""
        answer = self._services(request) if callable(self._services) else answer_request(request, self._services)
        self.entries += [SendRequest("", request), Answered("", answer)]
        return answer

    def on_batch(self, anchor: str, table: pa.Table) -> None:
        """Note records."""
        self.entries.append(SendBatch(anchor, table))

    def on_close(self, anchor: str) -> None:
        """Note that an anchor is closed."""
        self.entries.append(CloseAnchor(anchor))
