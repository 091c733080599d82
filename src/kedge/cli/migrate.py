"""``kedge migrate``: V1 source to V2."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from kedge.cli.exits import CLEAN, REPORTED, errors_as_exit_codes

__all__ = ["migrate"]


def migrate(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="a Python file, or a folder of them")],
    write: Annotated[bool, typer.Option("--write", help="change the files; without it nothing is written")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="show the changes")] = False,
) -> None:
    """Rewrite tools of SDK V1 for V2, formatting and comments kept.

    What cannot be decided stays as it was, under a comment TODO(kedge migrate) that says why. Tools of the older engine
    SDK get a V2 skeleton beside them. Exits with 1 where a file could not be read as Python.
    """
    from kedge.workspace.migrate import Outcome
    from kedge.workspace.migrate import migrate as migrate_path

    with errors_as_exit_codes():
        migration = migrate_path(path, write=write)
        if diff:
            print(migration.diff(), end="")
        for line in migration.lines():
            print(line)
        unreadable = any(file.outcome is Outcome.UNREADABLE for file in migration.files)
        raise typer.Exit(REPORTED if unreadable else CLEAN)
