"""Writes a typed expression as a Python expression, for loops that are compiled once for many rows.

Every value is written in place where a function has an inline form, so a row costs no calls for arithmetic.
Tests for null are written only around arguments that can be null.
"""

from __future__ import annotations

__all__ = ["Names", "Writer", "Written", "compiled", "name"]

import ast
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kedge.formula import typed
from kedge.formula.functions import operators as op
from kedge.formula.functions.conversions import INTEGER_TO_DOUBLE
from kedge.formula.functions.tests import IS_NULL
from kedge.formula.typed import Apply, Case, FieldRef, Function, Nulls, Typed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ARITHMETIC: Final = (op.ADD, op.SUBTRACT, op.MULTIPLY, op.DIVIDE_BY_CONSTANT)
_INLINE_VALUES: Final = (int, float, str, bool, type(None))


class Written(NamedTuple):
    """A Python expression, and whether it can be None."""

    code: ast.expr
    nullable: bool


def name(identifier: str) -> ast.Name:
    """Return the expression that reads a variable."""
    return ast.Name(identifier, ast.Load())


class Names:
    """The global names of a compiled function: functions and constants of the expressions in it."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self._count = 0

    def bind(self, value: object) -> ast.Name:
        """Return the name of a global that holds the value."""
        for known, held in self.values.items():
            if held is value:
                return name(known)
        self._count += 1
        identifier = f"g{self._count}"
        self.values[identifier] = value
        return name(identifier)

    def fresh(self) -> str:
        """Return the name of a new local variable."""
        self._count += 1
        return f"t{self._count}"


class Writer:
    """Writes expressions; ``field`` gives the variable of a field and whether it can be None."""

    def __init__(self, names: Names, field: Callable[[FieldRef], Written]) -> None:
        self._names = names
        self._field = field

    def write(self, node: Typed) -> Written:
        """Return the Python expression of a typed expression."""
        if isinstance(node, typed.Literal):
            return self._literal(node)
        if isinstance(node, FieldRef):
            return self._field(node)
        return self._case(node) if isinstance(node, Case) else self._apply(node)

    def _literal(self, node: typed.Literal) -> Written:
        plain = isinstance(node.value, _INLINE_VALUES) and not _is_odd(node.value)
        value: Any = node.value
        return Written(ast.Constant(value) if plain else self._names.bind(value), value is None)

    def _case(self, node: Case) -> Written:
        result = self.write(node.otherwise)
        for test, value in reversed(node.branches):
            chosen = self.write(value)
            code = ast.IfExp(self.write(test).code, chosen.code, result.code)
            result = Written(code, chosen.nullable or result.nullable)
        return result

    def _apply(self, node: Apply) -> Written:
        function = node.function
        arguments = [self.write(each) for each in _without_needless_floats(node)]
        if function is IS_NULL and not arguments[0].nullable:
            return Written(ast.Constant(False), False)
        inline = function.inline if isinstance(function.inline, str) else function.inline(len(arguments))
        if function.nulls in (Nulls.OWN, Nulls.ALL):
            usable = function.inline_nulls or not any(each.nullable for each in arguments)
            code = self._called(function, inline if usable else "", [each.code for each in arguments])
            return Written(code, function.partial or _can_be_null(function, arguments))
        if inline == "{0}" and function.nulls is Nulls.NULL:
            return arguments[0]
        twice = [inline.count(f"{{{number}}}") > 1 for number in range(len(arguments))]
        tests, codes = self._guards(arguments, twice)
        code = self._called(function, inline, codes)
        if not tests:
            return Written(code, function.partial)
        missing = ast.Constant(False if function.nulls is Nulls.FALSE else None)
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
        nullable = function.nulls is Nulls.NULL and any(each.nullable for each in arguments)
        return Written(ast.IfExp(test, missing, code), function.partial or nullable)

    def _guards(self, arguments: Sequence[Written], twice: Sequence[bool]) -> tuple[list[ast.expr], list[ast.expr]]:
        """Return tests of the arguments that can be None or are used twice, and the arguments as named."""
        tests: list[ast.expr] = []
        codes: list[ast.expr] = []
        for argument, repeated in zip(arguments, twice, strict=True):
            simple = isinstance(argument.code, ast.Name | ast.Constant)
            if not argument.nullable and (simple or not repeated):
                codes.append(argument.code)
                continue
            code = argument.code
            if not simple:
                local = self._names.fresh()
                code = ast.NamedExpr(ast.Name(local, ast.Store()), argument.code)
                codes.append(name(local))
            else:
                codes.append(code)
            tests.append(ast.Compare(code, [ast.Is()], [ast.Constant(None)]))
        return tests, codes

    def _called(self, function: Function, inline: str, codes: Sequence[ast.expr]) -> ast.expr:
        if inline:
            return _filled(inline, codes)
        return ast.Call(self._names.bind(function.python), list(codes), [])


def _is_odd(value: object) -> bool:
    """Whether a float has no literal: infinity and what is no number."""
    return isinstance(value, float) and value - value != 0


def _can_be_null(function: Function, arguments: Sequence[Written]) -> bool:
    return function.nulls is Nulls.ALL and all(each.nullable for each in arguments)


def _without_needless_floats(node: Apply) -> list[Typed]:
    """Beside a float, Python's arithmetic makes a float of an integer by itself, to the same value."""
    widened = [isinstance(each, Apply) and each.function is INTEGER_TO_DOUBLE for each in node.arguments]
    if node.function not in _ARITHMETIC or all(widened):
        return list(node.arguments)
    return [
        each.arguments[0] if wide and isinstance(each, Apply) else each
        for each, wide in zip(node.arguments, widened, strict=True)
    ]


@cache
def _template(inline: str) -> ast.expr:
    places = [f"_{number}_" for number in range(inline.count("{"))]
    return ast.parse(inline.format(*places), mode="eval").body


def _filled(inline: str, codes: Sequence[ast.expr]) -> ast.expr:
    filled = _Filler(codes).visit(deepcopy(_template(inline)))
    assert isinstance(filled, ast.expr)
    return filled


class _Filler(ast.NodeTransformer):
    """Puts the arguments in the places ``_0_``, ``_1_`` … of a template."""

    def __init__(self, codes: Sequence[ast.expr]) -> None:
        self._codes = codes

    def visit_Name(self, node: ast.Name) -> ast.expr:
        number = node.id.strip("_")
        return self._codes[int(number)] if number.isdigit() else node


def compiled(source: str, places: Mapping[str, ast.expr], names: Names) -> Callable[..., Any]:
    """Return the function that ``source`` defines, with expressions for the names of ``places``."""
    module = _Placer(places).visit(ast.parse(source))
    ast.fix_missing_locations(module)
    scope = dict(names.values)
    exec(compile(module, "<expression>", "exec"), scope)  # noqa: S102 - of a tree that is built here
    definition = module.body[0]
    return scope[definition.name]  # type: ignore[return-value]


class _Placer(ast.NodeTransformer):
    def __init__(self, places: Mapping[str, ast.expr]) -> None:
        self._places = places

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._places.get(node.id, node)
