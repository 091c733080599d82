"""What goes into a run and what comes out: events, calls and actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.sdk.constants import Anchor
    from kedge.sdk.fields import Metadata
    from kedge.sdk.initialization import Initialization
    from kedge.sdk.outlet import Answer, AnswerCallback, Message, Request

__all__ = [
    "Answered",
    "BatchArrived",
    "Call",
    "ChunkArrived",
    "CloseAnchor",
    "Confirm",
    "ConnectionCompleted",
    "Construct",
    "ControlAction",
    "ControlClosed",
    "DeliverAnswer",
    "DeliverBatch",
    "DeliverCompletion",
    "DeliverEnd",
    "Disconnected",
    "Event",
    "Flushed",
    "Initialized",
    "NotifyComplete",
    "PushMetadata",
    "Raised",
    "RecordAction",
    "RecordsClosed",
    "Returned",
    "SendBatch",
    "SendMessage",
    "SendProgress",
    "SendRequest",
    "Violated",
]

# --- events: what the driver tells the machine ------------------------------------------------------------------------


@dataclass(frozen=True)
class Initialized:
    """The engine's first message."""

    initialization: Initialization


@dataclass(frozen=True)
class ChunkArrived:
    """Part of a batch came, not the last: ``size`` bytes."""

    anchor: str
    connection: str
    size: int


@dataclass(frozen=True)
class BatchArrived:
    """The last chunk of a batch came: ``size`` bytes, which complete ``table``."""

    anchor: str
    connection: str
    table: pa.Table
    size: int


@dataclass(frozen=True)
class ConnectionCompleted:
    """The engine says that connections carry nothing more; None stands for every anchor or connection.

    ``in_band`` is true where it came on RecordTransfer, and so in order with the records.
    """

    anchor: str | None
    connection: str | None
    in_band: bool


@dataclass(frozen=True)
class RecordsClosed:
    """The engine closed its half of RecordTransfer."""


@dataclass(frozen=True)
class NotifyComplete:
    """The engine has sent all it had."""


@dataclass(frozen=True)
class Answered:
    """The engine answered the request with this id."""

    msg_id: str
    answer: Answer


@dataclass(frozen=True)
class ControlClosed:
    """The engine closed its half of Control: no answer will come any more."""


@dataclass(frozen=True)
class Disconnected:
    """The engine is gone, in the middle of things."""

    reason: str


@dataclass(frozen=True)
class Violated:
    """The driver could not read what the engine sent."""

    reason: str


@dataclass(frozen=True)
class Returned:
    """The call that was handed out came back."""


@dataclass(frozen=True)
class Raised:
    """The call that was handed out raised; ``text`` is for the engine's user."""

    text: str


@dataclass(frozen=True)
class Flushed:
    """Every record action was sent."""


Event: TypeAlias = (
    Initialized
    | ChunkArrived
    | BatchArrived
    | ConnectionCompleted
    | RecordsClosed
    | NotifyComplete
    | Answered
    | ControlClosed
    | Disconnected
    | Violated
    | Returned
    | Raised
    | Flushed
)


# --- calls: what the driver is to run, one at a time ------------------------------------------------------------------


@dataclass(frozen=True)
class Construct:
    """Make the tool."""

    initialization: Initialization


@dataclass(frozen=True)
class DeliverBatch:
    """Call ``on_record_batch``."""

    table: pa.Table
    anchor: Anchor


@dataclass(frozen=True)
class DeliverCompletion:
    """Call ``on_incoming_connection_complete``."""

    anchor: Anchor


@dataclass(frozen=True)
class DeliverAnswer:
    """Call the tool's own callback of a request."""

    callback: AnswerCallback
    answer: Answer


@dataclass(frozen=True)
class DeliverEnd:
    """Call ``on_complete``."""


Call: TypeAlias = Construct | DeliverBatch | DeliverCompletion | DeliverAnswer | DeliverEnd


# --- actions: what the driver is to send ------------------------------------------------------------------------------


@dataclass(frozen=True)
class PushMetadata:
    """Announce an outgoing anchor's columns."""

    anchor: str
    metadata: Metadata


@dataclass(frozen=True)
class SendMessage:
    """Send a message for the engine's user."""

    message: Message


@dataclass(frozen=True)
class SendProgress:
    """Report progress, 0.0 to 1.0."""

    fraction: float


@dataclass(frozen=True)
class SendRequest:
    """Ask the engine something."""

    msg_id: str
    request: Request


@dataclass(frozen=True)
class Confirm:
    """Say that the run is over; the last message of all."""


@dataclass(frozen=True)
class SendBatch:
    """Send records."""

    anchor: str
    table: pa.Table


@dataclass(frozen=True)
class CloseAnchor:
    """Say that an outgoing anchor gets nothing more."""

    anchor: str


ControlAction: TypeAlias = PushMetadata | SendMessage | SendProgress | SendRequest | Confirm
RecordAction: TypeAlias = SendBatch | CloseAnchor
