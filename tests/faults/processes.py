"""The ``kedge`` command in a process of its own, and what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

TOOLS = Path(__file__).with_name("faulty_tools.py")
PEOPLE = "name,age\nAda,36\nGrace,85\n"

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="it is about POSIX signals and process groups")


class Command:
    """``kedge …``, or a script, under way; its output is read all the while."""

    def __init__(
        self,
        *arguments: str | Path,
        folder: Path,
        environment: dict[str, str] | None = None,
        program: tuple[str, ...] = ("-m", "kedge.cli"),
    ) -> None:
        self.stderr = ""
        self._said = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, *program, *map(str, arguments)],
            cwd=folder,
            env={**os.environ, "KEDGE_LOG_DIR": str(folder / "log"), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._said:
                self.stderr += line
                self._said.notify_all()

    def wait_until_it_says(self, text: str, timeout: float = 30.0) -> None:
        """Wait for a text on stderr."""
        with self._said:
            assert self._said.wait_for(lambda: text in self.stderr, timeout), self.stderr

    def send(self, number: int) -> float:
        """Send a signal; the moment at which it was sent."""
        self.process.send_signal(number)
        return time.monotonic()

    def finish(self, timeout: float = 30.0) -> tuple[int, str]:
        """Wait for the end; the exit code and what was written to stdout."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        with self.process.stdout, self.process.stderr:
            self._reader.join()
            return self.process.returncode, self.process.stdout.read()

    def descendants(self) -> list[psutil.Process]:
        """Every process that the command has started."""
        return psutil.Process(self.process.pid).children(recursive=True)


def kedge(*arguments: str | Path, folder: Path, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Run ``kedge …`` to its end: exit code, stdout, stderr."""
    command = Command(*arguments, folder=folder, environment=environment)
    code, stdout = command.finish()
    return code, stdout, command.stderr


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Whether a condition comes to hold within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended; one that nobody waited for has."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)
