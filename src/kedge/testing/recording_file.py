"""A recording on disk.

``NAME.jsonl`` has a line of JSON for all that was said, in order; the first says that it is a recording, and of which
version. Records are in ``NAME.arrows``, Arrow IPC streams one after the other: their line tells where (``at`` and
``bytes``) and, for people, how many rows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.testing.recording_lines import Line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["read_recording", "write_recording"]

_HEADER = {"kedge": "recording", "version": 1}
_PLACE = ("rows", "at", "bytes")


def write_recording(path: Path, lines: Iterable[Line]) -> None:
    """Write both files, and their folder; what was there is replaced. Raises UsageError where that cannot be."""
    streams = bytearray()
    texts = [json.dumps(_HEADER)]
    for fields, table in lines:
        place: dict[str, int] = {}
        if table is not None:
            stream = _encoded(table)
            place = dict(zip(_PLACE, (table.num_rows, len(streams), len(stream)), strict=True))
            streams += stream
        texts.append(json.dumps({**fields, **place}, ensure_ascii=False))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*texts, ""]), encoding="utf-8")
        path.with_suffix(".arrows").write_bytes(streams)
    except OSError as error:
        raise UsageError(f"the recording {path} cannot be written: {error.strerror}") from error


def read_recording(path: Path) -> list[Line]:
    """The lines of a recording. Raises UsageError naming the file and line where it is damaged."""
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
        streams = pa.py_buffer(path.with_suffix(".arrows").read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the recording {path} cannot be read: {error}") from error
    if not texts or _parsed(path, 1, texts[0]) != _HEADER:
        raise UsageError(f"{path} is no recording of version {_HEADER['version']}: record it anew")
    return [_line(path, number, text, streams) for number, text in enumerate(texts[1:], 2)]


def _line(path: Path, number: int, text: str, streams: pa.Buffer) -> Line:
    fields = _parsed(path, number, text)
    if "bytes" not in fields:
        return Line(fields)
    _, at, size = (fields.pop(name) for name in _PLACE)
    try:
        return Line(fields, pa.ipc.open_stream(streams.slice(at, size)).read_all())
    except (pa.ArrowException, OSError, IndexError) as error:
        raise UsageError(f"{path.with_suffix('.arrows')}, for line {number} of {path.name}: {error}") from error


def _parsed(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path}, line {number}: {error}") from error
    if not isinstance(fields, dict):
        raise UsageError(f"{path}, line {number}: an object is expected")
    return fields


def _encoded(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]
