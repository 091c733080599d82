"""Conversion of a value to the type of the field that stores it, and the test whether something was lost.

Both are typed trees, so they translate to SQL and compile to Python as any expression does.
"""

from __future__ import annotations

__all__ = ["Conversion", "convert", "mismatch"]

from typing import TYPE_CHECKING, Final, NamedTuple

from kedge.exceptions import UsageError
from kedge.formula.coerce import category, is_untyped
from kedge.formula.functions import conversions as to
from kedge.formula.functions import storing
from kedge.formula.functions.converting import as_text
from kedge.formula.functions.operators import AND, GREATER, NOT, OR
from kedge.formula.functions.strings import LEFT, LENGTH
from kedge.formula.functions.tests import EMPTY_TEXT, IS_NULL
from kedge.formula.typed import FieldRef, Function, Literal, Typed, apply
from kedge.formula.types import BOOL, DOUBLE, INT64, DesignerType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.formula.options import FormulaOptions

_WIDTHS: Final = {"Byte": 8, "Int16": 16, "Int32": 32, "Int64": 64}
_TEMPORAL: Final[Mapping[tuple[str, str], tuple[Function, ...]]] = {
    ("date", "DateTime"): (to.DATE_TO_MOMENT,),
    ("moment", "Date"): (to.MOMENT_TO_DATE,),
    ("moment", "Time"): (to.MOMENT_TO_TIME,),
    ("text", "Date"): (to.TEXT_TO_DATE,),
    ("text", "Time"): (to.TEXT_TO_TIME,),
    ("text", "DateTime"): (to.TEXT_TO_MOMENT,),
}


class Conversion(NamedTuple):
    """A value in the type of its field, and what was lost.

    ``problem`` is true where something was lost; None where nothing can be. ``told`` says what the problem
    is, for the warning: "are no numbers, or do not fit". Value and problem both hold the source, so convert
    a column of it where it costs much.
    """

    value: Typed
    problem: Typed | None
    told: str


def mismatch(value: Typed, target: DesignerType, options: FormulaOptions) -> str | None:
    """Return why a formula must not store this value in a field of the type; None where it may.

    Designer refuses a number in a text field and a text in a numeric field.
    """
    if options.numbers_to_text or is_untyped(value):
        return None
    source = value.type
    if target.is_string and (source.is_numeric or source.is_bool):
        return f"the formula gives {source.name}, but the field is {target.name}; use ToString"
    if target.is_numeric and (source.is_string or source.is_temporal):
        return f"the formula gives {source.name}, but the field is {target.name}; use ToNumber"
    return None


def convert(value: Typed, target: DesignerType, options: FormulaOptions) -> Conversion:
    """Return the value as a field of the type stores it.

    Text that is too long is cut; numbers that do not fit and texts that are no number or date become null;
    a number at the start of a text counts. All of these are problems, an empty text is none.

    Raises `UsageError` where there is no conversion at all, as of a Blob to a number.
    """
    if is_untyped(value) or (isinstance(value, Literal) and value.value is None):
        return Conversion(Literal(None, target, value.span), None, "")
    if target.is_string:
        return _to_text(value, target)
    if value.type == target:
        return Conversion(_exactly(value), None, "")
    if target.is_bool:
        return _to_bool(value)
    if target.is_numeric:
        return _to_number(value, target, options)
    return _to_temporal(value, target)


def _exactly(value: Typed) -> Typed:
    """Name the type of what is no field: the engine writes ``5`` as INTEGER where Int64 is meant."""
    return value if isinstance(value, FieldRef) else apply(storing.widened(value.type), value)


def _impossible(value: Typed, target: DesignerType) -> UsageError:
    return UsageError(f"{value.type.name} cannot be converted to {target.name}")


def _to_text(value: Typed, target: DesignerType) -> Conversion:
    if value.type.name == "Blob":
        raise _impossible(value, target)
    written = as_text(value)
    if written.type.size <= target.size or value.type.name == "SpatialObj":
        return Conversion(written, None, "")
    cut = apply(LEFT, written, Literal(target.size, INT64))
    long = apply(GREATER, apply(LENGTH, written), Literal(target.size, INT64))
    return Conversion(cut, long, f"were cut to {target.size} characters")


