"""A row for each day: a tool without inputs.

kedge tool run examples/calendar_days.py:CalendarDays -o Days=days.csv -c From=2013-01-01 -c To=2013-12-31
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING

import pyarrow as pa

from kedge import AMPProviderV2, Anchor, FieldType, PluginV2, WorkflowRuntimeError, create_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS = create_schema(
    {
        "day": FieldType.date,
        "weekday": {"type": FieldType.string, "size": 9, "description": "in English"},
        "week": {"type": FieldType.string, "size": 8, "description": "ISO 8601, such as 2013-W01"},
        "is_weekend": FieldType.bool,
    }
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS_A_BATCH = 10_000


class CalendarDays(PluginV2):
    """Write every day from ``From`` to ``To``, both included, as ``YYYY-MM-DD`` in the configuration.

    ``Days`` gets the date, its weekday, its ISO week and whether it is a Saturday or Sunday.
    """

    input_anchors = ()
    output_anchors = ("Days",)

    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.first, self.last = (configured_day(provider, name) for name in ("From", "To"))
        if self.last < self.first:
            raise WorkflowRuntimeError(f"To ({self.last}) must not be before From ({self.first})")
        provider.push_outgoing_metadata("Days", DAYS)

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        """Never called: nothing is connected to this tool."""

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        """Never called either."""

    def on_complete(self) -> None:
        count = (self.last - self.first).days + 1
        written = 0
        days = self.days()
        while batch := list(itertools.islice(days, DAYS_A_BATCH)):
            self.provider.write_to_anchor("Days", pa.table([*zip(*batch, strict=True)], schema=DAYS))
            written += len(batch)
            self.provider.io.update_progress(written / count)
        self.provider.io.info("{:,} days from {} to {}", count, self.first, self.last)

    def days(self) -> Iterator[tuple[dt.date, str, str, bool]]:
        for number in range(self.first.toordinal(), self.last.toordinal() + 1):
            day = dt.date.fromordinal(number)
            year, week, weekday = day.isocalendar()
            yield day, WEEKDAYS[weekday - 1], f"{year}-W{week:02}", weekday > 5


def configured_day(provider: AMPProviderV2, name: str) -> dt.date:
    text = provider.tool_config.get(name)
    if not text:
        raise WorkflowRuntimeError(f"say in the configuration which day {name} is, such as 2013-01-31")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise WorkflowRuntimeError(f"{name} must be a day such as 2013-01-31, but is {text!r}") from None
