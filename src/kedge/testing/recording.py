"""A run as a regression file: recorded once, compared with from then on, and replayed."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.testing.comparison import table_differences
from kedge.testing.harness import Connection, ToolHarness
from kedge.testing.recording_file import read_recording, write_recording
from kedge.testing.recording_lines import (
    Line,
    answer_from,
    is_update,
    lines_of,
    request_from,
    schemas_from,
    told_from,
)
from kedge.testing.tape import Tape

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from kedge.sdk.constants import Anchor
    from kedge.sdk.outlet import Answer, Request
    from kedge.testing.outcome import Outcome

__all__ = ["compare_with_recording", "replay"]

_SHOWN = 5
_OF_RECORDS = ("batch", "close")
_RENEW = "if that is meant, renew the recording with pytest --kedge-record"


def compare_with_recording(outcome: Outcome, path: str | os.PathLike[str], *, renew: bool = False) -> None:
    """Raise AssertionError where a run is not, bit for bit, what was recorded; record it with ``renew``.

    What the engine said counts too, so a changed input is not taken for a changed tool. The two streams of the protocol
    are compared each for itself, as nothing orders them. Raises UsageError for a recording that is missing or damaged,
    and for a run that is not over.
    """
    path = Path(path)
    lines = lines_of(outcome)
    if not any(line.fields.get("told") == "end" for line in lines):
        raise UsageError("the run is not over, so it cannot be recorded: finish() it first")
    if renew:
        write_recording(path, lines)
        return
    if not path.exists():
        raise UsageError(f"there is no recording {path}: make it with pytest --kedge-record")
    differences = list(_differences(lines, read_recording(path)))
    if differences:
        shown = "\n".join(f"  {difference}" for difference in differences[:_SHOWN])
        more = f"\n  and {len(differences) - _SHOWN:,} more" if len(differences) > _SHOWN else ""
        raise AssertionError(f"the run is not that of {path}:\n{shown}{more}\n{_RENEW}")


def replay(path: str | os.PathLike[str], tool: type[Any] | str, *, process: bool = False) -> Outcome:
    """Run a tool as it was run for a recording: the same configuration, batches, order and answers.

    With ``process`` in a process of its own. Returns the outcome. Raises AssertionError where it is not, bit for bit,
    what was recorded, and UsageError for a damaged recording.
    """
    lines = read_recording(Path(path))
    start = lines[0]
    if start.fields.get("told") != "start":
        raise UsageError(f"{path}: the first line after the header must be the start")
    told = told_from(lines)
    connections = [Connection(a, schema, _tables_of(lines, a)) for a, schema in schemas_from(start).items()]
    answers = _RecordedAnswers(lines)
    harness = ToolHarness(
        tool,
        config=start.fields["config"],
        outputs=start.fields["outgoing"],
        constants=start.fields["constants"],
        process=process,
    )
    with harness:
        outcome = harness.run_connections(
            connections, update_only=is_update(start), make_tape=lambda _services: Tape(answers), told=told
        )
    compare_with_recording(outcome, path)
    return outcome


def _tables_of(lines: Sequence[Line], anchor: Anchor) -> list[pa.Table]:
    return [
        line.table
        for line in lines
        if line.fields.get("told") == "batch" and (line.fields["anchor"], line.fields["connection"]) == anchor
    ]


class _RecordedAnswers:
    """Answers requests as they were answered; each answer serves once."""

    def __init__(self, lines: Sequence[Line]) -> None:
        requests = [request_from(line) for line in lines if line.fields.get("said") == "request"]
        answers = [answer_from(line) for line in lines if line.fields.get("said") == "answer"]
        self._pairs = list(zip(requests, answers, strict=True))

    def __call__(self, request: Request) -> Answer:
        for number, (asked, answer) in enumerate(self._pairs):
            if asked == request:
                del self._pairs[number]
                return answer
        raise UsageError(f"the recording has no answer to {request}")


# --- differences ------------------------------------------------------------------------------------------------------


def _differences(actual: Sequence[Line], recorded: Sequence[Line]) -> Iterator[str]:
    for stream in _STREAMS:
        found, wanted = (list(filter(stream, lines)) for lines in (actual, recorded))
        for left, right in zip_longest(found, wanted):
            yield from _line_differences(left, right)


_STREAMS: tuple[Callable[[Line], bool], ...] = (
    lambda line: "told" in line.fields,
    lambda line: line.fields.get("said") in _OF_RECORDS,
    lambda line: "said" in line.fields and line.fields["said"] not in _OF_RECORDS,
)


def _line_differences(actual: Line | None, recorded: Line | None) -> Iterator[str]:
    if actual is None or recorded is None:
        line = actual or recorded
        assert line is not None
        yield f"{'more' if recorded is None else 'missing'}: {_described(line)}"
    elif actual.fields != recorded.fields:
        yield f"{_described(actual)}, recorded {_described(recorded)}"
    elif actual.table is not None and recorded.table is not None:
        where = _described(actual._replace(table=None))
        yield from (f"{where}: {text}" for text in _table_differences(actual.table, recorded.table))


def _table_differences(actual: pa.Table, recorded: pa.Table) -> list[str]:
    """Every difference; of numbers that look the same, such as two zeros or two NaN, the bits."""
    differences = table_differences(actual, recorded, check_metadata=True)
    return differences or table_differences(_as_bits(actual), _as_bits(recorded))


def _as_bits(table: pa.Table) -> pa.Table:
    return pa.table({f"{name} (bits)": _bits(table[name]) for name in table.column_names})


def _bits(column: pa.ChunkedArray) -> Any:
    if not pa.types.is_floating(column.type):
        return column
    return pa.chunked_array(
        [chunk.view(f"int{column.type.bit_width}") for chunk in column.chunks], f"int{column.type.bit_width}"
    )


def _described(line: Line) -> str:
    rows = "" if line.table is None else f", {line.table.num_rows:,} rows"
    return f"{', '.join(f'{key} {value!r}' for key, value in line.fields.items())}{rows}"
