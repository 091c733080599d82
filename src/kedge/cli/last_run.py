"""The last ``kedge tool run`` of a folder, for ``kedge dev`` to repeat.

Kept for runs on a terminal alone, in the folder for the user's state, where only the user can read it: arguments may
hold what is not everybody's.
"""

from __future__ import annotations

__all__ = ["last_run", "remember_run"]

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path

import platformdirs

_COMMAND = ["tool", "run"]


def remember_run() -> None:
    """Keep the arguments of this process, if it is a ``kedge tool run`` on a terminal."""
    if sys.argv[1:3] != _COMMAND or not sys.stderr.isatty():
        return
    with contextlib.suppress(OSError):  # a run does not fail because it cannot be remembered
        place = _place()
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - with its mode
            json.dump(sys.argv[3:], file)


def last_run() -> list[str]:
    """The arguments of the last run in the working folder; empty where none is known."""
    try:
        found = json.loads(_place().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [str(argument) for argument in found]


def _place() -> Path:
    name = hashlib.sha256(str(Path.cwd()).encode(errors="surrogateescape")).hexdigest()[:16]
    return platformdirs.user_state_path("kedge", appauthor=False) / "last-runs" / f"{name}.json"
