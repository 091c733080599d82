"""What a check is, and what comes of it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import ToolCrashed, ToolError, ToolStartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kedge.testing.checks.subject import Subject

__all__ = ["Check", "DoesNotApplyError", "Finding", "Verdict", "ViolationError", "check", "counted"]


class ViolationError(AssertionError):
    """Raised by a check that found the tool wrong; the text is what it saw."""


class DoesNotApplyError(Exception):
    """Raised by a check that has nothing to look at in this tool; the text is why."""


class Verdict(Enum):
    """What a check says of a tool."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Finding(NamedTuple):
    """A verdict and what the check saw."""

    verdict: Verdict
    saw: str


@dataclass(frozen=True)
class Check:
    """One demand on every tool: what is done to see whether it is met, why it matters, and how to meet it."""

    name: str
    does: str
    why: str
    fix: str
    body: Callable[[Subject], str]

    def examine(self, subject: Subject) -> Finding:
        """Run the check. Raises UsageError where the call is wrong: the sample, the configuration, the tool's name."""
        try:
            return Finding(Verdict.PASSED, self.body(subject))
        except ViolationError as violation:
            return Finding(Verdict.FAILED, str(violation))
        except DoesNotApplyError as reason:
            return Finding(Verdict.SKIPPED, str(reason))
        except (ToolCrashed, ToolStartError, ToolError) as error:
            return Finding(Verdict.FAILED, str(error))

    def explain(self, finding: Finding) -> str:
        """The finding with all that its reader needs to act."""
        parts = (("did", self.does), ("saw", finding.saw), ("why it matters", self.why), ("how to fix it", self.fix))
        told = [textwrap.indent(f"{label}: {text}", "    ")[2:] for label, text in parts]
        return "\n".join([f"{self.name}: {finding.verdict.value}", *told])


def check(name: str, *, does: str, why: str, fix: str) -> Callable[[Callable[[Subject], str]], Check]:
    """Make a check of a function that returns what it saw, or raises ViolationError or DoesNotApplyError."""
    return lambda body: Check(name, does, why, fix, body)


def counted(number: int, thing: str) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
