"""What a run looks like on a terminal: progress and messages on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from kedge.cli.console import Console
from kedge.host.collector import Observer
from kedge.sdk.constants import MessageType

if TYPE_CHECKING:
    from typing_extensions import Self

    from kedge.sdk.outlet import Message

__all__ = ["RunDisplay"]

_STYLES = {MessageType.WARN: "yellow", MessageType.ERROR: "bold red"}
_LABELS = {MessageType.WARN: "warning", MessageType.ERROR: "error", MessageType.INFO: "info"}
_QUIET = (MessageType.NONE, MessageType.UPDATE_CONFIG)


class RunDisplay(Observer):
    """Shows a run: a progress line on a terminal, none in a pipe; messages as they come."""

    def __init__(self, tool_name: str) -> None:
        self._tool_name = tool_name
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._rows = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[rows]:,} rows out"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task(tool_name, total=None, rows=0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def on_message(self, message: Message) -> None:
        """Print a message of the tool."""
        if message.kind not in _QUIET:
            label = _LABELS.get(message.kind, message.kind.name.lower())
            text = escape(f"{self._tool_name}: {label}: {message.text}")
            self._progress.print(f"[{style}]{text}[/]" if (style := _STYLES.get(message.kind)) else text)

    def on_progress(self, fraction: float) -> None:
        """Move the bar."""
        self._progress.update(self._task, total=1.0, completed=fraction)

    def on_rows(self, anchor: str, rows: int) -> None:  # noqa: ARG002 - an observer's signature
        """Count rows."""
        self._rows += rows
        self._progress.update(self._task, rows=self._rows)

    def on_line(self, stream: str, line: str) -> None:  # noqa: ARG002 - an observer's signature
        """Pass on what the tool printed."""
        self._progress.print(f"[dim]{escape(line)}[/]")
