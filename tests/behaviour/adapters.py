"""Ways to run a tool: in this process, through Kedge's host, and through a client that knows the .proto alone."""

from __future__ import annotations

import contextlib
import io
import queue
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from unittest.mock import patch

import grpc
import pyarrow as pa

from kedge.exceptions import EngineGone
from kedge.host.feeds import Feed
from kedge.host.in_process import run_in_process
from kedge.host.out_of_process import Launch, run_out_of_process
from kedge.host.pool import ToolPool
from kedge.host.session import ToolSession
from kedge.host.target import resolve_target
from kedge.sdk.constants import Anchor, MessageType, UpdateMode
from kedge.sdk.initialization import IncomingAnchor, IncomingConnection, Initialization, OutgoingAnchor
from kedge.sdk.outlet import DcmAnswer, DcmRequest, PasswordAnswer, TranslatedMessage, TranslateRequest
from kedge.sdk.schemas import metadata_from_schema
from kedge.service.server import ToolService
from kedge.service.settings import ServiceSettings
from kedge.wire import record_socket, shared_memory_writer
from kedge.wire.capabilities import RECORD_SOCKET, SHARED_MEMORY
from kedge.wire.metadata import metadata_to_wire
from kedge.wire.shared_memory import SUPPORTED
from tests.behaviour.raw_protocol import CONTROL, RECORD_TRANSFER, message_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kedge.sdk.fields import Metadata
    from kedge.sdk.outlet import Answer, Message, Request
    from kedge.sdk.plugin import PluginV2

TOKEN = "a token of these tests"
CallMetadata = tuple[tuple[str, str], ...]


@dataclass
class Script:
    """What the engine gives a tool."""

    tool: type[PluginV2]
    inputs: dict[Anchor, list[pa.Table]] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("Output",)
    config: str = "<Configuration/>"
    update_only: bool = False


@dataclass
class Outcome:
    """What a tool gave."""

    messages: list[tuple[str, str]] = field(default_factory=list)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    columns: dict[str, list[str]] = field(default_factory=dict)
    progress: list[float] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    # The receiver of Kedge's own host.

    def on_message(self, message: Message) -> None:
        self.messages.append((message.kind.name, message.text))

    def on_progress(self, fraction: float) -> None:
        self.progress.append(round(fraction, 3))

    def on_metadata(self, anchor: str, metadata: Metadata) -> None:
        self.columns[anchor] = [f.name for f in metadata]

    def on_request(self, request: Request) -> Answer:
        if isinstance(request, TranslateRequest):
            return TranslatedMessage(f"[{request.text.format(*request.args)}]")
        if isinstance(request, DcmRequest):
            return DcmAnswer(True, {"verb": request.verb, **request.arguments})
        return PasswordAnswer(request.text[::-1])

    def on_batch(self, anchor: str, table: pa.Table) -> None:
        self.rows[anchor] += table.to_pylist()

    def on_close(self, anchor: str) -> None:
        self.closed.append(anchor)

    @property
    def errors(self) -> list[str]:
        return [text for kind, text in self.messages if kind == "ERROR"]

    @property
    def infos(self) -> list[str]:
        return [text for kind, text in self.messages if kind == "INFO"]


class Adapter(Protocol):
    """Runs a script."""

    def __call__(self, script: Script, folder: Path) -> Outcome: ...


def initialization(script: Script) -> Initialization:
    """The script's first message."""
    anchors: dict[str, list[IncomingConnection]] = defaultdict(list)
    for anchor, tables in script.inputs.items():
        metadata = metadata_to_wire(metadata_from_schema(tables[0].schema) if tables else ())
        anchors[anchor.name].append(IncomingConnection(anchor.connection, metadata))
    return Initialization(
        config_xml=script.config,
        incoming=tuple(IncomingAnchor(name, tuple(connections)) for name, connections in anchors.items()),
        outgoing=tuple(OutgoingAnchor(name) for name in script.outputs),
        constants={"ToolId": "7", "Engine.Version": "1", "Engine.TempFilePath": "."},
        update_mode=UpdateMode.QUICK if script.update_only else UpdateMode.NO_UPDATE_MODE,
    )


