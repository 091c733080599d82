"""``SdkToolTestService``: one tool, its callbacks called one by one from a test.

Underneath is the same lifecycle as in a real run, so that a tool is given what an engine would give it, and what it
writes is checked and converted as an engine would have it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.lifecycle import Lifecycle, State
from kedge.lifecycle.events import (
    Answered,
    BatchArrived,
    ConnectionCompleted,
    DeliverCompletion,
    Initialized,
    NotifyComplete,
    SendBatch,
    SendMessage,
    SendRequest,
)
from kedge.loading import tool_class
from kedge.sdk.constants import Anchor, MessageType
from kedge.sdk.initialization import IncomingAnchor, IncomingConnection, Initialization, OutgoingAnchor
from kedge.sdk.io import format_message
from kedge.sdk.outlet import DcmAnswer, DecryptRequest, PasswordAnswer, TranslatedMessage, TranslateRequest
from kedge.sdk.schemas import metadata_from_schema
from kedge.sdk.version import __version__
from kedge.tool_run import ToolRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.lifecycle.events import Call, ControlAction, Event, RecordAction
    from kedge.sdk.outlet import Answer, Message, Request

__all__ = ["MAPPING", "BatchTuple", "SdkToolTestService"]

MAPPING = ["NONE", "INFO", "WARN", "ERROR", "FILEINPUT", "FILEOUTPUT"]
"""The kinds of messages, as ``io_stream`` shows them."""

CONNECTION = "1"
"""The name of the connection to every incoming anchor."""


class BatchTuple(NamedTuple):
    """What a test gives a tool, and what it expects of it."""

    input_data: Any
    expected_output_data: Any


class SdkToolTestService:
    """Makes a tool and calls its callbacks.

    ``plugin_class`` is a tool of V2 or V1. An anchor named in ``input_anchor_config`` is connected; its connection is
    called ``"1"``, and the schema, which may be None, is what the engine announces for it. ``config_mock`` is the
    configuration as XML.

    After the construction and after each ``run_…`` call, ``io_stream`` holds that call's messages (``"INFO:…"``) and
    ``data_streams`` what it wrote, ``{anchor: [RecordBatch, …]}``. An exception of the tool's leaves the call that
    caused it, with the message that an engine would have got in ``io_stream``; as in every run, the tool is called no
    more after that.

    Messages are translated by filling their places; passwords come back as they are; the connection manager refuses
    every request.
    """

    MAPPING: ClassVar[list[str]] = MAPPING

    def __init__(
        self,
        plugin_class: type[Any],
        input_anchor_config: Mapping[str, pa.Schema | None],
        output_anchor_config: Mapping[str, pa.Schema | None],
        config_mock: str,
    ) -> None:
        self._port = _RecordingPort()
        self._run = _SteppedRun(tool_class(plugin_class, plugin_class.__name__), plugin_class.__name__, self._port)
        self._port.run = self._run
        self._anchors = list(input_anchor_config)
        self.io_stream: list[str] = []
        self.data_streams: dict[str, list[pa.RecordBatch]] = {}
        self._step(Initialized(_initialization(input_anchor_config, output_anchor_config, config_mock)))

    @property
    def plugin(self) -> Any:
        """The tool; of a V1 tool its own instance."""
        return getattr(self._run.plugin, "plugin", self._run.plugin) if self._run.runs_v1 else self._run.plugin

    def run_on_record_batch(self, batch: pa.Table | pa.RecordBatch, anchor: Anchor) -> None:
        """Call ``on_record_batch``; a RecordBatch is handed over as it is. Raises what the tool raises."""
        self._check(anchor)
        self._step(BatchArrived(anchor[0], anchor[1], batch, batch.nbytes))

    def run_on_incoming_connection_complete(self, anchor: Anchor) -> None:
        """Call ``on_incoming_connection_complete``. Raises what the tool raises."""
        self._check(anchor)
        self._run.wanted_completion = Anchor(*anchor)
        self._step(ConnectionCompleted(anchor[0], anchor[1], in_band=True))

    def run_on_complete(self) -> None:
        """Call ``on_complete``, and nothing else: connections that are open complete in silence."""
        self._check_running()
        self._run.wanted_completion = None
        self._step(ConnectionCompleted(None, None, in_band=True), NotifyComplete())

    def _step(self, *events: Event) -> None:
        self._port.begin(events)
        try:
            self._run.run_until_idle()
        finally:
            self.io_stream = [_line(message) for message in self._port.messages if _shown(message)]
            self.data_streams = {anchor: _combined(tables) for anchor, tables in self._port.records.items()}

    def _check(self, anchor: Anchor) -> None:
        self._check_running()
        if anchor[0] not in self._anchors or anchor[1] != CONNECTION:
            known = ", ".join(f"Anchor({name!r}, {CONNECTION!r})" for name in self._anchors) or "none"
            raise UsageError(f"{anchor!r} is no connection of this test service; its connections are {known}")

    def _check_running(self) -> None:
        if self._run.lifecycle.state is not State.RUNNING:
            raise UsageError(
                f"the run of {self._run.tool_name} is over: no call comes after on_complete or an exception"
            )


class _Idle(BaseException):
    """The run has nothing to do until the test calls again."""


class _SteppedRun(ToolRun):
    """A run that stops when it is idle, and lets the tool's exceptions out."""

    def __init__(self, tool: type[Any], name: str, port: _RecordingPort) -> None:
        super().__init__(tool, name, Lifecycle(quiet=0.0), port)
        self.runs_v1 = hasattr(tool, "v1_class")
        self.wanted_completion: Anchor | None = None
        self._raised: BaseException | None = None

    def run_until_idle(self) -> None:
        """Run on. Raises what the tool raised."""
        with contextlib.suppress(_Idle):
            self.run()
        if self._raised is not None:
            raised, self._raised = self._raised, None
            raise raised

    def _invoke(self, call: Call) -> None:
        if isinstance(call, DeliverCompletion) and call.anchor != self.wanted_completion:
            return
        try:
            super()._invoke(call)
        except BaseException as error:
            self._raised = error
            raise


