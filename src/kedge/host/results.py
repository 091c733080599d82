"""What a run of a tool gave."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from kedge.exceptions import ToolError
from kedge.sdk.constants import MessageType

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from typing_extensions import Self

    from kedge.sdk.fields import Metadata
    from kedge.sdk.outlet import Message
    from kedge.wire.statistics import ConnectionStatistics

__all__ = ["AnchorStatistics", "RunStatistics", "ToolResult"]


class AnchorStatistics(NamedTuple):
    """What passed one anchor, or one connection; bytes as Arrow counts them."""

    batches: int = 0
    rows: int = 0
    bytes: int = 0

    def plus(self, table: pa.Table) -> AnchorStatistics:
        """These figures with one batch more."""
        return AnchorStatistics(self.batches + 1, self.rows + table.num_rows, self.bytes + table.nbytes)


class RunStatistics(NamedTuple):
    """What passed a run: per connection (``Input #1``) in, per anchor out; times in seconds.

    ``transport`` is what passed between the host and the tool process; None for a run in the caller's own process.
    ``tool`` is what the tool process counted, in JSON values: the records that passed the tool, and its end of the
    transport. None where there is no such process, or none of Kedge's.
    """

    incoming: Mapping[str, AnchorStatistics]
    outgoing: Mapping[str, AnchorStatistics]
    seconds: float
    transport: ConnectionStatistics | None = None
    tool: Mapping[str, Any] | None = None


class ToolResult:
    """A run that is over.

    ``outputs`` holds a Table per outgoing anchor (RecordBatchReaders of a streamed run), ``messages`` all messages in
    order, ``metadata`` what was announced last for each anchor.
    """

    def __init__(
        self,
        outputs: Mapping[str, Any],
        messages: list[Message],
        metadata: Mapping[str, Metadata],
        statistics: RunStatistics,
    ) -> None:
        self.outputs = outputs
        self.messages = messages
        self.metadata = metadata
        self.statistics = statistics

    def __repr__(self) -> str:
        anchors = ", ".join(f"{name} {s.rows} rows" for name, s in self.statistics.outgoing.items())
        return f"<ToolResult {'ok' if self.ok else 'failed'}: {anchors or 'no output'}, {len(self.messages)} messages>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self) -> Self:
        """Return at once: this run is over. One that is read while it goes on waits for its end."""
        return self

    def close(self) -> None:
        """Nothing is held but memory; a run that is read while it goes on ends."""

    @property
    def errors(self) -> tuple[str, ...]:
        """The texts of the tool's error messages."""
        return tuple(message.text for message in self.messages if message.kind is MessageType.ERROR)

    @property
    def ok(self) -> bool:
        """Whether the tool reported no error."""
        return not self.errors

    def raise_for_status(self) -> ToolResult:
        """Raise ToolError with the tool's errors, or return this result where there are none."""
        if errors := self.errors:
            raise ToolError(errors[0] if len(errors) == 1 else "\n".join(errors), errors)
        return self


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._start
