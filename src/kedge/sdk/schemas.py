"""Fields and their Arrow schemas: made from each other, read and changed.

An Arrow field says in its metadata which field of an engine it is: ``ayx.type`` (the number of the
``FieldType``), ``ayx.size``, ``ayx.scale``, ``ayx.name``, ``ayx.source`` and ``ayx.description``, all as
text. Where that is missing or does not fit the column, the Arrow type alone decides: strings become v_wstring
and binaries blob, both of size 2147483647 bytes (in a v_wstring 1073741823 characters), decimals keep their
precision and scale.
"""

from __future__ import annotations

__all__ = [
    "check_unique_names",
    "create_schema",
    "decode_metadata",
    "field_from_arrow",
    "get_ayx_meta",
    "get_metadata",
    "is_spatial",
    "metadata_from_schema",
    "schema_from_metadata",
    "set_metadata",
]

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.sdk.arrow_types import FIXED_SIZES, EngineType, engine_type, has_room, holds, unsupported_column
from kedge.sdk.fields import AYX_PREFIX, Field, FieldType, Metadata, known_type

_KEYS: Final = ("type", "size", "scale", "source", "description")
_NAME_KEY: Final = AYX_PREFIX + "name"
_NO_CHANGES: Final[Mapping[str, Any]] = MappingProxyType({})


def create_schema(fields: Mapping[str, FieldType | Mapping[str, Any]]) -> pa.Schema:
    """Return the Arrow schema, with ayx metadata, of fields given by name.

    Each is a ``FieldType``, or a mapping with ``type`` and perhaps ``size``, ``scale``, ``source`` and
    ``description``. Raises ``UsageError`` for a mapping without type or with other keys, and what ``Field``
    raises.
    """
    return schema_from_metadata(Metadata(_described(name, given) for name, given in fields.items()))


def schema_from_metadata(metadata: Iterable[Field]) -> pa.Schema:
    """Return the Arrow schema of fields, each with its ayx metadata."""
    return pa.schema([field.to_arrow() for field in metadata])


def metadata_from_schema(schema: pa.Schema) -> Metadata:
    """Return the fields that an engine sees in an Arrow schema, with or without ayx metadata.

    Raises ``UsageError`` for two columns of one name and for what ``field_from_arrow`` refuses.
    """
    check_unique_names(schema.names)
    return Metadata(field_from_arrow(column) for column in schema)


def check_unique_names(names: Sequence[str]) -> None:
    """Raise ``UsageError`` where two columns have one name."""
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise UsageError(f"two columns are named {twice[0]!r}, and an engine needs unique names: rename one")


def field_from_arrow(column: pa.Field) -> Field:
    """Return the field that an engine sees in an Arrow field.

    The ayx metadata decides, as long as a field of that type can hold every value of the Arrow type: an int32
    column that calls itself an int64 is one, and an int64 column that calls itself an int16 is an int64,
    without the size that came with the claim. The name is the column's in any case.

    Raises ``UsageError``, naming the column, for an Arrow type that no engine takes, and for ayx metadata
    that is no number where a number belongs.
    """
    natural = engine_type(column.type)
    if natural is None:
        raise unsupported_column(column.name, column.type)
    claims = decode_metadata(column.metadata)
    kind = _claimed_kind(column.name, claims) or natural.kind
    size, scale = _claimed_size(column, claims, kind, natural)
    if not holds(kind, column.type):
        kind = natural.kind
    texts = (claims.get(AYX_PREFIX + key, "") for key in ("source", "description"))
    return Field(column.name, kind, size, scale, *texts)


def set_metadata(
    table: pa.Table | pa.RecordBatch,
    col_meta: Mapping[str, FieldType | Mapping[str, Any]] = _NO_CHANGES,
    schema: pa.Schema | None = None,
) -> pa.Table:
    """Return a new table with other field metadata and the same buffers; ``table`` stays as it is.

    ``schema`` replaces the metadata of all columns; its names and Arrow types must be the table's.
    ``col_meta`` then sets keys of single columns and leaves the others: ``{"Id": FieldType.int64}``,
    ``{"Name": {"size": 40, "source": "crm"}}``. A key is one that ``get_ayx_meta`` knows, or a full one as
    ``get_metadata`` returns it (``"ayx.size"``, ``"my.note"``).

    Raises ``UsageError`` for a column that is not there, for a schema that does not fit the table, and for a
    number that is none; ``ValueError`` for a key without a dot, or with ``ayx.``, that ``get_ayx_meta`` does
    not know.
    """
    wanted = table.schema if schema is None else schema
    _check_same_columns(table.schema, wanted)
    for name in col_meta:
        _check_known(table.schema, name)
    columns = [
        column.with_metadata({**(column.metadata or {}), **_encoded(column.name, col_meta[column.name])})
        if column.name in col_meta
        else column
        for column in wanted
    ]
    described = pa.schema(columns, metadata=wanted.metadata)
    return type(table).from_arrays(table.columns, schema=described) if columns else table


