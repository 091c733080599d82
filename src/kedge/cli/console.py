"""Rich's console, for all that the command line shows."""

from __future__ import annotations

import rich.console

__all__ = ["Console"]


class Console(rich.console.Console):
    """A console that leaves it to :mod:`kedge.cli.exits` what happens when nobody reads its output any more."""

    def on_broken_pipe(self) -> None:
        """Raise ``BrokenPipeError``, where rich exits as after an error."""
        raise
