"""Where the ``kedge`` command begins."""

from __future__ import annotations

import io
import os.path
import sys
from pathlib import Path

from kedge.cli import garbage
from kedge.cli.exits import output_read_to_its_end
from kedge.cli.flow_calls import check_flow, run_flow

__all__ = ["main"]


def main() -> None:
    """Run the command line; exits with the codes of :mod:`kedge.cli.exits`.

    A call with nothing to read in it but a file that is there is made at once: typer, and the pydantic that it brings,
    take as long to say which file as a small workflow takes to run.
    """
    garbage.look_seldom()
    _take_any_text()
    with output_read_to_its_end():
        match sys.argv[1:]:
            case ["run", flow] if os.path.isfile(flow):  # noqa: PTH113 - Path raises for a name that is too long
                run_flow(Path(flow))
            case ["check", flow] if os.path.isfile(flow):  # noqa: PTH113 - Path raises for a name that is too long
                check_flow(Path(flow))
            case _:
                from kedge.cli.app import app

                app()


def _take_any_text() -> None:
    """What a stream cannot show becomes ``?``, so that no run ends by what its tool says."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
