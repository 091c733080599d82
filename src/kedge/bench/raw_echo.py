"""The peer: bytes echoed over a bidirectional stream of gRPC's Python API, with nothing around it.

Run as a module it serves, and prints the address.
"""

from __future__ import annotations

import contextlib
import queue
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc

from kedge.bench.peer_process import PeerProcess, end_with_parent
from kedge.wire.grpc_names import CHANNEL_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RawEcho"]


class RawEcho:
    """A raw echo server in a process of its own, and a stream to it. :meth:`close` it."""

    def __init__(self, address: str) -> None:
        self._process = PeerProcess("kedge.bench.raw_echo", address)
        self._channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._out: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        echo: grpc.StreamStreamMultiCallable[bytes, bytes] = self._channel.stream_stream("/raw/Echo")
        self._replies = echo(iter(self._out.get, None))

    def send(self, data: bytes) -> None:
        """Send without waiting."""
        self._out.put(data)

    def receive(self) -> bytes:
        """The next reply; blocks until it is there."""
        return bytes(next(self._replies))

    def close(self) -> None:
        """End the stream and the process."""
        self._out.put(None)
        with contextlib.suppress(grpc.RpcError):
            for _ in self._replies:
                """Nothing more is expected."""
        self._channel.close()
        self._process.close()


def _echo(requests: Iterator[bytes], _context: grpc.ServicerContext) -> Iterator[bytes]:
    yield from requests


def _serve(address: str) -> None:
    server = grpc.server(ThreadPoolExecutor(2), options=CHANNEL_OPTIONS)
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"Echo": grpc.stream_stream_rpc_method_handler(_echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("raw", handlers),))
    server.add_insecure_port(address)
    server.start()
    print(address, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    end_with_parent()
    _serve(sys.argv[1])