class _RecordingPort:
    """Keeps what the run sends; feeds the events of one step."""

    run: ToolRun

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.records: dict[str, list[pa.Table]] = {}
        self._events: deque[Event] = deque()

    def begin(self, events: tuple[Event, ...]) -> None:
        """Forget the last step."""
        self.messages, self.records = [], {}
        self._events.extend(events)

    def send_control(self, action: ControlAction) -> None:
        """Keep a message; answer a request."""
        if isinstance(action, SendMessage):
            self.messages.append(action.message)
        elif isinstance(action, SendRequest):
            self.run.feed(Answered(action.msg_id, _answer(action.request)))

    def send_records(self, action: RecordAction) -> None:
        """Keep records."""
        if isinstance(action, SendBatch):
            self.records.setdefault(action.anchor, []).append(action.table)

    def flush_records(self) -> None:
        """Nothing is ever held back."""

    def pump(self, timeout: float | None) -> bool:  # noqa: ARG002 - a port's signature
        """Feed the next event of the step; leave the run where there is none."""
        if not self._events:
            raise _Idle
        self.run.feed(self._events.popleft())
        return True


def _initialization(
    inputs: Mapping[str, pa.Schema | None], outputs: Mapping[str, pa.Schema | None], config: str
) -> Initialization:
    temp_dir = f"{tempfile.gettempdir()}{os.sep}"
    return Initialization(
        config_xml=config,
        incoming=tuple(
            IncomingAnchor(name, (IncomingConnection(CONNECTION, _announced(schema)),))
            for name, schema in inputs.items()
        ),
        outgoing=tuple(OutgoingAnchor(name, 1, _announced(schema)) for name, schema in outputs.items()),
        constants={
            "Engine.Version": __version__,
            "AlteryxExecutable": str(Path(sys.executable).parent),
            "Engine.WorkflowDirectory": f"{Path.cwd()}{os.sep}",
            "Engine.TempFilePath": temp_dir,
            "ToolId": "1",
            "WorkflowRunGuid": "00000000-0000-0000-0000-000000000000",
        },
    )


def _announced(schema: pa.Schema | None) -> Any:
    from kedge.wire.metadata import metadata_to_wire

    return metadata_to_wire(metadata_from_schema(schema) if schema is not None else ())


def _answer(request: Request) -> Answer:
    if isinstance(request, TranslateRequest):
        return TranslatedMessage(format_message(request.text, request.args))
    if isinstance(request, DecryptRequest):
        return PasswordAnswer(request.text)
    return DcmAnswer(False, {"message": "the test service has no connection manager", "errorCode": ""})


def _shown(message: Message) -> bool:
    return message.kind is not MessageType.UPDATE_CONFIG


def _line(message: Message) -> str:
    return f"{message.kind.name}:{message.text}"


def _combined(tables: list[pa.Table]) -> list[pa.RecordBatch]:
    """As few batches as the schema allows: one, unless text or bytes of a column need more than 2 GiB."""
    table = pa.concat_tables(tables).combine_chunks()
    return table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
