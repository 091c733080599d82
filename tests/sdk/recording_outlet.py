"""An outlet that keeps what a provider says, and answers what it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedge.exceptions import EngineGone
from kedge.sdk.outlet import DcmAnswer, TranslatedMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from kedge.sdk.fields import Metadata
    from kedge.sdk.outlet import Answer, AnswerCallback, Message, Request


class RecordingOutlet:
    """Keeps everything in the order in which it came; ``answers`` says what is answered, None that the engine goes."""

    def __init__(self, answers: Callable[[Any], Answer | None] | None = None) -> None:
        self.messages: list[Message] = []
        self.progresses: list[float] = []
        self.requests: list[Request] = []
        self.announced: list[tuple[str, Metadata]] = []
        self.written: list[tuple[str, pa.Table | pa.RecordBatch]] = []
        self.closed: list[str] = []
        self._answers = answers or (lambda _: TranslatedMessage("bonjour"))

    @property
    def texts(self) -> list[str]:
        """The messages, such as ``WARN: beware``."""
        return [f"{message.kind.name}: {message.text}" for message in self.messages]

    def write(self, anchor: str, data: pa.Table | pa.RecordBatch) -> None:
        self.written.append((anchor, data))

    def push_metadata(self, anchor: str, metadata: Metadata) -> None:
        self.announced.append((anchor, metadata))

    def close(self, anchor: str) -> None:
        self.closed.append(anchor)

    def message(self, message: Message) -> None:
        self.messages.append(message)

    def progress(self, fraction: float) -> None:
        self.progresses.append(fraction)

    def request(self, request: Request, callback: AnswerCallback) -> None:
        callback(self.ask(request))

    def ask(self, request: Request) -> Answer:
        self.requests.append(request)
        answer = self._answers(request)
        if answer is None:
            raise EngineGone("the engine has gone")
        return answer


def succeeded(**response: object) -> DcmAnswer:
    return DcmAnswer(success=True, response=response)


def failed(message: str, **response: object) -> DcmAnswer:
    return DcmAnswer(success=False, response={"message": message, **response})
