"""Writers of tables, one for each file format."""

from __future__ import annotations

__all__ = ["TableWriter", "open_writer"]

from typing import TYPE_CHECKING, BinaryIO, Protocol

import pyarrow as pa

from kedge.host.text_columns import check_text_types, csv_column, json_lines

if TYPE_CHECKING:
    from kedge.host.formats import FileFormat

_CSV_DELIMITERS = {"csv": ",", "tsv": "\t"}


class TableWriter(Protocol):
    """Writes tables of one schema; pyarrow's writers are such."""

    def write_table(self, table: pa.Table) -> None:
        """Append the rows of ``table``."""

    def close(self) -> None:
        """Write what belongs at the end."""


def open_writer(format_: FileFormat, path: object, stream: BinaryIO, schema: pa.Schema) -> TableWriter:
    """Return a writer of ``format_`` to ``stream``, for tables whose columns are plain (``kedge.host.dense``).

    CSV and TSV have a header, texts in quotes and nulls as nothing, so that null and the empty text differ; bytes are
    base64. JSON lines are as ``kedge.host.text_columns`` says. Parquet is compressed with snappy, Feather with LZ4;
    Arrow files are not compressed, so that they can be mapped.

    Raises UsageError, naming ``path``, for a column that the format cannot hold.
    """
    writer: TableWriter
    match format_.name:
        case "parquet":
            import pyarrow.parquet as pq

            writer = pq.ParquetWriter(stream, schema)
        case "arrow":
            writer = pa.ipc.new_file(stream, schema)
        case "feather":
            writer = pa.ipc.new_file(stream, schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
        case text:
            check_text_types(path, schema)
            if format_.compression is not None:
                stream = pa.CompressedOutputStream(stream, format_.compression)
            writer = _JsonLinesWriter(stream) if text == "jsonl" else _CsvWriter(stream, schema, _CSV_DELIMITERS[text])
    return writer


class _JsonLinesWriter:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write_table(self, table: pa.Table) -> None:
        for batch in table.to_batches():
            self._stream.write(json_lines(batch))

    def close(self) -> None:
        self._stream.close()


class _CsvWriter:
    def __init__(self, stream: BinaryIO, schema: pa.Schema, delimiter: str) -> None:
        import pyarrow.csv

        self._stream = stream
        types = [csv_column(pa.nulls(0, field.type)).type for field in schema]
        self._schema = pa.schema(zip(schema.names, types, strict=True))
        options = pyarrow.csv.WriteOptions(delimiter=delimiter)
        self._writer = pyarrow.csv.CSVWriter(stream, self._schema, write_options=options)

    def write_table(self, table: pa.Table) -> None:
        for batch in table.to_batches():
            columns = [csv_column(column) for column in batch.columns]
            self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()
        self._stream.close()