def in_process(script: Script, folder: Path) -> Outcome:
    """Plain calls."""
    outcome = Outcome()
    feeds = [Feed(anchor, tables) for anchor, tables in script.inputs.items()]
    run_in_process(script.tool, script.tool.__name__, initialization(script), feeds, outcome)
    return outcome


class Served:
    """A tool, served by a thread of this process over a real socket."""

    def __init__(self, script: Script, folder: Path, **settings: Any) -> None:
        self.address = f"unix:{folder / 'tool.sock'}"
        defaults: dict[str, Any] = {"address": self.address, "quiet": 0.05, "linger": 0.2, "grace": 0.2}
        self.service = ToolService(script.tool, script.tool.__name__, ServiceSettings(**(defaults | settings)))
        self.port = self.service.start()
        self.confirmed: bool | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self.confirmed = self.service.serve()

    def join(self, timeout: float = 10.0) -> bool:
        """Wait until the service has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()


def over_grpc(script: Script, folder: Path) -> Outcome:
    """Kedge's host and Kedge's service, with a socket in between."""
    return _through_session(script, Served(script, folder), None)


def over_shared_memory(script: Script, folder: Path) -> Outcome:
    """Kedge's host and Kedge's service, where the host has the token, and batches of any size go through memory."""
    shared = Path(tempfile.mkdtemp(prefix="shared-", dir=folder))
    with patch.object(shared_memory_writer, "SMALLEST", 0):
        return _through_session(script, Served(script, folder, token=TOKEN), TOKEN, shared)


def over_a_record_socket(script: Script, folder: Path) -> Outcome:
    """Kedge's host and Kedge's service, with records on a socket of their own."""
    return _through_session(script, Served(script, folder, token=TOKEN), TOKEN, run_directory=folder)


def over_a_record_socket_and_shared_memory(script: Script, folder: Path) -> Outcome:
    """What Kedge's host does with a process that it has started."""
    shared = Path(tempfile.mkdtemp(prefix="shared-", dir=folder))
    with patch.object(shared_memory_writer, "SMALLEST", 0):
        return _through_session(script, Served(script, folder, token=TOKEN), TOKEN, shared, folder)


def _through_session(
    script: Script, served: Served, token: str | None, shared: Path | None = None, run_directory: Path | None = None
) -> Outcome:
    outcome = Outcome()
    with ToolSession(served.address, token, outcome, shared_folder=shared, run_directory=run_directory) as session:
        session.initialize(initialization(script))
        if token is not None and not script.update_only:  # which may be over before anything is agreed
            ways = {SHARED_MEMORY: shared, RECORD_SOCKET: run_directory}
            assert {way for way, folder in ways.items() if folder is not None} <= session.agreed(20)
        if not script.update_only:
            with contextlib.suppress(EngineGone):  # a tool that fails takes no more
                for anchor, tables in script.inputs.items():
                    for table in tables:
                        session.write(anchor, table)
                    session.complete(anchor)
        session.notify_complete()
        assert session.wait(20), served.service.run
        assert session.failure is None
    assert served.join()
    return outcome


def from_a_pool(script: Script, folder: Path) -> Outcome:
    """Kedge's host, and a process of its own that was started before anybody knew which tool it would serve."""
    outcome = Outcome()
    target = resolve_target(script.tool)

    def prepare(_process: object, _folder: Path) -> tuple[Initialization, list[Feed]]:
        return initialization(script), [Feed(anchor, tables) for anchor, tables in script.inputs.items()]

    with ToolPool(1) as pool:
        assert pool.warm_up(script.tool)
        launch = Launch(target.require_command(), {**target.environment, "KEDGE_LOG_DIR": str(folder)}, pool=pool)
        run_out_of_process(launch, prepare, outcome)
        assert pool.statistics().handed_out == 1
    return outcome


