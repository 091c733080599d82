"""Fields: the columns of a record as an engine describes them, and how each one looks in Arrow.

The numbers of ``FieldType`` are those of the tool protocol; the Arrow field metadata keys (``ayx.type`` and
the like) are those that the Python SDK v2 writes and reads.
"""

from __future__ import annotations

__all__ = [
    "AYX_PREFIX",
    "MAX_FIXED_CHARACTERS",
    "MAX_VARIABLE_SIZE",
    "MAX_V_WSTRING_CHARACTERS",
    "STRING_TYPES",
    "Field",
    "FieldType",
    "Locale",
    "Metadata",
    "known_type",
]

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from kedge.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

AYX_PREFIX: Final = "ayx."
MAX_FIXED_CHARACTERS: Final = 16_383
MAX_VARIABLE_SIZE: Final = 2_147_483_647
"""The size of a v_string, v_wstring or blob without a limit, in bytes."""
MAX_V_WSTRING_CHARACTERS: Final = 1_073_741_823
"""What a v_wstring of ``MAX_VARIABLE_SIZE`` bytes holds: its characters take two bytes each. Designer shows
this number to its users and writes it into workflows; ``Field.size`` and the protocol carry the bytes."""
MAX_SIZE_ON_WIRE: Final = 4_294_967_295
MAX_PRECISION: Final = 76
DEFAULT_PRECISION: Final = 19
DEFAULT_SCALE: Final = 6


class FieldType(IntEnum):
    """The type of a field; the numbers are the protocol's."""

    bool = 1
    byte = 2
    int16 = 3
    int32 = 4
    int64 = 5
    fixeddecimal = 6
    float = 7
    double = 8
    string = 9
    wstring = 10
    v_string = 11
    v_wstring = 12
    date = 13
    time = 14
    datetime = 15
    blob = 16
    spatialobj = 17


class Locale(str, Enum):
    """A language that an engine can run in."""

    en = "en"
    it = "it"
    fr = "fr"
    de = "de"
    ja = "ja"
    es = "es"
    pt = "pt"
    zh = "zh"

    __str__ = str.__str__


STRING_TYPES: Final = frozenset(
    {FieldType.string, FieldType.wstring, FieldType.v_string, FieldType.v_wstring, FieldType.spatialobj}
)
"""The types whose Arrow type is ``string``."""

_DEFAULT_SIZES: Final = {
    FieldType.string: MAX_FIXED_CHARACTERS,
    FieldType.wstring: MAX_FIXED_CHARACTERS,
    FieldType.v_string: MAX_VARIABLE_SIZE,
    FieldType.v_wstring: MAX_VARIABLE_SIZE,
    FieldType.fixeddecimal: DEFAULT_PRECISION,
}

_ARROW_TYPES: Final = {
    FieldType.bool: pa.bool_(),
    FieldType.byte: pa.uint8(),
    FieldType.int16: pa.int16(),
    FieldType.int32: pa.int32(),
    FieldType.int64: pa.int64(),
    FieldType.float: pa.float32(),
    FieldType.double: pa.float64(),
    **dict.fromkeys(STRING_TYPES, pa.string()),
    FieldType.date: pa.date32(),
    FieldType.time: pa.time32("s"),
    FieldType.datetime: pa.timestamp("s"),
    FieldType.blob: pa.binary(),
}