def _lost(source: Typed, value: Typed) -> Typed | None:
    """Whether a value became null; None when it cannot."""
    if isinstance(value, Literal):
        return None
    return apply(AND, apply(NOT, apply(IS_NULL, source)), apply(IS_NULL, value))


def _to_bool(value: Typed) -> Conversion:
    if value.type.is_string:
        truth = apply(storing.TEXT_TO_BOOL, value, apply(to.TEXT_TO_NUMBER, value))
        return Conversion(truth, _unless_empty(value, truth), "are neither true nor false")
    if value.type.is_numeric:
        return Conversion(apply(to.NUMBER_TO_BOOL, value), None, "")
    raise _impossible(value, BOOL)


def _unless_empty(text: Typed, value: Typed) -> Typed:
    return apply(AND, apply(NOT, apply(EMPTY_TEXT, text)), apply(IS_NULL, value))


def _to_number(value: Typed, target: DesignerType, options: FormulaOptions) -> Conversion:
    source = category(value.type)
    if source == "text":
        return _text_to_number(value, target)
    if source == "bool":
        true = 1 if target.name == "Byte" else options.number_of_true
        value = apply(to.BOOL_AS_NUMBER, value, Literal(true, INT64))
    elif source not in ("integer", "decimal", "float", "double"):
        raise _impossible(value, target)
    if value.type == target:
        return Conversion(_exactly(value), None, "")
    stored, total = _number(value, target, rounding=options.round_to_integer)
    return Conversion(stored, None if total else _lost(value, stored), f"do not fit into {target}")


def _number(value: Typed, target: DesignerType, *, rounding: bool) -> tuple[Typed, bool]:
    """Return a number in a numeric type, and whether every value fits."""
    source = category(value.type)
    if target.is_integer:
        return _integer(value, target, rounding=rounding)
    if target.name == "FixedDecimal":
        make = storing.decimal_of_decimal if source == "decimal" else storing.decimal_of_number
        return apply(make(target), value), False
    if source == "float":
        return apply(to.FLOAT_TO_DOUBLE, value), True
    double = value
    if source in ("integer", "decimal"):
        double = apply(to.INTEGER_TO_DOUBLE if source == "integer" else to.DECIMAL_TO_DOUBLE, value)
    if target == DOUBLE:
        return double, True
    return apply(storing.TO_FLOAT, double), False


def _integer(value: Typed, target: DesignerType, *, rounding: bool) -> tuple[Typed, bool]:
    source = category(value.type)
    if source == "integer":
        fits = _WIDTHS[target.name] > _WIDTHS[value.type.name]
        return apply((storing.widened if fits else storing.narrowed)(target), value), fits
    if source == "decimal":
        return apply(storing.integer_of_decimal(target, rounding), value), False
    if source == "float":
        value = apply(to.FLOAT_TO_DOUBLE, value)
    return apply(storing.integer_of_double(target, rounding), value), False


def _text_to_number(text: Typed, target: DesignerType) -> Conversion:
    number: Typed = apply(to.TEXT_TO_NUMBER, text)
    if target.is_integer:
        stored: Typed = apply(storing.TEXT_TO_INTEGER, text, number)
        stored = stored if target == INT64 else apply(storing.narrowed(target), stored)
    elif target.name == "FixedDecimal":
        stored = apply(storing.decimal_of_text(target), text, number)
    else:
        stored = number if target == DOUBLE else apply(storing.TO_FLOAT, number)
    unclean = apply(NOT, apply(storing.CLEAN_NUMBER, text))
    wrong = apply(OR, unclean, apply(IS_NULL, stored))
    problem = apply(AND, apply(NOT, apply(EMPTY_TEXT, text)), wrong)
    return Conversion(stored, problem, "are no numbers, or do not fit")


def _to_temporal(value: Typed, target: DesignerType) -> Conversion:
    steps = _TEMPORAL.get((category(value.type), target.name))
    if steps is None:
        raise _impossible(value, target)
    stored = apply(steps[0], value)
    if not value.type.is_string:
        return Conversion(stored, None, "")
    return Conversion(stored, _unless_empty(value, stored), f"are no {target.name} values")
