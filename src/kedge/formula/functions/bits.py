"""Functions of the bits of 64-bit integers, and numbers written in other bases."""

from __future__ import annotations

__all__ = ["FUNCTIONS"]

import operator
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from kedge.formula import sql
from kedge.formula.functions.family import engine
from kedge.formula.typed import Example, Function, takes
from kedge.formula.types import INT64, v_wstring

if TYPE_CHECKING:
    from collections.abc import Callable

_SPAN: Final = 2**64


def _signed(number: int) -> int:
    number %= _SPAN
    return number - _SPAN if number >= _SPAN // 2 else number


def _shift_left(number: int, bits: int) -> int:
    return _signed(number << bits) if 0 <= bits < 64 else 0


def _shift_right(number: int, bits: int) -> int:
    return (number % _SPAN) >> bits if 0 < bits < 64 else number if bits == 0 else 0


def _read(base: int, prefix: str) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        digits = text.strip().lower().removeprefix(prefix)
        try:
            number = int(digits, base) if digits.isalnum() else -1
        except ValueError:
            return None
        return _signed(number) if 0 <= number < _SPAN else None

    return read


def _write(kind: str) -> Callable[[int], str]:
    return lambda number: format(number % _SPAN, kind)


FUNCTIONS: Final = (
    Function(
        name="BinaryAnd",
        parameters=takes("integer a, integer b"),
        result=INT64,
        python=operator.and_,
        inline="({0} & {1})",
        sql=lambda _, a, b: sql.binary(exp.BitwiseAnd, a, b),
        summary="The bits that are set in both numbers.",
        examples=(Example("BinaryAnd(6, 3)", 2), Example("BinaryAnd(NULL(), 3)", None)),
    ),
    Function(
        name="BinaryOr",
        parameters=takes("integer a, integer b"),
        result=INT64,
        python=operator.or_,
        inline="({0} | {1})",
        sql=lambda _, a, b: sql.binary(exp.BitwiseOr, a, b),
        summary="The bits that are set in either number.",
        examples=(Example("BinaryOr(6, 3)", 7), Example("BinaryOr(6, NULL())", None)),
    ),
    Function(
        name="BinaryXOr",
        parameters=takes("integer a, integer b"),
        result=INT64,
        python=operator.xor,
        inline="({0} ^ {1})",
        sql=engine("xor"),
        summary="The bits that are set in one number, but not in both.",
        examples=(Example("BinaryXOr(6, 3)", 5), Example("BinaryXOr(6, NULL())", None)),
    ),
    Function(
        name="BinaryNot",
        parameters=takes("integer a"),
        result=INT64,
        python=operator.invert,
        inline="(~{0})",
        sql=lambda _, a: sql.unary(exp.BitwiseNot, a),
        summary="The number with every bit turned.",
        examples=(Example("BinaryNot(6)", -7), Example("BinaryNot(NULL())", None)),
    ),
    Function(
        name="ShiftLeft",
        parameters=takes("integer a, integer bits"),
        result=INT64,
        python=_shift_left,
        summary="The bits moved to the left; those beyond 64 are lost.",
        examples=(
            Example("ShiftLeft(3, 2)", 12),
            Example("ShiftLeft(1, 63)", -(2**63)),
            Example("ShiftLeft(1, 64)", 0),
            Example("ShiftLeft(NULL(), 1)", None),
        ),
    ),
    Function(
        name="ShiftRight",
        parameters=takes("integer a, integer bits"),
        result=INT64,
        python=_shift_right,
        summary="The bits moved to the right; zeros come in at the left.",
        note="Whether the sign comes in at the left is not documented.",
        examples=(
            Example("ShiftRight(12, 2)", 3),
            Example("ShiftRight(-1, 63)", 1),
            Example("ShiftRight(-5, 0)", -5),
            Example("ShiftRight(12, 70)", 0),
        ),
    ),
    Function(
        name="BinToInt",
        parameters=takes("text s"),
        result=INT64,
        python=_read(2, "0b"),
        partial=True,
        summary="The number that a text of 0 and 1 writes; null for another text.",
        examples=(
            Example("BinToInt('1010')", 10),
            Example("BinToInt('102')", None),
            Example("BinToInt('')", None),
            Example("BinToInt(NULL())", None),
        ),
    ),
    Function(
        name="HexToNumber",
        parameters=takes("text s"),
        result=INT64,
        python=_read(16, "0x"),
        partial=True,
        summary="The number that a text of hexadecimal digits writes; null for another text.",
        examples=(
            Example("HexToNumber('FF')", 255),
            Example("HexToNumber('0x1a')", 26),
            Example("HexToNumber('xyz')", None),
            Example("HexToNumber(NULL())", None),
        ),
    ),
    Function(
        name="IntToBin",
        parameters=takes("integer n"),
        result=v_wstring(64),
        python=_write("b"),
        summary="The number in binary digits; a negative one as 64 bits.",
        examples=(
            Example("IntToBin(10)", "1010"),
            Example("IntToBin(0)", "0"),
            Example("IntToBin(-1)", "1" * 64),
            Example("IntToBin(NULL())", None),
        ),
    ),
    Function(
        name="IntToHex",
        parameters=takes("integer n"),
        result=v_wstring(16),
        python=_write("X"),
        summary="The number in hexadecimal digits; a negative one as 64 bits.",
        examples=(
            Example("IntToHex(255)", "FF"),
            Example("IntToHex(-1)", "F" * 16),
            Example("IntToHex(NULL())", None),
        ),
    ),
)
