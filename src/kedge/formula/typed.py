"""The typed tree of an expression, and what a function is to typing, translation and evaluation.

Operators and implicit conversions are functions like those that are called by name, so the tree has four
kinds of node: `Literal`, `FieldRef`, `Apply` and `Case`. All implicit conversions stand in the tree.
"""

from __future__ import annotations

__all__ = [
    "REQUIRED",
    "Apply",
    "Case",
    "Example",
    "FieldRef",
    "Function",
    "Kind",
    "Literal",
    "Nulls",
    "Parameter",
    "Services",
    "Typed",
    "apply",
    "children",
    "takes",
    "walk",
]

import ast
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from kedge.formula.types import BOOL, DATE, DATETIME, DOUBLE, INT64, V_WSTRING, DesignerType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlglot import exp

    from kedge.exceptions import FormulaError
    from kedge.formula.options import FormulaOptions


class Kind(Enum):
    """What a parameter takes; an argument of another type is converted or refused."""

    TEXT = "text"
    INTEGER = "integer"
    DOUBLE = "double"
    NUMBER = "number"
    CONDITION = "condition"
    DATE = "date"
    MOMENT = "moment"
    ANY = "any"
    SAME = "same"
    """All arguments of this kind are brought to one common type."""

    @property
    def type(self) -> DesignerType | None:
        """The one type that an argument of this kind has after conversion; None where there are several."""
        return _KIND_TYPES.get(self)


_KIND_TYPES: Final = {
    Kind.TEXT: V_WSTRING,
    Kind.INTEGER: INT64,
    Kind.DOUBLE: DOUBLE,
    Kind.CONDITION: BOOL,
    Kind.DATE: DATE,
    Kind.MOMENT: DATETIME,
}


class Nulls(Enum):
    """What a function makes of null arguments."""

    NULL = "null when an argument is null"
    FALSE = "False when an argument is null"
    ALL = "null when all arguments are null, else nulls are left out"
    OWN = "as described"


class Parameter(NamedTuple):
    """One parameter of a function.

    ``default`` is `REQUIRED` where an argument must be given; ``repeated`` takes one or more. An ``option``
    is not written in expressions: it takes the value of the setting of its name in `FormulaOptions`.
    """

    name: str
    kind: Kind
    default: object
    repeated: bool = False
    option: bool = False


REQUIRED: Final = object()
_PARAMETER: Final = re.compile(r"(@|\w+ )(\w+)(\.\.\.)?(?:=(.+))?")


def takes(signature: str) -> tuple[Parameter, ...]:
    """Return the parameters of ``"text s, integer n=1, double values..., @setting"``: kind, name, default."""
    matches = [_PARAMETER.fullmatch(part) for part in re.split(r", (?=@|[a-z]+ )", signature) if part]
    return tuple(_parameter(*match.groups()) for match in matches if match)


def _parameter(kind: str, name: str, dots: str | None, default: str | None) -> Parameter:
    if kind == "@":
        return Parameter(name, Kind.ANY, None, option=True)
    value = ast.literal_eval(default) if default else REQUIRED
    return Parameter(name, Kind(kind.strip()), value, bool(dots))


class Example(NamedTuple):
    """An expression and the value it has, as Python writes it; run as a test by every evaluator."""

    expression: str
    value: object


