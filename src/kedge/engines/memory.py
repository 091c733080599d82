"""How much memory this process may use."""

from __future__ import annotations

__all__ = ["available_memory"]

import os
from pathlib import Path

CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def available_memory(limits: tuple[Path, ...] = CGROUP_LIMITS) -> int | None:
    """Return the bytes that the control group or else the machine allows, ``None`` where neither can be asked."""
    found = [int(text) for text in (_read(path) for path in limits) if text.isdigit()]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
