"""The leak check bites: each kind of thing left behind fails its test, and only that."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LEAKY = """
import os, subprocess, sys, tempfile, threading, uuid
from pathlib import Path

import pytest

import tests.leaks

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
kept = []


@pytest.fixture(autouse=True, scope="module")
def short_grace():
    tests.leaks.GRACE = 0.2


def test_clean(tmp_path):
    (tmp_path / "own.txt").write_text("in a folder of its own")
    with tempfile.NamedTemporaryFile(), tempfile.TemporaryDirectory(prefix="kedge-"):
        subprocess.run([sys.executable, "-c", ""], check=True)


def test_still_ending():
    threading.Timer(0.05, print).start()


def test_child():
    kept.append(subprocess.Popen(SLEEP))


def test_orphan():
    start = f"import subprocess; subprocess.Popen({SLEEP!r}, start_new_session=True)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", start], check=True)


def test_unwaited():
    kept.append(subprocess.Popen([sys.executable, "-c", ""]))


def test_thread():
    thread = threading.Thread(target=threading.Event().wait, name="forgotten", daemon=False)
    thread.daemon = True
    thread.name = "kedge-forgotten"
    thread.start()


def test_descriptor():
    kept.append(os.pipe())


def test_temp_folder():
    tempfile.mkdtemp(prefix="kedge-")


def test_shared_memory():
    Path(f"/dev/shm/kedge-{uuid.uuid4()}").mkdir()


def test_nothing_is_left_of_them():
    pass
"""


@pytest.fixture
def outcome(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.RunResult:
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=":")
    pytester.makepyfile(LEAKY)
    return pytester.runpytest_subprocess("-p", "tests.leaks", "-p", "no:cacheprovider")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc and /dev/shm are Linux's")
class TestLeaks:
    def test_each_kind_is_found_named_and_removed(self, outcome: pytest.RunResult) -> None:
        """One session, so that it is also seen that a leak does not spoil the tests after it."""
        outcome.assert_outcomes(passed=10, errors=7)
        outcome.stdout.re_match_lines_random(
            [
                r"process \d+: .*time.sleep\(60\)",
                r"process \d+: ended, but nobody waited for it",
                "thread kedge-forgotten",
                r"descriptor \d+: pipe:\[\d+\]",
                r"path .*/kedge-tests-\w+/kedge-\w+",
                r"path /dev/shm/kedge-[-\w]+",
            ]
        )
        failing = [line.strip(" _").split()[-1] for line in outcome.outlines if "ERROR at teardown of" in line]
        assert failing == [
            "test_child",
            "test_orphan",
            "test_unwaited",
            "test_thread",
            "test_descriptor",
            "test_temp_folder",
            "test_shared_memory",
        ]
