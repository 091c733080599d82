"""From the name of a tool to its class.

A tool is named ``package:Tool`` (or ``package`` and ``Tool`` apart, as engines do), where the package is importable
from the working folder, the backend of the workspace that this folder is in, or the environment; or
``path/to/file.py:Tool``.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from kedge.exceptions import ToolStartError, UsageError
from kedge.sdk.plugin import PluginV2

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "WORKSPACE_FILE",
    "ToolName",
    "find_workspace",
    "load_tool",
    "parse_tool_name",
    "searched_folders",
    "tool_class",
]

WORKSPACE_FILE = "ayx_workspace.json"
"""The file that makes a folder a workspace, an author's project, with its Python packages in the folder ``backend``."""


class ToolName(NamedTuple):
    """Where a tool's class is found: a module name or the path of a Python file, and the class in it."""

    package: str
    tool: str

    @property
    def is_file(self) -> bool:
        """Whether the package is the path of a Python file."""
        return self.package.endswith(".py")


def parse_tool_name(text: str) -> ToolName:
    """Split ``PACKAGE:TOOL`` or ``path/to/file.py:Tool``. Raises UsageError for anything else."""
    package, colon, tool = text.rpartition(":")
    if not colon or not package or not tool.isidentifier():
        raise UsageError(f"{text!r} names no tool: write PACKAGE:TOOL or path/to/file.py:Tool")
    name = ToolName(package, tool)
    if not name.is_file and ({"/", "\\"} & set(package) or "" in package.split(".")):
        raise UsageError(f"{text!r} names no tool: {package!r} is no importable name and no path of a .py file")
    return name


def load_tool(name: ToolName, *, search: bool = True) -> type[PluginV2]:
    """Import the package and return the tool's class; without ``search`` only from where Python itself looks.

    Raises ToolStartError that names the module, the missing dependency, the class that is no tool, or the methods that
    an abstract class lacks.
    """
    module = _import_file(Path(name.package)) if name.is_file else _import_package(name.package, search)
    tool = getattr(module, name.tool, None)
    if tool is None:
        raise ToolStartError(f"{name.package} has no class {name.tool!r}; {_what_it_has(module, name.tool)}")
    return tool_class(tool, f"{name.tool!r} of {name.package}")


def tool_class(candidate: object, called: str) -> type[PluginV2]:
    """The class that runs for ``candidate``: itself, or what it says that it runs as; errors call it ``called``.

    A class of another kind of tool has a class method ``__kedge_tool__``, which returns a class derived from PluginV2.
    Raises ToolStartError for what is no tool, and naming the methods that an abstract class lacks.
    """
    if not _is_tool(candidate):
        kind = "a class" if inspect.isclass(candidate) else type(candidate).__name__
        raise ToolStartError(f"{called} is {kind} that is no tool: a tool is a class derived from kedge.PluginV2")
    if lacking := sorted(getattr(candidate, "__abstractmethods__", ())):
        raise ToolStartError(f"{called} is abstract: it lacks {', '.join(lacking)}")
    return candidate if issubclass(candidate, PluginV2) else candidate.__kedge_tool__()


def find_workspace(path: Path) -> Path | None:
    """Return the nearest folder that is a workspace: ``path`` itself or one above it; ``None`` without."""
    path = path.absolute()
    return next((folder for folder in (path, *path.parents) if (folder / WORKSPACE_FILE).is_file()), None)


def searched_folders(name: ToolName) -> list[Path]:
    """Where :func:`load_tool` looks for modules before it looks at what is installed."""
    return [Path(name.package).parent] if name.is_file else _package_folders()


