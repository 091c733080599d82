"""``kedge doctor``: what this machine has, what is missing, and how to get it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import typer

__all__ = ["doctor"]

_CORE = ("pyarrow", "grpcio", "protobuf", "xmltodict", "defusedxml", "platformdirs")
_EXTRAS = {
    "workflow": ("duckdb", "sqlglot", "lark", "regex"),
    "v1": ("pandas",),
    "migrate": ("libcst",),
    "workshop": ("jinja2", "shiv", "uv", "hatchling", "packaging", "watchfiles"),
}
_SMALL_SHARED_MEMORY = 256 << 20


class Finding(NamedTuple):
    """One line of the examination; ``remedy`` is empty where nothing is to be done."""

    subject: str
    state: str
    remedy: str = ""
    fatal: bool = False


def doctor() -> None:
    """Tell what this machine has, what is missing, and how to get it. Exits with 1 where Kedge cannot run."""
    findings = [_python(), *_packages(), _shared_memory(), _temporary_folder(), _sockets()]
    for finding in findings:
        mark = "missing" if finding.fatal else "note" if finding.remedy else "ok"
        print(f"{mark:8}{finding.subject:28}{finding.state}{f'  -> {finding.remedy}' if finding.remedy else ''}")
    raise typer.Exit(1 if any(finding.fatal for finding in findings) else 0)


def _python() -> Finding:
    return Finding(
        "Python", f"{platform.python_version()} ({platform.system()} {platform.machine()}), {sys.executable}"
    )


def _packages() -> list[Finding]:
    findings = [_package(name, f"pip install {name}", fatal=True) for name in _CORE]
    for extra, names in _EXTRAS.items():
        findings += [_package(name, f"pip install 'kedge[{extra}]'", fatal=False) for name in names]
    return findings


def _package(name: str, remedy: str, *, fatal: bool) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "not installed", remedy, fatal)


def _shared_memory() -> Finding:
    folder = Path("/dev/shm")  # noqa: S108 - looked at, not written
    if not folder.is_dir():
        return Finding("shared memory", f"no {folder}; the temporary folder serves")
    free = shutil.disk_usage(folder).free
    remedy = "a larger /dev/shm makes large batches faster" if free < _SMALL_SHARED_MEMORY else ""
    return Finding("shared memory", f"{folder}, {free >> 20:,} MiB free", remedy)


def _temporary_folder() -> Finding:
    folder = tempfile.gettempdir()
    return Finding("temporary folder", f"{folder}, {shutil.disk_usage(folder).free >> 30:,} GiB free")


def _sockets() -> Finding:
    if os.name == "posix":
        return Finding("tool processes", "over a Unix socket that only this user can open")
    return Finding("tool processes", "over a loopback port, with a token for each run")
