"""A pytest plugin that fails a test which leaves something behind.

What is looked at after each test, and once more when the session ends: processes started by this session,
whoever their parent is by now; threads; open descriptors, and shared memory that is mapped; files in the temp
directory (which is one of the session's own); and folders named ``kedge-*`` in shared memory. A thing that is
still going away has `GRACE` seconds to do so.
"""

import contextlib
import gc
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pyarrow as pa
import pyarrow.csv
import pytest

GRACE = 2.0  # seconds
SESSION = "KEDGE_TEST_SESSION"  # an environment variable that every process inherits which a test starts
SHARED_MEMORY = Path("/dev/shm")

# What the event loop of a library keeps for the life of the process (polars starts one), and what anyone may
# hold open.
_KEPT_OPEN = ("anon_inode:[eventpoll]", "anon_inode:[eventfd]", "/dev/null", "/dev/urandom")


class Footprint(NamedTuple):
    """What this session holds of the machine at one moment."""

    processes: frozenset[int]
    threads: frozenset[threading.Thread]
    descriptors: frozenset[tuple[int, str]]
    paths: frozenset[Path]

    @classmethod
    def now(cls) -> "Footprint":
        """List every process of the machine (which is cheap: whose the new ones are is asked later)."""
        return cls(frozenset(psutil.pids()), _threads(), _descriptors(), _paths())

    def new_since(self, before: "Footprint") -> "Footprint":
        """What has come since `before`; of the processes only those that belong to this session."""
        return Footprint(
            frozenset(pid for pid in self.processes - before.processes if _is_ours(pid)),
            self.threads - before.threads,
            self.descriptors - before.descriptors,
            frozenset(path for path in self.paths - before.paths if not _is_in_use_elsewhere(path)),
        )

    def with_all(self, others: "list[Footprint]") -> "Footprint":
        """This and all of `others` in one."""
        return Footprint(*(frozenset[Any]().union(*parts) for parts in zip(self, *others, strict=True)))

    def __str__(self) -> str:
        return "\n".join(
            [
                *(f"process {pid}: {_command(pid)}" for pid in sorted(self.processes)),
                *(f"thread {thread.name}" for thread in self.threads),
                *(f"descriptor {number}: {target}" for number, target in sorted(self.descriptors)),
                *(f"path {path}" for path in sorted(self.paths)),
            ]
        )

    def remove(self) -> None:
        """End the processes and delete the paths, so that the tests after this one start clean."""
        for pid in self.processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        for path in self.paths:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _threads() -> frozenset[threading.Thread]:
    """Daemon threads may outlive a test where they are a library's; ours may not."""
    return frozenset(t for t in threading.enumerate() if not t.daemon or t.name.lower().startswith("kedge"))


def _descriptors() -> frozenset[tuple[int, str]]:
    found = set()
    if sys.platform == "linux":
        for link in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # the one that lists them
                found.add((int(link.name), str(link.readlink())))
        for line in Path("/proc/self/maps").read_text().splitlines():
            if "/kedge-shm-" in line:
                found.add((int(line.partition("-")[0], 16), line.split(maxsplit=5)[5]))
    return frozenset((number, target) for number, target in found if target not in _KEPT_OPEN)


def _paths() -> frozenset[Path]:
    shared = SHARED_MEMORY.glob("kedge-*") if sys.platform == "linux" else ()
    return frozenset([*Path(tempfile.gettempdir()).iterdir(), *shared])


def _is_ours(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.ppid() == os.getpid() or process.environ().get(SESSION) == os.environ[SESSION]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _is_in_use_elsewhere(path: Path) -> bool:
    """Shared memory is one for the machine: another session may be at work there, and have it mapped."""
    if path.parent != SHARED_MEMORY:
        return False
    owner = re.match(r"kedge-shm-(\d+)-", path.name)
    if owner and psutil.pid_exists(int(owner[1])) and not _is_ours(int(owner[1])) and int(owner[1]) != os.getpid():
        return True
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if str(path) in Path(f"/proc/{pid}/maps").read_text() and pid != os.getpid() and not _is_ours(pid):
                return True
    return False


def _command(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return "ended, but nobody waited for it"
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return "gone by now"


def _left_behind(before: Footprint) -> Footprint:
    """What is still new since `before` once everything that is going away had its time to go."""
    if not any(left := Footprint.now().new_since(before)):
        return left
    gc.collect()
    deadline = time.monotonic() + GRACE
    while any(left := Footprint.now().new_since(before)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


def _fail_where_left(left: Footprint) -> None:
    report = str(left)
    left.remove()
    if report:
        pytest.fail(f"left behind:\n{report}", pytrace=False)


@pytest.fixture(scope="session", autouse=True)
def reported_leaks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Footprint]]:
    """Give the session a temp directory and a name of its own; look at its end for what no single test left.

    Yields the list of what was reported, so that it is reported once.
    """
    tmp_path_factory.getbasetemp()  # settled before the temp directory moves, for pytest keeps it afterwards
    with (
        tempfile.TemporaryDirectory(prefix="kedge-tests-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, folder)
        patch.setattr(tempfile, "tempdir", folder)
        patch.setenv(SESSION, uuid.uuid4().hex)
        pyarrow.csv.read_csv(pa.py_buffer(b"first\n"))  # opens a pipe for signals, which pyarrow keeps
        before = Footprint.now()
        reported: list[Footprint] = []
        yield reported
        _fail_where_left(_left_behind(before.with_all(reported)))


@pytest.fixture(autouse=True)
def test_leaves_nothing_behind(reported_leaks: list[Footprint]) -> Iterator[None]:
    """Fail the test that leaves something behind."""
    before = Footprint.now()
    yield
    left = _left_behind(before)
    reported_leaks.append(left)
    _fail_where_left(left)
