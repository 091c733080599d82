"""What a provider needs from whatever carries its words to the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from kedge.sdk.constants import MessageType, Priority
from kedge.sdk.value import value

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.sdk.fields import Metadata

__all__ = [
    "Answer",
    "AnswerCallback",
    "DcmAnswer",
    "DcmRequest",
    "DcmVerb",
    "DecryptRequest",
    "Message",
    "Outlet",
    "PasswordAnswer",
    "Request",
    "TranslateRequest",
    "TranslatedMessage",
]

DcmVerb = Literal["get_connection", "lock_secret", "unlock_secret", "update_secret"]


@value
class Message:
    r"""One message for the engine's user.

    Half a surrogate pair, as names of files may hold, cannot travel as text: it is written out, as ``\\udc80``.
    """

    kind: MessageType
    text: str
    priority: Priority = Priority.NONE

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text.encode(errors="backslashreplace").decode())


@value
class TranslateRequest:
    """Asks for ``text`` in the user's language, with ``args`` in the places of ``{0}``, ``{1}``, …"""

    text: str
    args: tuple[str, ...] = ()


@value
class DecryptRequest:
    """Asks for the plain text of a password that the configuration holds encrypted."""

    text: str


@value
class DcmRequest:
    """One call to the connection manager; ``arguments`` are the fields of the verb's wire message, by name."""

    verb: DcmVerb
    arguments: Mapping[str, Any] = field(default_factory=dict)


@value
class TranslatedMessage:
    """The answer to a TranslateRequest."""

    translated_message: str


@value
class PasswordAnswer:
    """The answer to a DecryptRequest."""

    password: str


@value
class DcmAnswer:
    """The answer to a DcmRequest; on failure ``response`` holds ``message``, ``errorCode`` and perhaps ``detail``."""

    success: bool
    response: dict[str, Any]


Request: TypeAlias = TranslateRequest | DecryptRequest | DcmRequest
Answer: TypeAlias = TranslatedMessage | PasswordAnswer | DcmAnswer
AnswerCallback: TypeAlias = Callable[[Any], None]


class Outlet(Protocol):
    """The tool's way out. Every method may be called from any thread.

    All raise :class:`~kedge.exceptions.EngineGone` once the engine is no longer there.
    """

    def write(self, anchor: str, data: pa.Table | pa.RecordBatch) -> None:
        """Queue records for an outgoing anchor; blocks while the outgoing queue is full."""

    def push_metadata(self, anchor: str, metadata: Metadata) -> None:
        """Announce what an outgoing anchor will carry."""

    def close(self, anchor: str) -> None:
        """Say that an outgoing anchor gets nothing more."""

    def message(self, message: Message) -> None:
        """Send one message; does not wait."""

    def progress(self, fraction: float) -> None:
        """Report progress from 0.0 to 1.0; does not wait."""

    def request(self, request: Request, callback: AnswerCallback) -> None:
        """Send a request; ``callback`` runs between two tool callbacks once the answer is there."""

    def ask(self, request: Request) -> Answer:
        """Send a request and wait, without using the processor, for its answer."""
