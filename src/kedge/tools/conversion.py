"""Columns turned into other types as Select, Union and the rest do it: by the expression language's own conversions.

What they say is lost is noted under the tool, in a CASE branch that only such values reach. Most texts in a file are
plain: for these a cheap test comes first, so that they cost little more than the engine's own cast.
"""

from __future__ import annotations

__all__ = ["Converter"]

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import UsageError
from kedge.formula.convert import convert
from kedge.formula.functions.converting import as_text
from kedge.formula.options import FormulaOptions
from kedge.formula.translate import to_sql
from kedge.formula.typed import FieldRef
from kedge.formula.types import V_WSTRING
from kedge.tools.sql import NULL, all_of, call, case, not_null, number, text

if TYPE_CHECKING:
    from kedge.formula.typed import Typed
    from kedge.formula.types import DesignerType

OPTIONS = FormulaOptions()
MOST_SHOWN = 100
LARGEST = sys.float_info.max
DATE_WIDTH, DATETIME_WIDTH = 10, 19


@dataclass(frozen=True)
class Converter:
    """Converts values for one tool. ``comma_decimal`` reads and writes a comma for the decimal point."""

    tool_id: int
    comma_decimal: bool = False

    def convert(self, value: exp.Expr, source: DesignerType, target: DesignerType, field: str) -> exp.Expr:
        """Return ``value``, a column of type ``source``, as ``target``; ``field`` names it in messages.

        A value of a type that has no conversion becomes null, and is noted.
        """
        if source == target or (source.is_string and target.is_string and source.text_width <= target.size):
            return value
        shown = value
        if self.comma_decimal and source.is_string and target.is_numeric:
            value = call("replace", call("replace", value, text("."), text("")), text(","), text("."))
        if self._writes_comma(source) and target.is_string:
            return self.convert(self.as_text(value, source), V_WSTRING, target, field)
        return self._converted(value, source, target, field, shown)

    def as_text(self, value: exp.Expr, source: DesignerType) -> exp.Expr:
        """Return a value as Designer writes it: ``True``, ``1.5``, ``2024-02-29``."""
        if source.is_string:
            return value
        written = _sql(as_text(FieldRef("value", source)), value)
        return call("replace", written, text("."), text(",")) if self._writes_comma(source) else written

    def _writes_comma(self, source: DesignerType) -> bool:
        return self.comma_decimal and source.name in ("Float", "Double", "FixedDecimal")

    def _converted(
        self, value: exp.Expr, source: DesignerType, target: DesignerType, field: str, shown: exp.Expr
    ) -> exp.Expr:
        try:
            done = convert(FieldRef("value", source), target, OPTIONS)
        except UsageError:
            noted = self.note(field, shown, f" does not convert to {target.name}", NULL.copy())
            return exp.TryCast(this=case([(not_null(value), noted)], NULL.copy()), to=target.sql)
        result = _sql(done.value, value)
        branches = _plain(value, source, target)
        if done.problem is not None:
            cut = f" is cut to {target.size} characters"
            told = cut if target.is_string else f" does not convert to {target.name}"
            noted = self.note(field, shown, told, exp.cast(result, "text"))
            lost = noted if target.is_string else exp.TryCast(this=noted, to=target.sql)
            branches.append((_sql(done.problem, value), lost))
        return case(branches, result) if branches else result

    def note(self, field: str, value: exp.Expr, complaint: str, result: exp.Expr) -> exp.Expr:
        """Return ``result``, a text, and note on the way what is wrong with a value."""
        shown = call("left", exp.cast(value, "text"), number(MOST_SHOWN))
        message = call("concat", text(f"{field}: "), shown, text(complaint))
        return call("kedge_note", number(self.tool_id), message, result)


def _sql(expression: Typed, value: exp.Expr) -> exp.Expr:
    return to_sql(expression, lambda _: value.copy())


def _plain(value: exp.Expr, source: DesignerType, target: DesignerType) -> list[tuple[exp.Expr, exp.Expr]]:
    """Return the branches of a CASE for texts that are plainly what they are converted to.

    DuckDB also reads ``1_000``, ``0x1F``, ``+-1``, ``inf`` and ``infinity`` where Designer does not.
    """
    if not source.is_string:
        return []
    clean = _without_underscore(value)
    direct = exp.TryCast(this=value.copy(), to=target.sql)
    if target.is_integer:
        same = exp.EQ(this=call("strlen", exp.cast(direct, "text")), expression=call("strlen", value.copy()))
        counted = all_of([not_null(direct), _from(value, "1"), clean])
        return [(counted, direct.copy()), (same, direct.copy())]
    if target.name in ("Float", "Double"):
        finite = exp.Between(this=direct, low=number(-LARGEST), high=number(LARGEST))
        return [(all_of([finite, _from(value, "-"), clean]), direct.copy())]
    if target.name in ("Date", "DateTime"):
        width = DATE_WIDTH if target.name == "Date" else DATETIME_WIDTH
        full = exp.EQ(this=call("strlen", value.copy()), expression=number(width))
        return [(all_of([full, _from(value, "0"), not_null(direct)]), direct.copy())]
    if target.is_string:
        return [(exp.LTE(this=call("strlen", value.copy()), expression=number(target.size)), value.copy())]
    return []


def _from(value: exp.Expr, start: str) -> exp.Expr:
    """Tell that a text does not begin with a character before ``start``."""
    return exp.GTE(this=value.copy(), expression=text(start))


def _without_underscore(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=call("contains", value.copy(), text("_")))
