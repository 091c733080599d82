"""Implicit conversions: a value to what a parameter takes, and several values to one common type."""

from __future__ import annotations

__all__ = ["category", "coerce", "common", "folded", "is_untyped"]

from dataclasses import replace
from datetime import time
from typing import TYPE_CHECKING, Final

from kedge.formula.functions import conversions as to
from kedge.formula.typed import Apply, Function, Kind, Literal, Nulls, Typed, apply
from kedge.formula.types import BOOL, DATETIME, DOUBLE, INT64, common_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.formula.options import FormulaOptions
    from kedge.formula.types import DesignerType

_CATEGORIES: Final = {
    "Bool": "bool",
    "FixedDecimal": "decimal",
    "Float": "float",
    "Double": "double",
    "Date": "date",
    "Time": "time",
    "DateTime": "moment",
    "Blob": "blob",
    "SpatialObj": "spatial",
}
_NUMERIC: Final = frozenset({"integer", "decimal", "float", "double"})
_TEMPORAL: Final = frozenset({"date", "time", "moment"})

_MIDNIGHT: Final = time()

_Steps = tuple[Function, ...]
_TO_DOUBLE: Final[Mapping[str, _Steps]] = {
    "integer": (to.INTEGER_TO_DOUBLE,),
    "decimal": (to.DECIMAL_TO_DOUBLE,),
    "float": (to.FLOAT_TO_DOUBLE,),
    "double": (),
    "bool": (to.BOOL_AS_NUMBER, to.INTEGER_TO_DOUBLE),
}
_TO_TEXT: Final[Mapping[str, _Steps]] = {"text": (), **dict.fromkeys(_TEMPORAL, (to.TEMPORAL_TO_TEXT,))}
_STEPS: Final[Mapping[Kind, Mapping[str, _Steps]]] = {
    Kind.TEXT: _TO_TEXT,
    Kind.DOUBLE: _TO_DOUBLE,
    Kind.INTEGER: {
        "integer": (to.WIDEN,),
        "decimal": (to.DECIMAL_TO_DOUBLE, to.TRUNCATE_TO_INTEGER),
        "float": (to.FLOAT_TO_DOUBLE, to.TRUNCATE_TO_INTEGER),
        "double": (to.TRUNCATE_TO_INTEGER,),
        "bool": (to.BOOL_AS_NUMBER,),
    },
    Kind.NUMBER: {**_TO_DOUBLE, "integer": (to.WIDEN,), "bool": (to.BOOL_AS_NUMBER,)},
    Kind.CONDITION: {"bool": (to.TRUTH,), **dict.fromkeys(_NUMERIC, (to.NUMBER_TO_CONDITION,))},
    Kind.MOMENT: {
        "moment": (),
        "date": (to.DATE_TO_MOMENT,),
        "time": (to.TIME_TO_MOMENT,),
        "text": (to.TEXT_TO_MOMENT,),
    },
    Kind.DATE: {"date": (), "moment": (to.MOMENT_TO_DATE,), "text": (to.TEXT_TO_DATE,)},
}


def category(kind: DesignerType) -> str:
    """Return bool, integer, decimal, float, double, text, date, time, moment, blob or spatial."""
    if kind.is_integer:
        return "integer"
    return "text" if kind.is_string else _CATEGORIES[kind.name]


def coerce(value: Typed, kind: Kind, options: FormulaOptions) -> Typed | None:
    """Return the value as a parameter of the kind takes it, or None when its type is refused.

    Literals are converted at once, so a literal stays a literal.
    """
    if kind in (Kind.ANY, Kind.SAME):
        return value
    if isinstance(value, Literal) and value.untyped:
        return _typed_null(value, kind)
    steps = _STEPS[kind].get(category(value.type))
    if steps is None or (steps == (to.TRUTH,) and not value.nullable):
        return value if steps else None
    if steps == (to.WIDEN,) and value.type == INT64:
        return value
    for step in steps:
        value = _step(value, step, options)
    return value


def _typed_null(value: Literal, kind: Kind) -> Literal:
    if kind is Kind.CONDITION:
        return Literal(False, BOOL, value.span)
    return replace(value, type=kind.type or DOUBLE, untyped=False)


def _step(value: Typed, step: Function, options: FormulaOptions) -> Typed:
    extra = (Literal(options.number_of_true, INT64),) if step is to.BOOL_AS_NUMBER else ()
    changed = apply(step, value, *extra, span=value.span)
    return folded(changed)


def folded(call: Apply) -> Typed:
    """Return a function that is null or False for nulls, of literals alone, as the literal that it gives."""
    values = [each.value for each in call.arguments if isinstance(each, Literal)]
    if len(values) < len(call.arguments) or not call.function.python:
        return call
    missing = False if call.function.nulls is Nulls.FALSE else None
    return Literal(missing if None in values else call.function.python(*values), call.type, call.span)


def common(
    values: Sequence[Typed], options: FormulaOptions, *, compared: bool = False
) -> tuple[tuple[Typed, ...], DesignerType] | None:
    """Return the values in one common type, and that type; None when there is none.

    Texts beside dates become dates where they are ``compared``, else the dates become texts. A Bool beside
    numbers becomes the number of the settings.
    """
    known = [each for each in values if not is_untyped(each)]
    if not known:
        return tuple(values), values[0].type
    kind = _common_kind(known, compared=compared)
    if kind is None:
        return None
    changed = [each if is_untyped(each) else coerce(each, kind, options) for each in values]
    present = [each for each in changed if each is not None]
    result = _widest([each.type for each in present if not is_untyped(each)])
    return tuple(_retyped(each, result) for each in present), result


def is_untyped(value: Typed) -> bool:
    """Whether this is the null of ``NULL()``, which takes the type that its place needs."""
    return isinstance(value, Literal) and value.untyped


def _common_kind(values: Sequence[Typed], *, compared: bool) -> Kind | None:
    categories = {category(each.type) for each in values}
    if len(categories) == 1:
        return Kind.ANY
    if categories <= _NUMERIC | {"bool"}:
        return Kind.NUMBER if categories <= {"integer", "bool"} else Kind.DOUBLE
    if categories <= {"date", "moment"}:
        return Kind.MOMENT
    if categories <= _TEMPORAL | {"text"}:
        return _kind_beside_text(values, categories) if compared else Kind.TEXT
    return None


def _kind_beside_text(values: Sequence[Typed], categories: set[str]) -> Kind:
    """A Date compared with literal dates stays a Date, so that the engine can skip blocks by it."""
    if "time" in categories:
        return Kind.TEXT
    texts = [each for each in values if each.type.is_string]
    whole_days = all(isinstance(each, Literal) and _is_day(str(each.value)) for each in texts)
    return Kind.DATE if whole_days and "moment" not in categories else Kind.MOMENT


def _is_day(text: str) -> bool:
    moment = to.read_moment(text)
    return moment is not None and moment.time() == _MIDNIGHT


def _widest(kinds: Sequence[DesignerType]) -> DesignerType:
    result = kinds[0]
    for each in kinds[1:]:
        result = common_type(result, each) or DATETIME
    return result


def _retyped(value: Typed, kind: DesignerType) -> Typed:
    if isinstance(value, Literal) and value.untyped:
        return replace(value, type=kind, untyped=False)
    return value