@dataclass(frozen=True, init=False, repr=False)
class Field:
    """One column: its name, type, size, scale, source and description.

    A field is a value: it compares, hashes and never changes.

    ``size`` is the number of characters of a string or wstring, the number of bytes that a v_string,
    v_wstring or blob may take, and the precision of a fixeddecimal, whose ``scale`` is the number of digits
    after the point: what Designer writes as size "19.6" is ``size=19, scale=6``. For every other type an
    engine ignores both.

    A size of 0 stands for 16383 in a string or wstring, for 2147483647 in a v_string or v_wstring, and for 19
    (with scale 0 as well: for Designer's own default, 19.6) in a fixeddecimal. A spatialobj holds WKT, and
    its source says so. A source or description of ``None`` is an empty one.

    Raises ``UsageError``, naming the field, for a type that is none of ``FieldType``, a size that the
    protocol cannot carry, and a precision or scale that no decimal has.
    """

    name: str
    type: FieldType
    size: int
    scale: int
    source: str
    description: str

    def __init__(
        self,
        name: str,
        field_type: FieldType,
        size: int = 0,
        scale: int = 0,
        source: str | None = None,
        description: str | None = None,
    ) -> None:
        if not isinstance(name, str):
            raise UsageError(f"a field's name must be text, and {name!r} is {type(name).__name__}")
        kind = known_type(name, field_type)
        size, scale = _checked_size(name, kind, size, scale)
        default_source = "WKT" if kind is FieldType.spatialobj else ""
        values = (name, kind, size, scale, source or default_source, description or "")
        for attribute, value in zip(Field.__dataclass_fields__, values, strict=True):
            object.__setattr__(self, attribute, value)

    def arrow_type(self) -> pa.DataType:
        """Return the Arrow type in which an engine sends this field and takes it back."""
        if self.type is FieldType.fixeddecimal:
            return pa.decimal256(self.size, self.scale)
        return _ARROW_TYPES[self.type]

    def as_arrow_metadata(self) -> dict[bytes, bytes]:
        """Return the ``ayx.`` metadata of the Arrow field; numbers as text, everything in UTF-8."""
        texts = {
            "name": self.name,
            "type": str(int(self.type)),
            "size": str(self.size),
            "scale": str(self.scale),
            "source": self.source,
            "description": self.description,
        }
        return {f"{AYX_PREFIX}{key}".encode(): text.encode() for key, text in texts.items()}

    def to_arrow(self) -> pa.Field:
        """Return the Arrow field: name, type and metadata; nullable, as every column of an engine is."""
        return pa.field(self.name, self.arrow_type(), nullable=True, metadata=self.as_arrow_metadata())

    def __repr__(self) -> str:
        parts = [repr(self.name), f"FieldType.{self.type.name}"]
        options = ("size", "scale", "source", "description")
        parts += [f"{key}={value!r}" for key in options if (value := getattr(self, key))]
        return f"Field({', '.join(parts)})"


class Metadata:
    """The fields of a record, in order. ``fields`` is a list that may be changed and assigned."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, fields: Iterable[Field] | None = None) -> None:
        self.fields: list[Field] = list(fields or ())

    def add_field(
        self,
        name: str,
        field_type: FieldType,
        size: int = 0,
        scale: int = 0,
        source: str = "",
        description: str = "",
    ) -> Field:
        """Append a field and return it; the arguments and errors are those of ``Field``."""
        field = Field(name, field_type, size, scale, source, description)
        self.fields.append(field)
        return field

    def clone(self) -> Metadata:
        """Return a copy whose list of fields is its own."""
        return Metadata(self.fields)

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __eq__(self, other: object) -> bool:
        return self.fields == other.fields if isinstance(other, Metadata) else NotImplemented

    def __repr__(self) -> str:
        return f"Metadata({self.fields!r})"


def known_type(name: str, field_type: FieldType | int) -> FieldType:
    """Return the type with a number; raises ``UsageError``, naming the field, where there is none."""
    try:
        return FieldType(field_type)
    except ValueError:
        known = ", ".join(f"{kind.name} {kind.value}" for kind in FieldType)
        raise UsageError(f"field {name!r}: {field_type!r} is no field type; the types are {known}") from None


def _checked_size(name: str, kind: FieldType, size: int, scale: int) -> tuple[int, int]:
    """Put defaults in the place of zeros; refuse what the protocol or Arrow could not carry."""
    if not isinstance(size, int) or not isinstance(scale, int) or not 0 <= size <= MAX_SIZE_ON_WIRE:
        raise UsageError(
            f"field {name!r}: size and scale are whole numbers, the size from 0 to {MAX_SIZE_ON_WIRE}, "
            f"not size {size!r} and scale {scale!r}"
        )
    if kind is not FieldType.fixeddecimal:
        return size or _DEFAULT_SIZES.get(kind, 0), scale
    precision = size or DEFAULT_PRECISION
    digits = scale if size or scale else DEFAULT_SCALE
    if precision > MAX_PRECISION or not 0 <= digits <= precision:
        raise UsageError(
            f"field {name!r}: a fixeddecimal has a size (all digits) from 1 to {MAX_PRECISION} and a scale "
            f"(digits after the point) from 0 to its size, not size {precision} and scale {digits}"
        )
    return precision, digits
