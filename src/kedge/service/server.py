"""The gRPC server of a tool process, and the port through which its run speaks."""

from __future__ import annotations

import hmac
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import TYPE_CHECKING, Any

import grpc

from kedge.exceptions import EngineGone, ProtocolError
from kedge.lifecycle import Lifecycle
from kedge.lifecycle.events import (
    BatchArrived,
    ChunkArrived,
    Confirm,
    ConnectionCompleted,
    ControlClosed,
    Disconnected,
    RecordsClosed,
    SendBatch,
    Violated,
)
from kedge.lifecycle.limits import CONTROL_BUDGET
from kedge.sdk.sizes import batch_bytes, overhead_bytes
from kedge.service.direct_records import DirectRecords
from kedge.service.hang import HangWatch, callback_report
from kedge.service.negotiation import capabilities_in_common, negotiate
from kedge.tool_run import ToolRun
from kedge.wire.byte_queue import ByteQueue
from kedge.wire.capabilities import CAPABILITIES_KEY, SHARED_MEMORY
from kedge.wire.control import decode_control_in, encode_control_out
from kedge.wire.grpc_names import CHANNEL_OPTIONS, CONTROL_METHOD, RECORDS_METHOD, SERVICE_NAME
from kedge.wire.process_lines import STACK_PREFIX
from kedge.wire.record_streams import RecordReader, RecordWriter
from kedge.wire.records import CloseAnchor, ConnectionComplete, Direction, Records, encode_outgoing
from kedge.wire.shared_memory_writer import pool_share
from kedge.wire.statistics import ConnectionStatistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kedge.lifecycle.events import ControlAction, Event, RecordAction
    from kedge.service.negotiation import Agreement
    from kedge.service.settings import ServiceSettings
    from kedge.tool_run import ToolFactory

__all__ = ["ToolService"]

logger = logging.getLogger(__name__)


