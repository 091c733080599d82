"""A ``.yxi`` package taken apart without trusting it.

A package is a zip file of somebody else's making. Every member is judged by the archive's directory before anything is
written, and nothing lands outside of the folder that it is unpacked into, on any system: the names have to be those
that Windows, macOS and Linux can all store.
"""

from __future__ import annotations

__all__ = ["LIMITS", "Limits", "storable_name", "unpack"]

import re
import shutil
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Limits(NamedTuple):
    """What a package may need: bytes unpacked, bytes out of one packed byte, and files."""

    total: int = 4 << 30
    ratio: int = 200
    members: int = 100_000


LIMITS = Limits()
_ANY_RATIO_BELOW = 16 << 20  # a small file of one repeated byte is no bomb
_LONGEST_NAME = 255  # bytes, of most file systems
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_NOT_FOR_WINDOWS = re.compile(r'[<>:"|?*]|[ .]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)
_WHAT_TO_DO = (
    "nothing was unpacked; a package with such a member is damaged or not to be trusted, get it from its maker"
)


class _Member(NamedTuple):
    info: zipfile.ZipInfo
    place: PurePosixPath

    @property
    def is_folder(self) -> bool:
        return _name(self.info).endswith("/")


def unpack(package: Path, into: Path, limits: Limits = LIMITS) -> list[PurePosixPath]:
    """Unpack ``package`` into the empty folder ``into``; returns the paths of the files below it.

    Raises UsageError, naming package and member, for what is no zip file or is damaged; for members outside of the
    folder, links and special files, two members of one name (on Windows ``a`` and ``A`` are one), names that not every
    system can store, encryption; and for sizes beyond ``limits``. What was unpacked until a damaged member stays.
    """
    try:
        with zipfile.ZipFile(package) as archive:
            members = _judged(package, archive.infolist(), limits)
            for member in members:
                _extract(archive, member, into, package)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise UsageError(f"{package} is no .yxi package: {_lowered(error)}; get it again from its maker") from None
    except OSError as error:
        raise UsageError(f"{error.filename or package} cannot be used: {error.strerror or error}") from None
    return [member.place for member in members if not member.is_folder]


def storable_name(text: str) -> str:
    """A name made of ``text`` that a file or folder may have on every system."""
    plain = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", text)).strip("._")[:80].rstrip(".")
    return plain if plain and not _NOT_FOR_WINDOWS.search(plain) else f"package_{plain}"


def _judged(package: Path, infos: Sequence[zipfile.ZipInfo], limits: Limits) -> list[_Member]:
    """The members, all of them found harmless."""
    if len(infos) > limits.members:
        raise UsageError(f"{package} holds {len(infos):,} members; more than {limits.members:,} are not unpacked")
    members = []
    for info in infos:
        if problem := _problem_of_kind(info) or _problem_of_name(_name(info)) or _problem_of_size(info, limits):
            raise UsageError(f"{package}: the member {_name(info)!r} {problem}; {_WHAT_TO_DO}")
        members.append(_Member(info, PurePosixPath(*_parts(_name(info)))))
    _require_distinct(package, members)
    if (total := sum(info.file_size for info in infos)) > limits.total:
        raise UsageError(
            f"{package} would take {total:,} bytes unpacked; more than {limits.total:,} are not unpacked: "
            "nothing was, and a package of that size is not to be trusted"
        )
    return members


def _name(info: zipfile.ZipInfo) -> str:
    """The name as it stands in the archive; some packers write Windows' separators."""
    return info.orig_filename.replace("\\", "/")


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]


def _problem_of_kind(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a symbolic link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is no regular file"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    return "" if info.compress_type in _METHODS else f"is packed by the method {info.compress_type}, which is not read"


def _problem_of_name(name: str) -> str:
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    parts = _parts(name)
    if ".." in name.split("/"):
        return "leads out of the package by '..'"
    if not parts or not name.isprintable():
        return "has a name that cannot be shown"
    for part in parts:
        if _NOT_FOR_WINDOWS.search(part) or len(part.encode(errors="surrogatepass")) > _LONGEST_NAME:
            return f"has a name that not every system can store ({part[:40]!r})"
    return ""


def _problem_of_size(info: zipfile.ZipInfo, limits: Limits) -> str:
    size, packed = info.file_size, info.compress_size
    if size > limits.total:
        return f"would take {size:,} bytes unpacked, and a whole package may take {limits.total:,}"
    if size > _ANY_RATIO_BELOW and size > limits.ratio * max(packed, 1):
        return f"would swell from {packed:,} to {size:,} bytes, which is how archives are made that fill a disk"
    return ""


def _require_distinct(package: Path, members: Sequence[_Member]) -> None:
    """No two members may become one file on a system that folds case, nor a file be another's folder."""
    files: dict[PurePosixPath, str] = {}
    folders: dict[PurePosixPath, str] = {}
    for member in members:
        name, key = _name(member.info), _folded(member.place)
        folders.update(dict.fromkeys(key.parents, name))
        if member.is_folder:
            folders[key] = name
        elif key in files:
            raise UsageError(f"{package}: the members {files[key]!r} and {name!r} are one file; {_WHAT_TO_DO}")
        else:
            files[key] = name
    for key in files.keys() & folders.keys():
        raise UsageError(f"{package}: the member {files[key]!r} is a folder of {folders[key]!r}; {_WHAT_TO_DO}")


def _folded(place: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(unicodedata.normalize("NFC", str(place)).casefold())


def _extract(archive: zipfile.ZipFile, member: _Member, into: Path, package: Path) -> None:
    """Write one member. No more is written than its size in the directory, whatever its data say."""
    place = into / member.place
    (place if member.is_folder else place.parent).mkdir(parents=True, exist_ok=True)
    if member.is_folder:
        return
    try:
        with archive.open(member.info) as packed, place.open("xb") as file:
            shutil.copyfileobj(packed, file)
        complete = place.stat().st_size == member.info.file_size
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UsageError(f"{package}: the member {_name(member.info)!r} is damaged: {_lowered(error)}") from None
    if not complete:
        raise UsageError(f"{package}: the member {_name(member.info)!r} is damaged: it is shorter than it says")


def _lowered(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text[:1].lower() + text[1:]
