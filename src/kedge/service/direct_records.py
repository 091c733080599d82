"""Records over a socket of their own: the thread that runs the tool takes and sends them itself."""

from __future__ import annotations

import contextlib
import math
import os
import select
import threading
import time
from typing import TYPE_CHECKING

from kedge.lifecycle.events import SendBatch
from kedge.wire.records import CloseAnchor, encode_outgoing

if TYPE_CHECKING:
    from kedge.lifecycle.events import RecordAction
    from kedge.wire.record_socket import RecordSocket
    from kedge.wire.record_streams import RecordWriter

__all__ = ["DirectRecords", "pays_to_pause"]

_PAUSE = 60e-6
"""Seconds between looking at the bell alone and waiting for the next message, where the engine has work enough."""
_SELECTABLE = 1024
"""Descriptors from here on are more than ``select`` takes, which alone waits for less than a millisecond."""
_WORK_ENOUGH = 3
"""Batches that the engine holds."""
_GAPS = 100e-6, 1e-3
"""Seconds from message to message between which a pause pays."""


def pays_to_pause(seconds: float, messages: int) -> bool:
    """Whether so many messages in so many seconds come at a pace at which they had better gather for a moment.

    Whoever sends to a process that sleeps pays for waking it. Of messages that come faster, several wait anyway; those
    that come seldom are each wanted at once.
    """
    shortest, longest = _GAPS
    return shortest <= seconds / max(1, messages) <= longest


class DirectRecords:
    """A tool process's end of a record socket, and a bell by which other threads call the one that waits there."""

    def __init__(self, records: RecordSocket, writer: RecordWriter) -> None:
        self._records = records
        self._writer = writer
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._rope, False)
        self._for_the_bell = select.poll()
        self._for_the_bell.register(self._bell, select.POLLIN)
        self._for_both = select.poll()
        self._for_both.register(self._bell, select.POLLIN)
        self._for_both.register(records.fileno(), select.POLLIN)
        self._ended = False
        self._received = 0
        self._looked_at = 0.0
        self._ringing = threading.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"<DirectRecords {'ended' if self._ended else 'open'}: {self._records!r}>"

    def wait(self, timeout: float | None, *, wanted: bool) -> bool:
        """Wait for a message, if one is ``wanted``, and for the bell; whether a message is there. In seconds."""
        wanted = wanted and not self._ended
        if wanted and self._records.has_read_ahead:
            return True
        if wanted and self._may_pause():
            select.select((self._bell,), (), (), _PAUSE)
        waiting = self._for_both if wanted else self._for_the_bell
        ready = [number for number, _ in waiting.poll(None if timeout is None else math.ceil(timeout * 1000))]
        if self._bell in ready:
            os.read(self._bell, 4096)
        return any(number != self._bell for number in ready)

    def _may_pause(self) -> bool:
        now = time.monotonic()
        received, seconds = self._received, now - self._looked_at
        self._received, self._looked_at = 0, now
        may_select = self._bell < _SELECTABLE
        return may_select and pays_to_pause(seconds, received) and self._writer.unread >= _WORK_ENOUGH

    def ring(self) -> None:
        """Call the thread that waits, or will wait; from any thread."""
        with self._ringing, contextlib.suppress(BlockingIOError):  # it has been rung often enough
            if not self._closed:
                os.write(self._rope, b"!")

    def receive(self) -> bytes | None:
        """The next message; None at the end. Raises OSError when the engine is gone, and ProtocolError."""
        message = None
        try:
            message = self._records.receive()
            self._received += 1
        finally:
            self._ended = message is None
        return message

    def send(self, action: RecordAction) -> None:
        """Send a batch or a close; blocks while the engine does not take it. Raises OSError when it is gone."""
        if isinstance(action, SendBatch):
            for message in self._writer.encode_one(action.anchor, "", action.table):
                self._records.send(message)
        else:
            self._records.send(encode_outgoing(CloseAnchor(action.anchor)))

    def end(self) -> None:
        """Say that no more records follow."""
        self._records.end()

    def break_off(self) -> None:
        """The engine is gone: who sends gets OSError, who waits is called."""
        self._records.break_off()
        self.ring()

    def close(self) -> None:
        """Free the socket and the bell, when no thread waits for them any more."""
        with self._ringing:
            self._closed = True
        self._records.close()
        os.close(self._bell)
        os.close(self._rope)
