"""From errors and signals to exit codes.

0 the run was clean; 1 the tool or the workflow reported an error; 2 the call was wrong; 3 the machinery failed;
130 interrupted, 128 and the signal's number ended by another signal; 141 nobody reads the output any more.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from kedge.exceptions import KedgeError, ToolCrashed, ToolError, ToolStartError, UsageError, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = [
    "CLEAN",
    "INTERRUPTED",
    "MACHINERY",
    "REPORTED",
    "UNREAD",
    "USAGE",
    "EndedBySignal",
    "errors_as_exit_codes",
    "output_read_to_its_end",
]

CLEAN, REPORTED, USAGE, MACHINERY, INTERRUPTED, UNREAD = 0, 1, 2, 3, 130, 141

_ENDING_SIGNALS = ("SIGTERM", "SIGHUP")


class EndedBySignal(KeyboardInterrupt):
    """Another signal than Ctrl-C's asked this process to end; everything is cleaned up as for that one."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.exit_code = 128 + number


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Print an error of Kedge to stderr, without a traceback, and exit with its code; end cleanly on a signal.

    What a tool process wrote to stderr was shown when it came, and is not shown again.
    """
    try:
        with _signals_as_exceptions():
            yield
    except KeyboardInterrupt as error:
        print(error if isinstance(error, EndedBySignal) else "interrupted", file=sys.stderr)
        raise SystemExit(getattr(error, "exit_code", INTERRUPTED)) from None
    except KedgeError as error:
        text = error.headline if isinstance(error, ToolStartError | ToolCrashed) else error
        print(f"error: {text}", file=sys.stderr)
        raise SystemExit(exit_code(error)) from None
    except BrokenPipeError:
        if not _reader_has_ended():
            traceback.print_exc()
            raise SystemExit(MACHINERY) from None
        raise SystemExit(UNREAD) from None
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in ("", "kedge"):
            traceback.print_exc()
            raise SystemExit(MACHINERY) from None
        print(
            f"error: this command needs the package {name}, which is not installed: pip install {name}", file=sys.stderr
        )
        raise SystemExit(USAGE) from None
    except Exception as error:
        if _is_end_of_command(error):
            raise
        traceback.print_exc()
        raise SystemExit(MACHINERY) from None


def _is_end_of_command(error: Exception) -> bool:
    """Whether it is typer's way to exit; no command without typer raises that."""
    typer = sys.modules.get("typer")
    return typer is not None and isinstance(error, typer.Exit | typer.Abort)


@contextmanager
def output_read_to_its_end() -> Iterator[None]:
    """Write out what is buffered; where nobody reads it any more, as after ``head``, end without a word, by 141."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if stream is not None]
    try:
        yield
    finally:
        unread = [stream for stream in streams if not _written_out(stream)]
        if unread:
            raise SystemExit(UNREAD) from None


def _written_out(stream: TextIO) -> bool:
    try:
        stream.flush()
    except BrokenPipeError:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - what is left would be tried again at the exit
            os.dup2(nowhere.fileno(), stream.fileno())
        return False
    return True


def _reader_has_ended() -> bool:
    """Whether it is the pipe of stdout or stderr that broke, none to a tool; taken for granted where nothing tells."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or no file
            poll.register(stream.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def exit_code(error: KedgeError) -> int:
    """The exit code that tells who has to act."""
    if isinstance(error, UsageError):
        return USAGE
    return REPORTED if isinstance(error, ToolError | WorkflowError) else MACHINERY


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in _ENDING_SIGNALS if hasattr(signal, name)]
    # A signal that is ignored stays so: nohup asks for that.
    before = {n: signal.signal(n, _raise) for n in numbers if signal.getsignal(n) is signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise EndedBySignal(number)
