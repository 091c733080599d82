"""The peer: batches echoed by Arrow Flight's DoExchange, over a Unix socket, with nothing around it.

Run as a module it serves, and prints the address.
"""

from __future__ import annotations

import queue
import sys
import threading
from typing import Any

import pyarrow as pa
from pyarrow import flight

from kedge.bench.peer_process import PeerProcess, end_with_parent

__all__ = ["FlightEcho"]


class FlightEcho:
    """A Flight server in a process of its own, and an exchange with it. :meth:`close` it."""

    def __init__(self, path: str, schema: pa.Schema) -> None:
        self._process = PeerProcess("kedge.bench.flight_echo", f"grpc+unix://{path}")
        self._client = flight.connect(f"grpc+unix://{path}")
        self._writer, self._reader = self._client.do_exchange(flight.FlightDescriptor.for_command(b"echo"))
        self._writer.begin(schema)
        self._out: queue.SimpleQueue[pa.Table | None] = queue.SimpleQueue()
        self._sender = threading.Thread(target=self._send_all, name="flight-sender", daemon=True)
        self._sender.start()

    def send(self, table: pa.Table) -> None:
        """Send without waiting."""
        self._out.put(table)

    def receive(self) -> pa.RecordBatch:
        """The next reply; blocks until it is there."""
        return self._reader.read_chunk().data

    def close(self) -> None:
        """End the exchange and the process."""
        self._out.put(None)
        self._sender.join()
        self._writer.done_writing()
        self._writer.close()
        self._client.close()
        self._process.close()

    def _send_all(self) -> None:
        while (table := self._out.get()) is not None:
            self._writer.write_table(table)


class _Server(flight.FlightServerBase):  # type: ignore[misc]  # pyarrow has no types
    def do_exchange(self, _context: Any, _descriptor: Any, reader: Any, writer: Any) -> None:
        writer.begin(reader.schema)
        for chunk in reader:
            writer.write_batch(chunk.data)


if __name__ == "__main__":
    end_with_parent()
    server = _Server(sys.argv[1])
    print(sys.argv[1], flush=True)
    server.serve()
