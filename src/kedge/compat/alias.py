"""The names of the other SDK, ``ayx_python_sdk`` and ``ayx_plugin_sdk``, as modules that hand out Kedge's objects.

An import finder answers to them, in front of every other, so that it does not matter whether a distribution of such a
name is installed. A module of the alias is made when it is first imported, and fetches an object of Kedge when that is
first asked for: nothing is loaded for a tool that does not use the names.
"""

from __future__ import annotations

import importlib
import sys
from difflib import get_close_matches
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from kedge.compat.names import MODULES, ROOTS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AliasFinder", "install", "stubs_path"]


def install() -> None:
    """Make the other SDK's names resolve to Kedge's objects in this interpreter. Calling it again changes nothing.

    Modules of an installed distribution of those names that were imported before are forgotten, so that the next
    import finds Kedge's; objects that were taken from them stay what they are.
    """
    finder = next((f for f in sys.meta_path if isinstance(f, AliasFinder)), None) or AliasFinder()
    if sys.meta_path[0] is not finder:
        sys.meta_path[:] = [finder, *(other for other in sys.meta_path if other is not finder)]
    foreign = [
        name
        for name, module in sys.modules.items()
        if name.partition(".")[0] in ROOTS and not isinstance(module, _AliasModule)
    ]
    for name in foreign:
        del sys.modules[name]


def stubs_path() -> Path:
    """The folder that type checkers need on their path (``mypy_path``, ``stubPath``) to know the other SDK's names."""
    return Path(__file__).parent / "stubs"


class AliasFinder(MetaPathFinder, Loader):
    """Finds and makes the modules of the alias. Raises ModuleNotFoundError for one that Kedge does not have."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the interface of importlib
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """The spec of an alias module, None for a module of any other tree."""
        root, _, below = fullname.partition(".")
        if root not in ROOTS:
            return None
        if below not in MODULES:
            # Without its name: the import system would pass over the error of a name that is missing in
            # "from … import name", and say something of its own that helps nobody.
            raise ModuleNotFoundError(_what_is_missing(root, below))
        # Each is a package, so that "from module import name" asks this finder about a name that is missing.
        return ModuleSpec(fullname, self, is_package=True, origin="kedge.compat.alias")

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module of the alias."""
        return _AliasModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: names are fetched when they are asked for."""

    def get_code(self, fullname: str) -> Any:
        """What ``python -m`` runs: the entry point for its own module, nothing for any other."""
        is_entry_point = fullname.endswith(".providers.amp_provider.__main__")
        source = f"from {fullname} import main\nraise SystemExit(main())" if is_entry_point else ""
        return compile(source, f"<{fullname}>", "exec")


class _AliasModule(ModuleType):
    """A module whose names are fetched from Kedge when they are asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"{name}: the names of the other SDK, answered by Kedge.")
        self.__below = name.partition(".")[2]
        self.__all__ = list(MODULES[self.__below])

    def __getattr__(self, name: str) -> Any:
        root, below = self.__name__.partition(".")[0], _join(self.__below, name)
        where = MODULES[self.__below].get(name)
        if where is None:
            if below in MODULES:
                return importlib.import_module(f"{root}.{below}")
            raise AttributeError(_what_is_missing(root, below), name=name, obj=self)
        found: Any = importlib.import_module(where.removesuffix(":"))
        if not where.endswith(":"):
            found = getattr(found, name)
        self.__dict__[name] = found
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds a submodule to its parent; where both have the name (core.register_plugin is a
        # function, and a module that holds it), the parent's name stays the object's.
        if not (isinstance(value, _AliasModule) and name in MODULES[self.__below]):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *MODULES[self.__below]})


def _join(below: str, name: str) -> str:
    return f"{below}.{name}" if below else name


def _what_is_missing(root: str, below: str) -> str:
    """What to say of a name that Kedge does not have there."""
    parent, _, name = below.rpartition(".")
    while parent not in MODULES:
        parent, _, name = parent.rpartition(".")
    path = _join(root, parent) if parent else root
    elsewhere = [module for module, names in MODULES.items() if name in names]
    here = {*MODULES[parent], *_submodules(parent)}
    if elsewhere:
        advice = f"Kedge has it as {' and '.join(f'{root}.{module}.{name}' for module in elsewhere[:2])}"
    elif _is_a_name_of_kedge(name):
        advice = f"Kedge has it as kedge.{name}"
    elif near := get_close_matches(name, here, n=1):
        advice = f"Kedge has no equivalent of that name; did you mean {near[0]}?"
    else:
        known = ", ".join(sorted(MODULES[parent] or here))
        advice = f"Kedge has no equivalent; it has there {known}"
    return f"{path} has no name {name!r}: {advice} (kedge answers to the names of {root} in this process)"


def _submodules(parent: str) -> set[str]:
    prefix = f"{parent}." if parent else ""
    return {module.removeprefix(prefix).partition(".")[0] for module in MODULES if module and module.startswith(prefix)}


def _is_a_name_of_kedge(name: str) -> bool:
    return name in getattr(importlib.import_module("kedge"), "__all__", ())
