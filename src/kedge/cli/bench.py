"""``kedge bench``: the benchmarks."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Measure, against named peers in the same run; prints JSON.", no_args_is_help=True)

Rounds = Annotated[int, typer.Option(min=1, help="pairs of measurements; the median is reported")]


@app.command()
def echo(rounds: Rounds = 5) -> None:
    """A batch through a pass-through tool and back, and the start of a tool process."""
    from kedge.bench.echo import bench_echo

    print(json.dumps(bench_echo(rounds, _say), indent=2))


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr)
