"""The stub files by which type checkers know the other SDK's names; ``python -m kedge.compat.stub_files`` writes them.

They lie in ``kedge/compat/stubs``, which a project names in its ``mypy_path`` (pyright: ``stubPath``).
"""

from __future__ import annotations

from pathlib import PurePosixPath

from kedge.compat.alias import stubs_path
from kedge.compat.names import MODULES, ROOTS

__all__ = ["stub_files", "write_stub_files"]


def stub_files() -> dict[PurePosixPath, str]:
    """The text of every stub file, by its path below the folder of the stubs."""
    return {_path(root, below): _text(root, below) for root in ROOTS for below in MODULES}


def write_stub_files() -> None:
    """Write every stub file."""
    for path, text in stub_files().items():
        file = stubs_path() / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _path(root: str, below: str) -> PurePosixPath:
    path = PurePosixPath(root, *below.split(".")) if below else PurePosixPath(root)
    return path / "__init__.pyi" if _children(below) else path.with_name(f"{path.name}.pyi")


def _children(below: str) -> list[str]:
    prefix = f"{below}." if below else ""
    names = (module.removeprefix(prefix) for module in MODULES if module and module.startswith(prefix))
    return [name for name in names if name and "." not in name]


def _text(root: str, below: str) -> str:
    names = MODULES[below]
    package = f"{root}.{below}".rstrip(".")
    submodules = [f"from {package} import {child} as {child}" for child in _children(below) if child not in names]
    lines = [*submodules, *(_import(name, where) for name, where in names.items())]
    return "\n".join(["# Written by python -m kedge.compat.stub_files.", *lines, "", f"__all__ = {list(names)!r}", ""])


def _import(name: str, where: str) -> str:
    if where.endswith(":"):
        return f"import {where.removesuffix(':')} as {name}"
    return f"from {where} import {name} as {name}"


if __name__ == "__main__":
    write_stub_files()
