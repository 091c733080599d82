"""The entry point of a tool process: ``python -m kedge.service start-sdk-tool-service PACKAGE TOOL``."""

from __future__ import annotations

import faulthandler

faulthandler.enable(all_threads=False)

import gc  # noqa: E402 - faults are to be seen from the first line on

if __name__ == "__main__":
    gc.disable()  # what is imported stays; to look for garbage in it takes a tenth of the start

import argparse  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from typing import TextIO  # noqa: E402

from kedge.compat.alias import install as install_alias  # noqa: E402
from kedge.exceptions import KedgeError, ProtocolError, ToolStartError, UsageError  # noqa: E402
from kedge.loading import ToolName, load_tool  # noqa: E402
from kedge.sdk.anchors import anchors_to_json, declared_anchors  # noqa: E402
from kedge.service.logs import make_streams_safe, set_up_logging  # noqa: E402
from kedge.service.parent import watch_parent  # noqa: E402
from kedge.service.settings import ServiceSettings  # noqa: E402
from kedge.wire.process_lines import (  # noqa: E402
    ADDRESS_PREFIX,
    DESCRIPTION_PREFIX,
    PORT_PREFIX,
    REFUSAL_PREFIX,
    STATISTICS_PREFIX,
)

__all__ = ["main", "run_archive", "serve_tool"]

logger = logging.getLogger("kedge.service")

_CLEAN, _USAGE, _FAILED = 0, 2, 3
_STDOUT = 1
_THREADS_MAY_TAKE = 1.0  # less than the two seconds that a host waits before it sends SIGTERM


def main(argv: list[str] | None = None, *, search: bool = True) -> int:
    """Parse the command line that engines use and serve; the return value is the exit code.

    Without ``search`` the tool's package has to be where Python itself looks, and not in the working folder.
    """
    parser = argparse.ArgumentParser(prog="python -m kedge.service", description="Serve a tool to an engine.")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start-sdk-tool-service", help="serve one run of one tool")
    start.add_argument("package", help="importable package, or the path of a Python file")
    start.add_argument("tool", help="the tool's class in the package")
    start.add_argument("--sdk-engine-server-address", help="accepted for engines that pass it; not used", default=None)
    commands.add_parser("wait-for-order", help="start ahead, and learn on stdin what to serve; for Kedge's own host")
    arguments = parser.parse_args(argv)
    if arguments.command == "wait-for-order":
        return _wait(search)
    return serve_tool(ToolName(arguments.package, arguments.tool), search=search)


def _wait(search: bool) -> int:
    from kedge.service.waiting import wait_for_order

    try:
        order = wait_for_order()
    except ProtocolError as error:
        print(f"error: {error}", file=sys.stderr)
        return _USAGE
    return _CLEAN if order is None else main(order, search=search)


def run_archive() -> None:
    """Serve a tool that is packed together with Kedge, and exit: the entry point of ``main.pyz``."""
    _leave(main(search=False))


def serve_tool(name: ToolName, *, search: bool = True) -> int:
    """Load a tool and serve one run of it on this thread; the return value is the exit code of the process.

    0 the run was confirmed to the engine, 2 the call was wrong, 3 the tool did not load or the engine went away.
    """
    make_streams_safe()
    set_up_logging(name.tool)
    _dump_stacks_on_termination()
    try:
        settings = ServiceSettings.from_environment()
        watch_parent(settings.run_directory)
        # Whatever the tool makes of sys.stdout, this one speaks to the engine.
        with open(os.dup(_STDOUT), "w", encoding="utf-8") as engine:  # noqa: PTH123 - a descriptor is no path
            confirmed = _serve(name, settings, engine, search)
    except KeyboardInterrupt:
        return 130
    except KedgeError as error:
        logger.error("%s", error)
        return _USAGE if isinstance(error, UsageError) else _FAILED
    except Exception:  # of Kedge's own; whatever still runs is not waited for, so that the host sees what happened
        logger.exception("the tool process cannot go on")
        logging.shutdown()
        os._exit(_FAILED)
    return _CLEAN if confirmed else _FAILED


def _serve(name: ToolName, settings: ServiceSettings, engine: TextIO, search: bool) -> bool:
    install_alias()
    tool = load_tool(name, search=search)
    from kedge.service.server import ToolService

    service = ToolService(tool, name.tool, settings)
    _collect_garbage_again()
    try:
        port = service.start()
    except RuntimeError as error:
        raise ToolStartError(f"cannot listen on {settings.address}: {error}") from error
    if settings.token is not None:
        print(DESCRIPTION_PREFIX, json.dumps(anchors_to_json(declared_anchors(tool))), sep="", file=engine)
    print(f"{ADDRESS_PREFIX}{settings.address}" if settings.run_directory else f"{PORT_PREFIX}{port}", file=engine)
    engine.flush()
    confirmed = service.serve()
    if settings.token is not None:
        print(STATISTICS_PREFIX, json.dumps(service.report()), sep="", file=engine)
    if settings.token is not None and (refused := service.run.refused) is not None:
        print(REFUSAL_PREFIX, json.dumps(refused.problems), sep="", file=engine)
    return confirmed


def _collect_garbage_again() -> None:
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _dump_stacks_on_termination() -> None:
    if hasattr(signal, "SIGTERM") and hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGTERM, all_threads=False, chain=True)


def _leave(code: int) -> None:
    """Exit, also where the tool left a thread running that would keep the interpreter from its end."""
    deadline = time.monotonic() + _THREADS_MAY_TAKE
    others = [t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
    for thread in others:
        thread.join(max(0.0, deadline - time.monotonic()))
    if alive := [thread.name for thread in others if thread.is_alive()]:
        logger.warning("left with %s still running", ", ".join(alive))
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    _leave(main())
