"""What an interpreter takes from its surroundings when it starts, and nothing can give it later."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kedge.loading import ToolName, searched_folders

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IMPORTED_AHEAD", "ProcessKind", "brings_its_own"]

_ACTS_AT_START = re.compile(
    # the interpreter, the loader, the allocators, and what is measured from the first line on
    r"(PYTHON|LD_|DYLD_|MALLOC_|GLIBC_|MIMALLOC_|JE_|COV|__)"
    # the libraries that are imported ahead
    r"|(ARROW_|GRPC_|PROTOCOL_BUFFERS_|NPY_|OMP_|GOMP_|KMP_|MKL_|OPENBLAS_|GOTO_|BLIS_|VECLIB_|OPENSSL_)"
    # locale, time zone, and where things are found and put
    r"|LC_|(LANG|LANGUAGE|LOCPATH|TZ|TZDIR|PATH|HOME|USERPROFILE|APPDATA|TMPDIR|TEMP|TMP|VIRTUAL_ENV|KEDGE_SHARED_MEMORY)$"
)
IMPORTED_AHEAD = ("defusedxml", "google", "grpc", "grpc_tools", "numpy", "pyarrow", "typing_extensions", "xmltodict")
"""What a process that waits has imported, beside Kedge and the standard library."""


class ProcessKind(NamedTuple):
    """Two processes of one kind differ in nothing but what can be changed while they run."""

    python: str
    handed: tuple[tuple[str, str], ...]
    """Variables that a process gets beside those of its host, of those that act at the start."""
    variables: tuple[tuple[str, str], ...]
    folder: tuple[str, int, int]
    """The working folder, with device and number: another of the same name is another."""
    temporary: str
    limits: tuple[object, ...]

    @classmethod
    def of(cls, python: str, environment: Mapping[str, str]) -> ProcessKind:
        """The kind of a process that this process starts now. Raises OSError where the working folder is gone."""
        here = Path().stat()
        return cls(
            python,
            _acting_at_start(environment),
            _acting_at_start({**os.environ, **environment}),
            (str(Path.cwd()), here.st_dev, here.st_ino),
            tempfile.gettempdir(),
            _limits(),
        )


def brings_its_own(tool: ToolName) -> bool:
    """Whether beside the tool lies a module that goes before an installed one, which is imported ahead."""
    folders = [str(folder) for folder in searched_folders(tool)]
    return any(PathFinder.find_spec(module, folders) is not None for module in IMPORTED_AHEAD)


def _acting_at_start(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(item for item in environment.items() if _ACTS_AT_START.match(item[0])))


def _limits() -> tuple[object, ...]:
    """Limits that a process inherits, and the mode of the files that it makes where the system tells it."""
    if sys.platform == "win32":
        return ()
    import resource

    names = sorted(name for name in vars(resource) if name.startswith("RLIMIT_"))
    limits = [resource.getrlimit(getattr(resource, name)) for name in names]
    status = Path("/proc/self/status")
    mask = status.read_bytes().partition(b"Umask:")[2].split(maxsplit=1)[:1] if status.exists() else []
    return (*limits, *mask)
