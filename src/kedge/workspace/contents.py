"""What an archive of distributions holds, read from the archive."""

from __future__ import annotations

__all__ = ["PackageSize", "package_sizes", "top_names"]

import csv
import zipfile
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_SITE = "site-packages/"


class PackageSize(NamedTuple):
    """What one distribution takes, in bytes: unpacked, and in ``main.pyz``; ``version`` is empty for the own code."""

    name: str
    version: str
    unpacked: int
    packed: int


def top_names(archive: Path) -> set[str]:
    """The names that the archive's distributions can be imported by."""
    with zipfile.ZipFile(archive) as opened:
        places = [name.removeprefix(_SITE).partition("/")[0] for name in opened.namelist() if name.startswith(_SITE)]
    return {place.partition(".")[0] for place in places if not place.endswith(".dist-info")}


def package_sizes(archive: Path) -> list[PackageSize]:
    """What each distribution takes, the largest first; files of no distribution are under their top name."""
    with zipfile.ZipFile(archive) as opened:
        versions, owners = _distributions(opened)
        unpacked: dict[str, int] = {}
        packed: dict[str, int] = {}
        for member in opened.infolist():
            owner = _owner(member.filename, owners)
            unpacked[owner] = unpacked.get(owner, 0) + member.file_size
            packed[owner] = packed.get(owner, 0) + member.compress_size
    sizes = [PackageSize(name, versions.get(name, ""), unpacked[name], packed[name]) for name in unpacked]
    return sorted(sizes, key=lambda size: (-size.packed, size.name))


def _distributions(opened: zipfile.ZipFile) -> tuple[dict[str, str], dict[str, str]]:
    """The versions of the distributions by name, and the distribution of each file, and of each metadata folder."""
    versions: dict[str, str] = {}
    owners: dict[str, str] = {}
    for name in opened.namelist():
        folder, _, file = name.rpartition("/")
        if file != "METADATA" or not folder.endswith(".dist-info"):
            continue
        metadata = BytesHeaderParser().parsebytes(opened.read(name))
        versions[metadata["Name"]] = metadata["Version"]
        record = (
            opened.read(f"{folder}/RECORD").decode().splitlines() if f"{folder}/RECORD" in opened.namelist() else []
        )
        owners.update({f"{_SITE}{row[0]}": metadata["Name"] for row in csv.reader(record) if row})
        owners[folder] = metadata["Name"]
    return versions, owners


def _owner(name: str, owners: dict[str, str]) -> str:
    if not name.startswith(_SITE):
        return "the start of the archive"
    top = name.removeprefix(_SITE).partition("/")[0]
    return owners.get(name) or owners.get(_SITE + top) or top.removesuffix(".py")
