"""The pytest plugin that comes with Kedge: the fixtures ``tool`` and ``recorded``, and the option ``--kedge-record``.

In a test run the names of the other SDK, ``ayx_python_sdk`` and ``ayx_plugin_sdk``, are Kedge's, so that the tests and
the ``conftest.py`` of a tool can import them. ``-p no:kedge`` leaves all of this out.

pytest imports this module at every start, in projects without a single tool too, so it imports next to nothing itself.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kedge.testing.harness import ToolHarness
    from kedge.testing.outcome import Outcome

__all__ = ["recorded", "tool"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--kedge-record``."""
    group = parser.getgroup("kedge", "tools of data workflows")
    group.addoption("--kedge-record", action="store_true", help="write the recordings of tools anew, compare nothing")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Have the alias in place before the first ``conftest.py`` is imported."""
    pytest_configure()


def pytest_configure() -> None:
    """Have the alias in place also where the plugin itself is named in a ``conftest.py``."""
    from kedge.compat.alias import install

    install()


@pytest.fixture
def tool() -> Iterator[Callable[..., ToolHarness]]:
    """Make harnesses for tools: ``tool(MyTool, config={"Threshold": "3"}).run(Input=table)``.

    The arguments are those of :class:`kedge.testing.ToolHarness`.
    """
    from kedge.testing.harness import ToolHarness

    with ExitStack() as stack:

        def make(*args: Any, **options: Any) -> ToolHarness:
            return stack.enter_context(ToolHarness(*args, **options))

        yield make


@pytest.fixture
def recorded(request: pytest.FixtureRequest) -> Callable[[Outcome, str], None]:
    """Compare a run with its recording, a file beside the test: ``recorded(outcome, "my_tool.jsonl")``.

    With ``--kedge-record`` the recording is written anew.
    """

    def compare(outcome: Outcome, name: str) -> None:
        from kedge.testing.recording import compare_with_recording

        renew = request.config.getoption("--kedge-record")
        compare_with_recording(outcome, request.path.parent / name, renew=renew)

    return compare
