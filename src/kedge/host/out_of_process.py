"""A run in a tool process of its own."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kedge.exceptions import EngineGone, ToolStartError, ToolTimeout
from kedge.host.liveness import Silence
from kedge.host.process import ToolProcess
from kedge.host.process_output import tool_frames
from kedge.host.session import StreamBrokenError, ToolSession
from kedge.wire.transport_security import Certificates, why_unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kedge.host.feeds import Feed
    from kedge.host.pool import ToolPool
    from kedge.host.receiver import Receiver
    from kedge.sdk.initialization import Initialization
    from kedge.wire.statistics import ConnectionStatistics

__all__ = ["Launch", "run_out_of_process"]

_CRASH_SHOWS_WITHIN = 1.0
"""Seconds between the break of the streams and the end of the process that caused it."""
_LEAVES_WITHIN = 1.6
"""Seconds that a process has to end by itself once its streams are broken off; its own grace is one second."""
_FEEDER_ENDS_WITHIN = 2.0
_SILENT = (
    "the tool process gave no sign of life for {:g} s while it was waited for: it is stopped, or a callback goes on"
)
_LOOKS_EVERY = 0.1
_UNANSWERED_FOR = 1.0
_ENDS_WITHIN = 10.0
"""Seconds of silence between the confirmation of a run and the last of its records."""


@dataclass(frozen=True)
class Launch:
    """How a tool process is started: the command of protocol version 2, and limits in seconds and bytes."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    start_timeout: float = 30.0
    timeout: float | None = None
    """How long the whole run may take, the start of the process included; None for any time."""
    idle_timeout: float | None = None
    """How long the process may give no sign of life while it is waited for; None for any time.

    Its start, until it answers, is bounded by ``start_timeout`` in any case, and its end, once it has confirmed the
    run, by ten seconds."""
    budget: int = 64 << 20
    on_line: Callable[[str, str], None] | None = None
    """Gets each line that the process prints, as ``("stdout" | "stderr", line)``."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set it, from any thread, to end the run."""
    pool: ToolPool | None = None
    """Where processes wait that were started ahead; None for a new one in any case."""


def run_out_of_process(
    launch: Launch,
    prepare: Callable[[ToolProcess, Path], tuple[Initialization, Sequence[Feed]]],
    receiver: Receiver,
) -> ConnectionStatistics:
    """Run a tool in its own process, and say what passed. Blocks until the run is over and the process is gone.

    ``prepare`` gets the process once it serves, with a folder for the run's temporary files, and says what to run.
    Raises ToolStartError, ToolCrashed, ToolTimeout, ProtocolError, EngineGone where the run was cancelled, what
    ``prepare`` or reading an input raises, and KeyboardInterrupt; what the tool reported goes to the receiver. No
    process is left in any case.
    """
    began = time.monotonic()
    with _serving(launch, began) as process:
        assert process.run_directory is not None
        initialization, feeds = prepare(process, process.run_directory)
        try:
            failure, statistics = _converse(launch, process, initialization, feeds, receiver, began)
        except KeyboardInterrupt:
            for line in process.leave(_LEAVES_WITHIN):
                if launch.on_line is not None:
                    launch.on_line("stderr", line)
            raise
        if isinstance(failure, StreamBrokenError) and process.wait(_CRASH_SHOWS_WITHIN):
            raise process.crashed() from failure
        if isinstance(failure, ToolTimeout):
            raise ToolTimeout(str(failure), process.leave(_LEAVES_WITHIN))
        if failure is not None:
            process.leave(_LEAVES_WITHIN)
            raise failure
    return statistics


@contextmanager
def _serving(launch: Launch, began: float) -> Iterator[ToolProcess]:
    """A process that serves, from the pool if that has one; it ends with the ``with`` statement."""
    with ExitStack() as stack:
        process = None if launch.pool is None else _waiting(launch, launch.pool, stack)
        if process is None:
            process = ToolProcess(launch.command, environment=launch.environment, on_line=launch.on_line)
            stack.enter_context(process)
        _start(launch, process, began)
        yield process


