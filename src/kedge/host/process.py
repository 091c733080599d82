"""The process of a tool: started, found, watched, and ended whatever it does."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from kedge.exceptions import ToolCrashed, ToolStartError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

__all__ = ["ToolProcess"]

_LISTENING = re.compile(r"^Listen(Port: (?P<port>\d+)|Address: (?P<address>unix:.+))$")
_DESCRIPTION = "KedgeTool: "
_TAIL_LINES = 50
_LINE_BYTES = 64 << 10
_FATAL = ("Fatal Python error", "Current thread", "Stack (most recent call first)", "Windows fatal exception")
_POSIX = sys.platform != "win32"


class ToolProcess:
    """One tool process and its run directory, a folder that only this user can enter.

    ``on_line`` gets every line that the process prints, as ``("stdout" | "stderr", line)``, on a thread of this object.
    Times in seconds. Always :meth:`stop` it, best as a context manager; nothing of it is left after that.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str, str], None] | None = None,
        patience: float = 2.0,
    ) -> None:
        self.command = list(command)
        self.token = secrets.token_hex(16)
        self.address = ""
        self.description: dict[str, Any] | None = None
        self._environment = dict(environment or {})
        self._on_line = on_line or (lambda _stream, _line: None)
        self._patience = patience
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._stack: list[str] = []
        self._found = threading.Event()
        self._exited = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._parent_pipe: int | None = None
        self._threads: list[threading.Thread] = []
        self.run_directory: Path | None = None

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

    # --- start --------------------------------------------------------------------------------------------------------

    def start(self, timeout: float = 30.0) -> str:
        """Start the process and return the gRPC address on which it serves.

        Raises ToolStartError with the last lines of stderr where it ends first, or says no port within ``timeout``.
        """
        self.run_directory = Path(tempfile.mkdtemp(prefix="kedge-"))
        try:
            self._launch()
        except OSError as error:
            self.stop()
            raise ToolStartError(f"cannot start {self.command[0]!r}: {error.strerror}") from error
        self._found.wait(timeout)
        if not self.address:
            ended = self._exited.wait(0 if timeout <= 0 else 0.2)
            why = f"ended with {self.exit_cause()}" if ended else f"did not say its port within {timeout:g} s"
            self.stop()
            raise ToolStartError(self._with_tail(f"the tool process {why}"), tuple(self._tail))
        return self.address

    def _launch(self) -> None:
        assert self.run_directory is not None
        environment = {**os.environ, **self._environment, "KEDGE_TOKEN": self.token, "PYTHONUNBUFFERED": "1"}
        inherited: list[int] = []
        if _POSIX:
            environment["KEDGE_ADDRESS"] = f"unix:{self.run_directory / 'tool.sock'}"
            child_end, self._parent_pipe = os.pipe()
            environment["KEDGE_PARENT_FD"] = str(child_end)
            inherited = [child_end]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the caller's own command
                self.command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=inherited,
                start_new_session=_POSIX,
            )
        finally:
            for descriptor in inherited:
                os.close(descriptor)
        self._watch("stdout", self._process.stdout)
        self._watch("stderr", self._process.stderr)
        self._in_background("exit", self._reap)

    def _watch(self, name: str, stream: IO[bytes] | None) -> None:
        assert stream is not None
        self._in_background(name, lambda: self._read_lines(name, stream))

    def _in_background(self, name: str, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=body, name=f"kedge-child-{name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _read_lines(self, name: str, stream: IO[bytes]) -> None:
        with contextlib.suppress(ValueError), stream:
            for raw in iter(lambda: stream.readline(_LINE_BYTES), b""):
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                if name == "stderr":
                    self._remember(line)
                    self._on_line(name, line)
                elif self.address or not self._is_greeting(line):
                    self._on_line(name, line)

    def _is_greeting(self, line: str) -> bool:
        if line.startswith(_DESCRIPTION):
            with contextlib.suppress(ValueError):
                self.description = json.loads(line.removeprefix(_DESCRIPTION))
            return True
        match = _LISTENING.match(line)
        if match is not None:
            self.address = match["address"] or f"localhost:{match['port']}"
            self._found.set()
        return match is not None

    def _remember(self, line: str) -> None:
        self._tail.append(line)
        if (self._stack or line.startswith(_FATAL)) and len(self._stack) < _TAIL_LINES:
            self._stack.append(line)

    # --- end ----------------------------------------------------------------------------------------------------------

    def _reap(self) -> None:
        """Wait for the process; what it started and left running ends with it."""
        process = self._process
        assert process is not None
        if hasattr(os, "waitid"):
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            self._signal_group(signal.SIGKILL)
        process.wait()
        self._exited.set()
        self._found.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the process to end; False where it has not within ``timeout``."""
        return self._exited.wait(timeout)

    def exit_cause(self) -> str | None:
        """``exit code 3`` or ``signal SIGSEGV``; None while the process lives."""
        code = None if self._process is None else self._process.returncode
        if code is None:
            return None
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def crashed(self) -> ToolCrashed:
        """The error that tells how the process ended. Call it after the process has."""
        for thread in self._threads:
            thread.join(1.0)
        cause = self.exit_cause() or "no exit code"
        return ToolCrashed(
            self._with_tail(f"the tool process ended in the middle of the run, with {cause}"),
            cause,
            tuple(self._tail),
            tuple(self._stack),
        )

    def terminate(self) -> None:
        """Ask the process to end now."""
        if self._process is not None and not self._exited.is_set():
            self._process.terminate()

    def stop(self) -> None:
        """End the process: wait, SIGTERM, wait, SIGKILL; then remove its run directory.

        Blocks for twice the ``patience`` at most.
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

    def _clean_up(self) -> None:
        for thread in self._threads:
            thread.join(1.0)
        if self._parent_pipe is not None:
            os.close(self._parent_pipe)
            self._parent_pipe = None
        if self.run_directory is not None:
            shutil.rmtree(self.run_directory, ignore_errors=True)

    def _signal_group(self, number: int) -> None:
        if _POSIX and self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _with_tail(self, text: str) -> str:
        for thread in self._threads:
            if self._exited.is_set():
                thread.join(1.0)
        return (
            "\n".join([f"{text}; the last lines of its stderr:", *(f"  {line}" for line in self._tail)])
            if self._tail
            else text
        )
