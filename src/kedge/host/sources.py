"""What a user may hand in as the input of an anchor: a file, an Arrow-speaking object, or a list of them."""

from __future__ import annotations

__all__ = ["InputFile", "Source", "open_source", "open_sources"]

import difflib
import os
import re
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.host.batch_source import Source
from kedge.host.dense import dense_batches, dense_schema
from kedge.host.formats import file_format

if TYPE_CHECKING:
    from collections.abc import Mapping

_DECIMAL = re.compile(r"decimal\((\d+), *(\d+)\)")


@dataclass(frozen=True)
class InputFile:
    """A file to read, with the types of some of its columns.

    ``types`` maps a column's name to a pyarrow type or its name (``"string"``, ``"int64"``, ``"date32"``,
    ``"timestamp[s]"``, ``"decimal(10, 2)"``, …). They serve formats that hold text alone: CSV, TSV and JSON lines.
    """

    path: str | os.PathLike[str]
    types: Mapping[str, pa.DataType | str] = field(default_factory=dict)


def open_sources(value: object) -> list[Source]:
    """Open the connections of one anchor: one for each element of a list or tuple, otherwise a single one.

    Raises what ``open_source`` raises; nothing is left open then.
    """
    values = value if isinstance(value, (list, tuple)) else [value]
    with ExitStack() as opened:
        sources = [opened.enter_context(open_source(each)) for each in values]
        opened.pop_all()
    return sources


def open_source(value: object) -> Source:
    """Open one connection's records; only the schema is read now, the batches when they are asked for.

    ``value`` is one of

    * a path, or an ``InputFile``: .csv, .tsv, .json or .jsonl (JSON lines), also compressed (.gz, .bz2, .zst);
      .parquet; .arrow and .feather (IPC files and streams);
    * an object with the Arrow PyCapsule stream interface: a pyarrow Table, RecordBatch or RecordBatchReader, a polars
      or pandas DataFrame, a DuckDB relation. Streams are read as they are consumed, once;
    * a ``pyarrow.dataset.Dataset``.

    Dictionary, run-length and view columns come unpacked. Raises UsageError where the file is missing, empty, of an
    unknown format, damaged or not readable, for two columns of one name, and for any other kind of value.
    """
    source = _open_file(value) if isinstance(value, (str, os.PathLike, InputFile)) else _open_object(value)
    twice = [name for name, count in Counter(source.schema.names).items() if count > 1]
    if twice:
        source.close()
        raise UsageError(f"{source.name} has more than one column called {twice[0]!r}; rename them")
    return source


def _open_file(value: str | os.PathLike[str] | InputFile) -> Source:
    file = value if isinstance(value, InputFile) else InputFile(value)
    path = Path(file.path)
    format_ = file_format(path)
    _check_readable(path)
    types = {name: _arrow_type(path, name, type_) for name, type_ in file.types.items()}
    if types and format_.name in ("parquet", "arrow", "feather"):
        raise UsageError(f"{path}: a {format_.name} file has types of its own; none can be given")
    match format_.name:
        case "csv" | "tsv":
            from kedge.host.csv_reader import open_csv

            return open_csv(path, "," if format_.name == "csv" else "\t", format_.compression, types)
        case "jsonl":
            from kedge.host.json_reader import open_json_lines

            return open_json_lines(path, format_.compression, types)
        case "parquet":
            from kedge.host.columnar_reader import open_parquet

            return open_parquet(path)
        case "arrow" | "feather":
            from kedge.host.columnar_reader import open_arrow

            return open_arrow(path)


def _check_readable(path: Path) -> None:
    if not path.exists():
        raise UsageError(f"{path} does not exist{_near_names(path)}")
    if path.is_dir():
        raise UsageError(f"{path} is a directory; name a file, or hand in a pyarrow.dataset.Dataset from Python")
    if not path.is_file():
        raise UsageError(f"{path} is no regular file; write the data to a file first, it is read more than once")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise UsageError(f"{path} is empty")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def _near_names(path: Path) -> str:
    if not path.parent.is_dir():
        return f": there is no directory {path.parent}"
    near = difflib.get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()])
    return f"; near it are {', '.join(near)}" if near else ""


def _arrow_type(path: Path, name: str, type_: pa.DataType | str) -> pa.DataType:
    if isinstance(type_, pa.DataType):
        return type_
    try:
        if decimal := _DECIMAL.fullmatch(type_):
            return pa.decimal128(int(decimal[1]), int(decimal[2]))
        return pa.type_for_alias(type_)
    except ValueError:
        raise UsageError(
            f"{path}: {type_!r}, given for column {name!r}, is no type; write one such as string, int64, double, bool, "
            "date32, time32[s], timestamp[s] or decimal(10, 2), or a pyarrow type"
        ) from None


def _open_object(value: object) -> Source:
    kind = f"{type(value).__module__.partition('.')[0]} {type(value).__name__}"
    # The dataset module takes long to import: whoever has a Dataset has imported it.
    datasets = sys.modules.get("pyarrow.dataset")
    if datasets is not None and isinstance(value, datasets.Dataset):
        reader = value.scanner(batch_readahead=2, fragment_readahead=1).to_reader()
    elif hasattr(value, "__arrow_c_stream__"):
        reader = _stream_reader(value, kind)
    else:
        hint = "; call .collect() on it first" if hasattr(value, "collect") else ""
        raise UsageError(
            f"a {kind} is no input{hint}; hand in a path, an InputFile, a pyarrow Table or Dataset, any object with "
            "__arrow_c_stream__ (polars, pandas, DuckDB), or a list of these"
        )
    return Source(f"the {kind}", dense_schema(reader.schema), dense_batches(reader, reader.schema), reader.close)


def _stream_reader(value: object, kind: str) -> pa.RecordBatchReader:
    try:
        return pa.RecordBatchReader.from_stream(value)
    except pa.ArrowInvalid as error:
        raise UsageError(f"the {kind} holds no table: {error}") from None
