"""What every test has: the leak check, hypothesis settings, and the corpus of real workflows."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["pytester", "tests.leaks"]

ROOT = Path(__file__).resolve().parents[1]

# A shell starts what runs in the background with this signal ignored, and so would be every command under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# CI draws the same examples each time; a developer's machine draws new ones, and remembers those that failed.
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if "CI" in os.environ else "dev")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real ``.yxmd`` files: ``KEDGE_CORPUS``, by default ``../shared/corpus`` from the root."""
    folder = Path(os.environ.get("KEDGE_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not folder.is_dir():
        pytest.skip(f"no corpus of workflows: {folder} is not there (KEDGE_CORPUS names another folder)")
    return folder
