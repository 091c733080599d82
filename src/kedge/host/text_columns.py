"""What a column looks like in a text format, CSV or JSON lines."""

from __future__ import annotations

__all__ = ["check_text_types", "csv_column", "json_lines"]

import base64
import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from kedge.exceptions import UsageError

# JSON has no signs for these; the words are those of the JSON mapping of protocol buffers.
_NOT_FINITE = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}
_CONTROL_CHARACTERS = r"[\x00-\x1f]"


def check_text_types(path: object, schema: pa.Schema) -> None:
    """Raise UsageError for the first column that a text format cannot hold: lists, structs, maps, durations."""
    for field in schema:
        if pt.is_nested(field.type) or pt.is_duration(field.type) or pt.is_interval(field.type):
            raise UsageError(
                f"{path}: column {field.name!r} is a {field.type}, which a text file cannot hold; "
                "write a .parquet or .arrow file, or let the tool convert the column"
            )


def csv_column(column: pa.Array) -> pa.Array:
    """Return what pyarrow's CSV writer is to write: bytes as base64, moments with a zone in UTC with a Z."""
    if _is_bytes(column.type):
        return _base64(column)
    return _utc_text(column, " ") if _has_zone(column.type) else column


def json_lines(batch: pa.RecordBatch) -> pa.Buffer:
    """Return a JSON object and a line end for each row, in UTF-8, as one buffer.

    Numbers keep all their digits, decimals and 64-bit integers too; NaN and the infinities become the texts ``NaN``,
    ``Infinity`` and ``-Infinity``. Dates, times and timestamps are ISO 8601 texts, in UTC with a Z where they have a
    zone; bytes are base64; null is null. The columns are plain and of types that ``check_text_types`` lets pass.

    The objects are put together by Arrow, a column at a time: 4 times as fast as the standard library, row by row.
    """
    if not batch.num_columns:
        return pa.py_buffer(b"{}\n" * batch.num_rows)
    parts: list[pa.Array | str] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        parts += [f"{',' if parts else '{'}{json.dumps(name, ensure_ascii=False)}:", _json_values(column)]
    lines = pc.binary_join_element_wise(*parts, "}\n", "")
    # The texts of an array lie in its data buffer one after another.
    return lines.buffers()[2].slice(0, pc.sum(pc.binary_length(lines)).as_py() or 0)


def _json_values(column: pa.Array) -> pa.Array:
    """Return the JSON text of each value."""
    if pt.is_null(column.type):
        return pa.array(["null"] * len(column))
    return pc.fill_null(_json_texts(column), "null")


def _json_texts(column: pa.Array) -> pa.Array:
    """Return the JSON text of each value, null for null."""
    type_ = column.type
    if pt.is_string(type_) or pt.is_large_string(type_):
        return _json_strings(column.cast(pa.string()))
    if _is_bytes(type_):
        return _quoted(_base64(column))
    if pt.is_timestamp(type_):
        return _quoted(_utc_text(column, "T") if _has_zone(type_) else _iso_text(column, "T"))
    texts = column.cast(pa.string())
    if pt.is_date(type_) or pt.is_time(type_):
        return _quoted(texts)
    return _finite_or_word(column, texts) if pt.is_floating(type_) else texts


def _json_strings(column: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(column, _CONTROL_CHARACTERS)).as_py():
        return pa.array(
            [None if text is None else json.dumps(text, ensure_ascii=False) for text in column.to_pylist()], pa.string()
        )
    return _quoted(pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"'))


def _finite_or_word(column: pa.Array, texts: pa.Array) -> pa.Array:
    finite = pc.is_finite(column)
    if pc.all(finite).as_py() is not False:
        return texts
    return pa.array([None if text is None else _NOT_FINITE.get(text, text) for text in texts.to_pylist()], pa.string())


def _quoted(texts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', texts, '"', "")


def _base64(column: pa.Array) -> pa.Array:
    values = column.to_pylist()
    return pa.array([None if value is None else base64.b64encode(value).decode() for value in values], pa.string())


def _utc_text(column: pa.Array, separator: str) -> pa.Array:
    """Return moments with a zone as text in UTC. Needs no time zone database, which pyarrow lacks on Windows."""
    naive = column.view(pa.timestamp(column.type.unit))
    return pc.binary_join_element_wise(_iso_text(naive, separator), "Z", "")


def _iso_text(column: pa.Array, separator: str) -> pa.Array:
    return pc.replace_substring(column.cast(pa.string()), " ", separator)


def _has_zone(type_: pa.DataType) -> bool:
    return bool(pt.is_timestamp(type_) and type_.tz is not None)


def _is_bytes(type_: pa.DataType) -> bool:
    return bool(pt.is_binary(type_) or pt.is_large_binary(type_) or pt.is_fixed_size_binary(type_))
