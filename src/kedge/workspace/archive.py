"""``main.pyz``: the Python side of a workspace's tools in one file, with all that it needs, made by shiv.

Made once for all tools of a workspace, in two steps: the distributions that the requirements bring, packed, which are
kept in the user's cache by what they are made of; then Kedge and the sources of the tools, added to a copy of that. The
same of these give the same bytes.
"""

from __future__ import annotations

__all__ = ["Archive", "backend_files", "make_archive"]

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import platformdirs

from kedge.exceptions import UsageError
from kedge.workspace.bundle import copy_environment, installed_closure, kedge_files, resolve_into
from kedge.workspace.contents import PackageSize, package_sizes, top_names
from kedge.workspace.imports import missing_imports
from kedge.workspace.packing import append_members, moment, pack_distributions, start_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kedge.workspace.built_for import BuiltFor
    from kedge.workspace.requirements import Needs

_FORMAT = "1"  # of the archive; part of what it is kept by
_MONTH = 30 * 24 * 3600.0
_BUILD_ID_DIGITS = 16  # the rest would make paths too long for Windows
_NOT_OF_THE_TOOLS = frozenset({"tests", "test", "setup.py", "conftest.py", "build", "dist", "node_modules"})


class Archive(NamedTuple):
    """What is in a ``main.pyz``, and remarks on it; ``reused`` where an earlier build had resolved the requirements."""

    packages: tuple[PackageSize, ...]
    notes: tuple[str, ...]
    reused: bool


class _Sources(NamedTuple):
    """All that decides what an archive holds."""

    backend: Path
    files: Sequence[Path]
    needs: Needs
    target: BuiltFor
    from_environment: bool

    def key(self) -> str:
        """A name for what the requirements bring."""
        taken = [f"{it.name} {it.version}" for it in installed_closure(self.needs)] if self.from_environment else []
        facts = [_FORMAT, sys.version, str(moment()), *self.target, *self.needs.packages, *self.needs.options, *taken]
        digest = hashlib.sha256("\0".join(facts).encode())
        for path in self.needs.local:
            files = [path] if path.is_file() else sorted(it for it in path.rglob("*") if it.is_file())
            _digest(digest, ((f"{path.name}/{it.name}", it.read_bytes()) for it in files))
        return digest.hexdigest()

    def members(self) -> Iterator[tuple[str, bytes]]:
        """Kedge, and the sources of the tools, by their names in the archive."""
        for name, content in kedge_files():
            yield f"site-packages/{name}", content
        for path in self.files:
            yield f"site-packages/{path.relative_to(self.backend).as_posix()}", path.read_bytes()


