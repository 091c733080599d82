"""What the sources of a workspace import, held against what an archive of them holds."""

from __future__ import annotations

__all__ = ["missing_imports"]

import ast
import sys
from typing import TYPE_CHECKING

from kedge.compat.names import ROOTS
from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


def missing_imports(backend: Path, files: Sequence[Path], brought: Iterable[str]) -> list[str]:
    """One remark for each package that is imported and not ``brought``, with the first place that does so.

    It is a remark and no error, since an import may be one that a tool can do without. Raises UsageError, with line
    and column, for a file that is no Python.
    """
    own = (path.relative_to(backend).parts[0].removesuffix(".py") for path in files)
    known = {*sys.stdlib_module_names, *ROOTS, *brought, *own}
    first: dict[str, str] = {}
    for path in files:
        if path.suffix == ".py":
            for name, line in _imported(path):
                first.setdefault(name, f"{path.relative_to(backend).as_posix()}:{line}")
    return [
        f"{where} imports {name}, which no requirement brings; add it to requirements-thirdparty.txt, "
        "unless the tool can do without"
        for name, where in first.items()
        if name not in known
    ]


def _imported(path: Path) -> Iterator[tuple[str, int]]:
    """The top names of what a file imports, with their lines; what only type checkers read is passed over."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}:{error.offset}" if isinstance(error, SyntaxError) else ""
        raise UsageError(f"{path}{line} is no Python: {error}") from None
    yield from _of(tree)


def _of(node: ast.AST) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        yield node.module.partition(".")[0], node.lineno
    elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        for statement in node.orelse:
            yield from _of(statement)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _of(child)
