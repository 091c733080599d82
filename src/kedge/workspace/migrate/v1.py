"""The rewriting of V1 tools for V2."""

from __future__ import annotations

import libcst as cst
from libcst import matchers as m
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor, RemoveImportsVisitor
from libcst.metadata import MetadataWrapper, QualifiedNameProvider

from kedge.compat.names import ROOTS
from kedge.workspace.migrate.facts import AnchorUse, ClassFacts, code, facts_of, opening_classes
from kedge.workspace.migrate.leftovers import with_todos
from kedge.workspace.migrate.methods import MethodRewriter, missing_callbacks, with_opening
from kedge.workspace.migrate.recognition import sdk_name

__all__ = ["rewritten"]

_NEW_ROOT, _OLD_ROOT = ROOTS
_REPLACED = {"Plugin": "PluginV2", "ProviderBase": "AMPProviderV2", "AMPProvider": "AMPProviderV2"}
_PROVIDER_MODULE = f"{_NEW_ROOT}.providers.amp_provider.amp_provider_v2"
_BUILDER_MODULE = f"{_NEW_ROOT}.providers.amp_provider.builders.metadata_builder"
_NULLABLE_TYPES = """
# Whole numbers and truth values keep their missing values, as in the frames of SDK V1.
NULLABLE_TYPES = {
    pa.bool_(): pd.BooleanDtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
}
"""


def rewritten(module: cst.Module) -> str:
    """The source of a module whose V1 tools are V2 tools."""
    module = module.visit(_NewRoot())
    assert isinstance(module, cst.Module)
    classes = _ClassRewriter()
    module = MetadataWrapper(module).visit(classes)
    makes_frames = "NULLABLE_TYPES" in module.code
    module = _with_imports(module)
    if makes_frames:
        module = _after_imports(module, _NULLABLE_TYPES)
    return with_todos(module, classes.anchors, classes.connections).code


class _NewRoot(cst.CSTTransformer):
    """Replaces the older name of the SDK."""

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        return updated_node.with_changes(value=_NEW_ROOT) if original_node.value == _OLD_ROOT else updated_node


class _ClassRewriter(cst.CSTTransformer):
    """Rewrites the classes that derive from V1's Plugin, also by way of each other, and leaves the rest alone."""

    METADATA_DEPENDENCIES = (QualifiedNameProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.anchors: dict[str, AnchorUse] = {}
        """The expressions that hold anchors."""
        self.connections: dict[tuple[str, str], str] = {}
        """The names that the old callbacks had for their connection, by the class and the new callback."""
        self._tools: dict[str, ClassFacts] = {}
        self._opening: set[str] = set()

    def visit_Module(self, node: cst.Module) -> None:
        self._opening = opening_classes(node)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        base = next(
            (self._tools[name] for each in original_node.bases if (name := code(each.value)) in self._tools), None
        )
        if base is None and not any(self._sdk_name(each.value) == "Plugin" for each in original_node.bases):
            return updated_node
        facts = facts_of(original_node, base)
        facts.opens_connections = facts.opens_connections or facts.name in self._opening
        self._tools[facts.name] = facts
        self.anchors |= facts.anchors
        bases = [
            base.with_changes(value=_renamed(base.value)) if self._sdk_name(before.value) == "Plugin" else base
            for before, base in zip(original_node.bases, updated_node.bases, strict=True)
        ]
        body = self._body(updated_node, facts, derived=base is not None)
        return updated_node.with_changes(bases=bases, body=body)

    def _body(self, definition: cst.ClassDef, facts: ClassFacts, *, derived: bool) -> cst.BaseSuite:
        statements: list[cst.BaseStatement] = []
        for statement in definition.body.body:
            if not isinstance(statement, cst.FunctionDef):
                statements.append(statement)  # type: ignore[arg-type]
                continue
            rewriter = MethodRewriter(facts, statement)
            method = rewriter.rewritten()
            if method is not None:
                if rewriter.connection:
                    self.connections[facts.name, method.name.value] = rewriter.connection
                statements.append(with_opening(method, facts) if method.name.value == "__init__" else method)
            if statement.name.value == "on_record_packet" and not derived:
                statements += missing_callbacks(definition)
        return definition.body.with_changes(body=statements)

    def _sdk_name(self, node: cst.CSTNode) -> str:
        names = self.get_metadata(QualifiedNameProvider, node, set())
        return next((found for name in names if (found := sdk_name(name.name))), "")


def _renamed(base: cst.BaseExpression) -> cst.BaseExpression:
    new = cst.Name(_REPLACED["Plugin"])
    return base.with_changes(attr=new) if isinstance(base, cst.Attribute) else new


def _with_imports(module: cst.Module) -> cst.Module:
    """Import what the rewritten tools name, and no longer what they do not."""
    context = CodemodContext()
    source = module.code
    wanted = {  # what is imported where a sign of it is in the source; what turns out unused goes again
        "PluginV2": ("(PluginV2", f"{_NEW_ROOT}.core"),
        "Anchor": ("Anchor", f"{_NEW_ROOT}.core"),
        "Metadata": ("Metadata", f"{_NEW_ROOT}.core"),
        "AMPProviderV2": ("AMPProviderV2", _PROVIDER_MODULE),
        "MetadataBuilder": ("MetadataBuilder.", _BUILDER_MODULE),
    }
    for name, (sign, origin) in wanted.items():
        if sign in source:
            AddImportsVisitor.add_needed_import(context, origin, name)
    for sign, origin, alias in (("pa.", "pyarrow", "pa"), ("NULLABLE_TYPES", "pandas", "pd")):
        if sign in source:
            AddImportsVisitor.add_needed_import(context, origin, asname=alias)
    for statement in m.findall(module, m.ImportFrom()):
        assert isinstance(statement, cst.ImportFrom)
        origin = cst.Module([]).code_for_node(statement.module) if statement.module else ""
        if origin.startswith(_NEW_ROOT) and not isinstance(statement.names, cst.ImportStar):
            for alias_node in statement.names:
                RemoveImportsVisitor.remove_unused_import(context, origin, alias_node.evaluated_name)
    module = AddImportsVisitor(context).transform_module(module)
    return RemoveImportsVisitor(context).transform_module(module)


def _after_imports(module: cst.Module, text: str) -> cst.Module:
    """Put statements behind the last import at the top of a module."""
    imports = m.SimpleStatementLine([m.Import() | m.ImportFrom()])
    last = max((i for i, statement in enumerate(module.body) if m.matches(statement, imports)), default=-1)
    added = [cst.parse_statement(text, config=module.config_for_parsing)]
    return module.with_changes(body=[*module.body[: last + 1], *added, *module.body[last + 1 :]])
