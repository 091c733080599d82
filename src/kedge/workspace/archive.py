"""``main.pyz``: the Python side of a workspace's tools in one file, with all that it needs, made by shiv.

Made once for all tools of a workspace, and kept in the user's cache by what it is made of: sources, requirements, the
Kedge that builds, Python and system. The same of these give the same bytes.
"""

from __future__ import annotations

__all__ = ["Archive", "PackageSize", "backend_files", "make_archive"]

import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import platformdirs

import kedge
from kedge.exceptions import UsageError
from kedge.workspace import launcher
from kedge.workspace.bundle import copy_environment, copy_kedge, installed_closure, resolve_into
from kedge.workspace.imports import missing_imports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kedge.workspace.built_for import BuiltFor
    from kedge.workspace.requirements import Needs

_FORMAT = "1"  # of the archive; part of what it is kept by
_EPOCH = 315532800  # the first of January 1980, the first day that a zip file knows
_ENTRY_POINT = "kedge.service.__main__:run_archive"
_LAUNCHER = "_kedge_launcher"
_INTERPRETER = "/usr/bin/env python3"
_MONTH = 30 * 24 * 3600.0
_BUILD_ID_DIGITS = 16  # the rest would make paths too long for Windows
_NOT_OF_THE_TOOLS = frozenset({"tests", "test", "setup.py", "conftest.py", "build", "dist", "node_modules"})
_COMPILED = ("__pycache__", "*.pyc")


class PackageSize(NamedTuple):
    """What one distribution takes, in bytes: unpacked, and in ``main.pyz``; ``version`` is empty for the own code."""

    name: str
    version: str
    unpacked: int
    packed: int


class Archive(NamedTuple):
    """A ``main.pyz``, what is in it, and remarks on it; ``reused`` where it was made by an earlier build."""

    file: Path
    packages: tuple[PackageSize, ...]
    notes: tuple[str, ...]
    reused: bool


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
            files += [path for path in sorted(item.rglob("*")) if path.is_file() and not _is_compiled(path)]
    if not files:
        raise UsageError(f"{backend} holds no Python package; the packages of the tools are looked for in it")
    return files


def make_archive(
    backend: Path,
    needs: Needs,
    target: BuiltFor,
    *,
    from_environment: bool = False,
    refresh: bool = False,
    cache: Path | None = None,
) -> Archive:
    """Make the archive, or take it from the cache, which is the user's where ``cache`` is None.

    With ``refresh`` requirements are resolved again. Raises UsageError and KedgeError as the resolver does, and
    UsageError where a requirement is a module of the workspace, too.
    """
    files = backend_files(backend)
    if from_environment and not target.is_here:
        raise UsageError(
            "--from-environment takes what is installed here, so --python and --platform do not go with it"
        )
    kept = (cache or platformdirs.user_cache_path("kedge", appauthor=False)) / "archives"
    place = kept / _key(backend, files, needs, target, from_environment)
    if not refresh and (place / "main.pyz").is_file():
        os.utime(place)
        return _read(place, reused=True)
    _forget_unused(kept)
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=kept) as temporary:
        site, made = Path(temporary) / "site", Path(temporary) / "made"
        site.mkdir()
        made.mkdir()
        if from_environment:
            copy_environment(site, needs)
        else:
            resolve_into(site, needs, target, refresh=refresh)
        copy_kedge(site)
        notes = [*needs.notes, *_add_backend(site, backend, files), *_traces(site, (backend, Path(temporary)))]
        _pack(site, made / "main.pyz", target)
        report = {"packages": _sizes(site, made / "main.pyz"), "notes": notes}
        (made / "report.json").write_text(json.dumps(report), encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)
        made.rename(place)
    return _read(place, reused=False)


# --- the cache --------------------------------------------------------------------------------------------------------


def _key(backend: Path, files: Sequence[Path], needs: Needs, target: BuiltFor, from_environment: bool) -> str:
    """A name for all that decides what the archive holds."""
    digest = hashlib.sha256()
    own = Path(kedge.__file__).parent
    taken = [f"{it.name} {it.version}" for it in installed_closure(needs)] if from_environment else []
    facts = [_FORMAT, kedge.__version__, importlib.metadata.version("shiv"), _built_at(), sys.version]
    facts += [*target, *needs.packages, *needs.options, *taken]
    digest.update("\0".join(facts).encode())
    _digest(digest, own, [path for path in sorted(own.rglob("*")) if path.is_file() and not _is_compiled(path)])
    _digest(digest, backend, files)
    for path in needs.local:
        _digest(digest, path.parent, [path] if path.is_file() else sorted(it for it in path.rglob("*") if it.is_file()))
    return digest.hexdigest()


