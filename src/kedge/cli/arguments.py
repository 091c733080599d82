"""Arguments that have parts."""

from __future__ import annotations

import shlex

from kedge.exceptions import UsageError

__all__ = ["anchored_files", "split_command"]


def anchored_files(pairs: list[str], option: str) -> dict[str, list[str]]:
    """``["Input=a.csv", "Input=b.csv"]`` as ``{"Input": ["a.csv", "b.csv"]}``. Raises UsageError naming the option."""
    files: dict[str, list[str]] = {}
    for pair in pairs:
        anchor, equals, path = pair.partition("=")
        if not equals or not anchor or not path:
            raise UsageError(f"{option} {pair!r}: write {option} ANCHOR=FILE, for example {option} Input=people.csv")
        files.setdefault(anchor, []).append(path)
    return files


def split_command(text: str) -> list[str]:
    """A command line in its parts, as a shell would read it. Raises UsageError where a quotation has no end."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--command {text!r}: {str(error).lower()}") from None
