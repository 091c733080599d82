"""Turning a column of one Designer type into another, as Select, Formula and the rest do it.

What fits is kept. Text becomes a number by the number that it starts with; text without one, a number out of range and
a date that is none become null; text that is too long is cut. Each such value is noted under the tool, in a CASE branch
that only it reaches, so that values which convert well cost nothing.
"""

from __future__ import annotations

__all__ = ["Converter"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.tools.sql import NULL, all_of, call, case, is_null, not_null, number, text

if TYPE_CHECKING:
    from kedge.formula.types import DesignerType

UNBOUNDED = 1 << 20
LEADING_NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
PLAIN_NUMBER = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
RANGES = {
    "Byte": (0, 255),
    "Int16": (-(2**15), 2**15 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "Int64": (-(2**63), 2**63 - 1),
}


@dataclass(frozen=True)
class Converter:
    """Converts values for one tool. ``comma_decimal`` reads and writes a comma for the decimal point."""

    tool_id: int
    comma_decimal: bool = False

    def convert(self, value: exp.Expr, source: DesignerType, target: DesignerType, field: str) -> exp.Expr:
        """Return ``value``, a column of type ``source``, as ``target``; ``field`` names it in messages."""
        if target.is_string:
            return self._to_string(value, source, target, field)
        if source.name == target.name and source.size <= target.size and source.scale <= target.scale:
            return value if source == target else exp.cast(value, target.sql)
        if target.is_bool:
            return self._to_bool(value, source)
        if target.is_temporal:
            return self._to_temporal(value, source, target, field)
        if target.is_numeric:
            return self._to_number(value, source, target, field)
        return exp.cast(value, target.sql) if source.is_string else NULL.copy()

    def _note(self, field: str, value: exp.Expr, complaint: str, result: exp.Expr) -> exp.Expr:
        message = call(
            "concat",
            text(f"{field}: "),
            call("left", exp.cast(value.copy(), "text"), number(100)),
            text(complaint),
        )
        return call("kedge_note", number(self.tool_id), message, result)

    def _checked(
        self,
        value: exp.Expr,
        converted: exp.Expr,
        result: exp.Expr,
        field: str,
        target: DesignerType,
    ) -> exp.Expr:
        """Return ``converted`` where it is not null, else note the value and return ``result``, given as text."""
        lost = all_of([is_null(converted), not_null(value)])
        noted = self._note(field, value, f" does not convert to {target.name}", result)
        return case([(lost, exp.TryCast(this=noted, to=target.sql))], converted.copy())

    def _to_string(self, value: exp.Expr, source: DesignerType, target: DesignerType, field: str) -> exp.Expr:
        written = self.as_text(value, source)
        if target.size >= UNBOUNDED or (source.text_width if source.name != "Double" else 24) <= target.size:
            return written
        cut = self._note(
            field, written, f" is cut to {target.size} characters", call("left", written, number(target.size))
        )
        return case(
            [(exp.GT(this=call("length", written.copy()), expression=number(target.size)), cut)],
            written.copy(),
        )

    def as_text(self, value: exp.Expr, source: DesignerType) -> exp.Expr:
        """Return a value as Designer writes it: ``True``, ``1.5``, ``2024-02-29``."""
        if source.is_string:
            return value
        if source.is_bool:
            return case([(value, text("True")), (exp.Not(this=value.copy()), text("False"))], NULL.copy())
        if source.name in ("Float", "Double"):
            plain = call("regexp_replace", exp.cast(value, "text"), text(r"\.0$"), text(""))
            return self._with_comma(plain)
        if source.name == "DateTime":
            return call("strftime", value, text("%Y-%m-%d %H:%M:%S"))
        return self._with_comma(exp.cast(value, "text")) if source.name == "FixedDecimal" else exp.cast(value, "text")

    def _with_comma(self, written: exp.Expr) -> exp.Expr:
        return call("replace", written, text("."), text(",")) if self.comma_decimal else written

    def _to_bool(self, value: exp.Expr, source: DesignerType) -> exp.Expr:
        if source.is_numeric:
            return exp.NEQ(this=value, expression=number(0))
        if not source.is_string:
            return NULL.copy()
        folded = call("lower", call("trim", value))
        zero = exp.EQ(this=exp.TryCast(this=folded.copy(), to=exp.DataType.build("double")), expression=number(0))
        false = exp.or_(exp.In(this=folded, expressions=[text("false"), text("f"), text("")]), zero)
        return case([(is_null(value), NULL.copy())], exp.Not(this=call("coalesce", exp.paren(false), exp.false())))

    def _to_temporal(self, value: exp.Expr, source: DesignerType, target: DesignerType, field: str) -> exp.Expr:
        if source.is_temporal:
            if {source.name, target.name} == {"Date", "Time"}:
                return NULL.copy()
            return exp.cast(value, target.sql)
        if not source.is_string:
            return exp.TryCast(
                this=self._note(field, value, f" does not convert to {target.name}", NULL.copy()),
                to=target.sql,
            )
        filled = call("nullif", call("trim", value), text(""))
        shown = call("left", filled, number(10)) if target.name == "Date" else filled
        return self._checked(filled.copy(), exp.TryCast(this=shown, to=target.sql), NULL.copy(), field, target)

    def _to_number(self, value: exp.Expr, source: DesignerType, target: DesignerType, field: str) -> exp.Expr:
        if source.is_bool:
            return exp.cast(
                case(
                    [
                        (value, number(-1 if target.name != "Byte" else 1)),
                        (exp.Not(this=value.copy()), number(0)),
                    ],
                    NULL.copy(),
                ),
                target.sql,
            )
        if source.is_string:
            return self._text_to_number(value, target, field)
        if not source.is_numeric:
            return exp.TryCast(
                this=self._note(field, value, f" does not convert to {target.name}", NULL.copy()),
                to=target.sql,
            )
        rounded = call("round", value) if target.is_integer and not source.is_integer else value
        if _widens(source, target):
            return exp.cast(rounded, target.sql)
        return self._checked(value, exp.TryCast(this=rounded, to=target.sql), NULL.copy(), field, target)

    def _text_to_number(self, value: exp.Expr, target: DesignerType, field: str) -> exp.Expr:
        """Read a number; where the text is more than one, the number that it starts with."""
        if self.comma_decimal:
            value = call("replace", call("replace", value, text("."), text("")), text(","), text("."))
        direct = exp.TryCast(this=value, to=target.sql)
        filled = call("nullif", call("trim", value.copy()), text(""))
        start = call("nullif", call("regexp_extract", filled.copy(), text(LEADING_NUMBER)), text(""))
        noted = exp.TryCast(this=self._note(field, value, f" does not convert to {target.name}", start), to=target.sql)
        plain = all_of([not_null(direct), call("regexp_full_match", filled.copy(), text(PLAIN_NUMBER))])
        careful = case([(is_null(filled), NULL.copy()), (plain, direct.copy())], noted)
        return case([(_is_certain(value, direct, target), direct.copy())], careful)


def _is_certain(value: exp.Expr, direct: exp.Expr, target: DesignerType) -> exp.Expr:
    """Tell cheaply that a text is a number to Designer as well; the engine also takes ``1_000``, ``0x1F``, ``inf``."""
    if target.is_integer:
        return exp.EQ(this=call("strlen", exp.cast(direct.copy(), "text")), expression=call("strlen", value.copy()))
    marked = exp.Not(this=call("contains", value.copy(), text("_")))
    if target.name == "FixedDecimal":
        return all_of([not_null(direct), marked])
    return all_of([call("isfinite", direct.copy()), marked])


def _widens(source: DesignerType, target: DesignerType) -> bool:
    if target.name == "Double" or (target.name == "Float" and source.name in ("Byte", "Int16", "Float")):
        return True
    if source.name in RANGES and target.name in RANGES:
        low, high = RANGES[source.name]
        return RANGES[target.name][0] <= low and high <= RANGES[target.name][1]
    return False
