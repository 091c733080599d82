"""A tool that breaks: ``Step`` says where, ``Fault`` how. Run as an import, both come from the environment."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedge import PluginV2

if TYPE_CHECKING:
    import pyarrow as pa


def break_by(fault: str) -> None:
    """Bring the fault about in this process."""
    getattr(Faults, fault)()


class Faults:
    """What can go wrong, by the names of the matrix."""

    @staticmethod
    def hangs() -> None:
        print("hanging", file=sys.stderr, flush=True)
        time.sleep(600)

    @staticmethod
    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @staticmethod
    def segfault() -> None:
        ctypes.string_at(0)

    @staticmethod
    def frozen() -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    @staticmethod
    def out_of_memory() -> None:
        """Ask for more than the system is allowed to give: what is held now, and 64 MiB."""
        import resource

        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + (64 << 20),) * 2)
        bytearray(1 << 30)

    @staticmethod
    def starved() -> None:
        """Go on with hardly any memory to be had."""
        import resource

        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held // 2,) * 2)

    @staticmethod
    def connection_reset() -> None:
        """Cut every connection to the host, and go on as if nothing had happened."""
        for link in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):  # the directory itself, or a socket that listens
                if str(link.readlink()).startswith("socket:"):
                    connection = socket.socket(fileno=os.dup(int(link.name)))
                    connection.shutdown(socket.SHUT_RDWR)
                    connection.close()
        time.sleep(600)

    @staticmethod
    def clock_jump() -> None:
        """Set the clock on the wall back by ten years, and forth by twenty."""
        jumps = iter(range(1_000_000))
        then = time.time()
        time.time = lambda: then + (3.15e8 if next(jumps) % 2 else -3.15e8)


class Breaks(PluginV2):
    """Writes what it reads, until it breaks."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self.plan = provider.tool_config
        self.batches = 0
        if self.plan["Step"] == "confirmed":
            atexit.register(break_by, self.plan["Fault"])
        self.at("constructor")

    def at(self, step: str) -> None:
        if self.plan["Step"] == step:
            break_by(self.plan["Fault"])

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.batches += 1
        if self.batches == 1:
            self.at("first batch")
        self.provider.write_to_anchor("Output", batch)
        if self.batches == 3:
            self.at("middle of the records")

    def on_incoming_connection_complete(self, anchor: Any) -> None:
        self.at("connection complete")

    def on_complete(self) -> None:
        self.at("end")


if os.environ.get("KEDGE_TEST_BREAK_AT_IMPORT"):
    break_by(os.environ["KEDGE_TEST_BREAK_AT_IMPORT"])
