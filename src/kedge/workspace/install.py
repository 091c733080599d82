"""Packages of tools on this machine: installed from ``.yxi`` files, listed, removed.

A package is one folder in the tool folder (:func:`kedge.workflow.tool_folders.tool_folder`), with the contents of its
``.yxi`` as they were: ``Config.xml`` of the package, and a folder for each tool. It appears, and is replaced, by a
single rename. No two packages may hold a tool of the same name, so that a workflow means one tool.
"""

from __future__ import annotations

__all__ = ["Package", "PackagedTool", "install_yxi", "installed", "read_package", "uninstall"]

import contextlib
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kedge.exceptions import KedgeError, UsageError
from kedge.host.file_lock import locked
from kedge.tools.element import Element, parse_element
from kedge.workflow.tool_folders import bare_name, folder_tool, installed_packages, same_tool, tool_folder
from kedge.workspace.launcher import unpacked_folder
from kedge.workspace.unpack import LIMITS, Limits, storable_name, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LARGEST_CONFIG = 4 << 20
_ARRIVING = ".arriving-"
_LEAVING = ".leaving-"
_OLD_ENGINE = "python"


@dataclass(frozen=True)
class PackagedTool:
    """One tool of a package; ``lacks`` says why it cannot be run, and is empty for one that can."""

    name: str
    folder: Path
    lacks: str = ""


@dataclass(frozen=True)
class Package:
    """A package in its folder; ``version`` is empty where its ``Config.xml`` has none. Nothing in it is signed."""

    name: str
    version: str
    folder: Path
    tools: tuple[PackagedTool, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


def install_yxi(file: Path, into: Path | None = None, *, replace: bool = False, limits: Limits = LIMITS) -> Package:
    """Unpack a ``.yxi`` into a tool folder, this user's where ``into`` is None; returns what is installed then.

    Raises UsageError for what :func:`unpack` refuses; for a package without ``Config.xml`` or without tools; where the
    package is installed already and ``replace`` is not given, or another one holds a tool of the same name. The tool
    folder is as it was then. A tool that cannot be run is installed, and says so.
    """
    if not file.is_file():
        raise UsageError(f"{file} is not there, or is no file; name a .yxi package")
    tools = into or tool_folder()
    with _changing(tools), _arriving(tools) as arriving:
        unpack(file, arriving, limits)
        package = read_package(arriving, str(file), file.stem)
        if not package.tools:
            raise UsageError(
                f"{file} holds no tool: none of its folders has a …Config.xml; "
                "macros and workflows are opened as they are, without installing"
            )
        place = tools / storable_name(package.name)
        old = _present(place)
        if old is not None and not replace:
            there = read_package(old, str(old), old.name)
            raise UsageError(f"{there} is installed already, in {old}; to put {package} in its place write --replace")
        _require_own_tools(package, [other for other in installed_packages(tools) if other != old])
        _swap(arriving, place, old, tools)
    return read_package(place, str(place), place.name)


def installed(folder: Path | None = None) -> list[Package]:
    """The packages in a tool folder, this user's where ``folder`` is None. Raises UsageError for a damaged one."""
    return [read_package(place, str(place), place.name) for place in installed_packages(folder or tool_folder())]


def uninstall(name: str, folder: Path | None = None) -> Package:
    """Remove a package by its name, case ignored; returns what it was. Raises UsageError that names those there are."""
    tools = folder or tool_folder()
    packages = installed(tools)
    found = next((package for package in packages if package.name.casefold() == name.casefold()), None)
    if found is None:
        known = ", ".join(package.name for package in packages) or "nothing"
        raise UsageError(f"no package {name!r} is installed in {tools}; installed is {known}")
    with _changing(tools):
        _remove(found.folder, tools)
    return found


def read_package(folder: Path, source: str, fallback: str) -> Package:
    """Describe a package unpacked in ``folder``; ``source`` names it in errors, ``fallback`` where it has no name.

    Raises UsageError where ``Config.xml`` is missing or no XML.
    """
    config = next((item for item in folder.iterdir() if item.name.casefold() == "config.xml" and item.is_file()), None)
    if config is None:
        raise UsageError(
            f"{source} is no package of tools: it has no Config.xml; zip the package's folder so that Config.xml is "
            "not inside of another folder"
        )
    info = _parse(config, source).find("Properties/MetaInfo") or Element("MetaInfo")
    version = info.content("ToolVersion") or info.content("Version")
    folders = sorted(item for item in folder.iterdir() if item.is_dir())
    tools = tuple(_tool(place, config) for place in folders if (config := _config_of(place)))
    return Package(info.content("Name").strip() or fallback, version.strip(), folder, tools)


# --- what is in a package ---------------------------------------------------------------------------------------------


def _config_of(place: Path) -> Path | None:
    found = sorted(item for item in place.iterdir() if item.name.casefold().endswith("config.xml") and item.is_file())
    return found[0] if found else None


def _parse(config: Path, source: str) -> Element:
    if config.stat().st_size > _LARGEST_CONFIG:
        raise UsageError(f"{source}: {config.name} has {config.stat().st_size:,} bytes, which no description needs")
    return parse_element(config.read_bytes(), f"{source}: {config.name}")


def _tool(place: Path, config: Path) -> PackagedTool:
    return PackagedTool(place.name, place, _lacks(place, config))


def _lacks(place: Path, config: Path) -> str:
    """What keeps the tool from being run by Kedge; empty where nothing does."""
    engine = (_parse(config, place.name).find("EngineSettings") or Element("EngineSettings")).get
    archive = place / "main.pyz"
    if archive.is_file():
        return "" if _is_runnable(archive) else "its main.pyz is no Python archive; have the package built again"
    if engine("Macro") or engine("EngineDll").casefold() == "macro":
        return "it is a macro; Kedge runs the macros that a workflow names, not those of packages"
    try:
        found = folder_tool(place, bare_name(place.name), engine("EngineDllEntryPoint"))
    except KedgeError as error:
        return str(error)
    if engine("EngineDll").casefold() == _OLD_ENGINE:
        return f"it is written for the older Python engine SDK: kedge migrate {place} makes a skeleton of a V2 tool"
    if found is None:
        return f"it has neither main.pyz nor Python files; it needs {engine('EngineDll') or 'an engine of its own'}"
    needs = place / "requirements.txt"
    return f"it needs packages in this Python's environment: pip install -r {needs}" if needs.is_file() else ""


def _is_runnable(archive: Path) -> bool:
    try:
        with zipfile.ZipFile(archive) as opened:
            return "__main__.py" in opened.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


# --- the tool folder --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _changing(tools: Path) -> Iterator[None]:
    """Hold the tool folder, made where it is missing, and clear away what a process left that was killed here."""
    try:
        tools.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the tool folder {tools} cannot be made: {error.strerror}") from None
    with locked(tools / ".lock"):
        for left in (*tools.glob(f"{_ARRIVING}*"), *tools.glob(f"{_LEAVING}*")):
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextlib.contextmanager
def _arriving(tools: Path) -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix=_ARRIVING, dir=tools))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _present(place: Path) -> Path | None:
    """The installed package of that folder's name, in whatever case it was written."""
    return next((it for it in installed_packages(place.parent) if it.name.casefold() == place.name.casefold()), None)


