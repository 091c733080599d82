"""Formats, told by extensions."""

from __future__ import annotations

from pathlib import Path

import pytest

from kedge.exceptions import UsageError
from kedge.host.formats import file_format


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("a.csv", ("csv", None)),
        ("a.b.TSV", ("tsv", None)),
        ("a.json", ("jsonl", None)),
        ("a.jsonl.zst", ("jsonl", "zstd")),
        ("a.csv.bz2", ("csv", "bz2")),
        ("a.parquet", ("parquet", None)),
        ("a.arrow", ("arrow", None)),
        ("a.Feather", ("feather", None)),
    ],
)
def test_an_extension_in_any_case_tells_the_format(name: str, format_: tuple[str, str | None]) -> None:
    assert file_format(Path(name)) == format_


@pytest.mark.parametrize("name", ["a", ".csv", "csv", "a.xlsx", "a.gz", "a.csv.txt", ""])
def test_other_names_tell_none(name: str) -> None:
    with pytest.raises(UsageError, match="the extension tells no format; known are"):
        file_format(Path(name))
