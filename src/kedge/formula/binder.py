"""Types an expression: names become fields, calls find their functions, conversions join the tree."""

from __future__ import annotations

__all__ = ["Current", "bind"]

import re
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Final, NamedTuple

from kedge.formula import nodes
from kedge.formula.coerce import coerce, common, folded, is_untyped
from kedge.formula.errors import error_at, near_names
from kedge.formula.functions import operators as op
from kedge.formula.functions.registry import FUNCTIONS, find
from kedge.formula.options import FormulaOptions
from kedge.formula.parser import parse
from kedge.formula.typed import (
    Apply,
    Case,
    FieldRef,
    Function,
    Kind,
    Literal,
    Parameter,
    Typed,
    apply,
)
from kedge.formula.types import BOOL, DOUBLE, INT32, INT64, DesignerType, v_string, v_wstring

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.exceptions import FormulaError

_ROW: Final = re.compile(r"row([+-]\d+):(.+)", re.IGNORECASE | re.DOTALL)
_IN_TEXT: Final = re.compile(r"%([^%\s]+)%")
_COMPARISONS: Final = {
    "=": op.EQUAL,
    "!=": op.UNEQUAL,
    "<": op.LESS,
    "<=": op.AT_MOST,
    ">": op.GREATER,
    ">=": op.AT_LEAST,
}
_LOGIC: Final = {"AND": op.AND, "OR": op.OR}
_NEEDS: Final = {
    Kind.TEXT: "text is needed; convert it with ToString",
    Kind.INTEGER: "a number is needed; convert it with ToNumber",
    Kind.DOUBLE: "a number is needed; convert it with ToNumber",
    Kind.NUMBER: "a number is needed; convert it with ToNumber",
    Kind.CONDITION: "a condition is needed; compare it with a value",
    Kind.DATE: "a date is needed; convert it with ToDate or DateTimeParse",
    Kind.MOMENT: "a date is needed; convert it with ToDateTime or DateTimeParse",
}


class Current(NamedTuple):
    """The field that ``[_CurrentField_]`` stands for in a tool that applies one expression to many fields."""

    name: str
    type: DesignerType


def bind(
    text: str,
    fields: Mapping[str, DesignerType],
    *,
    options: FormulaOptions | None = None,
    constants: Mapping[str, str | int | float] | None = None,
    current: Current | None = None,
    rows: bool = False,
) -> Typed:
    """Parse an expression and return its typed tree.

    ``fields`` are the fields that it may name, in any case. ``constants`` are the workflow's constants by
    names such as ``User.X``, numbers as numbers. ``current`` is what ``[_CurrentField_]`` and its kin stand
    for. ``rows`` allows ``[Row-1:Field]``.

    Raises `FormulaError` with the place: for what cannot be read, for unknown names (with those that are
    near), for a wrong number of arguments, and for types that do not fit.
    """
    binder = _Binder(text, fields, options or FormulaOptions(), dict(constants or {}), current, rows)
    tree = parse(text)
    try:
        return binder.bind(tree)
    except RecursionError:
        raise error_at("the expression is nested too deeply; split it into several", text, 0) from None


