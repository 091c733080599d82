"""File formats, told by the extension of a path."""

from __future__ import annotations

__all__ = ["KNOWN_EXTENSIONS", "FileFormat", "file_format"]

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import pyarrow as pa

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from pathlib import Path

FormatName: TypeAlias = Literal["csv", "tsv", "jsonl", "parquet", "arrow", "feather"]
Compression: TypeAlias = Literal["gzip", "bz2", "zstd"]

_FORMATS: dict[str, FormatName] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "feather",
}
_COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_TEXT = ("csv", "tsv", "jsonl")

KNOWN_EXTENSIONS = f"{', '.join(_FORMATS)}; .csv, .tsv, .json and .jsonl also with {', '.join(_COMPRESSIONS)} after it"
"""What a path may end in, in words for a message."""


class FileFormat(NamedTuple):
    """The format of a file, and the compression around it (text formats only)."""

    name: FormatName
    compression: Compression | None


def file_format(path: Path) -> FileFormat:
    """Return the format that the extension of ``path`` names, in any case (``a.CSV``, ``b.jsonl.gz``).

    Raises UsageError for an extension that is not known, and for a compression that this format or this build of
    pyarrow does not have.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = _COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression is not None:
        suffixes.pop()
    name = _FORMATS.get(suffixes[-1]) if suffixes else None
    if name is None:
        raise UsageError(f"{path}: the extension tells no format; known are {KNOWN_EXTENSIONS}")
    if compression is not None and name not in _TEXT:
        raise UsageError(f"{path}: a {name} file is compressed inside; use the extension without {path.suffix}")
    if compression is not None and not pa.Codec.is_available(compression):
        raise UsageError(f"{path}: this build of pyarrow has no {compression}; use a file that is not compressed")
    return FileFormat(name, compression)
