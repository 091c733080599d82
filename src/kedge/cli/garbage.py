"""How often Python looks for garbage in a process that ends when its command does."""

from __future__ import annotations

import gc

__all__ = ["keep_what_is_there", "look_seldom"]

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""What is imported and planned stays; to look for garbage in it after every 700 objects takes a tenth of the time."""


def look_seldom() -> None:
    """Let Python look for garbage now and then only, in a process that is the command's own."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def keep_what_is_there() -> None:
    """Look no more at what there is by now, not even at the end of the process, where all would be taken apart.

    To be called when modules are loaded and before DuckDB is: it complains of objects of its own that are left over.
    Does nothing in a process that has more to do than one command.
    """
    if gc.get_threshold()[0] == _OBJECTS_BETWEEN_COLLECTIONS:
        gc.freeze()
