"""``kedge tool test``: the conformance kit against one tool."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kedge.cli.arguments import anchored_files
from kedge.cli.exits import CLEAN, REPORTED, errors_as_exit_codes
from kedge.cli.tool import ConfigFile, ConfigPairs, ToolArgument, app
from kedge.exceptions import UsageError
from kedge.testing.checks.check import Verdict

__all__ = ["check_tool"]


@app.command("test")
def check_tool(
    tool: ToolArgument,
    sample: Annotated[
        list[str] | None, typer.Option(metavar="[ANCHOR=]FILE", help="records to try the tool on")
    ] = None,
    config: ConfigPairs = None,
    config_file: ConfigFile = None,
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="this check alone")] = None,
    skip: Annotated[list[str] | None, typer.Option(metavar="NAME", help="not this check")] = None,
) -> None:
    """Check a tool against what engines and users expect of every tool, in this process.

    Without a sample each incoming anchor gets a table with a column of every type. A check that fails says what it did,
    what it saw, why it matters and how to fix it.
    """
    from kedge.cli.findings import print_findings
    from kedge.sdk.tool_config import config_from_pairs
    from kedge.testing.checks.catalogue import select_checks
    from kedge.testing.checks.subject import Subject

    with errors_as_exit_codes():
        checks = select_checks(only or [], skip or [])
        if config and config_file is not None:
            raise UsageError("-c and --config exclude each other: put the settings into the file")
        settings: Any = config_file if config_file is not None else config_from_pairs(config or [])
        subject = Subject(tool, config=settings, sample=_sample(sample or []))
        findings = [(check, check.examine(subject)) for check in checks]
        print_findings(subject.name, findings)
        failed = any(finding.verdict is Verdict.FAILED for _, finding in findings)
        raise typer.Exit(REPORTED if failed else CLEAN)


def _sample(values: list[str]) -> object:
    """A file for the only anchor, or files by anchor; None without any."""
    if len(values) == 1 and "=" not in values[0]:
        return values[0]
    return anchored_files(values, "--sample") or None