def backend_files(backend: Path) -> list[Path]:
    """The files of the workspace's Python side, sorted: packages, modules and their data, without tests and builds.

    Raises UsageError where there is none.
    """
    if not backend.is_dir():
        raise UsageError(f"{backend} is not there; the Python packages of the tools are looked for in it")
    files = []
    for item in sorted(backend.iterdir()):
        if item.name in _NOT_OF_THE_TOOLS or item.name.startswith((".", "test_")) or (item / "pyvenv.cfg").is_file():
            continue
        if item.suffix == ".py" and item.is_file():
            files.append(item)
        elif item.is_dir() and any(item.rglob("*.py")):
            files += [path for path in sorted(item.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    if not files:
        raise UsageError(f"{backend} holds no Python package; the packages of the tools are looked for in it")
    return files


def make_archive(
    archive: Path,
    backend: Path,
    needs: Needs,
    target: BuiltFor,
    *,
    from_environment: bool = False,
    refresh: bool = False,
    cache: Path | None = None,
) -> Archive:
    """Write the archive, with what an earlier build left in the cache, which is the user's where ``cache`` is None.

    With ``refresh`` requirements are resolved again. Raises UsageError and KedgeError as the resolver does, and
    UsageError where a requirement is a module of the workspace, too.
    """
    if from_environment and not target.is_here:
        raise UsageError("--from-environment takes what is installed here, so --python and --platform go without it")
    sources = _Sources(backend, backend_files(backend), needs, target, from_environment)
    kept = (cache or platformdirs.user_cache_path("kedge", appauthor=False)) / "distributions"
    distributions, reused = _distributions(sources, kept, refresh)
    shutil.copyfile(distributions / "archive", archive)
    notes = (*needs.notes, *_remarks(archive, sources), *_read_notes(distributions))
    append_members(archive, sources.members())
    build_id = _sha256(archive)[:_BUILD_ID_DIGITS]
    append_members(archive, start_members(target, build_id))
    return Archive(tuple(package_sizes(archive)), notes, reused)


def _distributions(sources: _Sources, kept: Path, refresh: bool) -> tuple[Path, bool]:
    """The folder that holds an archive of what the requirements bring, and whether it was there before."""
    place = kept / sources.key()
    if not refresh and (place / "archive").is_file():
        os.utime(place)
        return place, True
    with _Making(place) as made, tempfile.TemporaryDirectory(prefix="kedge-build-") as temporary:
        site = Path(temporary) / "site"
        site.mkdir()
        if sources.from_environment:
            copy_environment(site, sources.needs)
        else:
            resolve_into(site, sources.needs, sources.target, refresh=refresh)
        if (site / "kedge").exists():
            raise UsageError(
                "the requirements bring the package index's own kedge, which is another project; find out which one by "
                "kedge build with fewer of them, and leave it out"
            )
        members = ((path.relative_to(site).as_posix(), path.read_bytes()) for path in _files(site))
        notes = list(_traces(members, (sources.backend, Path(temporary))))
        (made / "notes.json").write_text(json.dumps(notes), encoding="utf-8")
        pack_distributions(site, made / "archive")
    return place, False


def _remarks(distributions: Path, sources: _Sources) -> Iterator[str]:
    """Remarks on the workspace's own sources. Raises UsageError for a name that a requirement has, too."""
    brought = top_names(distributions) | {"kedge"}
    for name in sorted({path.relative_to(sources.backend).parts[0].removesuffix(".py") for path in sources.files}):
        if name in brought:
            raise UsageError(f"{sources.backend / name} has the name of a package that is in the archive; rename it")
    yield from missing_imports(sources.backend, sources.files, brought)
    own = ((path.relative_to(sources.backend).as_posix(), path.read_bytes()) for path in sources.files)
    yield from _traces(own, (sources.backend,))


def _traces(members: Iterable[tuple[str, bytes]], paths: Sequence[Path]) -> Iterator[str]:
    """Remarks on files that hold a path of this machine."""
    wanted = [str(path.resolve()).encode() for path in paths]
    for name, content in members:
        if any(text in content for text in wanted):
            yield f"{name} holds a path of this machine, which everyone who gets the package can read"


# --- the cache --------------------------------------------------------------------------------------------------------


class _Making:
    """A folder that takes its place in the cache when it is whole; what no build has used for a month leaves."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __enter__(self) -> Path:
        kept = self._place.parent
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in kept.iterdir():
            if old.stat().st_mtime < time.time() - _MONTH:
                shutil.rmtree(old, ignore_errors=True)
        self._made = Path(tempfile.mkdtemp(prefix=".making-", dir=kept))
        return self._made

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            shutil.rmtree(self._place, ignore_errors=True)
            self._made.rename(self._place)
        else:
            shutil.rmtree(self._made, ignore_errors=True)


def _read_notes(distributions: Path) -> list[str]:
    notes: list[str] = json.loads((distributions / "notes.json").read_text(encoding="utf-8"))
    return notes


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(digest: hashlib._Hash, members: Iterable[tuple[str, bytes]]) -> None:
    for name, content in members:
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        for piece in iter(lambda: opened.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()
