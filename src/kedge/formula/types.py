"""Designer's field types: names, sizes, their DuckDB and Arrow counterparts, and the common type of two.

A ``DesignerType`` is what the ``type``, ``size`` and ``scale`` attributes of a workflow file say about a
field. Sizes that carry no information (those of numbers, dates and Bool) are normalised to the one fixed
width of the type, so two types that mean the same compare equal.
"""

from __future__ import annotations

__all__ = [
    "BLOB",
    "BOOL",
    "BYTE",
    "DATE",
    "DATETIME",
    "DOUBLE",
    "FIXED_DECIMAL",
    "FLOAT",
    "INT16",
    "INT32",
    "INT64",
    "INTEGER_LIMITS",
    "SPATIAL",
    "STRING_NAMES",
    "TIME",
    "TYPE_NAMES",
    "V_STRING",
    "V_WSTRING",
    "DesignerType",
    "common_type",
    "v_string",
    "v_wstring",
]

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from sqlglot import exp

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FIXED_SIZES: Final = {
    "Bool": 1,
    "Byte": 1,
    "Int16": 2,
    "Int32": 4,
    "Int64": 8,
    "Float": 4,
    "Double": 8,
    "Date": 10,
    "Time": 8,
    "DateTime": 19,
}
"""The width that a formula field of the type shows; a size of another number on such a type means nothing."""

_DEFAULT_SIZES: Final = {
    "FixedDecimal": 19,
    "String": 16383,
    "WString": 16383,
    "V_String": 2147483647,
    "V_WString": 1073741823,
    "Blob": 2147483647,
    "SpatialObj": 2147483647,
}
_DEFAULT_SCALE: Final = 6
_MAX_DECIMAL_SIZE: Final = 50
_MAX_ENGINE_PRECISION: Final = 38

TYPE_NAMES: Final = (
    "Bool",
    "Byte",
    "Int16",
    "Int32",
    "Int64",
    "FixedDecimal",
    "Float",
    "Double",
    "String",
    "WString",
    "V_String",
    "V_WString",
    "Date",
    "Time",
    "DateTime",
    "Blob",
    "SpatialObj",
)
"""Every type name, in the order of Designer's own enumeration."""

