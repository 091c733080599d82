"""Which tool to run, and by which command."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedge.compat.alias import install as install_alias
from kedge.exceptions import ToolStartError, UsageError
from kedge.loading import ToolName, load_tool, parse_tool_name, tool_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.sdk.plugin import PluginV2

__all__ = ["SERVICE", "ToolTarget", "resolve_target"]

SERVICE = ("-m", "kedge.service", "start-sdk-tool-service")
"""What stands between the interpreter and the tool in the command of a tool process of Kedge."""


@dataclass(frozen=True)
class ToolTarget:
    """A tool, by its name and by the command that serves it (protocol version 2).

    The command is empty for a class that a new interpreter could not find: it runs in this process only.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    tool_name: ToolName | None = None
    tool_class: type[PluginV2] | None = None

    def load(self) -> type[PluginV2]:
        """The tool's class, imported into this process. Raises ToolStartError, or UsageError for a bare command."""
        if self.tool_class is not None:
            return self.tool_class
        if self.tool_name is None:
            raise UsageError(f"{' '.join(self.command)!r} is a command: it runs in a process of its own only")
        return load_tool(self.tool_name)

    def require_command(self) -> tuple[str, ...]:
        """The command. Raises UsageError for a class that a tool process could not find."""
        if self.command:
            return self.command
        called = self.name if self.tool_class is None else self.tool_class.__qualname__
        raise UsageError(
            f"{called} is not at the top of a module or a file, where a tool process would find it: "
            "move it there, or run it with in_process=True"
        )


def resolve_target(tool: str | type[Any] | Sequence[str], python: str | None = None) -> ToolTarget:
    """What ``tool`` means: ``package:Tool``, ``path/to/file.py:Tool``, a tool class, or a whole command line.

    ``python`` is the interpreter that serves it, this one where it is None. Raises UsageError.

    From here on the names of the other SDK resolve to Kedge's objects in this process.
    """
    install_alias()
    if isinstance(tool, str):
        name = parse_tool_name(tool)
        return ToolTarget(name.tool, _command(name, python), tool_name=name)
    if inspect.isclass(tool):
        return _class_target(tool, python)
    if isinstance(tool, Sequence) and tool:
        return ToolTarget(tool[-1], tuple(tool))
    raise UsageError(f"{tool!r} is no tool: give PACKAGE:TOOL, path/to/file.py:Tool, a tool class or a command")


def _class_target(tool: type[Any], python: str | None) -> ToolTarget:
    try:
        runs_as = tool_class(tool, tool.__name__)
    except ToolStartError as error:
        raise UsageError(str(error)) from None
    if (package := _home(tool)) is None:
        return ToolTarget(tool.__name__, (), tool_class=runs_as)
    name = ToolName(package, tool.__name__)
    search_path = os.pathsep.join(part for part in sys.path if part)
    return ToolTarget(tool.__name__, _command(name, python), {"PYTHONPATH": search_path}, name, runs_as)


def _home(tool: type[Any]) -> str | None:
    """The module or the file in which a new interpreter finds the class; None where there is none."""
    if "." in tool.__qualname__:
        return None
    if (module := _importable(tool.__module__)) is not None:
        return module
    try:
        return inspect.getfile(tool)
    except (OSError, TypeError):  # typed into an interpreter
        return None


def _importable(module: str) -> str | None:
    """The module's name where a new interpreter with this ``sys.path`` finds it."""
    if module == "__main__":
        return None
    try:
        return module if importlib.util.find_spec(module) is not None else None
    except (ImportError, ValueError):
        return None


def _command(name: ToolName, python: str | None) -> tuple[str, ...]:
    package = str(Path(name.package).resolve()) if name.is_file else name.package
    return (python or sys.executable, *SERVICE, package, name.tool)
