"""What a tool's ``main.pyz`` runs first, before shiv unpacks the rest. A copy of this file is in each archive.

So it imports nothing but the standard library, and runs on any Python 3 as far as is needed to refuse it.
``kedge.json`` in the archive says for which Python and system it was built.

An archive unpacks itself once, into a folder of the user's cache that only the user can open; several processes that
start at once wait for one of them to do so. What no process has used for a month is deleted when the next archive is
unpacked.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
import zipfile
from pathlib import Path

__all__ = ["main", "unpack_root", "unpacked_folder"]

_ROOT = "SHIV_ROOT"
_MONTH = 30 * 24 * 3600.0
_WRONG_CALL = 2


def main() -> None:
    """Check that this is the Python that the archive was built for, then let shiv unpack and start it."""
    archive = Path(sys.argv[0])
    with zipfile.ZipFile(archive) as opened:
        built = json.loads(opened.read("kedge.json"))
    here = {"python": "{}.{}".format(*sys.version_info), "platform": sys.platform}
    if any(built[key] != value for key, value in here.items()):
        print(
            f"error: {archive} was built for Python {built['python']} on {built['platform']}, and this is Python "
            f"{here['python']} on {here['platform']} ({sys.executable}): start it with that Python, or build the "
            "package again for this one (kedge build --python VERSION --platform SYSTEM)",
            file=sys.stderr,
        )
        sys.exit(_WRONG_CALL)
    _search_the_archive_first()
    _prepare(archive)
    from _bootstrap import bootstrap  # type: ignore[import-not-found]  # shiv's, in the archive

    bootstrap()


def unpack_root() -> Path:
    """The folder into which archives unpack themselves: ``SHIV_ROOT``, else in the user's cache."""
    given = os.environ.get(_ROOT)
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "kedge" / "unpacked"


def unpacked_folder(archive: Path) -> Path | None:
    """Where an archive of Kedge or shiv is unpacked, or would be; None for an archive of another kind."""
    try:
        with zipfile.ZipFile(archive) as opened:
            build = json.loads(opened.read("environment.json"))["build_id"]
    except (zipfile.BadZipFile, OSError, KeyError, ValueError, TypeError):
        return None
    return unpack_root() / f"{archive.name}_{build}" if isinstance(build, str) and build.isalnum() else None


def _search_the_archive_first() -> None:
    """What the engine's ``PYTHONPATH`` names comes after what the archive holds."""
    given = [os.path.abspath(part) for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]  # noqa: PTH100
    sys.path.sort(key=lambda part: os.path.abspath(part) in given)  # noqa: PTH100 - stable: the others keep their order


def _prepare(archive: Path) -> None:
    """Make the folder to unpack into, and clear it of what is old; where it is there, mark it as used."""
    root = unpack_root()
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        print(
            f"error: {archive} cannot unpack itself into {root}: {error.strerror}; name another folder in the "
            f"environment variable {_ROOT}",
            file=sys.stderr,
        )
        sys.exit(_WRONG_CALL)
    os.environ[_ROOT] = str(root)
    place = unpacked_folder(archive)
    with contextlib.suppress(OSError):  # an older mark does no harm
        if place is not None and place.is_dir():
            os.utime(place)
        else:
            _forget_unused(root, time.time() - _MONTH)


def _forget_unused(root: Path, before: float) -> None:
    """Delete what tools unpacked and last used ``before``, in seconds since the epoch."""
    for place in root.glob("main.pyz_*"):
        if place.stat().st_mtime < before:
            shutil.rmtree(place, ignore_errors=True)
