"""The ``kedge`` command and its groups."""

from __future__ import annotations

import typer

import kedge
from kedge.cli.commands import CommandsWhenCalled

__all__ = ["app"]

app = typer.Typer(
    name="kedge",
    help="Write, run and test the tools of data workflows.",
    cls=CommandsWhenCalled,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _group() -> None:
    """What makes a group of it, though no command is here yet."""


def version() -> None:
    """Print Kedge's version."""
    print(kedge.__version__)
