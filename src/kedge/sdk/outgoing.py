"""What a tool writes to one outgoing anchor, on its way into the engine's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import UsageError
from kedge.sdk.arrow_types import FIXED_SIZES
from kedge.sdk.batch_converter import BatchConverter
from kedge.sdk.engine_types import OutgoingPlan
from kedge.sdk.sizes import BatchSizes

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.sdk.fields import FieldType, Metadata

__all__ = ["LARGEST_BATCH", "Conformed", "OutgoingRecords"]

LARGEST_BATCH = 64 << 20
"""Bytes; a batch above that travels as several."""


class Conformed(NamedTuple):
    """Records ready to be sent, what was lost on the way, and the announcement that must be made before, if any."""

    tables: list[tuple[pa.Table, int]]
    """Each with its size in bytes."""
    warnings: list[str]
    announce: Metadata | None


class OutgoingRecords:
    """One outgoing anchor: what was announced, what was written, whether it is closed.

    Records for an anchor that is not ``connected`` are checked like any others, and dropped.
    """

    def __init__(self, name: str, *, connected: bool) -> None:
        self._name = name
        self._connected = connected
        self._announced: Metadata | None = None
        self._converter: BatchConverter | None = None
        self._sizes = BatchSizes()
        self._closed = False

    def __repr__(self) -> str:
        state = "closed" if self._closed else "written" if self._converter else "open"
        return f"<OutgoingRecords of {self._name!r}, {state}{'' if self._connected else ', not connected'}>"

    def announce(self, metadata: Metadata) -> bool:
        """Take an announcement; True where it says something new.

        Raises UsageError where records of other columns were written already.
        """
        if metadata == self._announced:
            return False
        if self._converter is not None and _columns(metadata) != _columns(self._announced):
            raise UsageError(
                f"anchor {self._name!r} was announced anew, with other columns, after records were written to it: "
                f"first {_listed(self._announced)}, now {_listed(metadata)}"
            )
        self._announced = metadata.clone()
        return True

    def conform(self, data: pa.Table | pa.RecordBatch) -> Conformed:
        """Bring records into the engine's form.

        Raises UsageError naming the anchor, and the column where there is one to name.
        """
        if self._closed:
            raise UsageError(f"anchor {self._name!r} is closed; close_outgoing_anchor is for when nothing more comes")
        converter = self._converter or BatchConverter(OutgoingPlan, self._announced)
        try:
            conversion = converter.convert(data)
        except UsageError as error:
            raise UsageError(f"anchor {self._name!r}: {error}") from error
        self._converter = converter
        announce = converter.metadata if self._announced is None else None
        if announce is not None:
            self._announced = announce
        warnings = [f"anchor {self._name!r}: {warning}" for warning in conversion.warnings]
        tables = _bounded(conversion.table, self._sizes.of(conversion.table)) if self._connected else []
        return Conformed(tables, warnings, announce)

    def close(self) -> bool:
        """Take nothing more; True where the engine is to be told."""
        tell = self._connected and not self._closed
        self._closed = True
        return tell

    def closing_warnings(self) -> list[str]:
        """What was lost since the first warning of its kind, in total."""
        warnings = () if self._converter is None else self._converter.closing_warnings()
        return [f"anchor {self._name!r}: {warning}" for warning in warnings]


def _bounded(table: pa.Table, size: int) -> list[tuple[pa.Table, int]]:
    """Slices by rows of at most :data:`LARGEST_BATCH` bytes on average; no bytes are copied."""
    if size <= LARGEST_BATCH or table.num_rows < 2:
        return [(table, size)]
    rows = max(1, table.num_rows * LARGEST_BATCH // size)
    parts = (table.slice(start, rows) for start in range(0, table.num_rows, rows))
    return [(part, part.nbytes) for part in parts]


def _columns(metadata: Metadata | None) -> list[tuple[str, FieldType, int, int]]:
    """What records must agree with: names, types, and the sizes where an engine heeds them."""
    return [
        (field.name, field.type, *((0, 0) if field.type in FIXED_SIZES else (field.size, field.scale)))
        for field in metadata or ()
    ]


def _listed(metadata: Metadata | None) -> str:
    columns = _columns(metadata)
    return ", ".join(f"{name} ({kind.name}{f' {size}.{scale}' if size else ''})" for name, kind, size, scale in columns)
