"""``NAME=VALUE`` arguments."""

from __future__ import annotations

from kedge.exceptions import UsageError

__all__ = ["anchored_files"]


def anchored_files(pairs: list[str], option: str) -> dict[str, list[str]]:
    """``["Input=a.csv", "Input=b.csv"]`` as ``{"Input": ["a.csv", "b.csv"]}``. Raises UsageError naming the option."""
    files: dict[str, list[str]] = {}
    for pair in pairs:
        anchor, equals, path = pair.partition("=")
        if not equals or not anchor or not path:
            raise UsageError(f"{option} {pair!r}: write {option} ANCHOR=FILE, for example {option} Input=people.csv")
        files.setdefault(anchor, []).append(path)
    return files
