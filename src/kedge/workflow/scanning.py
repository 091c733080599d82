"""A source's records while one statement reads them."""

from __future__ import annotations

__all__ = ["Scanning"]

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.exceptions import KedgeError, WorkflowError

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Generator

    from kedge.tools.contract import Scan, ScanServices


class Scanning:
    """The Arrow stream of a scan, opened as often as the statement reads it; :meth:`close` it.

    ``fault`` is the error that ended the records, which the
    engine that reads tells in other words.
    """

    def __init__(self, scan: Scan, services: ScanServices) -> None:
        self.scan = scan
        self.fault: WorkflowError | None = None
        self._used: Container[str] = frozenset(scan.schema.names)
        self._services = services
        self._open: list[Generator[pa.RecordBatch, None, None]] = []

    def __arrow_c_schema__(self) -> object:
        """Say the schema to an engine that asks before it reads."""
        return self.scan.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> object:
        """Hand over the records from the first on."""
        batches = self._batches()
        self._open.append(batches)
        return pa.RecordBatchReader.from_batches(self.scan.schema, batches).__arrow_c_stream__(requested_schema)

    def narrow(self, used: Collection[str]) -> None:
        """Have the columns that are not ``used`` be null, and not be read. Nothing where none of them is."""
        if not set(used).isdisjoint(self.scan.schema.names):
            self._used = used

    def close(self) -> None:
        """End what is still open, once no statement reads it. Blocks until its threads have ended."""
        for batches in self._open:
            batches.close()
        self._open.clear()

    def _batches(self) -> Generator[pa.RecordBatch, None, None]:
        try:
            yield from self.scan.open(self._services, self._used)
        except KedgeError as fault:
            self.fault = WorkflowError(str(fault), self.scan.tool_id)
            raise self.fault from fault
