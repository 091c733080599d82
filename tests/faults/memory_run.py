"""One run of which the memory is measured: ``python memory_run.py slow-tool|slow-engine MIB``; prints JSON, in MiB.

The host's idle memory is its peak after a run of a few records; the tool's is what it held when it was constructed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.host.target import resolve_target
from kedge.host.tool_call import ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS = Path(__file__).with_name("faulty_tools.py")
PAUSE = 0.005
"""Seconds that the slow side takes for a MiB."""


class SlowSink:
    """Takes its time for each batch, and keeps nothing."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self.rows = 0

    def announce(self, schema: pa.Schema) -> None: ...

    def write(self, table: pa.Table) -> None:
        time.sleep(self._pause)
        self.rows += table.num_rows

    def close(self) -> None: ...

    def abandon(self) -> None: ...


def peak() -> int:
    """The most memory that this process held, in MiB."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) >> 10


def records(count: int) -> Iterator[pa.RecordBatch]:
    for _ in range(count):
        # New memory each time, as from a file; a slice of one buffer would hide what is kept.
        numbers = pa.Array.from_buffers(pa.int64(), 1 << 17, [None, pa.py_buffer(bytes(bytearray(1 << 20)))])
        yield pa.record_batch({"x": numbers})


def run(tool: str, mebibytes: int, pause: float) -> tuple[int, list[str]]:
    """Rows that came out, and what the tool said."""
    schema = pa.schema({"x": pa.int64()})
    inputs = {"Input": pa.RecordBatchReader.from_batches(schema, records(mebibytes))} if tool == "Sleeps" else {}
    sink = SlowSink(pause)
    config = f"<Configuration><MiB>{mebibytes}</MiB></Configuration>"
    call = ToolCall(resolve_target(f"{TOOLS}:{tool}"), inputs, config_xml=config)
    result = call.run(lambda _anchor: sink)
    return sink.rows, [message.text for message in result.messages]


def main(slow: str, mebibytes: int) -> None:
    tool, pause = ("Sleeps", 0.0) if slow == "slow-tool" else ("Produces", PAUSE)
    run(tool, 2, 0.0)
    idle = peak()
    rows, (said,) = run(tool, mebibytes, pause)
    tool_idle, tool_peak = map(int, said.split())
    print(json.dumps({"rows": rows, "host": peak() - idle, "tool": tool_peak - tool_idle}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
