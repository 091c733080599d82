"""What has to be known of a V1 tool class before it is rewritten."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import libcst as cst
from libcst import matchers as m

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AnchorUse", "ClassFacts", "code", "facts_of", "is_idle", "methods_of", "opening_classes"]


@dataclass(frozen=True)
class AnchorUse:
    """An anchor that the tool keeps: ``outgoing`` or not, and the expression for its name."""

    outgoing: bool
    name: str


@dataclass
class ClassFacts:
    """What the methods of a tool tell of it."""

    name: str
    provider_argument: str = "provider"
    provider: str = ""
    """The expression for the provider in every method (``self.provider``); empty where the tool does not keep it."""
    anchors: dict[str, AnchorUse] = field(default_factory=dict)
    """By the expression that holds them: ``self.output_anchor``."""
    asks_what_is_open: bool = False
    """Whether it looks at ``is_open`` or ``metadata`` of an outgoing anchor."""
    opens_connections: bool = False
    """Whether ``on_input_connection_opened`` does something."""


def code(node: cst.CSTNode) -> str:
    """The source of a node."""
    return cst.Module([]).code_for_node(node).strip()


def methods_of(definition: cst.ClassDef) -> Iterator[cst.FunctionDef]:
    """The methods of a class."""
    return (statement for statement in definition.body.body if isinstance(statement, cst.FunctionDef))


def facts_of(definition: cst.ClassDef, base: ClassFacts | None = None) -> ClassFacts:
    """Read a class; ``base`` is what is known of the tool of the same module that it derives from."""
    facts = ClassFacts(definition.name.value)
    if base is not None:
        facts.provider_argument, facts.provider = base.provider_argument, base.provider
        facts.anchors, facts.opens_connections = dict(base.anchors), base.opens_connections
    for method in methods_of(definition):
        if method.name.value == "__init__" and len(method.params.params) > 1:
            facts.provider_argument = method.params.params[1].name.value
            facts.provider = _kept_provider(method, facts.provider_argument) or facts.provider
        if method.name.value == "on_input_connection_opened":
            facts.opens_connections = facts.opens_connections or not is_idle(method)
    for assignment in m.findall(definition, m.Assign() | m.AnnAssign()):
        assert isinstance(assignment, cst.Assign | cst.AnnAssign)
        _note_anchor(facts, assignment)
    facts.asks_what_is_open = (base is not None and base.asks_what_is_open) or any(
        code(node.value) in facts.anchors and facts.anchors[code(node.value)].outgoing
        for node in m.findall(definition, m.Attribute(attr=m.Name("is_open") | m.Name("metadata")))
        if isinstance(node, cst.Attribute)
    )
    return facts


def opening_classes(module: cst.Module) -> set[str]:
    """The classes of which a class that derives from them works in ``on_input_connection_opened``.

    Their constructors have to call it, for it is theirs that runs.
    """
    classes = [node for node in m.findall(module, m.ClassDef()) if isinstance(node, cst.ClassDef)]
    found: set[str] = set()
    for definition in reversed(classes):  # a class stands behind those that it derives from
        works = any(
            each.name.value == "on_input_connection_opened" and not is_idle(each) for each in methods_of(definition)
        )
        if works or definition.name.value in found:
            found.update(code(base.value) for base in definition.bases)
    return found


def is_idle(method: cst.FunctionDef) -> bool:
    """Whether a method does nothing, or only says that it must not be called."""
    statements = method.body.body if isinstance(method.body, cst.IndentedBlock) else [method.body]
    idle = m.SimpleStatementLine(
        [m.Pass() | m.Raise() | m.Return(None) | m.Expr(m.SimpleString() | m.Ellipsis() | m.ConcatenatedString())]
    )
    return all(
        m.matches(statement, idle | m.SimpleStatementSuite([m.Pass() | m.Expr(m.Ellipsis())]))
        for statement in statements
    )


def _kept_provider(init: cst.FunctionDef, argument: str) -> str:
    kept = m.findall(init, m.Assign(value=m.Name(argument)) | m.AnnAssign(value=m.Name(argument)))
    for assignment in kept:
        target = assignment.targets[0].target if isinstance(assignment, cst.Assign) else assignment.target  # type: ignore[attr-defined]
        if m.matches(target, m.Attribute(value=m.Name("self"))):
            return code(target)
    return ""


def _note_anchor(facts: ClassFacts, assignment: cst.Assign | cst.AnnAssign) -> None:
    getter = m.Call(func=m.Attribute(attr=m.Name("get_output_anchor") | m.Name("get_input_anchor")))
    if not m.matches(assignment, m.Assign(value=getter) | m.AnnAssign(value=getter)):
        return
    targets = [t.target for t in assignment.targets] if isinstance(assignment, cst.Assign) else [assignment.target]
    call = cst.ensure_type(assignment.value, cst.Call)
    outgoing = cst.ensure_type(call.func, cst.Attribute).attr.value == "get_output_anchor"
    for target in targets:
        held = code(target)
        asked = call.args[0].value if call.args else cst.SimpleString('""')
        name = code(asked) if isinstance(asked, cst.SimpleString) or not outgoing else f'{held}["name"]'
        facts.anchors[held] = AnchorUse(outgoing, name)
