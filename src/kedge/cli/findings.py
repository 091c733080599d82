"""What ``kedge tool test`` prints."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from kedge.cli.console import Console
from kedge.testing.checks.check import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kedge.testing.checks.check import Check, Finding

__all__ = ["print_findings"]

_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "bold red", Verdict.SKIPPED: "dim"}
_CHARACTERS = 200


def print_findings(tool: str, findings: Sequence[tuple[Check, Finding]]) -> None:
    """Print the results as a table, those that failed in full, and how many there are of each."""
    console = Console(file=sys.stdout, highlight=False)
    shown = Table()
    for heading in ("check", "result", "what it saw"):
        shown.add_column(heading, no_wrap=heading != "what it saw")
    for check, (verdict, saw) in findings:
        first, _, more = saw.partition("\n")
        text = first if len(first) <= _CHARACTERS and not more else f"{first[:_CHARACTERS]}…"
        shown.add_row(check.name, f"[{_STYLES[verdict]}]{verdict.value}[/]", escape(text))
    console.print(shown)
    for check, finding in findings:
        if finding.verdict is Verdict.FAILED:
            console.print(f"\n{escape(check.explain(finding))}", soft_wrap=True)
    counts = Counter(finding.verdict for _, finding in findings)
    console.print(f"{escape(tool)}: {', '.join(f'{counts[verdict]} {verdict.value}' for verdict in Verdict)}")
