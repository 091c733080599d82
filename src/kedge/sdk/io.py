"""Messages, progress, translation and passwords: ``provider.io``."""

from __future__ import annotations

import math
import string
import threading
import warnings
from typing import TYPE_CHECKING, cast

from kedge.sdk.constants import MessageType, Priority
from kedge.sdk.outlet import DecryptRequest, Message, PasswordAnswer, TranslatedMessage, TranslateRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kedge.sdk.outlet import Outlet

__all__ = ["AMPIOV2", "format_message"]


class AMPIOV2:
    """What a tool says to the engine's user. Every method may be kept as a bound method and called from any thread."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._clamping = threading.Lock()
        self._clamped = False

    def info(self, msg: object, *args: object) -> None:
        """Send an information; ``args`` fill the ``{}`` of ``msg``, or follow it where it has none."""
        self._send(MessageType.INFO, Priority.NONE, msg, args)

    def warn(self, msg: object, *args: object) -> None:
        """Send a warning."""
        self._send(MessageType.WARN, Priority.NONE, msg, args)

    def error(self, msg: object, *args: object) -> None:
        """Send an error. The tool goes on, but the run counts as failed."""
        self._send(MessageType.ERROR, Priority.NONE, msg, args)

    def info_with_priority(self, priority: int, msg: object, *args: object) -> None:
        """Send an information with :class:`~kedge.sdk.constants.Priority` flags."""
        self._send(MessageType.INFO, Priority(priority), msg, args)

    def warn_with_priority(self, priority: int, msg: object, *args: object) -> None:
        """Send a warning with priority flags."""
        self._send(MessageType.WARN, Priority(priority), msg, args)

    def error_with_priority(self, priority: int, msg: object, *args: object) -> None:
        """Send an error with priority flags."""
        self._send(MessageType.ERROR, Priority(priority), msg, args)

    def update_progress(self, percent: float) -> None:
        """Report progress, 0.0 to 1.0; over 1 and up to 100 is taken as per cent, all else is clamped."""
        given = float(percent)
        fraction = given / 100 if 1 < given <= 100 else given
        clamped = min(max(fraction, 0.0), 1.0) if not math.isnan(fraction) else 0.0
        if clamped != fraction:
            self._warn_of_clamping(percent)
        self._outlet.progress(clamped)

    def translate_msg(self, msg: str, *args: object) -> str:
        """Ask for ``msg`` in the user's language and wait for the answer.

        Raises :class:`~kedge.exceptions.EngineGone` if the engine goes away first.
        """
        answer = self._outlet.ask(TranslateRequest(msg, _texts(args)))
        return cast("TranslatedMessage", answer).translated_message

    def translate_msg_use_callback(
        self, msg: str, args: Iterable[object] | None, callback: Callable[[TranslatedMessage], None]
    ) -> None:
        """Ask for ``msg`` in the user's language; ``callback`` gets the answer before ``on_complete`` is over."""
        self._outlet.request(TranslateRequest(msg, _texts(args or ())), callback)

    def decrypt_password(self, password: str) -> str:
        """Ask the engine for the plain text of an encrypted password and wait. Deprecated: use ``provider.dcm``."""
        warnings.warn(
            "decrypt_password is deprecated since SDK 1.0.2: keep credentials in the connection manager",
            DeprecationWarning,
            stacklevel=2,
        )
        return cast("PasswordAnswer", self._outlet.ask(DecryptRequest(password))).password

    def _send(self, kind: MessageType, priority: Priority, msg: object, args: tuple[object, ...]) -> None:
        self._outlet.message(Message(kind, format_message(msg, args), priority))

    def _warn_of_clamping(self, percent: float) -> None:
        with self._clamping:
            if self._clamped:
                return
            self._clamped = True
        self.warn(f"update_progress({percent!r}) is outside 0.0 to 1.0 (or 100 per cent) and was clamped")


def format_message(msg: object, args: tuple[object, ...]) -> str:
    """``msg.format(*args)``; where the message has no placeholder for them, or cannot be formatted, they follow it.

    Raises nothing, whatever the objects' own ``__str__`` and ``__format__`` do.
    """
    text = _text(msg)
    if not args:
        return text
    try:
        formatted = text.format(*args)
        if any(name is not None for _, name, _, _ in string.Formatter().parse(text)):
            return formatted
    except Exception:
        formatted = text
    return " ".join([formatted, *map(_text, args)])


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:
        return f"<a {type(value).__name__} whose text cannot be had: {type(error).__name__}>"


def _texts(args: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(_text, args))