class ToolService:
    """Serves one run of one tool: both streams, their queues, and the run between them."""

    def __init__(self, tool_factory: ToolFactory, tool_name: str, settings: ServiceSettings) -> None:
        self.settings = settings
        lifecycle = Lifecycle(quiet=settings.quiet, budget=settings.incoming_budget)
        self.run = ToolRun(tool_factory, tool_name, lifecycle, self)
        self._control_queue: ByteQueue[bytes] = ByteQueue(CONTROL_BUDGET)
        self._records_queue: ByteQueue[RecordAction] = ByteQueue(settings.outgoing_budget)
        self._opening = threading.Lock()
        self._opened: set[str] = set()
        self._reader = RecordReader(Direction.INCOMING)
        self._writer = RecordWriter(Direction.OUTGOING)
        self._direct: DirectRecords | None = None
        self._records_opened = threading.Event()
        self._closed_by_engine = {CONTROL_METHOD: threading.Event(), RECORDS_METHOD: threading.Event()}
        self._confirmed = False
        self._ended = threading.Event()
        self._records_ended = threading.Event()
        self._lost = False
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(4, "kedge-stream")
        self._server = grpc.server(self._pool, options=CHANNEL_OPTIONS)
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            CONTROL_METHOD: grpc.stream_stream_rpc_method_handler(self._serve_control),
            RECORDS_METHOD: grpc.stream_stream_rpc_method_handler(self._serve_records),
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))

    def start(self) -> int:
        """Listen on the address of the settings and return the port. Raises RuntimeError where that cannot be had."""
        address, certificates = self.settings.address, self.settings.certificates
        if certificates is None:
            port = self._server.add_insecure_port(address)
        else:
            port = self._server.add_secure_port(address, certificates.server())
        self._server.start()
        return port

    def serve(self) -> bool:
        """Run the tool on this thread until the run is over; True where it was confirmed to the engine."""
        watch = HangWatch(self.run, self.settings.hang_after)
        patience = threading.Timer(self.settings.connect_within, self._give_up_waiting)
        patience.daemon = True
        patience.start()
        try:
            self.run.run()
        except BaseException:  # of Kedge's own; what serves the streams would wait for ever, and so would the engine
            self._server.stop(None)
            raise
        self._over.set()
        patience.cancel()
        watch.stop()
        if self._direct is not None and self._confirmed:
            self._direct.end()
        if self._confirmed:
            self._records_queue.close()
            self._control_queue.close()
            self._ended.wait(self.settings.linger + self.settings.grace)
            if RECORDS_METHOD in self._opened:
                self._records_ended.wait()
        self._server.stop(self.settings.grace if self._confirmed else None).wait()
        self._pool.shutdown()
        logger.info("%s", self.statistics())
        self._writer.close()
        self._reader.close()
        if self._direct is not None:
            self._direct.close()
        return self._confirmed

    def statistics(self) -> ConnectionStatistics:
        """What passed so far."""
        run = self.run.statistics()
        sent = self._records_queue.statistics()._replace(items=run.batches_out, bytes=run.bytes_out)
        return ConnectionStatistics(sent, self._writer.statistics(), run.batches_in, run.bytes_in)

    def report(self) -> dict[str, Any]:
        """What passed the tool and this end of the connection so far, in JSON values."""
        return {"records": self.run.statistics()._asdict(), "transport": self.statistics().as_json()}

    # --- the port -----------------------------------------------------------------------------------------------------

    def send_control(self, action: ControlAction) -> None:
        """Queue a message for Control."""
        data = encode_control_out(action)
        if isinstance(action, Confirm):
            self._confirmed = True
        try:
            self._control_queue.put(data, len(data))
        except EngineGone:
            logger.debug("not sent, the engine is gone: %r", action)

    def send_records(self, action: RecordAction) -> None:
        """Queue a batch or a close for RecordTransfer, or send it directly; blocks while there is no room."""
        if self._direct is None and self.settings.token is not None:
            self._records_opened.wait()  # only then it is known which way records go
        if self._direct is not None:
            try:
                self._direct.send(action)
            except OSError as error:
                raise EngineGone("the engine takes no more records") from error
            return
        size = batch_bytes(action.table) + overhead_bytes(action.table) if isinstance(action, SendBatch) else 0
        self._records_queue.put(action, size)

    def flush_records(self) -> None:
        """Block until all that was queued for RecordTransfer is on its way."""
        if self._records_queue.statistics().items:
            self._records_queue.flush()

    def pump(self, timeout: float | None) -> bool:
        """Take the next message of a record socket, or what has rung; elsewhere, streams have their own threads."""
        if (direct := self._direct) is None:
            return False
        if direct.wait(timeout, wanted=self.run.lifecycle.wants_records):
            self._take_directly(direct)
        return True

    def _take_directly(self, direct: DirectRecords) -> None:
        try:
            message = direct.receive()
        except OSError:
            self._lose("the engine broke the records off")
        except ProtocolError as error:
            self.run.feed(Violated(str(error)))
        else:
            if message is None:
                self.run.feed(RecordsClosed())
            else:
                self._or_violation(self._take_records, message)

    def _feed(self, event: Event) -> None:
        """Feed an event from a thread that is not the run's."""
        self.run.feed(event)
        if self._direct is not None:
            self._direct.ring()

    # --- streams ------------------------------------------------------------------------------------------------------

    def _serve_control(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        self._admit(CONTROL_METHOD, context)
        context.add_callback(self._control_ended)
        self._read(CONTROL_METHOD, self._read_control, requests, context)
        yield from self._control_queue
        if self.run.lifecycle.failed or self.run.lifecycle.update_only:
            self._closed_by_engine[CONTROL_METHOD].wait(self.settings.linger)

    def _serve_records(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        self._admit(RECORDS_METHOD, context)
        if not context.add_callback(self._records_over):
            self._records_over()
        self._read(RECORDS_METHOD, self._read_records, requests, context)
        for bunch in self._records_queue.bunches():
            for (anchor, kind), actions in groupby(bunch, key=lambda action: (action.anchor, type(action))):
                if kind is SendBatch:
                    yield from self._writer.encode(anchor, "", (a.table for a in actions if isinstance(a, SendBatch)))
                else:
                    yield encode_outgoing(CloseAnchor(anchor))
        if self.run.lifecycle.failed:
            self._closed_by_engine[RECORDS_METHOD].wait(self.settings.linger)

    def _admit(self, method: str, context: grpc.ServicerContext) -> None:
        metadata = dict(context.invocation_metadata())
        token = self.settings.token
        if token is not None and not hmac.compare_digest(str(metadata.get("authorization", "")), f"Bearer {token}"):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "this tool process serves the host that started it")
        with self._opening:
            first = method not in self._opened
            self._opened.add(method)
        if not first:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{method} is open already: a process serves one run")
        if method == RECORDS_METHOD:
            accepted = self._agree(negotiate(metadata, self.settings))
        else:
            accepted = capabilities_in_common(metadata)
        if accepted:
            context.send_initial_metadata(((CAPABILITIES_KEY, ",".join(sorted(accepted))),))

    def _agree(self, agreement: Agreement) -> frozenset[str]:
        capabilities, self._reader, self._writer, socket = agreement
        if SHARED_MEMORY in capabilities:
            self._records_queue.cede(pool_share(self.settings.outgoing_budget))
        if socket is not None:
            self._direct = DirectRecords(socket, self._writer)
        self._records_opened.set()
        self.run.recheck()
        return capabilities

    def _read(
        self,
        method: str,
        read: Callable[[Iterator[bytes]], None],
        requests: Iterator[bytes],
        context: grpc.ServicerContext,
    ) -> None:
        def body() -> None:
            try:
                read(requests)
            except grpc.RpcError:
                self._lose(f"the engine broke {method} off")
            except Exception as error:  # of Kedge's own; nobody else reads on
                logger.exception("what came on %s cannot be taken", method)
                self._feed(Violated(f"what came on {method} cannot be taken: {type(error).__name__}: {error}"))
            else:
                self._half_closed(method, context)
            finally:
                self._closed_by_engine[method].set()

        threading.Thread(target=body, name=f"kedge-read-{method}", daemon=True).start()

    def _half_closed(self, method: str, context: grpc.ServicerContext) -> None:
        if not context.is_active():
            self._lose(f"the engine broke {method} off")
        elif method == CONTROL_METHOD:
            self._feed(ControlClosed())
        elif self._direct is None:
            self._feed(RecordsClosed())

    def _read_control(self, requests: Iterator[bytes]) -> None:
        for data in requests:
            self._or_violation(self._take_control, data)

    def _read_records(self, requests: Iterator[bytes]) -> None:
        for data in requests:
            if self._direct is not None:
                self._feed(Violated("records came over gRPC, after it was agreed that they come over a socket"))
                continue
            self._or_violation(self._take_records, data)
            self.run.wait_until_wanted()

    def _or_violation(self, take: Callable[[bytes], None], data: bytes) -> None:
        try:
            take(data)
        except ProtocolError as error:
            self._feed(Violated(str(error)))

    def _take_control(self, data: bytes) -> None:
        event = decode_control_in(data)
        if event is not None:
            self._feed(event)

    def _take_records(self, data: bytes) -> None:
        message = self._reader.decode(data)
        if isinstance(message, Records):
            batches = self._reader.batches(message)
            if not batches:
                self.run.feed(ChunkArrived(message.anchor, message.connection, len(message.data)))
            for table, size in batches:
                overhead = overhead_bytes(table)
                self.run.feed(BatchArrived(message.anchor, message.connection, table, size, overhead))
        elif isinstance(message, ConnectionComplete):
            self.run.feed(ConnectionCompleted(message.anchor, message.connection, in_band=True))

    # --- the end ------------------------------------------------------------------------------------------------------

    def _control_ended(self) -> None:
        self._ended.set()
        if not self._confirmed:
            self._lose("the engine went away in the middle of the run")

    def _records_over(self) -> None:
        self._records_ended.set()
        if not self._confirmed:
            self._lose("the engine broke RecordTransfer off")

    def _lose(self, reason: str) -> None:
        with self._opening:
            first, self._lost = not self._lost, True
        if self._confirmed or not first:
            return
        gone = EngineGone(reason)
        self._records_queue.close(gone)
        self._control_queue.close(gone)
        self._records_opened.set()
        self.run.feed(Disconnected(reason))
        if self._direct is not None:
            self._direct.break_off()
        threading.Thread(target=self._leave_soon, args=(reason,), name="kedge-leave", daemon=True).start()

    def _give_up_waiting(self) -> None:
        if not self._opened:
            self._lose(f"no engine called within {self.settings.connect_within:g} s")

    def _leave_soon(self, reason: str) -> None:
        """End the process where a callback goes on and on after the engine is gone."""
        if self._over.wait(self.settings.grace) or (report := callback_report(self.run)) is None:
            return
        logger.info("%s: %s", reason, report)
        print(f"{STACK_PREFIX}{report}", file=sys.__stderr__, flush=True)
        logging.shutdown()
        os._exit(3)
