"""A folder of Python distributions, as an archive of a tool takes them in: from a package index, or from this one.

What says where and when something was installed is taken out, so that the same distributions are the same bytes.
"""

from __future__ import annotations

__all__ = ["copy_environment", "installed_closure", "kedge_files", "resolve_into"]

import csv
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kedge
from kedge.exceptions import KedgeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kedge.workspace.built_for import BuiltFor
    from kedge.workspace.requirements import Needs

_ABOUT_THE_INSTALLATION = ("direct_url.json", "INSTALLER", "REQUESTED", "uv_build.json", "uv_cache.json")
_SCRIPTS = ("bin", "Scripts", "__pycache__")
_NO_SOLUTION = 1


def resolve_into(folder: Path, needs: Needs, target: BuiltFor, *, refresh: bool = False) -> None:
    """Resolve requirements with uv, and install the result into ``folder``.

    Raises UsageError with the resolver's own words where there is no solution, and KedgeError where it could not do its
    work, such as without a network.
    """
    command = [_find_uv(), "pip", "install", "--python", sys.executable, "--target", str(folder)]
    command += ["--link-mode", "copy", "--no-progress"]
    if not target.is_here:
        command += ["--python-version", target.python, "--python-platform", target.triple, "--only-binary", ":all:"]
    if refresh:
        command.append("--refresh")
    with tempfile.TemporaryDirectory(prefix="kedge-") as temporary:
        file = Path(temporary) / "requirements.txt"
        file.write_text("\n".join([*needs.options, *needs.packages, *map(_as_url, needs.local)]), encoding="utf-8")
        environment = {**os.environ, "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never"}
        done = subprocess.run(  # noqa: S603 - uv, with our own arguments
            [*command, "-r", str(file)], capture_output=True, encoding="utf-8", env=environment, check=False
        )
    if done.returncode == _NO_SOLUTION:
        raise UsageError(f"the requirements cannot be brought together:\n{done.stderr.strip()}")
    if done.returncode:
        raise KedgeError(
            f"the requirements could not be fetched; where there is no package index, --from-environment takes what is "
            f"installed here:\n{done.stderr.strip()}"
        )
    _forget_the_installation(folder)


def copy_environment(folder: Path, needs: Needs) -> None:
    """Copy the distributions that satisfy ``needs`` from this interpreter's environment. Raises UsageError."""
    for distribution in installed_closure(needs):
        for place, source in _files(distribution):
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    _forget_the_installation(folder)


def installed_closure(needs: Needs) -> list[Distribution]:
    """The installed distributions that ``needs`` ask for, and those that they ask for, by name.

    Raises UsageError that lists all that are missing, that have another version, or that are not copies but links to
    sources (editable).
    """
    if needs.local:
        raise UsageError(
            f"{needs.local[0]} is built before it is installed, which takes a package index: install it here, name its "
            "package in requirements-thirdparty.txt, and leave the path out"
        )
    found: dict[str, Distribution] = {}
    problems: list[str] = []
    waiting = [(Requirement(text), "the workspace") for text in needs.packages]
    done: set[str] = set()
    while waiting:
        needed, by = waiting.pop()
        if str(needed) in done or (needed.marker and not needed.marker.evaluate({"extra": ""})):
            continue
        done.add(str(needed))
        distribution = _installed(needed, by, problems)
        if distribution is not None:
            found[canonicalize_name(needed.name)] = distribution
            waiting += [(other, needed.name) for other in _asked_by(distribution, needed.extras)]
    if problems:
        listed = "\n".join(f"  {problem}" for problem in sorted(problems))
        raise UsageError(f"this environment ({sys.prefix}) does not hold what the tools need:\n{listed}")
    return [found[name] for name in sorted(found)]


def kedge_files() -> Iterator[tuple[str, bytes]]:
    """The files of the Kedge that runs, with its metadata, by their names in a folder of distributions.

    It is never fetched: the package index has another of that name.
    """
    package = Path(kedge.__file__).parent
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield f"kedge/{path.relative_to(package).as_posix()}", path.read_bytes()
    distribution = importlib.metadata.distribution("kedge")
    information = f"kedge-{distribution.version}.dist-info"
    yield f"{information}/METADATA", (distribution.read_text("METADATA") or "").encode()
    for file in distribution.files or ():
        if file.parent.name == "licenses":
            yield f"{information}/licenses/{file.name}", file.read_binary()


def _as_url(path: Path) -> str:
    return path.resolve().as_uri()


def _find_uv() -> str:
    try:
        import uv
    except ImportError:
        raise UsageError(
            "packages are resolved by uv, which is not there: pip install uv; or take what is installed here, "
            "with --from-environment"
        ) from None
    return str(uv.find_uv_bin())


def _installed(needed: Requirement, by: str, problems: list[str]) -> Distribution | None:
    try:
        distribution = importlib.metadata.distribution(needed.name)
    except PackageNotFoundError:
        problems.append(f"{needed} is not installed; {by} needs it")
        return None
    if not needed.specifier.contains(distribution.version, prereleases=True):
        problems.append(f"{needed.name} {distribution.version} is installed; {by} needs {needed}")
    elif _is_editable(distribution):
        problems.append(f"{needed.name} is installed as a link to its sources (editable); install it without -e")
    elif distribution.files is None:
        problems.append(f"{needed.name} has no list of its files (RECORD); install it by pip or uv")
    else:
        return distribution
    return None


def _asked_by(distribution: Distribution, extras: Iterable[str]) -> Iterator[Requirement]:
    for text in distribution.requires or ():
        needed = Requirement(text)
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            needed.marker = None
            yield needed


def _is_editable(distribution: Distribution) -> bool:
    text = distribution.read_text("direct_url.json")
    return bool(text and json.loads(text).get("dir_info", {}).get("editable"))


def _files(distribution: Distribution) -> Iterator[tuple[PurePosixPath, Path]]:
    """The files of a distribution that are below its place on the path, without what Python compiled."""
    for file in distribution.files or ():
        if ".." in file.parts or "__pycache__" in file.parts or file.suffix == ".pyc":
            continue
        source = Path(str(file.locate()))
        if source.is_file():
            yield PurePosixPath(*file.parts), source


def _forget_the_installation(folder: Path) -> None:
    """Take out programs, which name this interpreter, and what says how the distributions came here."""
    for name in _SCRIPTS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for place in [path for path in folder.rglob("__pycache__") if path.is_dir()]:
        shutil.rmtree(place)
    (folder / ".lock").unlink(missing_ok=True)
    for information in folder.glob("*.dist-info"):
        for name in _ABOUT_THE_INSTALLATION:
            (information / name).unlink(missing_ok=True)
        _list_what_is_there(information / "RECORD", folder)


def _list_what_is_there(record: Path, folder: Path) -> None:
    """Take the lines out of a RECORD whose files are not there."""
    if not record.is_file():
        return
    with record.open(encoding="utf-8", newline="") as file:
        kept = sorted(row for row in csv.reader(file) if row and (folder / row[0]).is_file())
    with record.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(kept)