@dataclass
class _Binder:
    text: str
    fields: Mapping[str, DesignerType]
    options: FormulaOptions
    constants: dict[str, str | int | float]
    current: Current | None
    rows: bool
    _by_lower: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._by_lower = {name.lower(): name for name in reversed(list(self.fields))}
        self.constants = {name.lower(): value for name, value in self.constants.items()}

    def refuse(self, problem: str, at: int) -> FormulaError:
        return error_at(problem, self.text, at)

    def bind(self, node: nodes.Node) -> Typed:
        at = node.span.start
        match node:
            case nodes.Number():
                return _number(node.value, at)
            case nodes.Text(value=value):
                return _text(self._with_constants(value), at)
            case nodes.Boolean(value=value):
                return Literal(value, BOOL, at)
            case nodes.Field(name=name):
                return self._name(name, at)
            case nodes.Constant(name=name):
                return self._constant(name, at)
            case nodes.Unary():
                return self._unary(node)
            case nodes.Binary():
                return self._binary(node)
            case nodes.Membership():
                return self._membership(node)
            case nodes.Conditional(branches=branches, otherwise=otherwise):
                bound = [(self._condition(test), self.bind(value)) for test, value in branches]
                return self.choose(bound, self.bind(otherwise), at)
            case nodes.Call():
                return self._call(node)

    # names

    def _name(self, name: str, at: int) -> Typed:
        known = name if name in self.fields else self._by_lower.get(name.lower())
        if known is not None:
            return FieldRef(known, self.fields[known], at)
        current = self._current(name, at)
        if current is not None:
            return current
        if row := _ROW.fullmatch(name):
            return self._row(int(row[1]), row[2], at)
        if name.lower() in self.constants:
            return self._constant(name, at)
        raise self._unknown(name, at)

    def _row(self, offset: int, name: str, at: int) -> Typed:
        if not self.rows:
            raise self.refuse("only Multi-Row Formula can look at other rows", at)
        found = self._name(name, at)
        if not isinstance(found, FieldRef):
            raise self._unknown(name, at)
        return replace(found, offset=offset)

    def _current(self, name: str, at: int) -> Typed | None:
        if self.current is None:
            return None
        match name.lower():
            case "_currentfield_":
                return FieldRef(self.current.name, self.current.type, at)
            case "_currentfieldname_":
                return _text(self.current.name, at)
            case "_currentfieldtype_":
                return _text(self.current.type.name, at)
        return None

    def _unknown(self, name: str, at: int) -> FormulaError:
        near = near_names(name, self.fields)
        fields = ", ".join(f"[{each}]" for each in self.fields)
        listed = near or (f"; the fields are {fields}" if self.fields else "; there are no fields here")
        return self.refuse(f"there is no field {name!r}{listed}", at)

    def _constant(self, name: str, at: int) -> Typed:
        value = self.constants.get(name.lower())
        if value is None:
            raise self.refuse(f"there is no constant {name!r}{near_names(name, self.constants)}", at)
        return _text(value, at) if isinstance(value, str) else _number(value, at)

    def _with_constants(self, text: str) -> str:
        def put(match: re.Match[str]) -> str:
            return str(self.constants.get(match[1].lower(), match[0]))

        return _IN_TEXT.sub(put, text) if "%" in text else text

    # operators

    def _unary(self, node: nodes.Unary) -> Typed:
        at = node.span.start
        if node.operator == "NOT":
            return apply(op.NOT, self._condition(node.operand), span=at)
        operand = self._operand(self.bind(node.operand), Kind.NUMBER, "-")
        if isinstance(operand, Literal) and isinstance(operand.value, int | float):
            return replace(operand, value=-operand.value, span=at)
        return apply(op.NEGATE, operand, span=at)

    def _binary(self, node: nodes.Binary) -> Typed:
        at = node.span.start
        if logic := _LOGIC.get(node.operator):
            return apply(logic, self._condition(node.left), self._condition(node.right), span=at)
        left, right = self.bind(node.left), self.bind(node.right)
        if comparison := _COMPARISONS.get(node.operator):
            return self._comparison(comparison, left, right)
        if node.operator == "+" and any(each.type.is_string and not is_untyped(each) for each in (left, right)):
            return self._join(left, right)
        return self._arithmetic(node.operator, left, right)

    def _join(self, left: Typed, right: Typed) -> Typed:
        parts: list[Typed] = []
        for each in (left, right):
            joined = isinstance(each, Apply) and each.function is op.CONCAT
            parts += each.arguments if joined and isinstance(each, Apply) else [each]
        texts = [self._operand(each, Kind.TEXT, "+") for each in parts]
        return apply(op.CONCAT, *texts, span=left.span)

    def _arithmetic(self, operator: str, left: Typed, right: Typed) -> Typed:
        whole = all(each.type.is_integer or each.type.is_bool for each in (left, right)) and operator != "/"
        exact = whole and (operator != "*" or _product_fits(left, right))
        kind = Kind.NUMBER if exact else Kind.DOUBLE
        first, second = self._operand(left, kind, operator), self._operand(right, kind, operator)
        functions = {"+": op.ADD, "-": op.SUBTRACT, "*": op.MULTIPLY, "/": op.divide(second)}
        return folded(apply(functions[operator], first, second, span=left.span))

    def _operand(self, value: Typed, kind: Kind, operator: str) -> Typed:
        changed = coerce(value, kind, self.options)
        if changed is None:
            problem = f"an operand of {operator} is {value.type.name}, but {_NEEDS[kind]}"
            raise self.refuse(problem, value.span)
        return changed

    def _condition(self, node: nodes.Node) -> Typed:
        value = self.bind(node)
        return self._needed(value, Kind.CONDITION, "the condition")

    def _needed(self, value: Typed, kind: Kind, what: str) -> Typed:
        changed = coerce(value, kind, self.options)
        if changed is None:
            raise self.refuse(f"{what} is {value.type.name}, but {_NEEDS[kind]}", value.span)
        return changed

    def _comparison(self, function: Function, left: Typed, right: Typed) -> Typed:
        pair = self._comparable(left, right, equality=function in (op.EQUAL, op.UNEQUAL))
        return apply(function, *pair, span=left.span)

    def _comparable(self, left: Typed, right: Typed, *, equality: bool) -> tuple[Typed, ...]:
        left, right = (
            _beside_bool(left, right, equality=equality),
            _beside_bool(right, left, equality=equality),
        )
        found = common((left, right), self.options, compared=True)
        if found is None:
            names = f"{left.type.name} and {right.type.name}"
            raise self.refuse(f"{names} cannot be compared; convert one with ToString or ToNumber", left.span)
        values, kind = found
        if kind.is_string and self.options.ignore_case:
            return tuple(apply(FUNCTIONS["lowercase"], each, span=each.span) for each in values)
        return values

    def _membership(self, node: nodes.Membership) -> Typed:
        at = node.span.start
        value, items = self.bind(node.value), [self.bind(each) for each in node.items]
        pairs = [self._comparable(value, each, equality=True) for each in items]
        known = [right for _, right in pairs if isinstance(right, Literal) and right.value is not None]
        if len(known) == len(pairs) and all(left == pairs[0][0] for left, _ in pairs):
            found: Typed = apply(op.IN, pairs[0][0], *known, span=at)
        else:
            tests = [apply(op.EQUAL, *pair, span=at) for pair in pairs]
            found = reduce(lambda one, other: apply(op.OR, one, other, span=at), tests)
        return apply(op.NOT, found, span=at) if node.negated else found

    def equal(self, left: Typed, right: Typed) -> Typed:
        return self._comparison(op.EQUAL, left, right)

    def choose(self, branches: Sequence[tuple[Typed, Typed]], otherwise: Typed, span: int) -> Typed:
        values = self._common([*(value for _, value in branches), otherwise])
        tests = [test for test, _ in branches]
        return Case(tuple(zip(tests, values, strict=False)), values[-1], values[-1].type, span)

    # calls

    def _common(self, values: Sequence[Typed]) -> tuple[Typed, ...]:
        found = common(values, self.options)
        if found is None:
            names = " and ".join(sorted({each.type.name for each in values}))
            other = next(each for each in values if common((values[0], each), self.options) is None)
            problem = f"the values are {names}, but they must be of one kind; use ToString or ToNumber"
            raise self.refuse(problem, other.span)
        return found[0]

    def _call(self, node: nodes.Call) -> Typed:
        at = node.span.start
        function = find(node.name)
        if function is None:
            near = near_names(node.name, [each.name for each in FUNCTIONS.values()])
            raise self.refuse(f"there is no function {node.name!r}{near}", at)
        self._count(function, node)
        arguments = self._arguments(function, [self.bind(each) for each in node.arguments])
        if problem := function.check and function.check(arguments):
            index, told = problem
            raise self.refuse(told, arguments[index].span)
        if function.expand:
            return function.expand(self, arguments, at)
        return apply(function, *arguments, span=at)

    def _count(self, function: Function, node: nodes.Call) -> None:
        given, most = len(node.arguments), function.most
        if function.least <= given and (most is None or given <= most):
            return
        names = ", ".join(each.name for each in function.parameters if not each.option)
        raise self.refuse(
            f"{function.name} takes {_amount(function.least, most)} ({names}), but {given} are given",
            node.span.start,
        )

    def _arguments(self, function: Function, given: list[Typed]) -> tuple[Typed, ...]:
        parameters = _matched(function.parameters, len(given))
        values = [self._argument(function, number, parameter, given) for number, parameter in enumerate(parameters)]
        same = [number for number, parameter in enumerate(parameters) if parameter.kind is Kind.SAME]
        if same:
            for number, value in zip(same, self._common([values[each] for each in same]), strict=True):
                values[number] = value
        return tuple(values)

    def _argument(self, function: Function, number: int, parameter: Parameter, given: list[Typed]) -> Typed:
        if parameter.option:
            return _literal(getattr(self.options, parameter.name))
        if number >= len(given):
            return self._needed(_literal(parameter.default), parameter.kind, parameter.name)
        what = f"argument {number + 1} ({parameter.name}) of {function.name}"
        return self._needed(given[number], parameter.kind, what)