def _is_tool(candidate: object) -> TypeGuard[type[Any]]:
    return inspect.isclass(candidate) and (issubclass(candidate, PluginV2) or hasattr(candidate, "__kedge_tool__"))


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ToolStartError(f"there is no file {path} to load the tool from")
    path = path.resolve()
    taken = _is_taken(path)
    _search(path.parent, before_installed=not taken)
    module_name = f"{path.stem}_{_fingerprint(path)}" if taken else path.stem
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(module_name)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[module_name]
        if before is not None:
            sys.modules[module_name] = before
        if isinstance(error, KeyboardInterrupt):
            raise
        raise _import_error(str(path), error) from error
    return module


def _is_taken(path: Path) -> bool:
    """Whether the name that an ``import`` of the file would use means, or may come to mean, another module."""
    name = path.stem
    if not name.isidentifier() or name in sys.stdlib_module_names:
        return True
    if (present := sys.modules.get(name)) is not None:
        file = getattr(present, "__file__", None)
        return file is None or Path(file).resolve() != path
    elsewhere = [folder for folder in sys.path if Path(folder).resolve() != path.parent]
    return importlib.machinery.PathFinder.find_spec(name, elsewhere) is not None


def _fingerprint(path: Path) -> str:
    import hashlib

    return hashlib.sha256(str(path).encode(errors="surrogateescape")).hexdigest()[:8]


def _import_package(package: str, search: bool) -> ModuleType:
    for folder in _package_folders() if search else ():
        _search(folder, before_installed=True)
    try:
        return importlib.import_module(package)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _import_error(package, error) from error


def _package_folders() -> list[Path]:
    """The working folder, and the backend of the workspace that it is in."""
    workspace = find_workspace(Path.cwd())
    return [Path.cwd(), *([workspace / "backend"] if workspace else [])]


def _search(folder: Path, *, before_installed: bool) -> None:
    """Look for modules in ``folder`` from now on: after the standard library, before or after what is installed."""
    importlib.invalidate_caches()
    if str(folder) in sys.path:
        return
    installed = (n for n, entry in enumerate(sys.path) if Path(entry).name in ("site-packages", "dist-packages"))
    sys.path.insert(next(installed, len(sys.path)) if before_installed else len(sys.path), str(folder))


def _import_error(package: str, error: BaseException) -> ToolStartError:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is not None and f"{package}.".startswith(f"{missing}."):
        searched = ", ".join(map(str, _package_folders()))
        return ToolStartError(
            f"there is no package {missing!r} to load the tool from; "
            f"it is looked for in {searched} and in this Python's environment ({sys.prefix})"
        )
    if missing is not None and missing.startswith(f"{package.partition('.')[0]}."):
        return ToolStartError(f"{package} imports {missing!r}, which is not there\n{_import_frames(error)}")
    if missing is not None:
        return ToolStartError(
            f"{package} needs the package {missing!r}, which this Python has not: "
            f"install it ({sys.executable} -m pip install …)\n{_import_frames(error)}"
        )
    if isinstance(error, SystemExit):
        return ToolStartError(
            f"{package} called sys.exit({error.code!r}) while it was imported; put what only a script does under "
            f'if __name__ == "__main__"\n{_import_frames(error)}'
        )
    return ToolStartError(
        f"{package} failed while it was imported: {type(error).__name__}: {error}\n{_import_frames(error)}"
    )


def _import_frames(error: BaseException) -> str:
    """The traceback from the tool's own frames down."""
    summary = traceback.TracebackException.from_exception(error)
    loaders = (__file__, importlib.__file__)
    own = [f for f in summary.stack if f.filename not in loaders and not f.filename.startswith("<frozen importlib")]
    summary.stack = traceback.StackSummary.from_list(own)
    return "".join(summary.format()).strip()


def _what_it_has(module: ModuleType, wanted: str) -> str:
    from difflib import get_close_matches  # for errors alone

    tools = [name for name, value in vars(module).items() if _is_tool(value) and not inspect.isabstract(value)]
    near = get_close_matches(wanted, tools, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"its tools are {', '.join(sorted(tools))}{hint}" if tools else "it has no tool at all"
