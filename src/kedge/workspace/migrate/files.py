"""Which files to migrate, and how they are read and written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kedge.exceptions import UsageError
from kedge.workspace.migrate.report import FileMigration, Migration, Outcome, remarks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["migrate"]

_PASSED_OVER = {"__pycache__", "site-packages", "node_modules", "venv", "build", "dist"}


def migrate(path: str | os.PathLike[str], *, write: bool = False) -> Migration:
    """Rewrite a V1 tool, or every one below a folder, for V2; tools of the engine SDK get a skeleton beside them.

    Nothing is changed on disk unless ``write`` is true; ``Migration.diff()`` shows what would be. Hidden folders,
    environments and build folders are passed over. A file that cannot be read or parsed is in the result, with the
    reason, and does not stop the others.

    Raises UsageError for a path that is not there or is no Python file, and where ``libcst`` is not installed.
    """
    root = Path(path)
    if not root.exists():
        raise UsageError(f"there is no file or folder {root} to migrate")
    if root.is_file() and root.suffix != ".py":
        raise UsageError(f"{root} is no Python file (.py)")
    _require_libcst()
    files = tuple(_migrated(file) for file in ([root] if root.is_file() else _python_files(root)))
    if write:
        for file in files:
            if file.changes:
                _replace(file)
    return Migration(files, written=write)


def _python_files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _PASSED_OVER and not (Path(place, name) / "pyvenv.cfg").exists()
        )
        yield from (Path(place, name) for name in sorted(names) if name.endswith(".py"))


def _migrated(path: Path) -> FileMigration:
    import libcst as cst

    from kedge.workspace.migrate.engine_sdk import skeleton_of
    from kedge.workspace.migrate.recognition import Kind, kind_of
    from kedge.workspace.migrate.v1 import rewritten

    try:
        module = cst.parse_module(path.read_bytes())
    except cst.ParserSyntaxError as error:
        reason = f"{path}:{error.raw_line}:{error.raw_column + 1}: {error.message}"
        return FileMigration(path, Outcome.UNREADABLE, notes=(reason,))
    except (OSError, SyntaxError, UnicodeDecodeError, LookupError) as error:
        return FileMigration(path, Outcome.UNREADABLE, notes=(str(error),))
    kind = kind_of(module)
    if kind is Kind.V1:
        after = rewritten(module)
        return FileMigration(path, Outcome.MIGRATED, module.code, after, path, remarks_of(after))
    if kind is Kind.ENGINE_SDK:
        skeleton = skeleton_of(module)
        target = path.with_name(f"{path.stem}_v2.py")
        if target.exists():
            notes = (*skeleton.notes, f"{target} is there already, and is left as it is")
            return FileMigration(path, Outcome.SKELETON, notes=notes)
        remarks = remarks_of(skeleton.text)
        return FileMigration(path, Outcome.SKELETON, "", skeleton.text, target, remarks, skeleton.notes)
    return FileMigration(path, Outcome.ALREADY_V2 if kind is Kind.V2 else Outcome.NO_TOOL)


def _replace(file: FileMigration) -> None:
    """Put the new text in the place of the old, in the old encoding; a failure leaves the old one whole."""
    import libcst as cst

    assert file.target is not None
    encoding = cst.parse_module(file.path.read_bytes()).encoding
    draft = file.target.with_name(f".{file.target.name}.migrating")
    try:
        draft.write_bytes(file.after.encode(encoding))
        if file.target.exists():
            draft.chmod(file.target.stat().st_mode)
        draft.replace(file.target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UsageError(f"{file.target} cannot be written: {error.strerror}") from error


def _require_libcst() -> None:
    try:
        import libcst  # noqa: F401 - only whether it is there
    except ModuleNotFoundError as error:
        raise UsageError(
            f"migrating needs the package {error.name!r}, which this Python has not: pip install 'kedge[migrate]'"
        ) from error