def _matched(parameters: tuple[Parameter, ...], given: int) -> list[Parameter]:
    """Return one parameter for each argument: a repeated one stands for as many as are given."""
    repeated = [each for each in parameters if each.repeated]
    extra = given - sum(not each.option for each in parameters)
    return [copy for each in parameters for copy in [each] * (1 + (extra if each in repeated else 0))]


def _amount(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least} arguments"
    return f"{least} arguments" if least == most else f"{least} to {most} arguments"


def _literal(value: object) -> Literal:
    if isinstance(value, bool):
        return Literal(value, BOOL)
    if isinstance(value, int | float):
        return _number(value, 0)
    return _text(value, 0) if isinstance(value, str) else Literal(value, v_wstring(1))


def _number(value: float, at: int) -> Literal:
    if isinstance(value, int):
        if abs(value) < 2**31:
            return Literal(value, INT32, at)
        if abs(value) < 2**63:
            return Literal(value, INT64, at)
    return Literal(float(value), DOUBLE, at)


def _text(value: str, at: int) -> Literal:
    narrow = all(character <= "\xff" for character in value)
    return Literal(value, (v_string if narrow else v_wstring)(len(value)), at)


def _product_fits(left: Typed, right: Typed) -> bool:
    """Whether a product of integers stays within 64 bits, as far as the types tell; a literal factor may."""
    literal = any(isinstance(each, Literal) for each in (left, right))
    return literal or INT64 not in (left.type, right.type)


def _beside_bool(value: Typed, other: Typed, *, equality: bool) -> Typed:
    """Give a Bool and a number one kind to compare: conditions for equality, else 1 and 0."""
    if equality and value.type.is_numeric and other.type.is_bool:
        return coerce(value, Kind.CONDITION, _ONE) or value
    if not equality and value.type.is_bool and other.type.is_numeric:
        return coerce(value, Kind.NUMBER, _ONE) or value
    return value


_ONE: Final = FormulaOptions(number_of_true=1)
