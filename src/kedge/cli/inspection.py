"""What ``kedge tool inspect`` reads off a tool's class."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from kedge.cli.console import Console
from kedge.sdk.anchors import declared_anchors

if TYPE_CHECKING:
    from pydantic import BaseModel

    from kedge.host.target import ToolTarget
    from kedge.sdk.anchors import InputAnchor

__all__ = ["print_declaration"]


def print_declaration(target: ToolTarget) -> None:
    """Print a tool's name, where it is, its docstring, its anchors and its settings. Imports the tool."""
    tool = target.load()
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    console.print(f"[bold]{escape(tool.__name__)}[/]  {escape(inspect.getfile(tool))}")
    if document := inspect.cleandoc(tool.__dict__.get("__doc__") or ""):
        console.print(escape(document))
    declared = declared_anchors(tool)
    if declared.inputs is None:
        console.print("incoming anchors: not declared, any name is taken")
    else:
        console.print(f"incoming anchors: {', '.join(map(_input, declared.inputs.items())) or 'none'}")
    if declared.outputs is None:
        console.print("outgoing anchors: not declared; Output, or those that -o names")
    else:
        console.print(f"outgoing anchors: {', '.join(declared.outputs) or 'none'}")
    if (model := getattr(tool, "settings_class", None)) is not None:
        _print_settings(model, console)


def _print_settings(model: type[BaseModel], console: Console) -> None:
    from kedge.sdk.settings import setting_rows, settings_version

    version = settings_version(model)
    console.print(f"settings: {model.__name__}{f', version {version}' if version > 1 else ''}")
    shown = Table()
    for heading in ("setting", "type", "default", "allowed", "description"):
        shown.add_column(heading)
    for row in setting_rows(model):
        shown.add_row(*map(escape, row))
    console.print(shown)


def _input(item: tuple[str, InputAnchor]) -> str:
    name, anchor = item
    remarks = [text for text, holds in (("optional", anchor.optional), ("several", anchor.allow_multiple)) if holds]
    return f"{name} ({', '.join(remarks)})" if remarks else name
