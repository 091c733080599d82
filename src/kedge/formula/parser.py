"""Reads the text of an expression into its syntax tree."""

from __future__ import annotations

__all__ = ["parse"]

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from lark import Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args
from lark.visitors import Transformer_NonRecursive

from kedge.formula.errors import error_at
from kedge.formula.grammar import load_reader
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
    Span,
    Text,
    Unary,
)

if TYPE_CHECKING:
    from lark.tree import Meta

    from kedge.exceptions import FormulaError

_OPERATORS: Final = {"==": "=", "<>": "!=", "&&": "AND", "||": "OR", "!": "NOT"}

_OPERAND: Final = "a value"
_SPOKEN: Final = {
    "NUMBER": _OPERAND,
    "STRING": _OPERAND,
    "FIELD": _OPERAND,
    "NAME": _OPERAND,
    "PERCENT": _OPERAND,
    "TRUE": _OPERAND,
    "FALSE": _OPERAND,
    "IF": _OPERAND,
    "LPAR": "'('",
    "RPAR": "')'",
    "COMMA": "','",
    "EQUAL": "an operator",
    "UNEQUAL": "an operator",
    "ORDER": "an operator",
    "PLUS": "an operator",
    "MINUS": "an operator",
    "FACTOR": "an operator",
    "AND": "an operator",
    "OR": "an operator",
    "$END": "the end of the expression",
}
_READER: Final = cache(load_reader)
_UNCLOSED: Final = {
    '"': "the string that starts here has no closing double quote",
    "'": "the string that starts here has no closing single quote",
    "[": "the field name that starts here has no closing ']'",
    "/": "the comment that starts here has no closing '*/'",
    "%": "the constant that starts here has no closing '%'",
}


@lru_cache(maxsize=512)
def parse(text: str) -> Node:
    """Return the syntax tree of an expression; kept, since a tool asks for its schema and then for its SQL.

    Raises `FormulaError` with the place and what was expected there.
    """
    if not text.strip():
        raise error_at("the expression is empty; write a value, a field or a function", text, 0)
    try:
        return _Builder().transform(_READER().parse(text))
    except UnexpectedInput as problem:
        raise _explain(problem, text) from None


def _explain(problem: UnexpectedInput, text: str) -> FormulaError:
    at = problem.pos_in_stream or 0
    if isinstance(problem, UnexpectedCharacters):
        character = text[at]
        return error_at(_UNCLOSED.get(character, f"{character!r} means nothing here"), text, at)
    assert isinstance(problem, UnexpectedToken)
    wanted = _wanted(problem.accepts or problem.expected)
    if problem.token.type == "$END":
        return error_at(f"the expression ends where {wanted} was expected", text, len(text.rstrip()))
    return error_at(f"{str(problem.token)!r} stands here where {wanted} was expected", text, at)


def _wanted(names: set[str]) -> str:
    if names >= {"NUMBER", "STRING"}:
        return _OPERAND
    noise = {"IN", "NOT", "LPAR"} if "PLUS" in names else set()
    return " or ".join(sorted({_SPOKEN.get(name, name) for name in names - noise}))


@v_args(meta=True, inline=True)
class _Builder(Transformer_NonRecursive[Token, Node]):
    """Turns each rule of the grammar into its node."""

    def number(self, meta: Meta, token: Token) -> Node:
        return Number(_span(meta), str(token))

    def text(self, meta: Meta, token: Token) -> Node:
        return Text(_span(meta), token[1:-1])

    def boolean(self, meta: Meta, token: Token) -> Node:
        return Boolean(_span(meta), token.type == "TRUE")

    def field(self, meta: Meta, token: Token) -> Node:
        return Field(_span(meta), token[1:-1] if token.type == "FIELD" else str(token))

    def constant(self, meta: Meta, token: Token) -> Node:
        return Constant(_span(meta), token[1:-1])

    def group(self, _meta: Meta, inner: Node) -> Node:
        return inner

    def unary(self, meta: Meta, operator: Token, operand: Node) -> Node:
        return Unary(_span(meta), _operator(operator), operand)

    def binary(self, meta: Meta, left: Node, operator: Token, right: Node) -> Node:
        return Binary(_span(meta), _operator(operator), left, right)

    def arguments(self, _meta: Meta, *items: Node) -> tuple[Node, ...]:
        return items

    def member(self, meta: Meta, value: Node, _in: Token, items: tuple[Node, ...]) -> Node:
        return Membership(_span(meta), value, items, negated=False)

    def outsider(self, meta: Meta, value: Node, _not: Token, _in: Token, items: tuple[Node, ...]) -> Node:
        return Membership(_span(meta), value, items, negated=True)

    def call(self, meta: Meta, name: Token, arguments: tuple[Node, ...] = ()) -> Node:
        return Call(_span(meta), str(name), arguments)

    def conditional(self, meta: Meta, *children: Node | Token) -> Node:
        *values, otherwise = [each for each in children if not isinstance(each, Token)]
        return Conditional(_span(meta), tuple(zip(values[::2], values[1::2], strict=True)), otherwise)


def _span(meta: Meta) -> Span:
    return Span(meta.start_pos, meta.end_pos)


def _operator(token: Token) -> str:
    return _OPERATORS.get(token.lower(), token.upper())
