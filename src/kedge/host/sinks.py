"""Where the records of an output anchor go: a file that appears when it is whole."""

from __future__ import annotations

__all__ = ["FileSink", "Sink", "SinkStatistics", "open_sink", "open_sinks"]

import os
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pyarrow as pa

from kedge.exceptions import ToolError, UsageError
from kedge.host.atomic_file import AtomicFile
from kedge.host.batching import batch_bytes
from kedge.host.dense import dense_batches, dense_schema
from kedge.host.formats import FileFormat, file_format
from kedge.host.writers import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kedge.host.writers import TableWriter

# Small tables are collected up to this many bytes. In Parquet that makes a row group, and with it the memory of the
# writer: 33 MiB with this size, 58 MiB with twice, where the file is a tenth smaller.
_PARQUET_BYTES = 8 << 20
_OTHER_BYTES = 1 << 20
# So many batches of a few rows are made one before they are kept: each costs 2 kB on top of its rows.
_MERGED_BATCHES = 1000
_MERGED_BYTES = 1 << 20


class Sink(Protocol):
    """Takes the records of one output anchor; ends with ``close`` or ``abandon``, whichever comes first."""

    def announce(self, schema: pa.Schema) -> None:
        """Take note of the schema that the anchor announced, for the case that it writes nothing."""

    def write(self, table: pa.Table) -> None:
        """Append the rows of ``table``, and keep no reference to its buffers."""

    def close(self) -> None:
        """Keep what was written."""

    def abandon(self) -> None:
        """Leave no trace. Harmless after ``close``."""


class SinkStatistics(NamedTuple):
    """What a sink has taken so far."""

    rows: int
    tables: int


def open_sinks(paths: Mapping[str, str | os.PathLike[str]]) -> dict[str, FileSink]:
    """Open the output files of several anchors, given as ``{anchor: path}``.

    Raises UsageError for two anchors with one file and what ``open_sink`` raises; no file is left behind then.
    """
    anchors: dict[str, str] = {}
    for anchor, path in paths.items():
        same = os.path.normcase(os.path.realpath(path))
        if same in anchors:
            raise UsageError(
                f"{os.fspath(path)} is the file of two outputs, {anchors[same]} and {anchor}; name two files"
            )
        anchors[same] = anchor
    with ExitStack() as opened:
        sinks = {}
        for anchor, path in paths.items():
            sinks[anchor] = open_sink(path)
            opened.callback(sinks[anchor].abandon)
        opened.pop_all()
    return sinks


def open_sink(path: str | os.PathLike[str]) -> FileSink:
    """Open an output file, whose extension tells the format (see ``kedge.host.writers``).

    Raises UsageError if the extension is unknown, the directory is missing, or the file cannot be written.
    """
    format_ = file_format(Path(path))
    return FileSink(AtomicFile(Path(path)), format_)


class FileSink:
    """A ``Sink`` that writes a file.

    The file appears at ``close``; before that, and after ``abandon``, whatever was at its path stays. Without a write
    it has no rows and the schema that was announced last, no columns if none was. Writing blocks on the disk.

    Every method raises UsageError, naming the file, if the disk refuses or the format cannot hold a column; the sink
    is to be abandoned then.
    """

    def __init__(self, file: AtomicFile, format_: FileFormat) -> None:
        self._file = file
        self._format = format_
        self._schema: pa.Schema | None = None
        self._announced = pa.schema([])
        self._writer: TableWriter | None = None
        self._collected = _Collector(_PARQUET_BYTES if format_.name == "parquet" else _OTHER_BYTES)
        self._statistics = SinkStatistics(0, 0)

    def __repr__(self) -> str:
        return f"<FileSink {self._file.path}: {self._statistics.rows} rows>"

    def announce(self, schema: pa.Schema) -> None:
        """Take note of the schema that the anchor announced, for the case that it writes nothing."""
        self._announced = schema

    def write(self, table: pa.Table) -> None:
        """Append the rows of ``table``, copying them.

        Raises ToolError if the columns differ from those of the first table.
        """
        with self._naming_the_file():
            self._begin(table.schema)
            for batch in dense_batches(table.to_batches(), table.schema):
                self._collected.add(batch)
            if self._collected.is_full:
                self._write_collected()
        self._statistics = SinkStatistics(self._statistics.rows + table.num_rows, self._statistics.tables + 1)

    def close(self) -> None:
        """Write what is left and let the file appear."""
        with self._naming_the_file():
            self._begin(self._schema or self._announced)
            self._write_collected()
            if self._writer is not None:
                self._writer.close()
        self._file.commit()

    def abandon(self) -> None:
        """Remove what was written. Harmless after ``close``."""
        self._collected.take()
        if self._writer is not None:
            # A Parquet writer that is left open would write into the closed file when it is collected.
            with suppress(pa.ArrowException, OSError, ValueError):
                self._writer.close()
        self._file.discard()

    def statistics(self) -> SinkStatistics:
        """Return how many rows and tables were written so far."""
        return self._statistics

    def _begin(self, schema: pa.Schema) -> None:
        """Open the writer for the first table; compare the columns of every other with it."""
        if self._schema is None or self._writer is None:
            self._writer = open_writer(self._format, self._file.path, self._file.stream, dense_schema(schema))
            self._schema = schema
        elif not schema.equals(self._schema):
            raise ToolError(
                f"{self._file.path}: the columns of an output changed while it was written, "
                f"from {_described(self._schema)} to {_described(schema)}; a tool writes one schema to an anchor"
            )

    def _write_collected(self) -> None:
        if self._writer is not None and (table := self._collected.take()) is not None:
            self._writer.write_table(table)

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"{self._file.path} cannot be written: {error}") from None


class _Collector:
    """Batches kept until they are enough to be worth writing. They are copies, whoever owned the originals."""

    def __init__(self, target_bytes: int) -> None:
        self._target_bytes = target_bytes
        self._small: list[pa.RecordBatch] = []
        self._small_bytes = 0
        self._merged: list[pa.RecordBatch] = []
        self._merged_bytes = 0

    @property
    def is_full(self) -> bool:
        return self._small_bytes + self._merged_bytes >= self._target_bytes

    def add(self, batch: pa.RecordBatch) -> None:
        self._small.append(pa.ipc.read_record_batch(batch.serialize(), batch.schema))
        self._small_bytes += batch_bytes(self._small[-1])
        if len(self._small) == _MERGED_BATCHES or self._small_bytes >= _MERGED_BYTES:
            self._merge()

    def take(self) -> pa.Table | None:
        """Return everything kept, as one table, and forget it; None if there is nothing."""
        self._merge()
        if not self._merged:
            return None
        table = pa.Table.from_batches(self._merged)
        self._merged, self._merged_bytes = [], 0
        return table

    def _merge(self) -> None:
        if self._small:
            self._merged += pa.Table.from_batches(self._small).combine_chunks().to_batches()
            self._merged_bytes += self._small_bytes
            self._small, self._small_bytes = [], 0


def _described(schema: pa.Schema) -> str:
    return "(" + ", ".join(f"{field.name} {field.type}" for field in schema) + ")"
