"""From a workspace to its package: a ``.yxi``, which Designer and Kedge install.

The package is a zip file with the package's ``Config.xml`` and icon, and for each tool a folder with its configuration,
icon, page, ``manifest.json`` and ``main.pyz``. The same sources, requirements and versions give the same bytes.
"""

from __future__ import annotations

__all__ = ["BuildReport", "build_yxi"]

import json
import tempfile
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kedge.exceptions import UsageError
from kedge.host.atomic_file import AtomicFile
from kedge.workspace.archive import make_archive
from kedge.workspace.built_for import BuiltFor, built_for
from kedge.workspace.config_files import package_config, tool_config, tool_manifest
from kedge.workspace.packing import store_file, write_member
from kedge.workspace.requirements import read_needs
from kedge.workspace.unpack import storable_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kedge.workspace.contents import PackageSize
    from kedge.workspace.project import ToolPaths, Workspace, WorkspaceTool

_PAGE_SOURCES = frozenset({"node_modules", "package.json", "package-lock.json", "yarn.lock"})
_PAGES_BUILT = ("dist", "build")


@dataclass(frozen=True)
class BuildReport:
    """What was built: sizes in bytes, time in seconds.

    ``packages`` are what each ``main.pyz`` holds, the largest first; ``notes`` are remarks for the author. ``reused``
    where an earlier build had resolved the same requirements.
    """

    file: Path
    size: int
    tools: tuple[str, ...]
    target: BuiltFor
    packages: tuple[PackageSize, ...]
    notes: tuple[str, ...]
    reused: bool
    seconds: float


def build_yxi(
    workspace: Workspace,
    out: Path | None = None,
    *,
    target: BuiltFor | None = None,
    from_environment: bool = False,
    refresh: bool = False,
    cache: Path | None = None,
) -> BuildReport:
    """Build the package of a workspace; blocks while requirements are resolved and packed.

    ``out`` is ``build/yxi/NAME.yxi`` in the workspace where it is None, ``target`` this Python on this system. With
    ``from_environment`` the requirements are copied from what is installed here, and no index is asked. Raises
    UsageError for a workspace without tools or icons, for requirements that are wrong or go not together; KedgeError
    where they could not be fetched. What was at ``out`` before is there still then.
    """
    started = time.perf_counter()
    target = target or built_for()
    if not workspace.tools:
        raise UsageError(f"{workspace.file} has no tool to package; kedge new tool NAME makes one")
    members = dict(_members(workspace, target))
    needs = read_needs(workspace, target.markers())
    file = out or _usual_file(workspace)
    with _disk_errors_named(), tempfile.TemporaryDirectory(prefix="kedge-build-") as temporary:
        packed = Path(temporary) / "main.pyz"
        archive = make_archive(
            packed,
            workspace.backend,
            needs,
            target,
            from_environment=from_environment,
            refresh=refresh,
            cache=cache,
        )
        _write(file, members, packed, [tool.folder_name for tool in workspace.tools.values()])
    return BuildReport(
        file,
        file.stat().st_size,
        tuple(workspace.tools),
        target,
        archive.packages,
        (*_remarks(workspace, target), *archive.notes),
        archive.reused,
        time.perf_counter() - started,
    )


def _usual_file(workspace: Workspace) -> Path:
    file = workspace.folder / "build" / "yxi" / f"{storable_name(workspace.name)}.yxi"
    with _disk_errors_named():
        file.parent.mkdir(parents=True, exist_ok=True)
    return file


@contextmanager
def _disk_errors_named() -> Iterator[None]:
    """A full disk, or a folder that is closed to the user, is the caller's to mend."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{error.filename or 'a file of the build'} cannot be written: {error.strerror}") from None


def _remarks(workspace: Workspace, target: BuiltFor) -> Iterator[str]:
    if workspace.python_version and not target.python.startswith(workspace.python_version):
        yield (
            f"the workspace is for Python {workspace.python_version}, and this package is for {target.python}; "
            f"--python {workspace.python_version} builds one for that"
        )


# --- what goes in -----------------------------------------------------------------------------------------------------


def _members(workspace: Workspace, target: BuiltFor) -> Iterator[tuple[str, bytes]]:
    """Everything but the archives, by the name in the package."""
    yield "Config.xml", _given_or(workspace.configuration / "Config.xml", package_config(workspace))
    yield workspace.package_icon.name, _icon(workspace.package_icon, f"the package {workspace.name}")
    for tool in workspace.tools.values():
        paths, folder = workspace.paths(tool), tool.folder_name
        if not _has_class(workspace, tool):
            raise UsageError(
                f"{workspace.file}: the tool {tool.name} is {tool.module}:{tool.class_name}, and {workspace.backend} "
                f"has no module {tool.module}; change tool_module, or add the module"
            )
        yield from ((f"{folder}/{name}", content) for name, content in _page(paths.ui))
        yield f"{folder}/{folder}Config.xml", _given_or(paths.config_file, tool_config(workspace, tool))
        yield f"{folder}/{paths.icon.name}", _icon(paths.icon, f"the tool {tool.name}")
        yield f"{folder}/manifest.json", _manifest(workspace, tool, paths, target)


def _given_or(file: Path, generated: str) -> bytes:
    return file.read_bytes() if file.is_file() else generated.encode()


def _icon(file: Path, what: str) -> bytes:
    if not file.is_file():
        raise UsageError(f"{what} has no icon: {file} is not there; put a PNG of 171 by 171 pixels there")
    return file.read_bytes()


def _has_class(workspace: Workspace, tool: WorkspaceTool) -> bool:
    module = workspace.backend.joinpath(*tool.module.split("."))
    return module.is_dir() or module.with_suffix(".py").is_file()


def _manifest(workspace: Workspace, tool: WorkspaceTool, paths: ToolPaths, target: BuiltFor) -> bytes:
    """The manifest, what is in the workspace's own kept, for the Python that the archive is built for."""
    made = json.loads(tool_manifest(replace(workspace, python_version=target.python), tool))
    given = {}
    if paths.manifest.is_file():
        try:
            given = json.loads(paths.manifest.read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise UsageError(f"{paths.manifest} is no JSON: {error}") from None
        if not isinstance(given, dict):
            raise UsageError(f"{paths.manifest} must hold a JSON object")
    return (json.dumps({**given, **made}, indent=4) + "\n").encode()


def _page(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a tool's page; of one that is written in another language, what its build made."""
    if not folder.is_dir():
        return
    if (folder / "package.json").is_file():
        made = next((folder / name for name in _PAGES_BUILT if (folder / name / "index.html").is_file()), None)
        if made is None:
            raise UsageError(
                f"{folder} holds the sources of a page that is not built; first, in that folder: npm run build"
            )
        folder = made
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.is_file() and not _PAGE_SOURCES & set(place.parts) and not place.name.startswith("."):
            yield place.as_posix(), path.read_bytes()


# --- writing ----------------------------------------------------------------------------------------------------------


def _write(file: Path, members: dict[str, bytes], packed: Path, folders: list[str]) -> None:
    """Write the package, its members by name; an archive is packed already, and is stored as it is."""
    package = AtomicFile(file)
    try:
        with zipfile.ZipFile(package.stream, "w") as opened:
            for name in sorted({*members, *(f"{folder}/main.pyz" for folder in folders)}):
                if name in members:
                    write_member(opened, name, members[name])
                else:
                    store_file(opened, name, packed)
        package.commit()
    finally:
        package.discard()
