"""Tools that do what no tool should."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from kedge import FieldType, PluginV2, create_schema


class Copy(PluginV2):
    """Writes what it reads; what the others do before they go wrong."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.provider.write_to_anchor("Output", batch)

    def on_incoming_connection_complete(self, anchor: Any) -> None: ...

    def on_complete(self) -> None: ...


class Segfaults(Copy):
    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        ctypes.string_at(0)


class SegfaultsInInit(Copy):
    def __init__(self, provider: Any) -> None:
        ctypes.string_at(0)


class LeavesByOsExit(Copy):
    def on_complete(self) -> None:
        print("last words", file=sys.stderr)
        os._exit(7)


class LeavesBySysExit(Copy):
    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        sys.exit(7)


class Killed(Copy):
    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        os.kill(os.getpid(), 9)


class HangsInInit(Copy):
    def __init__(self, provider: Any) -> None:
        provider.io.info("hanging")
        time.sleep(600)


class HangsInBatch(Copy):
    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.provider.io.info("hanging")
        time.sleep(600)


class HangsInComplete(Copy):
    def on_complete(self) -> None:
        self.provider.io.info("hanging")
        time.sleep(600)


class HangsInC(Copy):
    """Holds the interpreter for good: no thread of the tool process runs any more."""

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.provider.io.info("hanging")
        time.sleep(0.2)  # the message is to leave first
        re.match(r"(a|aa)+$", "a" * 80 + "b")


class ForksAChild(Copy):
    """Leaves a process behind that would live for long."""

    def on_complete(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.provider.io.info("child {}", child.pid)
        child.returncode = 0  # nobody waits for it, and nobody warns of that


class LeavesAThread(Copy):
    def on_complete(self) -> None:
        threading.Thread(target=time.sleep, args=(600,), name="forgotten").start()


class PrintsEmoji(Copy):
    def on_complete(self) -> None:
        print("done \N{PARTY POPPER}")
        print("failed \N{BROKEN HEART}", file=sys.stderr)
        self.provider.io.info("said \N{PARTY POPPER}")


class PrintsWithoutEnd(Copy):
    """Prints on until it is ended."""

    def on_complete(self) -> None:
        self.provider.io.info("hanging")
        while True:
            print("more and more")


class PrintsALongLine(Copy):
    def on_complete(self) -> None:
        print("x" * (10 << 20))
        print("ListenPort: 1")


class ReplacesStdout(Copy):
    """Takes stdout away, as some libraries do."""

    def on_complete(self) -> None:
        sys.stdout.close()
        sys.stdout = sys.stderr
        print("to stderr now")


class Measured(Copy):
    """Tells what memory it held when it began, and the most that it held since, in MiB."""

    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        self.idle = _memory("VmRSS")

    def on_complete(self) -> None:
        self.provider.io.info("{} {}", self.idle, _memory("VmHWM"))


def _memory(name: str) -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith(name))


class Sleeps(Measured):
    """Takes its time for each batch."""

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        time.sleep(0.005)
        self.provider.write_to_anchor("Output", batch)


class TakesItsTime(Copy):
    def on_complete(self) -> None:
        time.sleep(0.38)


class Produces(Measured):
    """Writes MiB after MiB, as many as it is told."""

    def on_complete(self) -> None:
        for _ in range(int(self.provider.tool_config["MiB"])):
            numbers = pa.Array.from_buffers(pa.int64(), 1 << 17, [None, pa.py_buffer(bytes(bytearray(1 << 20)))])
            self.provider.write_to_anchor("Output", pa.table({"x": numbers}))
        super().on_complete()


class WritesAtOnce(Copy):
    """Writes many MiB in one batch."""

    def on_complete(self) -> None:
        size = int(self.provider.tool_config["MiB"]) << 20
        numbers = pa.Array.from_buffers(pa.int64(), size >> 3, [None, pa.py_buffer(bytes(size))])
        self.provider.write_to_anchor("Output", pa.table({"x": numbers}))


class TwoOutputs(Copy):
    """Writes all of one anchor, and then all of the other."""

    output_anchors = ("First", "Second")

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.row = batch.slice(0, 1)
        self.provider.write_to_anchor("First", batch)

    def on_complete(self) -> None:
        for _ in range(3):
            self.provider.write_to_anchor("Second", self.row)


class Announces(Copy):
    """Announces its outgoing anchor as the incoming one was announced."""

    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        (connection,) = provider.incoming_anchors["Input"].values()
        fields = {f.name: FieldType(f.type) for f in connection["metadata"].fields}
        provider.push_outgoing_metadata("Output", create_schema(fields))


class Needy(Copy):
    """Has required inputs and announces in its constructor."""

    input_anchors = ("Left", "Right")
    output_anchors = ("Output",)

    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        provider.push_outgoing_metadata("Output", pa.schema({"name": pa.string()}))


class Abstract(PluginV2):
    def __init__(self, provider: Any) -> None: ...
