"""Expressions that tell which texts they could not read: ToNumber, ToDate, DateTimeParse, dates written as text.

A text that no number or date is counts as 0 or null, and is told once for each record, under the tool. An empty text is
nothing to tell of, nor is a text that is only compared with a date.
"""

from __future__ import annotations

__all__ = ["count_noted", "noted"]

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from kedge.formula.functions import conversions as to
from kedge.formula.functions import operators as op
from kedge.formula.functions import storing
from kedge.formula.functions.converting import ASKED
from kedge.formula.functions.registry import find
from kedge.formula.typed import Apply, Case, Function, Kind, Nulls, Typed, apply, takes, walk
from kedge.formula.types import V_WSTRING
from kedge.tools.conversion import MOST_SHOWN, Converter
from kedge.tools.sql import all_of, call, case, is_null, text

if TYPE_CHECKING:
    from kedge.formula.types import DesignerType
    from kedge.tools.contract import Context

_PARSE: Final = find("DateTimeParse")
_COMPARISONS: Final = frozenset(map(id, (op.EQUAL, op.UNEQUAL, op.LESS, op.GREATER, op.AT_MOST, op.AT_LEAST, op.IN)))
_NAMES: Final = {
    id(to.TEXT_TO_NUMBER): "ToNumber",
    id(ASKED[Kind.DATE]): "ToDate",
    id(ASKED[Kind.MOMENT]): "ToDateTime",
    id(to.TEXT_TO_DATE): "ToDate",
    id(to.TEXT_TO_MOMENT): "ToDateTime",
}
"""By identity: comparing two functions compares all that they are made of."""
_MOST_NODES: Final = 40
"""How large a text may be that is written once more for the message."""
_FEW_NODES: Final = 6
"""How large a text may be that a conversion reads several times."""
_NAME: Final = "noted"


def noted(value: Typed, context: Context) -> Typed:
    """Return the expression with every reading of a text told under the tool where it fails."""
    return _rewritten(value, context, None, []) if _reads(value) else value


def count_noted(value: Typed) -> int:
    """Return how many readings of an expression are told."""
    return sum(isinstance(node, Apply) and node.function.name == _NAME for node in walk(value))


def _reads(value: Typed) -> bool:
    return any(isinstance(node, Apply) and _is_reading(node) for node in walk(value))


def _is_reading(node: Apply) -> bool:
    return id(node.function) in _NAMES or node.function is _PARSE


def _rewritten(node: Typed, context: Context, parent: Function | None, seen: list[Apply]) -> Typed:
    """Rewrite in the order of evaluation; ``seen`` are readings that the same record was told of before."""
    if isinstance(node, Case):
        return _rewritten_case(node, context, seen)
    if not isinstance(node, Apply):
        return node
    arguments = tuple(_rewritten(child, context, node.function, seen) for child in node.arguments)
    if node.function is op.IN and arguments[0] is not node.arguments[0]:
        return _compared(node, arguments[0])
    same = all(new is old for new, old in zip(arguments, node.arguments, strict=True))
    made = node if same else replace(node, arguments=arguments)
    if not _is_reading(node) or _is_compared(node, parent) or node in seen or _size(node) > _MOST_NODES:
        return made
    seen.append(node)
    reading = _Reading(_name(node, parent), context, node.type, node.function is to.TEXT_TO_NUMBER)
    told = Function(
        name=_NAME,
        parameters=takes("any value, text source"),
        result=node.type,
        python=reading.python,
        sql=reading.sql,
        nulls=Nulls.OWN,
        partial=True,
        pure=False,
    )
    return Apply(told, (made, node.arguments[0]), node.type, node.span)


def _rewritten_case(node: Case, context: Context, seen: list[Apply]) -> Case:
    """A test is evaluated where those before it were; a value may not be evaluated at all."""
    branches: list[tuple[Typed, Typed]] = []
    for test, value in node.branches:
        told = _rewritten(test, context, None, seen)
        branches.append((told, _rewritten(value, context, None, list(seen))))
    return replace(node, branches=tuple(branches), otherwise=_rewritten(node.otherwise, context, None, list(seen)))


def _compared(node: Apply, told: Typed) -> Typed:
    """Return a membership as comparisons, the first of which tells: DuckDB writes the value of an IN several times."""
    value, *items = node.arguments
    first, *rest = [apply(op.EQUAL, told if place == 0 else value, item) for place, item in enumerate(items)]
    return reduce(lambda left, right: apply(op.OR, left, right), rest, first)


def _is_compared(node: Apply, parent: Function | None) -> bool:
    return id(parent) in _COMPARISONS and (node.function is to.TEXT_TO_DATE or node.function is to.TEXT_TO_MOMENT)


def _size(node: Typed) -> int:
    return sum(1 for _ in walk(node))


def _name(node: Apply, parent: Function | None) -> str:
    if node.function is _PARSE:
        return node.function.name
    return parent.name if parent and parent.name.startswith("DateTime") else _NAMES[id(node.function)]


@dataclass(frozen=True)
class _Reading:
    """How one reading of a text is told, in SQL and in Python; numbers are also told where more follows them."""

    name: str
    context: Context
    target: DesignerType
    is_number: bool

    def sql(self, node: Apply, value: exp.Expr, source: exp.Expr) -> exp.Expr:
        read, converter = node.arguments[0], Converter(self.context.tool_id)
        small = isinstance(source, exp.Column) or (self.is_number and _size(node.arguments[1]) <= _FEW_NODES)
        if small and isinstance(read, Apply) and id(read.function) in _NAMES:
            return converter.convert(source, V_WSTRING, self.target, self.name)
        note = converter.note(self.name, source, self.complaint, exp.Null())
        told = exp.TryCast(this=note, to=self.target.sql)
        wrong = all_of([exp.not_(is_null(source)), exp.NEQ(this=source.copy(), expression=text(""))])
        return call("coalesce", value, case([(wrong, told)], exp.Null()))

    def python(self, value: Any, source: str | None) -> Any:
        clean = storing.CLEAN_NUMBER.python if self.is_number else None
        if source and (value is None or (clean and not clean(source))):
            self.context.report("conversion", f"{self.name}: {source[:MOST_SHOWN]}{self.complaint}")
        return value

    @property
    def complaint(self) -> str:
        return f" does not convert to {self.target.name}"
