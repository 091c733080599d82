"""The conformance kit in pytest: one test for each check."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from kedge.testing.checks.catalogue import select_checks
from kedge.testing.checks.check import Verdict
from kedge.testing.checks.subject import Subject

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from kedge.testing.checks.check import Check

__all__ = ["conformance"]


def conformance(
    tool: type[Any] | str,
    *,
    sample: object = None,
    config: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    outputs: Sequence[str] | None = None,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
) -> type[Any]:
    """Make a class of tests, one for each check: ``TestMyTool = kedge.testing.conformance(MyTool)``.

    ``sample`` is what the tool is run on: records (a path, a table, …) for its only incoming anchor, or a dict of them
    by anchor; without it every anchor gets a table with a column of every type. ``config`` and ``outputs`` are those of
    :func:`kedge.run_tool`; ``only`` and ``skip`` name checks.

    The sample is read by the first test. Raises UsageError for a check that does not exist.
    """
    tool_name = tool if isinstance(tool, str) else tool.__name__
    checks = select_checks(only, skip)
    subject: list[Subject] = []

    def the_subject() -> Subject:
        if not subject:
            subject.append(Subject(tool, config=config, sample=sample, outputs=outputs))
        return subject[0]

    tests = {f"test_{check.name.replace('-', '_')}": _test(check, the_subject) for check in checks}
    caller = sys._getframe(1).f_globals.get("__name__", __name__)
    return type(f"Conformance of {tool_name}", (), {**tests, "__module__": caller})


def _test(check: Check, subject: Callable[[], Subject]) -> Callable[[object], None]:
    def test(_self: object) -> None:
        import pytest

        finding = check.examine(subject())
        if finding.verdict is Verdict.FAILED:
            pytest.fail(check.explain(finding), pytrace=False)
        if finding.verdict is Verdict.SKIPPED:
            pytest.skip(f"{check.name}: {finding.saw}")

    test.__doc__ = check.body.__doc__
    return test
