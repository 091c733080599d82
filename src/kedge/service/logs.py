"""Where a tool process writes: stderr, and a log file that rotates."""

from __future__ import annotations

import io
import logging
import logging.handlers
import os
import sys

from kedge.sdk.environment import log_directory

__all__ = ["make_streams_safe", "set_up_logging"]

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_FILE_BYTES = 4 << 20
_FILES = 4


def make_streams_safe() -> None:
    """Let stdout and stderr take any text, so that a tool that prints never ends by what it prints."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)


def set_up_logging(tool_name: str) -> None:
    """Log warnings to stderr and, at ``KEDGE_LOG_LEVEL`` (INFO), all to ``<log directory>/<tool>.log``.

    A log folder that cannot be written costs one line on stderr, never the run.
    """
    root = logging.getLogger()
    root.setLevel(os.environ.get("KEDGE_LOG_LEVEL", "INFO").upper())
    console = logging.StreamHandler()
    console.setLevel(logging.WARNING)
    console.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root.addHandler(console)
    folder = log_directory()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            folder / f"{tool_name}.log", maxBytes=_FILE_BYTES, backupCount=_FILES - 1, encoding="utf-8", delay=True
        )
    except OSError as error:
        root.warning("no log file: %s cannot be written (%s)", folder, error.strerror)
        return
    file.setFormatter(logging.Formatter(_FORMAT))
    root.addHandler(file)