def _waiting(launch: Launch, pool: ToolPool, stack: ExitStack) -> ToolProcess | None:
    """A process of the pool that has taken its order; None where there is none, or it has come to its end meanwhile."""
    stack.callback(pool.fill)
    process = pool.take(launch.command, launch.environment, launch.on_line)
    if process is None:
        return None
    with ExitStack() as own:
        own.enter_context(process)
        if process.takes_order(min(launch.start_timeout, launch.timeout or launch.start_timeout)):
            stack.push(own.pop_all())
            return process
    return None


def _start(launch: Launch, process: ToolProcess, began: float) -> None:
    try:
        process.start(min(launch.start_timeout, launch.timeout or launch.start_timeout))
    except ToolStartError as error:
        if launch.timeout is not None and time.monotonic() > began + launch.timeout:
            raise ToolTimeout(_too_long(launch), tool_frames(process.stack)) from error
        raise


def _too_long(launch: Launch) -> str:
    return f"the run took longer than {launch.timeout:g} s"


def _converse(
    launch: Launch,
    process: ToolProcess,
    initialization: Initialization,
    feeds: Sequence[Feed],
    receiver: Receiver,
    began: float,
) -> tuple[Exception | None, ConnectionStatistics]:
    """Hold both streams until the run is over; what broke it, if anything did, and what passed."""
    negotiates = process.description is not None
    certificates = None if process.address.startswith("unix:") else Certificates.from_environment()
    with ToolSession(
        process.address,
        process.token,
        receiver,
        budget=launch.budget,
        negotiates=negotiates,
        shared_folder=process.shared_folder,
        certificates=certificates,
        run_directory=process.run_directory,
    ) as session:
        session.initialize(initialization)
        feeder = threading.Thread(target=_feed, args=(session, initialization, feeds), name="kedge-feed", daemon=True)
        feeder.start()
        try:
            _wait(session, process, launch, began, certificates)
        finally:
            process.resume()
        failure = session.failure
    feeder.join(_FEEDER_ENDS_WITHIN)
    return failure, session.statistics()


def _wait(
    session: ToolSession, process: ToolProcess, launch: Launch, began: float, certificates: Certificates | None
) -> None:
    """Wait for the end of the session, and bring it about where it would never come."""
    connected = False
    opened = time.monotonic()
    silence = Silence(session)
    while not session.wait(_LOOKS_EVERY):
        now = time.monotonic()
        if launch.cancelled.is_set():
            session.abort(EngineGone("the run was cancelled"))
        elif launch.timeout is not None and now > began + launch.timeout:
            session.abort(ToolTimeout(_too_long(launch)))
        elif (limit := _longest_silence(session, launch)) is not None and silence.seconds() > limit:
            session.abort(ToolTimeout(_SILENT.format(limit)))
        elif not session.answered and now > opened + _UNANSWERED_FOR:
            # Calls wait for a server as long as it takes. So somebody has to see that there is none.
            connected = connected or session.is_connected(_LOOKS_EVERY)
            late = now > opened + launch.start_timeout
            if not connected and process.wait(0):
                session.abort(StreamBrokenError("the tool process ended before it was connected"))
            elif not (connected or process.address.startswith("unix:")) and (
                why := why_unanswered(process.address, certificates)
            ):
                session.abort(ToolStartError(why))
            elif late and (session.negotiates or not connected):
                session.abort(_unanswered(process, launch.start_timeout))


def _longest_silence(session: ToolSession, launch: Launch) -> float | None:
    if session.confirmed:
        return min(_ENDS_WITHIN, launch.idle_timeout or _ENDS_WITHIN)
    return launch.idle_timeout


def _unanswered(process: ToolProcess, seconds: float) -> ToolStartError:
    return ToolStartError(
        f"the tool process said that it serves at {process.address}, and no gRPC server answered there in {seconds:g} s"
    )


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
