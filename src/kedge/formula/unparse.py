"""Writes a syntax tree back as text that reads back as the same tree."""

from __future__ import annotations

__all__ = ["unparse"]

from functools import singledispatch
from typing import Final

from kedge.formula.nodes import (
    Binary,
    Boolean,
    Call,
    Conditional,
    Constant,
    Field,
    Membership,
    Node,
    Number,
    Text,
    Unary,
)

_ATOMS: Final = (Number, Text, Boolean, Field, Constant, Call, Conditional)


def unparse(node: Node) -> str:
    """Return the tree as an expression, with parentheses around every operand that is an operation itself."""
    return _write(node)


def _operand(node: Node) -> str:
    return _write(node) if isinstance(node, _ATOMS) else f"({_write(node)})"


def _list(nodes: tuple[Node, ...]) -> str:
    return ", ".join(_write(each) for each in nodes)


@singledispatch
def _write(node: object) -> str:
    raise TypeError(f"{node!r} is no node of an expression")


@_write.register
def _(node: Number) -> str:
    return node.text


@_write.register
def _(node: Text) -> str:
    quote = "'" if '"' in node.value else '"'
    return f"{quote}{node.value}{quote}"


@_write.register
def _(node: Boolean) -> str:
    return "TRUE" if node.value else "FALSE"


@_write.register
def _(node: Field) -> str:
    return f"[{node.name}]"


@_write.register
def _(node: Constant) -> str:
    return f"%{node.name}%"


@_write.register
def _(node: Unary) -> str:
    return f"{'!' if node.operator == 'NOT' else node.operator}{_operand(node.operand)}"


@_write.register
def _(node: Binary) -> str:
    return f"{_operand(node.left)} {node.operator} {_operand(node.right)}"


@_write.register
def _(node: Membership) -> str:
    return f"{_operand(node.value)} {'NOT IN' if node.negated else 'IN'} ({_list(node.items)})"


@_write.register
def _(node: Call) -> str:
    return f"{node.name}({_list(node.arguments)})"


@_write.register
def _(node: Conditional) -> str:
    parts = [f"IF {_write(test)} THEN {_write(value)}" for test, value in node.branches]
    return f"{' ELSE'.join(parts)} ELSE {_write(node.otherwise)} ENDIF"
