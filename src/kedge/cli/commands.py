"""Which commands there are, and where: the module of a command is loaded when it is called, or all are listed."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command

__all__ = ["COMMANDS", "CommandsWhenCalled"]


class Place(NamedTuple):
    """Where a command is: a function of a module of this package, or a group of commands of that name.

    ``also`` is a module that adds to the group. With ``passes_options``, options that it does not know are handed on.
    """

    module: str
    name: str
    also: str = ""
    hidden: bool = False
    passes_options: bool = False


COMMANDS: Final = {
    "run": Place("flow", "run"),
    "check": Place("flow", "check"),
    "build": Place("build", "build"),
    "install": Place("install", "install"),
    "uninstall": Place("install", "uninstall"),
    "dev": Place("dev", "dev", passes_options=True),
    "migrate": Place("migrate", "migrate"),
    "doctor": Place("doctor", "doctor"),
    "sdk-workspace-init": Place("old_verbs", "sdk_workspace_init", hidden=True),
    "create-ayx-plugin": Place("old_verbs", "create_ayx_plugin", hidden=True),
    "generate-config-files": Place("old_verbs", "generate_config_files", hidden=True),
    "generate-tests": Place("old_verbs", "generate_tests", hidden=True),
    "generate-ui": Place("old_verbs", "generate_ui", hidden=True),
    "create-yxi": Place("old_verbs", "create_yxi", hidden=True),
    "designer-install": Place("old_verbs", "designer_install", hidden=True),
    "install-yxi": Place("old_verbs", "install_package", hidden=True),
    "test": Place("old_verbs", "run_tests", hidden=True, passes_options=True),
    "version": Place("app", "version"),
    "tool": Place("tool", "app", also="conformance"),
    "new": Place("new", "app", also="new_ui"),
    "bench": Place("bench", "app"),
}
"""In the order of the list that ``kedge --help`` prints."""


class CommandsWhenCalled(TyperGroup):
    """The group of all commands. To build every one takes ten times as long as to build the one that is called."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name, ``None`` where there is none."""
        if cmd_name in COMMANDS:
            self._build(cmd_name)
        else:
            self._build(*COMMANDS)  # the error names what is near
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        self._build(*COMMANDS)
        return super().list_commands(ctx)

    def _build(self, *names: str) -> None:
        built = {name: self.commands.get(name) or _command(name, COMMANDS[name]) for name in names}
        self.commands = {**built, **{name: it for name, it in self.commands.items() if name not in built}}


def _command(name: str, place: Place) -> Any:
    if place.also:
        import_module(f"kedge.cli.{place.also}")
    found = getattr(import_module(f"kedge.cli.{place.module}"), place.name)
    if isinstance(found, typer.Typer):
        command = get_command(found)
        command.name = name
        return command
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    settings = {"ignore_unknown_options": True} if place.passes_options else None
    alone.command(name, hidden=place.hidden, context_settings=settings)(found)
    return get_command(alone)
