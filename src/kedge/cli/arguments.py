"""Arguments that have parts."""

from __future__ import annotations

import shlex

from kedge.exceptions import UsageError

__all__ = ["anchored_files", "column_types", "split_command"]


def anchored_files(pairs: list[str], option: str) -> dict[str, list[str]]:
    """``["Input=a.csv", "Input=b.csv"]`` as ``{"Input": ["a.csv", "b.csv"]}``. Raises UsageError naming the option."""
    files: dict[str, list[str]] = {}
    for pair in pairs:
        anchor, equals, path = pair.partition("=")
        if not equals or not anchor or not path:
            raise UsageError(f"{option} {pair!r}: write {option} ANCHOR=FILE, for example {option} Input=people.csv")
        files.setdefault(anchor, []).append(path)
    return files


def column_types(pairs: list[str]) -> dict[str, dict[str, str]]:
    """``["Input.zip=string"]`` as ``{"Input": {"zip": "string"}}``; a column's name may have dots and equals signs.

    Raises UsageError for what is no such triple, and for a column that is there twice.
    """
    types: dict[str, dict[str, str]] = {}
    for pair in pairs:
        place, equals, kind = pair.rpartition("=")
        anchor, dot, column = place.partition(".")
        if not (equals and dot and anchor and column and kind):
            raise UsageError(f"--type {pair!r}: write --type ANCHOR.COLUMN=TYPE, for example --type Input.zip=string")
        if column in types.setdefault(anchor, {}):
            raise UsageError(f"--type names the column {column!r} of {anchor} twice")
        types[anchor][column] = kind
    return types


def split_command(text: str) -> list[str]:
    """A command line in its parts, as a shell would read it. Raises UsageError where a quotation has no end."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--command {text!r}: {str(error).lower()}") from None
