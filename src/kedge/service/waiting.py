"""A tool process that is started ahead: it imports what every tool needs, and waits for its order.

It has run nothing of a tool by then, so whatever it becomes begins as in a new interpreter.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys

from kedge.wire.order import Order, decode_order
from kedge.wire.process_lines import TAKEN_LINE, WAITING_LINE

__all__ = ["MODULES", "wait_for_order"]

_STDIN = 0
_READ_BYTES = 1 << 16
MODULES = (
    "kedge.service.server",
    "kedge.sdk.tool_config",
    "defusedxml.expatreader",
    "grpc._server",  # which gRPC itself imports when a server is made
    "pyarrow.compute",
    "xmltodict",
)
"""What a process imports in any case, and what nearly every tool makes it import."""


def wait_for_order() -> list[str] | None:
    """Wait; the arguments with which this process goes on, in the environment of the order.

    None where nobody has a use for it any more: the host closed the pipe, or is gone, or somebody pressed Ctrl-C.
    Raises ProtocolError for what is no order.
    """
    with contextlib.suppress(KeyboardInterrupt):
        for name in MODULES:
            with contextlib.suppress(ImportError):  # told when it is needed
                importlib.import_module(name)
        print(WAITING_LINE, flush=True)
        if data := b"".join(iter(lambda: os.read(_STDIN, _READ_BYTES), b"")):
            return _become(decode_order(data))
    return None


def _become(order: Order) -> list[str]:
    """Take on what a process gets at its start: arguments and environment. Its stdin has come to its end."""
    for name in set(os.environ) - set(order.environment):
        del os.environ[name]
    os.environ.update(order.environment)
    importlib.invalidate_caches()
    sys.argv[1:] = order.arguments
    print(TAKEN_LINE, flush=True)
    return order.arguments
