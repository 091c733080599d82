"""A tool process of foreign make: written from the .proto alone, without a line of Kedge. It passes records through.

``python foreign_service.py start-sdk-tool-service MANNERS Tool``, where MANNERS is how it behaves.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.behaviour.raw_protocol import message_class

if TYPE_CHECKING:
    from collections.abc import Iterator

UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class PassThrough:
    """Both streams of one run. What came in goes out, under the name of the first outgoing anchor."""

    def __init__(self, manners: str) -> None:
        self.manners = manners
        self.control: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.records: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.initialised = threading.Event()
        self.anchors: list[str] = []
        self.open_connections = 0
        self.over = threading.Event()

    def serve_control(self, requests: Iterator[Any], _context: Any) -> Iterator[Any]:
        threading.Thread(target=self.read_control, args=(requests,), daemon=True).start()
        yield from iter(self.control.get, None)

    def serve_records(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        if self.manners == "goes silent":  # as one of Kedge's that is stopped after its last word on Control
            context.send_initial_metadata((("kedge-capabilities", "inband-complete"),))
        threading.Thread(target=self.read_records, args=(requests,), daemon=True).start()
        yield from iter(self.records.get, None)

    def read_control(self, requests: Iterator[Any]) -> None:
        for message in requests:
            payload = message.WhichOneof("payload")
            if payload == "plugin_initialization_data":
                data = message.plugin_initialization_data
                self.anchors = [anchor.name for anchor in data.outgoingAnchors]
                self.open_connections = sum(len(anchor.connections) for anchor in data.incomingAnchors)
                self.initialised.set()
                text = {"message_type": 1, "message": f"hello from {self.manners}"}
                self.control.put(message_class("ControlOut")(output_message=text))
                if self.manners == "dies at once":
                    os._exit(9)
            elif payload == "notify_complete":
                threading.Thread(target=self.finish, daemon=True).start()

    def read_records(self, requests: Iterator[Any]) -> None:
        for message in requests:
            if message.WhichOneof("payload") == "incoming_records":
                self.initialised.wait()
                self.pass_on(message.incoming_records)

    def pass_on(self, records: Any) -> None:
        half = self.manners == "half a batch"
        self.send(
            records.data[: len(records.data) // 2] if half else records.data, end=records.end_of_chunk and not half
        )

    def send(self, data: bytes, *, end: bool) -> None:
        records = {"anchor_name": self.anchors[0], "connection_name": "", "data": data, "end_of_chunk": end}
        self.records.put(message_class("RecordTransferOut")(outgoing_records=records))

    def finish(self) -> None:
        """Say that the run is over, each in its manner."""
        time.sleep(0.1)  # the peer's records are on another stream: all of them are to be in
        if self.manners == "never confirms":
            return
        if self.manners == "sends garbage":
            self.send(b"garbage", end=True)
        if self.manners == "goes silent":
            self.control.put(message_class("ControlOut")(confirm_complete={}))
            return
        if self.manners == "closes control":
            self.control.put(None)
            return
        if self.manners == "unknown anchor":
            self.anchors = ["Elsewhere"]
            self.send(b"", end=False)
        if self.manners not in ("closes nothing", "half a batch", "half a batch, open"):
            for name in self.anchors:
                self.records.put(message_class("RecordTransferOut")(close_outgoing_anchor={"name": name}))
        if self.manners == "half a batch, open":
            self.send(b"12345678", end=False)
        self.control.put(message_class("ControlOut")(confirm_complete={}))
        self.control.put(None)
        if self.manners not in ("leaves records open", "half a batch, open", "closes nothing, leaves records open"):
            self.records.put(None)
            self.over.set()


def main(manners: str) -> None:
    """Serve one run."""
    run = PassThrough(manners)
    server = grpc.server(ThreadPoolExecutor(4), options=UNLIMITED)
    handlers: dict[str, Any] = {
        name: grpc.stream_stream_rpc_method_handler(
            behaviour,
            request_deserializer=message_class(request).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
        for name, behaviour, request in (
            ("Control", run.serve_control, "ControlIn"),
            ("RecordTransfer", run.serve_records, "RecordTransferIn"),
        )
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("sdk.SdkToolV2", handlers),))
    port = server.add_insecure_port("localhost:0")
    server.start()
    if manners == "noise":
        print("\N{BELL} starting up\r\n\x00 ListenPort: soon\nListenPort:\n", flush=True)
        print("loading plugins... ", end="", flush=True)
    print(f"ListenPort: {port}", flush=True)
    run.over.wait()
    server.stop(2).wait()


if __name__ == "__main__":
    main(sys.argv[2])
