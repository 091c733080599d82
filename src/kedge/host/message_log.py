"""The messages of a run that a host shows and keeps: as many as somebody may read, and the number of the others."""

from __future__ import annotations

from typing import NamedTuple

from kedge.lifecycle.limits import KEPT_MESSAGE_BYTES, KEPT_MESSAGES, LARGEST_TEXT
from kedge.sdk.constants import MessageType
from kedge.sdk.outlet import Message

__all__ = ["MessageLog"]

_FOR_READERS = (MessageType.INFO, MessageType.WARN, MessageType.ERROR)


class _Taken(NamedTuple):
    messages: int = 0
    characters: int = 0


class MessageLog:
    """Takes the messages of one run. Errors have room of their own, so that warnings without end hide none."""

    def __init__(self) -> None:
        self.kept: list[Message] = []
        """What is shown, in order."""
        self._taken = {True: _Taken(), False: _Taken()}
        self._left_out = {True: 0, False: 0}

    def __repr__(self) -> str:
        return f"<MessageLog {len(self.kept)} messages, {sum(self._left_out.values())} left out>"

    def take(self, message: Message) -> Message | None:
        """Keep a message and return it as it is to be shown, cut if it is too long; None where it is but counted."""
        is_error = message.kind is MessageType.ERROR
        shown = _cut(message)
        messages, characters = self._taken[is_error]
        taken = _Taken(messages + 1, characters + len(shown.text))
        if taken.messages > KEPT_MESSAGES or taken.characters > KEPT_MESSAGE_BYTES:
            self._left_out[is_error] += 1
            return None
        self._taken[is_error] = taken
        self.kept.append(shown)
        return shown

    def end(self) -> Message | None:
        """The line about what was left out, kept as the last; None where nothing was."""
        errors, others = self._left_out[True], self._left_out[False]
        self._left_out = {True: 0, False: 0}
        if not errors + others:
            return None
        text = (
            f"the tool sent {errors + others} messages more, {errors} of them errors, that are not shown: "
            f"of a run {KEPT_MESSAGES} are kept, and as many errors, each with {KEPT_MESSAGE_BYTES >> 20} MiB of text"
        )
        self.kept.append(Message(MessageType.ERROR if errors else MessageType.WARN, text))
        return self.kept[-1]


def _cut(message: Message) -> Message:
    if len(message.text) <= LARGEST_TEXT or message.kind not in _FOR_READERS:
        return message
    text = f"{message.text[:LARGEST_TEXT]} … (cut: the message has {len(message.text)} characters)"
    return Message(message.kind, text, message.priority)
