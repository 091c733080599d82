"""What kind of tool a module holds."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import MetadataWrapper, QualifiedNameProvider

from kedge.compat.names import ROOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Kind", "kind_of", "sdk_name"]

_ENGINE_CALLBACKS = {
    *("pi_init", "pi_add_incoming_connection", "pi_add_outgoing_connection", "pi_push_all_records", "pi_close"),
    *("ii_init", "ii_push_record", "ii_update_progress", "ii_close"),
}


class Kind(Enum):
    """The SDK that a module's tools are written for."""

    V1 = auto()
    V2 = auto()
    ENGINE_SDK = auto()
    NONE = auto()


def kind_of(module: cst.Module) -> Kind:
    """The kind of a module; one with tools of V1 and V2 counts as V1, for it is not done."""
    bases = _Bases()
    MetadataWrapper(module, unsafe_skip_copy=True).visit(bases)
    if "Plugin" in bases.names:
        return Kind.V1
    if "PluginV2" in bases.names:
        return Kind.V2
    methods = {
        statement.name.value
        for definition in _classes(module)
        for statement in definition.body.body
        if isinstance(statement, cst.FunctionDef)
    }
    return Kind.ENGINE_SDK if methods & _ENGINE_CALLBACKS else Kind.NONE


def sdk_name(qualified: str) -> str:
    """The last part of a qualified name of either SDK tree or of Kedge; empty for any other name."""
    root, _, below = qualified.partition(".")
    return below.rpartition(".")[2] if root in (*ROOTS, "kedge") else ""


class _Bases(cst.CSTVisitor):
    """Collects what classes derive from, as far as it is of an SDK."""

    METADATA_DEPENDENCIES = (QualifiedNameProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        for base in node.bases:
            qualified = self.get_metadata(QualifiedNameProvider, base.value, set())
            self.names.update(sdk_name(name.name) for name in qualified)


def _classes(module: cst.Module) -> Iterator[cst.ClassDef]:
    return (statement for statement in module.body if isinstance(statement, cst.ClassDef))