@dataclass
class RawClient:
    """An engine that knows the .proto alone; the flags are the ways in which engines differ."""

    completions_on: str | None = "control"
    """``control``, ``records``, or None for an engine that only half-closes RecordTransfer."""
    half_close: bool = True
    chunk_size: int = 1 << 20
    notify_first: bool = False
    notify_update_only: bool = True

    def __call__(self, script: Script, folder: Path) -> Outcome:
        served = Served(script, folder)
        with grpc.insecure_channel(served.address) as channel:
            streams = RawStreams(channel)
            streams.control(plugin_initialization_data=raw_initialization(script))
            outcome = self._converse(script, streams)
        assert served.join()
        return outcome

    def _converse(self, script: Script, streams: RawStreams) -> Outcome:
        if script.update_only:
            if self.notify_update_only:
                streams.control(notify_complete={})
        else:
            if self.notify_first:
                streams.control(notify_complete={})
            self._send_records(script, streams)
            if not self.notify_first:
                streams.control(notify_complete={})
        return streams.read_all()

    def _send_records(self, script: Script, streams: RawStreams) -> None:
        for anchor, tables in script.inputs.items():
            for table in tables:
                streams.batch(anchor, table, self.chunk_size)
            named = {"anchor_name": anchor.name, "connection_name": anchor.connection}
            if self.completions_on == "control":
                streams.control(incoming_connection_complete=named)
            elif self.completions_on == "records":
                streams.records(incoming_connection_complete=named)
        if self.half_close:
            streams.end_records()


class RawStreams:
    """Both streams of a raw client."""

    def __init__(self, channel: grpc.Channel, metadata: CallMetadata = ()) -> None:
        self._control_out: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._records_out: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.control_in = self._open(channel, CONTROL, self._control_out, "ControlOut", metadata)
        self.records_in = self._open(channel, RECORD_TRANSFER, self._records_out, "RecordTransferOut", metadata)

    @staticmethod
    def _open(
        channel: grpc.Channel,
        method: str,
        out: queue.SimpleQueue[Any],
        reply: str,
        metadata: tuple[tuple[str, str], ...],
    ) -> Any:
        call = channel.stream_stream(
            method,
            request_serializer=lambda message: message if isinstance(message, bytes) else message.SerializeToString(),
            response_deserializer=message_class(reply).FromString,
        )
        return call(iter(out.get, None), metadata=metadata, wait_for_ready=True)

    def control(self, **payload: Any) -> None:
        """Send on Control."""
        self._control_out.put(message_class("ControlIn")(**payload))

    def records(self, **payload: Any) -> None:
        """Send on RecordTransfer."""
        self._records_out.put(message_class("RecordTransferIn")(**payload))

    def raw_records(self, data: bytes) -> None:
        """Send any bytes on RecordTransfer."""
        self._records_out.put(data)

    def raw_control(self, data: bytes) -> None:
        """Send any bytes on Control."""
        self._control_out.put(data)

    def batch(self, anchor: Anchor, table: pa.Table, chunk_size: int = 1 << 20, *, end: bool = True) -> None:
        """Send one batch in chunks; without ``end`` its last chunk is kept back."""
        data = ipc_bytes(table)
        chunks = [data[i : i + chunk_size] for i in range(0, len(data), chunk_size)]
        for number, chunk in enumerate(chunks, 1):
            if number < len(chunks) or end:
                self.chunk(anchor, chunk, end=number == len(chunks))

    def chunk(self, anchor: Anchor, data: bytes, *, end: bool) -> None:
        """Send one chunk."""
        self.records(
            incoming_records={
                "anchor_name": anchor.name,
                "connection_name": anchor.connection,
                "data": data,
                "end_of_chunk": end,
            }
        )

    def end_records(self) -> None:
        """Half-close RecordTransfer."""
        self._records_out.put(None)

    def end_control(self) -> None:
        """Half-close Control."""
        self._control_out.put(None)

    def read_all(self) -> Outcome:
        """Read both streams to the confirmation and the end, answering requests."""
        outcome = Outcome()
        reader = threading.Thread(target=self._read_records, args=(outcome,), daemon=True)
        reader.start()
        last = None
        for message in self.control_in:
            last = message.WhichOneof("payload")
            self._take(message, last, outcome)
        assert last == "confirm_complete"
        self.end_records()
        self.end_control()
        reader.join(10)
        return outcome

    def _take(self, message: Any, payload: str, outcome: Outcome) -> None:
        if payload == "output_message":
            kind = MessageType(message.output_message.message_type).name
            outcome.messages.append((kind, message.output_message.message))
        elif payload == "update_progress":
            outcome.progress.append(round(message.update_progress.value, 3))
        elif payload == "outgoing_metadata":
            push = message.outgoing_metadata
            assert pa.ipc.read_schema(pa.py_buffer(push.schema)).names == [f.name for f in push.metadata.fields]
            outcome.columns[push.output_anchor_name] = [f.name for f in push.metadata.fields]
        elif payload == "translate_message":
            text = message.translate_message
            translated = f"[{text.unlocalized_string.format(*text.interpolation_data)}]"
            self.control(translated_message={"translated_message": translated}, msg_id=message.msg_id)
        elif payload == "decrypt_password":
            self.control(
                decrypted_password={"password": message.decrypt_password.password[::-1]}, msg_id=message.msg_id
            )
        elif payload == "dcm_e_request":
            verb = message.dcm_e_request.v2.WhichOneof("Request")
            answer = message_class("DcmEResponse")(success=True)
            answer.response["verb"] = verb
            answer.response["connection_id"] = getattr(message.dcm_e_request.v2, verb).connection_id
            self.control(dcm_e_response=answer, msg_id=message.msg_id)

    def _read_records(self, outcome: Outcome) -> None:
        halves: dict[str, io.BytesIO] = defaultdict(io.BytesIO)
        for message in self.records_in:
            if message.WhichOneof("payload") == "close_outgoing_anchor":
                outcome.closed.append(message.close_outgoing_anchor.name)
                continue
            records = message.outgoing_records
            halves[records.anchor_name].write(records.data)
            if records.end_of_chunk:
                data = halves.pop(records.anchor_name).getvalue()
                outcome.rows[records.anchor_name] += pa.ipc.open_stream(data).read_all().to_pylist()


