"""Read Parquet and Arrow files (IPC files, also called Feather version 2, and IPC streams) batch by batch."""

from __future__ import annotations

__all__ = ["open_arrow", "open_parquet"]

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from kedge.exceptions import UsageError
from kedge.host.batch_source import Source
from kedge.host.dense import dense_batches, dense_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A Parquet file tells the size of its rows: batches of about this many bytes, and of so many rows at most.
_BATCH_BYTES = 4 << 20
_BATCH_ROWS = 65_536

_IPC_FILE_MAGIC = b"ARROW1"
_FEATHER_1_MAGIC = b"FEA1"


def open_parquet(path: Path) -> Source:
    """Open a Parquet file, read in batches of about 4 MiB.

    Raises UsageError for a file that is damaged or no Parquet file; while reading, for a damaged page.
    """
    try:
        # Without pre_buffer a row group is read page by page, not at once.
        file = pq.ParquetFile(path, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path} is damaged or no Parquet file: {error}") from None
    schema = file.schema_arrow
    batches = _guarded(path, file.iter_batches(_rows_a_batch(file.metadata)))
    return Source(str(path), dense_schema(schema), dense_batches(batches, schema), file.close)


def open_arrow(path: Path) -> Source:
    """Open an Arrow IPC file (mapped, so that a batch takes no memory of its own) or an Arrow IPC stream.

    Raises UsageError for a Feather version 1 file and for one that is damaged; while reading, for a damaged batch.
    """
    stream = pa.memory_map(str(path))
    magic = bytes(stream.read(len(_IPC_FILE_MAGIC)))
    stream.seek(0)
    if magic.startswith(_FEATHER_1_MAGIC):
        stream.close()
        raise UsageError(
            f"{path} is a Feather version 1 file; pyarrow.feather.write_feather(pyarrow.feather.read_table(old), new) "
            "writes it as version 2"
        )
    try:
        reader = pa.ipc.open_file(stream) if magic == _IPC_FILE_MAGIC else pa.ipc.open_stream(stream)
    except (pa.ArrowException, OSError) as error:
        stream.close()
        raise UsageError(f"{path} is damaged or no Arrow file: {error}") from None
    batches = _guarded(path, _ipc_batches(reader))
    return Source(str(path), dense_schema(reader.schema), dense_batches(batches, reader.schema), stream.close)


def _rows_a_batch(metadata: pq.FileMetaData) -> int:
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    row_bytes = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1.0)
    return max(1, min(_BATCH_ROWS, int(_BATCH_BYTES / max(row_bytes, 1.0))))


def _ipc_batches(reader: pa.RecordBatchFileReader | pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.RecordBatchReader):
        yield from reader
    else:
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


def _guarded(path: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path} is damaged: {error}") from None
