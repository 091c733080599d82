"""What goes into a run and what comes out: events, calls and actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from kedge.sdk.value import value

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


@value
class Initialized:
    """The engine's first message."""

    initialization: Initialization


@value
class ChunkArrived:
    """Part of a batch came, not the last: ``size`` bytes."""

    anchor: str
    connection: str
    size: int


@value
class BatchArrived:
    """The last chunk of a batch came: ``size`` bytes, which complete ``table``.

    ``overhead`` is what the table takes in memory beside them; it counts while the table waits.
    """

    anchor: str
    connection: str
    table: pa.Table
    size: int
    overhead: int = 0


@value
class ConnectionCompleted:
    """The engine says that connections carry nothing more; None stands for every anchor or connection.

    ``in_band`` is true where it came on RecordTransfer, and so in order with the records.
    """

    anchor: str | None
    connection: str | None
    in_band: bool


@value
class RecordsClosed:
    """The engine closed its half of RecordTransfer."""


@value
class NotifyComplete:
    """The engine has sent all it had."""


@value
class Answered:
    """The engine answered the request with this id."""

    msg_id: str
    answer: Answer


@value
class ControlClosed:
    """The engine closed its half of Control: no answer will come any more."""


@value
class Disconnected:
    """The engine is gone, in the middle of things."""

    reason: str


@value
class Violated:
    """The driver could not read what the engine sent."""

    reason: str


@value
class Returned:
    """The call that was handed out came back."""


@value
class Raised:
    """The call that was handed out raised; ``text`` is for the engine's user."""

    text: str


@value
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


@value
class Construct:
    """Make the tool."""

    initialization: Initialization


@value
class DeliverBatch:
    """Call ``on_record_batch``."""

    table: pa.Table
    anchor: Anchor


@value
class DeliverCompletion:
    """Call ``on_incoming_connection_complete``."""

    anchor: Anchor


@value
class DeliverAnswer:
    """Call the tool's own callback of a request."""

    callback: AnswerCallback
    answer: Answer


@value
class DeliverEnd:
    """Call ``on_complete``."""


Call: TypeAlias = Construct | DeliverBatch | DeliverCompletion | DeliverAnswer | DeliverEnd


# --- actions: what the driver is to send ------------------------------------------------------------------------------


@value
class PushMetadata:
    """Announce an outgoing anchor's columns."""

    anchor: str
    metadata: Metadata


@value
class SendMessage:
    """Send a message for the engine's user."""

    message: Message


@value
class SendProgress:
    """Report progress, 0.0 to 1.0."""

    fraction: float


@value
class SendRequest:
    """Ask the engine something."""

    msg_id: str
    request: Request


@value
class Confirm:
    """Say that the run is over; the last message of all."""


@value
class SendBatch:
    """Send records."""

    anchor: str
    table: pa.Table


@value
class CloseAnchor:
    """Say that an outgoing anchor gets nothing more."""

    anchor: str


ControlAction: TypeAlias = PushMetadata | SendMessage | SendProgress | SendRequest | Confirm
RecordAction: TypeAlias = SendBatch | CloseAnchor