def _digest(digest: hashlib._Hash, root: Path, files: Iterable[Path]) -> None:
    for path in files:
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)


def _read(place: Path, *, reused: bool) -> Archive:
    report = json.loads((place / "report.json").read_text(encoding="utf-8"))
    packages = tuple(PackageSize(*entry) for entry in report["packages"])
    return Archive(place / "main.pyz", packages, tuple(report["notes"]), reused)


def _forget_unused(kept: Path) -> None:
    """Delete archives that no build has used for a month."""
    for place in kept.glob("*"):
        if place.stat().st_mtime < time.time() - _MONTH:
            shutil.rmtree(place, ignore_errors=True)


# --- what goes in -----------------------------------------------------------------------------------------------------


def _is_compiled(path: Path) -> bool:
    return "__pycache__" in path.parts or path.suffix == ".pyc"


def _add_backend(site: Path, backend: Path, files: Sequence[Path]) -> list[str]:
    """Copy the workspace's own packages; returns remarks on what they import and nothing brings."""
    for name in sorted({path.relative_to(backend).parts[0] for path in files}):
        if (site / name).exists():
            raise UsageError(f"{backend / name} has the name of a package that the requirements bring; rename it")
    for path in files:
        copied = site / path.relative_to(backend)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)
    return missing_imports(backend, files, site)


def _traces(site: Path, paths: Iterable[Path]) -> list[str]:
    """Remarks on files that hold a path of this machine."""
    wanted = [str(path.resolve()).encode() for path in paths]
    found = [path for path in sorted(site.rglob("*")) if path.is_file() and _holds(path, wanted)]
    return [f"{path.relative_to(site).as_posix()} holds a path of this machine" for path in found]


def _holds(path: Path, wanted: Sequence[bytes]) -> bool:
    content = path.read_bytes()
    return any(text in content for text in wanted)


# --- packing ----------------------------------------------------------------------------------------------------------


def _built_at() -> str:
    return os.environ.get("SOURCE_DATE_EPOCH", str(_EPOCH))


def _pack(site: Path, archive: Path, target: BuiltFor) -> None:
    """Have shiv pack the folder, then add Kedge's launcher, which shiv's own start is called by."""
    from shiv import __version__ as shiv_version
    from shiv.bootstrap.environment import Environment
    from shiv.builder import create_archive

    for path in site.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    moment = time.gmtime(int(_built_at()))
    environment = Environment(
        built_at=time.strftime("%Y-%m-%d %H:%M:%S", moment),
        shiv_version=shiv_version,
        build_id=_content(site)[:_BUILD_ID_DIGITS],
        entry_point=_ENTRY_POINT,
        compile_pyc=False,
        reproducible=True,
    )
    create_archive([site], archive, _INTERPRETER, f"{_LAUNCHER}:main", environment)
    built = {"python": target.python, "platform": target.platform, "kedge": kedge.__version__}
    added = {
        f"{_LAUNCHER}.py": Path(launcher.__file__).read_bytes(),
        "kedge.json": json.dumps(built, indent=2, sort_keys=True).encode(),
    }
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as opened:
        for name, content in added.items():
            member = zipfile.ZipInfo(name, moment[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o100644 << 16
            opened.writestr(member, content)


def _content(site: Path) -> str:
    digest = hashlib.sha256()
    _digest(digest, site, [path for path in sorted(site.rglob("*")) if path.is_file()])
    return digest.hexdigest()


def _sizes(site: Path, archive: Path) -> list[PackageSize]:
    """What each distribution takes, the largest first; files of no distribution are under their top name."""
    owners = _owners(site)
    unpacked: dict[str, int] = {}
    packed: dict[str, int] = {}
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            place = member.filename.removeprefix("site-packages/")
            owner = "the start of the archive" if place == member.filename else _owner(place, owners)
            unpacked[owner] = unpacked.get(owner, 0) + member.file_size
            packed[owner] = packed.get(owner, 0) + member.compress_size
    versions = {it.name: it.version for it in importlib.metadata.distributions(path=[str(site)])}
    sizes = [PackageSize(name, versions.get(name, ""), unpacked[name], packed[name]) for name in unpacked]
    return sorted(sizes, key=lambda size: (-size.packed, size.name))


def _owners(site: Path) -> Mapping[str, str]:
    """The distribution of each file, by the path in ``site``."""
    return {
        file.as_posix(): distribution.name
        for distribution in importlib.metadata.distributions(path=[str(site)])
        for file in distribution.files or ()
    }


def _owner(place: str, owners: Mapping[str, str]) -> str:
    top = place.partition("/")[0]
    return owners.get(place) or ("kedge" if top.startswith("kedge") else top.removesuffix(".py"))