INTEGER_LIMITS: Final = {
    "Byte": (0, 2**8 - 1),
    "Int16": (-(2**15), 2**15 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "Int64": (-(2**63), 2**63 - 1),
}
"""The least and the greatest value of each integer type, the smallest type first."""
STRING_NAMES: Final = ("String", "WString", "V_String", "V_WString")
_INTEGER_DIGITS: Final = {"Bool": 1, "Byte": 3, "Int16": 5, "Int32": 10, "Int64": 19}
_TEXT_WIDTHS: Final = {"Bool": 5, "Byte": 3, "Int16": 6, "Int32": 11, "Int64": 20, "Float": 14, "Double": 24}

_SQL: Final = {
    "Bool": exp.DataType.Type.BOOLEAN,
    "Byte": exp.DataType.Type.UTINYINT,
    "Int16": exp.DataType.Type.SMALLINT,
    "Int32": exp.DataType.Type.INT,
    "Int64": exp.DataType.Type.BIGINT,
    "Float": exp.DataType.Type.FLOAT,
    "Double": exp.DataType.Type.DOUBLE,
    "Date": exp.DataType.Type.DATE,
    "Time": exp.DataType.Type.TIME,
    "DateTime": exp.DataType.Type.TIMESTAMPNTZ,
    "Blob": exp.DataType.Type.VARBINARY,
}

_ARROW: Final[Mapping[str, Callable[[], pa.DataType]]] = {
    "Bool": pa.bool_,
    "Byte": pa.uint8,
    "Int16": pa.int16,
    "Int32": pa.int32,
    "Int64": pa.int64,
    "Float": pa.float32,
    "Double": pa.float64,
    "Date": pa.date32,
    "Time": lambda: pa.time64("us"),
    "DateTime": lambda: pa.timestamp("us"),
    "Blob": pa.binary,
}


@dataclass(frozen=True)
class DesignerType:
    """A field's type: ``name`` of `TYPE_NAMES`, ``size`` and ``scale``.

    ``size`` counts characters for strings, digits for FixedDecimal, bytes for the rest; 0 means the default
    of the type. ``scale`` counts the digits after the point of a FixedDecimal and is 0 for every other type.
    Raises `UsageError` for a name, size or scale that Designer does not know.
    """

    name: str
    size: int = 0
    scale: int = 0

    def __post_init__(self) -> None:
        if self.name not in TYPE_NAMES:
            raise UsageError(f"there is no field type {self.name!r}; the types are {', '.join(TYPE_NAMES)}")
        if self.name == "FixedDecimal":
            self._check_decimal()
        else:
            object.__setattr__(self, "scale", 0)
        object.__setattr__(self, "size", self._normal_size())

    def _check_decimal(self) -> None:
        if self.size == 0 and self.scale == 0:
            object.__setattr__(self, "scale", _DEFAULT_SCALE)
        if not 0 <= self.scale <= min(self.size or _DEFAULT_SIZES["FixedDecimal"], _MAX_ENGINE_PRECISION):
            raise UsageError(f"a FixedDecimal of size {self.size} cannot have {self.scale} digits after the point")

    def _normal_size(self) -> int:
        if self.size < 0:
            raise UsageError(f"the size {self.size} of a {self.name} is below zero")
        if self.name in _FIXED_SIZES:
            return _FIXED_SIZES[self.name]
        if self.name == "FixedDecimal":
            return min(self.size or _DEFAULT_SIZES[self.name], _MAX_DECIMAL_SIZE)
        return self.size or _DEFAULT_SIZES[self.name]

    @classmethod
    def parse(cls, name: str, size: str | None = None, scale: str | None = None) -> DesignerType:
        """Build a type from the texts of a workflow file's ``type``, ``size`` ("254", "19.6") and ``scale``.

        The name is matched without case. Raises `UsageError` for an unknown name or a size that is no number.
        """
        known = {each.lower(): each for each in TYPE_NAMES}
        digits, _, fraction = (size or "").strip().partition(".")
        try:
            return cls(known.get(name.strip().lower(), name), int(digits or 0), int(fraction or scale or 0))
        except ValueError:
            raise UsageError(f"the size {size!r} (scale {scale!r}) of a {name} field is not a number") from None

    @classmethod
    def from_xml(cls, attributes: Mapping[str, str]) -> DesignerType:
        """Build a type from an element's ``type``, ``size`` and ``scale``; ``type`` must be there."""
        if "type" not in attributes:
            raise UsageError("a field without a type attribute has no type")
        return cls.parse(attributes["type"], attributes.get("size"), attributes.get("scale"))

    def to_xml(self) -> dict[str, str]:
        """Return the attributes that Designer's MetaInfo writes for a field of this type."""
        if self.name in _FIXED_SIZES:
            return {"type": self.name}
        if self.name == "FixedDecimal":
            return {"type": self.name, "size": str(self.size), "scale": str(self.scale)}
        return {"type": self.name, "size": str(self.size)}

    @property
    def size_text(self) -> str:
        """The size as a ``size`` attribute of a formula field writes it: "19.6", "8", "1073741823"."""
        return f"{self.size}.{self.scale}" if self.name == "FixedDecimal" else str(self.size)

    @property
    def is_bool(self) -> bool:
        """Whether this is Bool."""
        return self.name == "Bool"

    @property
    def is_integer(self) -> bool:
        """Whether this is Byte, Int16, Int32 or Int64."""
        return self.name in INTEGER_LIMITS

    @property
    def is_numeric(self) -> bool:
        """Whether this is an integer type, FixedDecimal, Float or Double; Bool is not."""
        return self.is_integer or self.name in ("FixedDecimal", "Float", "Double")

    @property
    def is_string(self) -> bool:
        """Whether this is String, WString, V_String or V_WString."""
        return self.name in STRING_NAMES

    @property
    def is_wide(self) -> bool:
        """Whether this is a string type that holds any Unicode character, not only Latin-1."""
        return self.name in ("WString", "V_WString")

    @property
    def is_temporal(self) -> bool:
        """Whether this is Date, Time or DateTime."""
        return self.name in ("Date", "Time", "DateTime")

    @property
    def text_width(self) -> int:
        """The most characters that a value takes when it is written as text."""
        if self.name == "FixedDecimal":
            return self.size + 2
        return _TEXT_WIDTHS.get(self.name, self.size)

    @property
    def sql(self) -> exp.DataType:
        """The type of such a column in DuckDB, as a new sqlglot node.

        DuckDB's decimals end at 38 digits: a longer FixedDecimal holds what fits into 38. SpatialObj is WKT.
        """
        if self.name == "FixedDecimal":
            return exp.DataType(
                this=exp.DataType.Type.DECIMAL,
                expressions=[
                    exp.DataTypeParam(this=exp.Literal.number(number))
                    for number in (min(self.size, _MAX_ENGINE_PRECISION), self.scale)
                ],
            )
        return exp.DataType(this=_SQL.get(self.name, exp.DataType.Type.TEXT))

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of such a column as DuckDB reads and writes it (text is `pyarrow.string`)."""
        if self.name == "FixedDecimal":
            return pa.decimal128(min(self.size, _MAX_ENGINE_PRECISION), self.scale)
        return _ARROW.get(self.name, pa.string)()

    def __str__(self) -> str:
        return self.name if self.name in _FIXED_SIZES else f"{self.name}({self.size_text})"


BOOL: Final = DesignerType("Bool")
BYTE: Final = DesignerType("Byte")
INT16: Final = DesignerType("Int16")
INT32: Final = DesignerType("Int32")
INT64: Final = DesignerType("Int64")
FIXED_DECIMAL: Final = DesignerType("FixedDecimal")
FLOAT: Final = DesignerType("Float")
DOUBLE: Final = DesignerType("Double")
V_STRING: Final = DesignerType("V_String")
V_WSTRING: Final = DesignerType("V_WString")
DATE: Final = DesignerType("Date")
TIME: Final = DesignerType("Time")
DATETIME: Final = DesignerType("DateTime")
BLOB: Final = DesignerType("Blob")
SPATIAL: Final = DesignerType("SpatialObj")


def v_wstring(size: int) -> DesignerType:
    """Return V_WString with the given size in characters, cut to the largest that Designer has."""
    return DesignerType("V_WString", max(1, min(size, V_WSTRING.size)))


def v_string(size: int) -> DesignerType:
    """Return V_String with the given size in characters, cut to the largest that Designer has."""
    return DesignerType("V_String", max(1, min(size, V_STRING.size)))


def common_type(left: DesignerType, right: DesignerType) -> DesignerType | None:
    """Return the narrowest type that holds the values of both; None when there is none (Blob and a number).

    Numbers widen, a date widens to a DateTime, and text wins over everything that can be written as text.
    """
    if left.name == right.name and not (left.is_string or left.name == "FixedDecimal"):
        return left if left.size >= right.size else right
    if "Blob" in (left.name, right.name) or "SpatialObj" in (left.name, right.name):
        return None
    if left.is_string or right.is_string:
        return _common_string(left, right)
    if left.is_temporal or right.is_temporal:
        return DATETIME if {left.name, right.name} == {"Date", "DateTime"} else _common_string(left, right)
    return _common_number(left, right)


def _common_string(left: DesignerType, right: DesignerType) -> DesignerType:
    strings = [each.name for each in (left, right) if each.is_string]
    wide = "W" if any(name.endswith("WString") for name in strings) else ""
    variable = "V_" if not strings or any(name.startswith("V_") for name in strings) else ""
    name = f"{variable}{wide}String"
    return DesignerType(name, min(max(left.text_width, right.text_width), _DEFAULT_SIZES[name]))


def _common_number(left: DesignerType, right: DesignerType) -> DesignerType:
    names = {left.name, right.name}
    if names <= _INTEGER_DIGITS.keys():
        return max(left, right, key=lambda each: _INTEGER_DIGITS[each.name])
    if "Double" in names or ("Float" in names and names & {"FixedDecimal", "Int32", "Int64"}):
        return DOUBLE
    return FLOAT if "Float" in names else _common_decimal(left, right)


def _common_decimal(left: DesignerType, right: DesignerType) -> DesignerType:
    scale = max(left.scale, right.scale)
    whole = max(_INTEGER_DIGITS.get(each.name, each.size - each.scale) for each in (left, right))
    return DesignerType("FixedDecimal", min(max(whole + scale, 1), _MAX_DECIMAL_SIZE), scale)
