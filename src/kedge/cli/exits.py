"""From errors to exit codes.

0 the run was clean; 1 the tool or the workflow reported an error; 2 the call was wrong; 3 the machinery failed;
130 interrupted.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from kedge.exceptions import KedgeError, ToolError, UsageError, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CLEAN", "INTERRUPTED", "MACHINERY", "REPORTED", "USAGE", "errors_as_exit_codes"]

CLEAN, REPORTED, USAGE, MACHINERY, INTERRUPTED = 0, 1, 2, 3, 130


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Print an error of Kedge to stderr, without a traceback, and exit with its code."""
    try:
        yield
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    except KedgeError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(exit_code(error)) from None


def exit_code(error: KedgeError) -> int:
    """The exit code that tells who has to act."""
    if isinstance(error, UsageError):
        return USAGE
    return REPORTED if isinstance(error, ToolError | WorkflowError) else MACHINERY