def get_metadata(table: pa.Table | pa.RecordBatch, col_name: str = "") -> dict[str, Any]:
    """Return the field metadata of one column as text, or without a name that of all: ``{column: {…}}``.

    The keys are full ones: ``{"ayx.type": "12", "ayx.size": "40", …}``.

    Raises ``UsageError`` for a column that is not there.
    """
    if not col_name:
        return {column.name: decode_metadata(column.metadata) for column in table.schema}
    _check_known(table.schema, col_name)
    return decode_metadata(table.schema.field(table.schema.names.index(col_name)).metadata)


def decode_metadata(metadata: Mapping[bytes, bytes] | None) -> dict[str, str]:
    """Return Arrow metadata, which is bytes, as text; that of a field without metadata is empty.

    Bytes that are not UTF-8 are replaced.
    """
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in (metadata or {}).items()}


def get_ayx_meta(key: str) -> str:
    """Return the full metadata key of a short one: ``"ayx.type"`` of ``"type"``.

    The short keys are type, size, scale, source and description. Raises ``ValueError`` for any other.
    """
    if key not in _KEYS:
        raise ValueError(f"{key!r} is no key of field metadata; the keys are {', '.join(_KEYS)}")
    return AYX_PREFIX + key


def is_spatial(field: Field | pa.Field | Mapping[str, str]) -> bool:
    """Say whether a field, an Arrow field or a column's metadata (as of ``get_metadata``) is spatial.

    It is when its type is spatialobj, and also when it names no type and its source is ``WKT``.
    """
    if isinstance(field, Field):
        return field.type is FieldType.spatialobj
    claims = decode_metadata(field.metadata) if isinstance(field, pa.Field) else field
    return _claimed_kind("", claims) is FieldType.spatialobj


def _described(name: str, given: FieldType | Mapping[str, Any]) -> Field:
    if not isinstance(given, Mapping):
        return Field(name, given)
    if unknown := [key for key in given if key not in _KEYS]:
        raise UsageError(f"field {name!r}: unknown key {unknown[0]!r}; the keys are {', '.join(_KEYS)}")
    if "type" not in given:
        raise UsageError(f"field {name!r}: the key 'type' is missing")
    return Field(name, given["type"], **{key: value for key, value in given.items() if key != "type"})


def _claimed_kind(name: str, claims: Mapping[str, str]) -> FieldType | None:
    """Return the type that metadata speaks of; 0 is the protocol's unknown type, and says nothing."""
    if number := _number(name, claims, "type", 0):
        return known_type(name, number)
    return FieldType.spatialobj if claims.get(AYX_PREFIX + "source") == "WKT" else None


def _claimed_size(column: pa.Field, claims: Mapping[str, str], kind: FieldType, natural: EngineType) -> tuple[int, int]:
    """Return the size and scale that metadata speaks of, or else those that the Arrow type asks for."""
    if not holds(kind, column.type):
        return natural.size, natural.scale
    same = kind is natural.kind
    size = _number(column.name, claims, "size", natural.size if same else FIXED_SIZES.get(kind, 0))
    scale = _number(column.name, claims, "scale", natural.scale if same else 0)
    if same and kind is FieldType.fixeddecimal and not has_room(size, scale, natural):
        return natural.size, natural.scale
    return size, scale


def _number(name: str, claims: Mapping[str, str], key: str, default: int) -> int:
    text = claims.get(AYX_PREFIX + key)
    try:
        return int(text) if text else default
    except ValueError:
        raise UsageError(f"column {name!r}: its metadata ayx.{key} must be a number, and it is {text!r}") from None


def _encoded(name: str, given: FieldType | Mapping[str, Any]) -> dict[bytes, bytes]:
    """Return one column's changes as Arrow metadata, checked as far as they can be alone."""
    changes = given if isinstance(given, Mapping) else {"type": given}
    texts = {_full_key(key): _as_text(value) for key, value in changes.items()}
    _claimed_kind(name, texts)
    for key in ("size", "scale"):
        _number(name, texts, key, 0)
    return {key.encode(): text.encode() for key, text in texts.items()}


def _full_key(key: str) -> str:
    short = key.removeprefix(AYX_PREFIX)
    return key if key == _NAME_KEY or (short == key and "." in key) else get_ayx_meta(short)


def _as_text(value: object) -> str:
    return str(int(value)) if isinstance(value, FieldType) else str(value)


def _check_known(schema: pa.Schema, name: str) -> None:
    if name not in schema.names:
        raise UsageError(f"there is no column {name!r}; the columns are {', '.join(map(repr, schema.names))}")


def _check_same_columns(present: pa.Schema, wanted: pa.Schema) -> None:
    if present.names != wanted.names:
        raise UsageError(f"the schema names the columns {wanted.names}, the table has {present.names}")
    for before, after in zip(present, wanted, strict=True):
        if before.type != after.type:
            raise UsageError(
                f"column {before.name!r} is {before.type}, and the schema says {after.type}: cast it first"
            )
