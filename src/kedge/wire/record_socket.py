"""A Unix socket for the messages of RecordTransfer, between a host and the tool process that it started.

Python's gRPC hands every message from thread to thread. Over a socket of its own the thread that runs the tool takes
and sends messages itself. Each message follows its length in bytes, a little-endian 64-bit number; the largest such
number says that none follows. A socket that ends without it has lost its peer.

The host listens, at a path in a folder that only its user can enter; the tool process calls, and says the run's token
as its first message. This is the capability ``record-socket``.
"""

from __future__ import annotations

import contextlib
import hmac
import select
import socket
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING

from kedge.exceptions import ProtocolError
from kedge.lifecycle.limits import LARGEST_RECORD_MESSAGE

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SUPPORTED", "RecordListener", "RecordSocket"]

SUPPORTED = sys.platform != "win32" and hasattr(socket, "AF_UNIX")
"""Whether Python has Unix sockets here."""

_LENGTH = struct.Struct("<Q")
_NO_MORE = (1 << 64) - 1
_SMALL = 32 << 10
"""Bytes of a message up to which it is read together with what comes before and behind it, and written in one piece."""
_PIECE = 64 << 20
"""Bytes of a message for which room is made at once: what a peer says of its length costs nothing before it comes."""
_CALLS_WITHIN = 5.0
"""Seconds for a connection to be taken up by the system of the one who listens."""
_GONE = "the peer is gone, and had not said that no more records follow"
_OF_A_MESSAGE = 1 << 10
"""Bytes that the system takes for a message beside its own, about."""
_SURELY_FREE = 128 << 10
"""Bytes for which there is room when the system calls a socket writable: with Linux three quarters of all it holds."""
_ROOM = 1 << 20
"""Bytes that the system may hold on the way; it takes what it allows."""


class RecordSocket:
    """Messages over a connected socket. One thread receives, any number send. :meth:`close` it."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(True)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        self._socket = connected
        self._sending = threading.Lock()
        self._writable = select.poll()
        self._writable.register(connected, select.POLLOUT)
        self._surely_free = 0
        self._ahead = b""
        self._room = memoryview(bytearray(2 * _SMALL))
        self._expects_small = True
        self._broken_off = False

    def __repr__(self) -> str:
        return f"<RecordSocket, {len(self._ahead)} bytes read ahead{', broken off' if self._broken_off else ''}>"

    @classmethod
    def call(cls, path: Path, token: str) -> RecordSocket:
        """Connect to the listener at a path. Raises OSError where there is none."""
        caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            caller.settimeout(_CALLS_WITHIN)
            caller.connect(str(path))
            called = cls(caller)
            called.send(token.encode())
        except BaseException:
            caller.close()
            raise
        return called

    def fileno(self) -> int:
        """The descriptor, to wait for messages."""
        return self._socket.fileno()

    def takes_at_once(self) -> bool:
        """Whether a message of up to 32 KiB can be sent without waiting, as far as the system tells."""
        if self._surely_free < _SMALL and self._writable.poll(0):
            self._surely_free = _SURELY_FREE
        return self._surely_free >= _SMALL

    @property
    def has_read_ahead(self) -> bool:
        """Whether a message may be had without waiting for the socket."""
        if len(self._ahead) < _LENGTH.size:
            return False
        size = _LENGTH.unpack_from(self._ahead)[0]
        return bool(size == _NO_MORE or len(self._ahead) >= _LENGTH.size + size)

    def send(self, message: bytes) -> None:
        """Send a message; blocks while the peer does not take it. Raises OSError when it is gone."""
        length = _LENGTH.pack(len(message))
        with self._sending:
            self._surely_free -= len(message) + _OF_A_MESSAGE
            if len(message) <= _SMALL:
                self._socket.sendall(length + message)
                return
            sent = self._socket.sendmsg((length, message)) - len(length)
            if sent < len(message):
                self._socket.sendall(memoryview(message)[sent:])

    def receive(self) -> bytes | None:
        """The next message; None when the peer said that none follows. Blocks.

        Raises OSError where the peer is gone, also in the middle of a message, and ProtocolError for one too large.
        """
        self._fill()
        size: int = _LENGTH.unpack_from(self._ahead)[0]
        if size == _NO_MORE:
            return None
        if size > LARGEST_RECORD_MESSAGE:
            raise ProtocolError(f"a message of {size} bytes came; the largest has {LARGEST_RECORD_MESSAGE}")
        self._expects_small = size <= _SMALL
        end = _LENGTH.size + size
        if len(self._ahead) >= end:
            message, self._ahead = self._ahead[_LENGTH.size : end], self._ahead[end:]
        else:
            message, self._ahead = self._rest(self._ahead[_LENGTH.size :], size), b""
        return message

    def end(self) -> None:
        """Say that no message follows. The other direction goes on."""
        with contextlib.suppress(OSError), self._sending:
            self._socket.sendall(_LENGTH.pack(_NO_MORE))

    def break_off(self) -> None:
        """End both directions, from any thread: who waits in :meth:`send` or :meth:`receive` gets OSError."""
        self._broken_off = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the socket. Nobody may wait in another method."""
        self._socket.close()

    def _fill(self) -> None:
        """Read the length of the next message, and what follows if that is likely to be small."""
        while (missing := _LENGTH.size - len(self._ahead)) > 0:
            room = self._room if self._expects_small else self._room[:missing]
            count = self._socket.recv_into(room)
            if not count:
                raise ConnectionResetError(_GONE)
            self._ahead += room[:count]

    def _rest(self, begun: bytes, size: int) -> bytes:
        parts = [begun] if begun else []
        missing = size - len(begun)
        while missing:
            data = self._socket.recv(min(missing, _PIECE), socket.MSG_WAITALL)
            if not data:
                raise ConnectionResetError(_GONE)
            parts.append(data)
            missing -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class RecordListener:
    """Waits at a path for the one tool process that has the token. :meth:`close` it."""

    def __init__(self, path: Path, token: str) -> None:
        self.path = path
        self._token = token
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(path))
            self._listener.listen(1)
        except BaseException:
            self._listener.close()
            raise

    def accept(self, timeout: float) -> RecordSocket:
        """The caller, who must say the token. Raises ProtocolError where none does in ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        self._listener.settimeout(timeout)
        try:
            connected, _ = self._listener.accept()
        except TimeoutError as error:
            raise ProtocolError(f"the tool process agreed to send records to {self.path}, and did not call") from error
        if not self._says_the_token(connected, deadline):
            connected.close()
            raise ProtocolError(f"somebody without the run's token called {self.path}")
        return RecordSocket(connected)

    def _says_the_token(self, caller: socket.socket, deadline: float) -> bool:
        """Whether the token is what comes first. Not a byte more is read, and no longer waited than until then."""
        token = self._token.encode()
        expected = _LENGTH.pack(len(token)) + token
        said = b""
        with contextlib.suppress(OSError):
            while len(said) < len(expected) and (left := deadline - time.monotonic()) > 0:
                caller.settimeout(left)
                if not (part := caller.recv(len(expected) - len(said))):
                    break
                said += part
        return hmac.compare_digest(said, expected)

    def close(self) -> None:
        """Stop listening, and remove the path."""
        self._listener.close()
        with contextlib.suppress(OSError):
            self.path.unlink()
