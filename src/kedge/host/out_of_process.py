"""A run in a tool process of its own."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kedge.exceptions import EngineGone
from kedge.host.process import ToolProcess
from kedge.host.session import StreamBrokenError, ToolSession

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from kedge.host.feeds import Feed
    from kedge.host.receiver import Receiver
    from kedge.sdk.initialization import Initialization

__all__ = ["Launch", "run_out_of_process"]

_CRASH_SHOWS_WITHIN = 1.0
"""Seconds between the break of the streams and the end of the process that caused it."""


@dataclass(frozen=True)
class Launch:
    """How a tool process is started: the command of protocol version 2, and limits in seconds and bytes."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    start_timeout: float = 30.0
    budget: int = 64 << 20
    on_line: Callable[[str, str], None] | None = None
    """Gets each line that the process prints, as ``("stdout" | "stderr", line)``."""


def run_out_of_process(
    launch: Launch,
    prepare: Callable[[ToolProcess, Path], tuple[Initialization, Sequence[Feed]]],
    receiver: Receiver,
) -> None:
    """Run a tool in its own process. Blocks until the run is over and the process is gone.

    ``prepare`` gets the process once it serves, with a folder for the run's temporary files, and says what to run.
    Raises ToolStartError, ToolCrashed, ProtocolError, what ``prepare`` or reading an input raises, and
    KeyboardInterrupt; what the tool reported goes to the receiver. No process is left in any case.
    """
    with ToolProcess(launch.command, environment=launch.environment, on_line=launch.on_line) as process:
        address = process.start(launch.start_timeout)
        assert process.run_directory is not None
        initialization, feeds = prepare(process, process.run_directory)
        with ToolSession(address, process.token, receiver, budget=launch.budget) as session:
            session.initialize(initialization)
            feeder = threading.Thread(
                target=_feed, args=(session, initialization, feeds), name="kedge-feed", daemon=True
            )
            feeder.start()
            session.wait()
            feeder.join(launch.start_timeout)
            failure = session.failure
        if isinstance(failure, StreamBrokenError) and process.wait(_CRASH_SHOWS_WITHIN):
            raise process.crashed() from failure
        if failure is not None:
            raise failure


def _feed(session: ToolSession, initialization: Initialization, feeds: Sequence[Feed]) -> None:
    try:
        if not initialization.update_only:
            for anchor, tables in feeds:
                for table in tables:
                    session.write(anchor, table)
                session.complete(anchor)
        session.notify_complete()
    except EngineGone:
        """The session tells why it is over."""
    except Exception as error:
        session.abort(error)
