"""The tool that is checked, and its runs."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from kedge.sdk.anchors import declared_anchors
from kedge.testing.checks.check import DoesNotApplyError, ViolationError, counted
from kedge.testing.checks.samples import sample_connections
from kedge.testing.comparison import Tolerance, table_differences
from kedge.testing.harness import ToolHarness

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from kedge.testing.harness import Connection
    from kedge.testing.outcome import Outcome

__all__ = ["Subject", "demand_same_outputs"]

_ROUNDING = Tolerance(relative=1e-9, absolute=1e-12)
"""What sums of floating-point numbers may differ by when they are added up in another order."""

_SHOWN_DIFFERENCES = 3


class Subject:
    """A tool with its configuration and a sample of its input; its plain run is made once.

    ``sample`` holds records by anchor, or records for the only anchor; without it tools get a table of every type.
    Raises UsageError for a wrong sample, and ToolStartError for a tool that cannot be loaded.
    """

    def __init__(
        self,
        tool: type[Any] | str,
        *,
        config: Mapping[str, Any] | str | os.PathLike[str] | None = None,
        sample: object = None,
        outputs: Sequence[str] | None = None,
    ) -> None:
        self._options: dict[str, Any] = {"config": config, "outputs": outputs}
        self._tool = tool
        harness = self.harness()
        self.tool_class = harness.target.load()
        self.name = harness.target.name
        self.declared = declared_anchors(self.tool_class)
        self.connections = sample_connections(sample, self.declared, self.name)

    def __repr__(self) -> str:
        return f"<Subject {self.name}, {len(self.connections)} connections>"

    def harness(self, *, process: bool = False) -> ToolHarness:
        """A harness with the subject's configuration."""
        return ToolHarness(self._tool, process=process, **self._options)

    def run(self, connections: Sequence[Connection] | None = None, **options: Any) -> Outcome:
        """Run the tool in this process, on the sample if nothing else is given."""
        with self.harness() as harness:
            return harness.run_connections(self.connections if connections is None else connections, **options)

    @cached_property
    def plain(self) -> Outcome:
        """The run on the sample as it is, good or bad."""
        return self.run()

    @cached_property
    def reference(self) -> Outcome:
        """The run on the sample, without errors. Raises DoesNotApplyError where it has any."""
        if not self.plain.ok:
            raise DoesNotApplyError("the tool does not run on the sample: see plain-run")
        return self.plain

    def inputs(self) -> list[Connection]:
        """The sample. Raises DoesNotApplyError for a tool without inputs."""
        if not self.connections:
            raise DoesNotApplyError("the tool has no input")
        return self.connections

    def demand_no_crash(self, outcome: Outcome, situation: str) -> None:
        """Raise ViolationError where an exception left the tool; an error message for its user is fine."""
        for error in outcome.errors:
            if error.startswith(f"{self.name}."):
                raise ViolationError(f"{situation}: {error}")

    def demand_no_errors(self, outcome: Outcome, situation: str) -> None:
        """Raise ViolationError where the tool reported an error."""
        if not outcome.ok:
            raise ViolationError(f"{situation}: {outcome.errors[0]}")


def demand_same_outputs(actual: Outcome, expected: Outcome, situation: str) -> None:
    """Raise ViolationError, with where they differ, for outputs that are not the same."""
    if actual.errors != expected.errors:
        raise ViolationError(f"{situation}: {actual.errors[0] if actual.errors else 'the error did not come'}")
    for anchor, table in expected.outputs.items():
        differences = table_differences(actual.outputs[anchor], table, _ROUNDING)
        if differences:
            shown = "; ".join(differences[:_SHOWN_DIFFERENCES])
            raise ViolationError(
                f"{situation}, {anchor} differs from the plain run in {counted(len(differences), 'place')}: {shown}"
            )