def _require_own_tools(package: Package, others: Sequence[Path]) -> None:
    for other in others:
        there = read_package(other, str(other), other.name)
        for tool in package.tools:
            if any(same_tool(tool.name, known.name) for known in there.tools):
                raise UsageError(
                    f"the tool {tool.name} of {package} is there already, in the package {there}; "
                    f"a workflow could not tell them apart: first kedge uninstall {there.name!r}"
                )


def _swap(arriving: Path, place: Path, old: Path | None, tools: Path) -> None:
    """Put a package in its place; the one that was there is back where that fails."""
    away = None if old is None else _moved_away(old, tools)
    try:
        arriving.rename(place)
    except OSError as error:
        if away is not None and old is not None:
            away.rename(old)
        raise UsageError(f"{place} cannot be written: {error.strerror}") from None
    if away is not None:
        _delete(away)


def _remove(folder: Path, tools: Path) -> None:
    _delete(_moved_away(folder, tools))


def _moved_away(folder: Path, tools: Path) -> Path:
    away = Path(tempfile.mkdtemp(prefix=_LEAVING, dir=tools)) / folder.name
    try:
        folder.rename(away)
    except OSError as error:
        raise UsageError(f"{folder} cannot be removed: {error.strerror}; perhaps a tool of it is running") from None
    return away


def _delete(away: Path) -> None:
    """Delete a package that was moved away, and what its archives unpacked when they first ran."""
    for archive in away.glob("*/main.pyz"):
        if (unpacked := unpacked_folder(archive)) is not None:
            shutil.rmtree(unpacked, ignore_errors=True)
            unpacked.with_name(f".{unpacked.name}_lock").unlink(missing_ok=True)
    shutil.rmtree(away.parent, ignore_errors=True)