class Services(Protocol):
    """What typing offers to a function that writes itself as other functions."""

    @property
    def options(self) -> FormulaOptions:
        """The settings."""

    def refuse(self, problem: str, at: int) -> FormulaError:
        """Return the error to raise for an argument that stands at ``at``."""

    def equal(self, left: Typed, right: Typed) -> Typed:
        """Return the comparison ``left = right``, or raise `FormulaError` when the types do not compare."""

    def choose(self, branches: Sequence[tuple[Typed, Typed]], otherwise: Typed, span: int) -> Typed:
        """Return the value of the first branch that holds; all values are brought to one type."""


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function, an operator or an implicit conversion.

    ``result`` is the type of its value, or a function of the arguments that gives it.

    ``python`` computes one value. It sees nulls only where ``nulls`` is `Nulls.ALL` or `Nulls.OWN`, and may
    return None where ``partial``. ``inline`` is the same as a Python expression with ``{0}``, ``{1}`` … for
    the arguments, each used once (a function makes it from the number of arguments); without
    ``inline_nulls`` it serves only arguments that are not null. Empty where a call will do.

    ``sql`` builds the DuckDB expression from the typed node and the translated arguments. It may return
    None, for arguments that SQL cannot serve; then, and where there is no ``sql``, the function runs as a
    UDF. ``filter_sql`` is a cheaper form that may be null instead of False, for places where that is the
    same. The arguments of a function of which ``is_logic`` is true stand in such a place when it does.

    ``check`` looks at the arguments, most of all at literals, and says which of them is wrong, and why.

    A function with ``expand`` writes itself as other functions: it gets its converted arguments and its
    place.

    ``note`` says what of its behaviour is not established. ``pure`` functions give equal values for equal
    arguments.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: DesignerType | Callable[[Sequence[Typed]], DesignerType]
    python: Callable[..., Any] | None = None
    expand: Callable[[Services, tuple[Typed, ...], int], Typed] | None = None
    sql: Callable[..., exp.Expr | None] | None = None
    filter_sql: Callable[..., exp.Expr | None] | None = None
    inline: str | Callable[[int], str] = ""
    inline_nulls: bool = False
    is_logic: bool = False
    check: Callable[[Sequence[Typed]], tuple[int, str] | None] | None = None
    nulls: Nulls = Nulls.NULL
    partial: bool = False
    pure: bool = True
    summary: str = ""
    note: str = ""
    examples: tuple[Example, ...] = ()

    @property
    def least(self) -> int:
        """The fewest arguments that a call takes."""
        return sum(each.default is REQUIRED for each in self.parameters)

    @property
    def most(self) -> int | None:
        """The most arguments that a call takes; None without bound."""
        if any(each.repeated for each in self.parameters):
            return None
        return sum(not each.option for each in self.parameters)

    def never_null(self, arguments: Sequence[Typed]) -> bool:
        """Whether the value for these arguments cannot be null."""
        if self.partial:
            return False
        if self.nulls is Nulls.ALL:
            return not all(each.nullable for each in arguments)
        return self.nulls is not Nulls.NULL or not any(each.nullable for each in arguments)


@dataclass(frozen=True)
class Literal:
    """A value that is known; ``untyped`` marks the null of ``NULL()``, which takes any type it meets."""

    value: object
    type: DesignerType
    span: int = field(default=0, compare=False)
    untyped: bool = False

    @property
    def nullable(self) -> bool:
        """Whether this is null."""
        return self.value is None


@dataclass(frozen=True)
class FieldRef:
    """The value of a field, in the row ``offset`` rows after the current one (before it when negative)."""

    name: str
    type: DesignerType
    span: int = field(default=0, compare=False)
    offset: int = 0

    @property
    def nullable(self) -> bool:
        """Whether the value can be null: always, as far as a schema says."""
        return True


@dataclass(frozen=True)
class Apply:
    """A function with its arguments: as many as it has parameters, defaults and settings filled in."""

    function: Function
    arguments: tuple[Typed, ...]
    type: DesignerType
    span: int = field(default=0, compare=False)
    nullable: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nullable", not self.function.never_null(self.arguments))


@dataclass(frozen=True)
class Case:
    """The value of the first branch of which the condition is True, else ``otherwise``."""

    branches: tuple[tuple[Typed, Typed], ...]
    otherwise: Typed
    type: DesignerType
    span: int = field(default=0, compare=False)
    nullable: bool = field(init=False)

    def __post_init__(self) -> None:
        values = [value for _, value in self.branches]
        object.__setattr__(self, "nullable", any(each.nullable for each in [*values, self.otherwise]))


Typed = Literal | FieldRef | Apply | Case


def apply(function: Function, *arguments: Typed, span: int = 0) -> Apply:
    """Return the function applied to arguments of the kinds that it takes."""
    result = function.result
    kind = result if isinstance(result, DesignerType) else result(arguments)
    return Apply(function, arguments, kind, span)


def children(node: Typed) -> tuple[Typed, ...]:
    """Return the nodes right below a node."""
    if isinstance(node, Apply):
        return node.arguments
    if isinstance(node, Case):
        return (*(each for branch in node.branches for each in branch), node.otherwise)
    return ()


def walk(typed: Typed) -> Iterator[Typed]:
    """Yield the node and all nodes below it, each before those below it."""
    pending = [typed]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(children(node)))
