"""The process of a tool: started, found, watched, and ended whatever it does."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from kedge.exceptions import ToolCrashed, ToolStartError
from kedge.host.guard import start_guard
from kedge.host.process_output import ProcessOutput, tool_frames, was_in_callback
from kedge.wire.order import Order, encode_order
from kedge.wire.shared_memory import SUPPORTED, make_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

__all__ = ["ToolProcess"]

_POSIX = sys.platform != "win32"
_OUTPUT_ENDS_WITHIN = 1.0
_END_SHOWS_WITHIN = 0.2
_DUMP_TAKES = 0.5
_OUT_OF_MEMORY = " (from outside: by a user, or by the system when its memory ran out)"


class ToolProcess:
    """One tool process and its run directory, a folder that only this user can enter.

    ``on_line`` gets what the process prints, as ``("stdout" | "stderr", line)``, on a thread of this object; stacks go
    to :attr:`stack` instead. ``shared_memory`` makes a :attr:`shared_folder` for the records. Times in seconds. Always
    :meth:`stop` it, best as a context manager; nothing of it, and nothing that it started, is left after that.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str, str], None] | None = None,
        patience: float = 2.0,
        shared_memory: bool = SUPPORTED,
    ) -> None:
        self.command = list(command)
        self.token = secrets.token_hex(16)
        self.run_directory: Path | None = None
        self.shared_folder: Path | None = None
        self._environment = dict(environment or {})
        self._patience = patience
        self._shares = shared_memory
        self._output = ProcessOutput(on_line or (lambda _stream, _line: None))
        self._exited = threading.Event()
        self._handed: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._reaper: threading.Thread | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._parent_pipe: int | None = None

    def __repr__(self) -> str:
        state = "not started" if self._process is None else f"pid {self._process.pid}"
        return f"<ToolProcess {' '.join(self.command)!r}, {state}, {self.exit_cause() or 'alive'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error is None:
            self.stop()
        else:
            self.kill()

    @property
    def address(self) -> str:
        """The gRPC address on which the process serves; empty until it has said so."""
        return self._output.address

    @property
    def description(self) -> dict[str, Any] | None:
        """What the process told of its tool, as JSON; None where it told nothing."""
        return self._output.description

    @property
    def stack(self) -> tuple[str, ...]:
        """The stacks that the process wrote, line by line: of a fault, or of the callback in which it was stopped."""
        return self._output.stack

    @property
    def refusal(self) -> tuple[str, ...]:
        """What is wrong with the configuration, where the process said so; known once it has ended."""
        return self._output.refusal

    @property
    def statistics(self) -> dict[str, Any] | None:
        """What the process counted, in JSON values; known once it has ended, and None where it said nothing."""
        return self._output.statistics

    @property
    def waits(self) -> bool:
        """Whether the process has come to wait for its order, be it long ago."""
        return self._output.waits

    # --- start --------------------------------------------------------------------------------------------------------

    def start(self, timeout: float = 30.0) -> str:
        """Start the process and return the gRPC address on which it serves.

        Raises ToolStartError with the last lines of stderr where it ends first, or says no port within ``timeout``.
        """
        if self._process is None:
            self.launch()
        self._output.found.wait(timeout)
        if not self.address and self._exited.wait(_END_SHOWS_WITHIN):
            self._output.join(_OUTPUT_ENDS_WITHIN)  # it may have spoken just before it ended
        if not self.address:
            raise self._not_started(timeout)
        return self.address

    def launch(self, *, waits: bool = False) -> None:
        """Start the process, and wait for nothing; one that ``waits`` gets to know by :meth:`order` what to serve.

        Raises ToolStartError.
        """
        try:
            self.run_directory = Path(tempfile.mkdtemp(prefix="kedge-"))
        except OSError as error:
            raise ToolStartError(f"no folder for the run can be made in {tempfile.gettempdir()}: {error}") from error
        self.shared_folder = make_folder() if self._shares else None
        try:
            self._launch(subprocess.PIPE if waits else subprocess.DEVNULL)
        except OSError as error:
            self.stop()
            raise ToolStartError(f"cannot start {self.command[0]!r}: {error.strerror}") from error

    def _launch(self, stdin: int) -> None:
        assert self.run_directory is not None
        self._handed = {"KEDGE_TOKEN": self.token, "PYTHONUNBUFFERED": "1"}
        inherited: list[int] = []
        if _POSIX:
            self._handed["KEDGE_ADDRESS"] = f"unix:{self.run_directory / 'tool.sock'}"
            child_end, self._parent_pipe = os.pipe()
            self._handed["KEDGE_PARENT_FD"] = str(child_end)
            inherited = [child_end]
        try:
            process = self._process = subprocess.Popen(  # noqa: S603 - the caller's own command
                self.command,
                env={**os.environ, **self._environment, **self._handed},
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=inherited,
                start_new_session=_POSIX,
            )
            for descriptor in inherited:
                self._guard = start_guard(descriptor, process.pid, self._folders())
        finally:
            for descriptor in inherited:
                os.close(descriptor)
        assert process.stdout is not None
        assert process.stderr is not None
        self._output.read(process.stdout, process.stderr)
        self._reaper = threading.Thread(target=self._reap, args=(process,), name="kedge-child-exit", daemon=True)
        self._reaper.start()

    def wait_until_it_waits(self, timeout: float) -> bool:
        """Whether the process comes to wait for its order within ``timeout``."""
        self._output.waiting.wait(max(0.0, timeout))
        return self.waits and not self._exited.is_set()

    def order(
        self, arguments: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str, str], None] | None
    ) -> None:
        """Tell a process that waits what it is to serve: the arguments after the interpreter's module.

        Does not block, and raises nothing where the process is no longer there: :meth:`takes_order` tells.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        self._environment = dict(environment)
        if on_line is not None:
            self._output.on_line = on_line
        data = encode_order(Order(list(arguments), {**os.environ, **self._environment, **self._handed}))
        self.resume()
        # It may be larger than the pipe, and the process be stopped.
        threading.Thread(target=_write, args=(self._process.stdin, data), name="kedge-order", daemon=True).start()

    def takes_order(self, timeout: float) -> bool:
        """Whether the process takes its order within ``timeout``; one that does not has run nothing of the tool."""
        self._output.taken.wait(timeout)
        if self._exited.is_set():
            self._output.join(_OUTPUT_ENDS_WITHIN)  # it may have spoken just before it ended
        return self._output.has_order

    def _not_started(self, timeout: float) -> ToolStartError:
        """Why no port came; ends the process, and has it show where it stands if it still runs."""
        if self._exited.is_set():
            why = f"the tool process ended with {self.exit_cause()} before it said its port"
        else:
            why = f"the tool process did not say its port within {timeout:g} s"
            self.terminate()
            self._exited.wait(_DUMP_TAKES)
        self.kill()
        if where := tool_frames(self.stack):
            why = "\n".join([f"{why}; it was here, the innermost call first:", *where])
        return ToolStartError(why, self._output.tail)

    # --- end ----------------------------------------------------------------------------------------------------------

    def _reap(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the process; what it started and left running ends with it."""
        if hasattr(os, "waitid"):
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        if _POSIX:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._exited.set()
        for awaited in (self._output.waiting, self._output.taken, self._output.found):
            awaited.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the process to end; False where it has not within ``timeout``."""
        return self._exited.wait(timeout)

    def exit_cause(self) -> str | None:
        """``exit code 3`` or ``signal SIGSEGV``; None while the process lives."""
        code = None if self._process is None else self._process.returncode
        if code is None:
            return None
        return f"exit code {code}" if code >= 0 else f"signal {_signal_name(-code)}"

    def crashed(self) -> ToolCrashed:
        """The error that tells how the process ended. Call it after the process has."""
        self._output.join(_OUTPUT_ENDS_WITHIN)
        cause = self.exit_cause() or "no exit code"
        text = f"the tool process ended in the middle of the run, with {cause}"
        if cause == "signal SIGKILL":
            text += _OUT_OF_MEMORY
        if where := tool_frames(self.stack):
            text = "\n".join([f"{text}; it was here, the innermost call first:", *where])
        return ToolCrashed(text, cause, self._output.tail, self.stack)

    def terminate(self) -> None:
        """Ask the process to end now; one of Kedge writes its stack first."""
        if self._process is not None and not self._exited.is_set():
            self.resume()
            self._process.terminate()

    def resume(self) -> None:
        """Let a process go on that was stopped, so that it takes note of what it is told next."""
        if _POSIX and self._process is not None and not self._exited.is_set():
            self._process.send_signal(signal.SIGCONT)

    def leave(self, patience: float) -> tuple[str, ...]:
        """Let a process end whose streams are broken off, and return where it was if it was in a callback.

        A process of Kedge ends by itself, and tells first in which callback it was stopped. One that cannot, since its
        callback holds the interpreter, is made to write its stack. Blocks for ``patience`` and one second at most; the
        process may still live after that.
        """
        if not self._exited.wait(patience):
            self.terminate()
            self._exited.wait(_DUMP_TAKES)
        self._output.join(_DUMP_TAKES)
        return tool_frames(self.stack) if was_in_callback(self.stack) else ()

    def stop(self) -> None:
        """End the process: wait, SIGTERM, wait, SIGKILL; then remove its run directory.

        Blocks for three times the ``patience`` at most.
        """
        try:
            if self._process is not None and not self._exited.wait(self._patience):
                self.terminate()
                if not self._exited.wait(self._patience):
                    self._process.kill()
                    self._exited.wait(self._patience)
        finally:
            self._clean_up()

    def kill(self) -> None:
        """End the process and all that it started at once."""
        if self._process is not None and not self._exited.is_set():
            self._process.kill()
        self.stop()

    def _folders(self) -> list[Path]:
        return [folder for folder in (self.run_directory, self.shared_folder) if folder is not None]

    def _clean_up(self) -> None:
        self._output.join(_OUTPUT_ENDS_WITHIN)
        if self._reaper is not None:
            self._reaper.join(_OUTPUT_ENDS_WITHIN)
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        for folder in self._folders():
            shutil.rmtree(folder, ignore_errors=True)
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
            self._guard = None
        if self._parent_pipe is not None:
            os.close(self._parent_pipe)
            self._parent_pipe = None


def _write(pipe: IO[bytes], data: bytes) -> None:
    """Write all of it to a process that may end meanwhile."""
    with contextlib.suppress(OSError, ValueError), pipe:
        pipe.write(data)


def _signal_name(number: int) -> str:
    """``SIGSEGV``, or the number of a signal that has no name, such as those for real-time use."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
