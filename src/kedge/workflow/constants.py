"""The constants of a run: the engine's own and the user's, by their full names."""

from __future__ import annotations

__all__ = ["run_constants", "typed_constants"]


from typing import TYPE_CHECKING

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kedge.workflow.document import Document

ENGINE_VERSION = "2023.1.1.0"


def run_constants(document: Document, workflow: Path, temporary: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return every constant's value by ``Namespace.Name``.

    ``given`` overrides user constants; a name without a namespace means the namespace ``User``. Raises ``UsageError``
    for a name that the document does not have.
    """
    user = {f"{item.namespace}.{item.name}": item.value for item in document.constants}
    for name, value in given.items():
        full = name if "." in name else f"User.{name}"
        if full not in user:
            raise UsageError(f"--set {name}: the workflow has no such constant; it has {', '.join(user) or 'none'}")
        user[full] = value
    directory = f"{workflow.parent}/"
    return {
        "Engine.WorkflowDirectory": directory,
        "Engine.ModuleDirectory": directory,
        "Engine.WorkflowFileName": workflow.name,
        "Engine.TempFilePath": f"{temporary}/",
        "Engine.IterationNumber": "0",
        "Engine.Version": ENGINE_VERSION,
        "temp": f"{temporary}",
        **user,
    }


def typed_constants(document: Document, constants: Mapping[str, str]) -> dict[str, str | float]:
    """Return the constants as expressions see them: numbers where the document says so."""
    numeric = {f"{item.namespace}.{item.name}" for item in document.constants if item.is_numeric}
    return {name: _number(name, value) if name in numeric else value for name, value in constants.items()}


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"the constant {name} is numeric, and {value!r} is not a number; change one of them") from None
