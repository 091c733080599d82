"""The command line: parses, calls, prints."""

from __future__ import annotations

from kedge.cli.start import main

__all__ = ["main"]
