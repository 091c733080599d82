"""What was said in a run, as lines of JSON and the tables that belong to them."""

from __future__ import annotations

import struct
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from kedge.lifecycle.events import (
    Answered,
    BatchArrived,
    CloseAnchor,
    ConnectionCompleted,
    Initialized,
    NotifyComplete,
    PushMetadata,
    SendBatch,
    SendMessage,
    SendProgress,
    SendRequest,
)
from kedge.sdk.constants import Anchor, MessageType, UpdateMode
from kedge.sdk.fields import Field, FieldType
from kedge.sdk.outlet import (
    DcmAnswer,
    DcmRequest,
    DecryptRequest,
    PasswordAnswer,
    TranslatedMessage,
    TranslateRequest,
)
from kedge.sdk.schemas import schema_from_metadata
from kedge.wire.metadata import metadata_from_wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from kedge.sdk.initialization import IncomingAnchor, Initialization
    from kedge.sdk.outlet import Answer, Request
    from kedge.testing.outcome import Outcome
    from kedge.testing.tape import Entry, Told

__all__ = ["Line", "answer_from", "is_update", "lines_of", "request_from", "schemas_from", "told_from"]

_TRACEBACK = "\nTraceback (most recent call last)"
_KINDS: dict[str, type[Any]] = {
    "translate": TranslateRequest,
    "decrypt": DecryptRequest,
    "dcm": DcmRequest,
    "translated": TranslatedMessage,
    "password": PasswordAnswer,
    "dcm answer": DcmAnswer,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class Line(NamedTuple):
    """One thing that was said; ``table`` where it carried records."""

    fields: dict[str, Any]
    table: pa.Table | None = None


def lines_of(outcome: Outcome) -> list[Line]:
    """All that was said, in order.

    Left out are tracebacks, which change with every line of the tool's source, and the engine's own constants, which
    change with the machine.
    """
    return [_line(entry, outcome.constants) for entry in outcome.entries]


def _line(entry: Entry, constants: Mapping[str, str]) -> Line:
    match entry:
        case Initialized(initialization):
            return Line({"told": "start", **_start(initialization, constants)})
        case BatchArrived(anchor, connection, table):
            return Line({"told": "batch", "anchor": anchor, "connection": connection}, table)
        case ConnectionCompleted(anchor, connection):
            return Line({"told": "complete", "anchor": anchor, "connection": connection})
        case NotifyComplete():
            return Line({"told": "end"})
        case PushMetadata(anchor, metadata):
            return Line({"said": "metadata", "anchor": anchor, "fields": _fields(metadata)})
        case SendMessage(message):
            kind, text = message.kind.name.lower(), message.text
            text = text.partition(_TRACEBACK)[0] if message.kind is MessageType.ERROR else text
            return Line({"said": "message", "kind": kind, "text": text, "priority": int(message.priority)})
        case SendProgress(fraction):
            return Line({"said": "progress", "fraction": _as_on_the_wire(fraction)})
        case SendRequest(_, request):
            return Line({"said": "request", **_kind_and_fields(request)})
        case Answered(_, answer):
            return Line({"said": "answer", **_kind_and_fields(answer)})
        case SendBatch(anchor, table):
            return Line({"said": "batch", "anchor": anchor}, table)
        case CloseAnchor(anchor):
            return Line({"said": "close", "anchor": anchor})


def _start(initialization: Initialization, constants: Mapping[str, str]) -> dict[str, Any]:
    return {
        "config": initialization.config_xml,
        "update": initialization.update_mode.value,
        "constants": dict(constants),
        "incoming": [_incoming(anchor) for anchor in initialization.incoming],
        "outgoing": [anchor.name for anchor in initialization.outgoing],
    }


def _incoming(anchor: IncomingAnchor) -> dict[str, Any]:
    connections = {c.name: _fields(metadata_from_wire(c.metadata)) for c in anchor.connections}
    return {"anchor": anchor.name, "connections": connections}


def _fields(fields: Iterable[Field]) -> list[dict[str, Any]]:
    return [{**asdict(field), "type": field.type.name} for field in fields]


def _as_on_the_wire(fraction: float) -> float:
    """As the protocol carries it, so that a run in process and one over a process give the same."""
    return float(struct.unpack("<f", struct.pack("<f", fraction))[0])


def _kind_and_fields(value: Request | Answer) -> dict[str, Any]:
    fields = asdict(value)
    return {"kind": _NAMES[type(value)], **{k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}}


# --- the way back -----------------------------------------------------------------------------------------------------


def told_from(lines: Iterable[Line]) -> list[Told]:
    """What the engine said after the start."""
    told: list[Told] = []
    for fields, table in lines:
        if fields.get("told") == "batch" and table is not None:
            told.append(BatchArrived(fields["anchor"], fields["connection"], table, table.nbytes))
        elif fields.get("told") == "complete":
            told.append(ConnectionCompleted(fields["anchor"], fields["connection"], in_band=True))
        elif fields.get("told") == "end":
            told.append(NotifyComplete())
    return told


def schemas_from(start: Line) -> dict[Anchor, pa.Schema]:
    """The schema of each connection, from the line of the start."""
    return {
        Anchor(incoming["anchor"], name): schema_from_metadata([_field(field) for field in fields])
        for incoming in start.fields["incoming"]
        for name, fields in incoming["connections"].items()
    }


def is_update(start: Line) -> bool:
    """Whether the recorded run was update-only."""
    return UpdateMode(start.fields["update"]) is not UpdateMode.NO_UPDATE_MODE


def request_from(line: Line) -> Request:
    """The request of a line."""
    return _value_from(line)  # type: ignore[no-any-return]


def answer_from(line: Line) -> Answer:
    """The answer of a line."""
    return _value_from(line)  # type: ignore[no-any-return]


def _value_from(line: Line) -> Any:
    fields = {key: value for key, value in line.fields.items() if key not in ("said", "kind")}
    if "args" in fields:
        fields["args"] = tuple(fields["args"])
    return _KINDS[line.fields["kind"]](**fields)


def _field(fields: dict[str, Any]) -> Field:
    values = {**fields, "field_type": FieldType[fields["type"]]}
    del values["type"]
    return Field(**values)