def ipc_bytes(table: pa.Table) -> bytes:
    """A batch as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def raw_initialization(script: Script) -> Any:
    """The script's first message, as a raw client writes it."""
    incoming: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for anchor in script.inputs:
        incoming[anchor.name].append({"name": anchor.connection})
    return {
        "configXml": script.config,
        "incomingAnchors": [{"name": name, "connections": list_} for name, list_ in incoming.items()],
        "outgoingAnchors": [{"name": name, "num_connections": 1} for name in script.outputs],
        "engineConstants": {"ToolId": "7", "Engine.Version": "1", "Engine.TempFilePath": "."},
        "updateMode": 2 if script.update_only else 0,
    }


def adapters() -> Iterator[tuple[str, Adapter]]:
    """Every way to run a tool, by name; but :func:`from_a_pool`, in which each run takes the start of a process."""
    yield "in process", in_process
    yield "kedge over grpc", over_grpc
    if SUPPORTED:
        yield "kedge over grpc with shared memory", over_shared_memory
    if record_socket.SUPPORTED:
        yield "kedge over a record socket", over_a_record_socket
        yield "kedge over a record socket with shared memory", over_a_record_socket_and_shared_memory
    yield "raw, completions on Control", RawClient()
    yield "raw, completions on RecordTransfer", RawClient(completions_on="records", half_close=False)
    yield "raw, completions on Control, open stream", RawClient(half_close=False)
    yield "raw, half-close alone", RawClient(completions_on=None)
    yield "raw, small chunks", RawClient(chunk_size=97)
    yield "raw, notify_complete first", RawClient(notify_first=True)
    yield "raw, update-only runs without notify_complete", RawClient(notify_update_only=False)
