"""What the tests of a tool import: the harness, assertions on tables, recordings, and the conformance kit.

The pytest plugin that comes with Kedge (:mod:`kedge.testing.pytest_plugin`) offers the harness as the fixture ``tool``.
Names are imported when they are first asked for, so that a test session without tools pays nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kedge.testing.comparison import assert_tables_equal as assert_tables_equal
    from kedge.testing.harness import ToolHarness as ToolHarness
    from kedge.testing.outcome import Outcome as Outcome
    from kedge.testing.recording import compare_with_recording as compare_with_recording
    from kedge.testing.recording import replay as replay
    from kedge.testing.suite import conformance as conformance

__all__ = ["Outcome", "ToolHarness", "assert_tables_equal", "compare_with_recording", "conformance", "replay"]

_MODULES = {
    "Outcome": "outcome",
    "ToolHarness": "harness",
    "assert_tables_equal": "comparison",
    "compare_with_recording": "recording",
    "conformance": "suite",
    "replay": "recording",
}


def __getattr__(name: str) -> Any:
    """The public names, from the modules that have them."""
    if name not in _MODULES:
        raise AttributeError(f"module 'kedge.testing' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"kedge.testing.{_MODULES[name]}"), name)
