"""What a run of a tool, or one step of it, gave."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.host.results import AnchorStatistics, RunStatistics, ToolResult
from kedge.lifecycle.events import BatchArrived, CloseAnchor, PushMetadata, SendBatch, SendMessage, SendProgress
from kedge.sdk.constants import MessageType
from kedge.sdk.schemas import schema_from_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.sdk.fields import Metadata
    from kedge.testing.tape import Entry

__all__ = ["Outcome"]


class Outcome(ToolResult):
    """What a run of a tool, or one step of it, gave.

    ``outputs`` has a Table for every connected outgoing anchor: without rows, but with the announced columns, where
    nothing was written. ``entries`` is all that was said, in order; ``seconds`` what it took.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        anchors: Sequence[str] = (),
        known: Mapping[str, Metadata] | None = None,
        seconds: float = 0.0,
        constants: Mapping[str, str] | None = None,
    ) -> None:
        self.entries = tuple(entries)
        self.anchors = tuple(anchors)
        self.constants = dict(constants or {})
        """The constants that the run was given besides the engine's own."""
        announced = {entry.anchor: entry.metadata for entry in entries if isinstance(entry, PushMetadata)}
        self.batches = {anchor: _batches(entries, anchor) for anchor in anchors}
        """The tables that were written to each anchor, one for each that travelled."""
        super().__init__(
            {anchor: _joined(self.batches[anchor], {**(known or {}), **announced}.get(anchor)) for anchor in anchors},
            [entry.message for entry in entries if isinstance(entry, SendMessage)],
            announced,
            RunStatistics(_incoming(entries), {a: _passed(tables) for a, tables in self.batches.items()}, seconds),
        )

    @cached_property
    def infos(self) -> tuple[str, ...]:
        """The texts of the tool's information messages."""
        return tuple(message.text for message in self.messages if message.kind is MessageType.INFO)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """The texts of the tool's warnings."""
        return tuple(message.text for message in self.messages if message.kind is MessageType.WARN)

    @cached_property
    def progress(self) -> tuple[float, ...]:
        """The progress reports, each from 0.0 to 1.0."""
        return tuple(entry.fraction for entry in self.entries if isinstance(entry, SendProgress))

    @cached_property
    def closed(self) -> tuple[str, ...]:
        """The outgoing anchors in the order in which they were closed."""
        return tuple(entry.anchor for entry in self.entries if isinstance(entry, CloseAnchor))


def _batches(entries: Sequence[Entry], anchor: str) -> list[pa.Table]:
    return [entry.table for entry in entries if isinstance(entry, SendBatch) and entry.anchor == anchor]


def _joined(tables: list[pa.Table], announced: Metadata | None) -> pa.Table:
    if tables:
        return pa.concat_tables(tables)
    return pa.table({}) if announced is None else schema_from_metadata(announced).empty_table()


def _passed(tables: Sequence[pa.Table]) -> AnchorStatistics:
    statistics = AnchorStatistics()
    for table in tables:
        statistics = statistics.plus(table)
    return statistics


def _incoming(entries: Sequence[Entry]) -> dict[str, AnchorStatistics]:
    tables: dict[str, list[pa.Table]] = {}
    for entry in entries:
        if isinstance(entry, BatchArrived):
            tables.setdefault(f"{entry.anchor} {entry.connection}", []).append(entry.table)
    return {label: _passed(batches) for label, batches in tables.items()}
