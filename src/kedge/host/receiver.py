"""What the engine's side does with what a tool sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kedge.lifecycle.events import Answered, PushMetadata, SendMessage, SendProgress, SendRequest

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.lifecycle.events import ControlAction
    from kedge.sdk.fields import Metadata
    from kedge.sdk.outlet import Answer, Message, Request

__all__ = ["Receiver", "hand_over"]


class Receiver(Protocol):
    """Takes a tool's output. Methods of one stream are called one after the other, of two streams at the same time.

    :meth:`on_batch` may block: that stalls the tool, and nothing but the tool.
    """

    def on_metadata(self, anchor: str, metadata: Metadata) -> None:
        """Take an announcement."""

    def on_message(self, message: Message) -> None:
        """Take a message for the user."""

    def on_progress(self, fraction: float) -> None:
        """Take a progress report, 0.0 to 1.0."""

    def on_request(self, request: Request) -> Answer:
        """Answer a request."""

    def on_batch(self, anchor: str, table: pa.Table) -> None:
        """Take records."""

    def on_close(self, anchor: str) -> None:
        """Take note that an anchor gets nothing more."""


def hand_over(action: ControlAction, receiver: Receiver) -> Answered | None:
    """Give what came on Control to the receiver; the answer, where the tool asked for one."""
    if isinstance(action, SendMessage):
        receiver.on_message(action.message)
    elif isinstance(action, SendProgress):
        receiver.on_progress(action.fraction)
    elif isinstance(action, PushMetadata):
        receiver.on_metadata(action.anchor, action.metadata)
    elif isinstance(action, SendRequest):
        return Answered(action.msg_id, receiver.on_request(action.request))
    return None
