"""What ends a tool process whose host was killed before it could."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["start_guard"]

_SHELL = Path("/bin/sh")
# `read` returns at the end of the pipe, which comes with the end of the host, however that ends. A tool process of
# Kedge watches the host too, but cannot while it hangs in C code; one of foreign make does not.
_SCRIPT = 'read -r _; kill -9 "-$1" 2>/dev/null; shift; rm -rf -- "$@"'


def start_guard(pipe: int, group: int, folders: Sequence[Path]) -> subprocess.Popen[bytes] | None:
    """Start the process that kills ``group`` and removes the run's ``folders`` when the host's end of ``pipe`` closes.

    ``pipe`` is its read end. None where the system has no shell for it; there the tool process watches alone. Kill the
    guard, and wait for it, once the tool process is gone.
    """
    if sys.platform == "win32" or not _SHELL.exists():
        return None
    with contextlib.suppress(OSError):
        return subprocess.Popen(  # noqa: S603 - a fixed script, and arguments of our own
            [str(_SHELL), "-c", _SCRIPT, "kedge-guard", str(group), *map(str, folders)],
            stdin=pipe,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath},
            start_new_session=True,
        )
    return None
