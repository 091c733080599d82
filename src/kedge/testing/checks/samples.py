"""Records for tools to be tried on: a table of every type, and what checks make of a sample."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.sdk.fields import FieldType
from kedge.sdk.schemas import create_schema
from kedge.testing.harness import Connection, read_connections

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from kedge.sdk.anchors import ToolAnchors

__all__ = ["AWKWARD_TEXTS", "cut", "cut_at_random", "default_table", "nulls_of", "sample_connections", "with_texts"]

_ROWS = 40
_NULL_EVERY = 7

_COLUMNS: dict[str, tuple[Any, Callable[[int], Any]]] = {
    "id": (FieldType.int64, lambda row: row + 1),
    "name": (FieldType.v_wstring, lambda row: f"name {row % 9}"),
    "code": ({"type": FieldType.string, "size": 8}, lambda row: f"C{row:03}"),
    "amount": (FieldType.double, lambda row: row * 1.25 - 10),
    "price": ({"type": FieldType.fixeddecimal, "size": 12, "scale": 2}, lambda row: Decimal(row) / 4),
    "ratio": (FieldType.float, lambda row: row / 8),
    "flag": (FieldType.bool, lambda row: row % 3 == 0),
    "tiny": (FieldType.byte, lambda row: row % 256),
    "small": (FieldType.int16, lambda row: row - 20),
    "count": (FieldType.int32, lambda row: row * 1000),
    "day": (FieldType.date, lambda row: dt.date(2024, 2, 1) + dt.timedelta(row)),
    "hour": (FieldType.time, lambda row: dt.time(row % 24, row, 0)),
    "moment": (FieldType.datetime, lambda row: dt.datetime(2024, 2, 1) + dt.timedelta(hours=row)),
    "raw": (FieldType.blob, lambda row: bytes([row, 0, 255])),
}

AWKWARD_TEXTS = (
    "",
    " ",
    "naïve café",
    "日本語",
    "👩‍👩‍👧‍👦",
    "\u202eright to left",
    "a\x00b",
    "line\r\nbreak\ttab",
    "'\"`;--",
    "{} {0} {name} %s",
    "<a href='x'>&amp;</a>",
    "é" * (1 << 19),
)
"""Texts that break what is careless with them; the last is 1 MiB of UTF-8."""


def default_table() -> pa.Table:
    """Forty rows with a column of every type, nulls in all columns but the first."""
    schema = create_schema({name: kind for name, (kind, _) in _COLUMNS.items()})
    columns = [
        [None if number and (row + number) % _NULL_EVERY == 0 else value(row) for row in range(_ROWS)]
        for number, (_, value) in enumerate(_COLUMNS.values())
    ]
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema)


def sample_connections(sample: object, declared: ToolAnchors, tool: str) -> list[Connection]:
    """The connections of a sample: records by anchor, records for the only anchor, or None for the default table.

    A tool that declares no anchors gets one, ``Input``. Raises UsageError.
    """
    names = list(declared.inputs) if declared.inputs is not None else ["Input"]
    if sample is None:
        return read_connections({name: default_table() for name in names}, None)
    if isinstance(sample, dict):
        return read_connections(_checked(sample, declared, tool), None)
    if len(names) != 1:
        listed = ", ".join(map(repr, names)) or "no incoming anchor"
        raise UsageError(
            f"{tool} has {listed}: say which anchor the sample is for, as ANCHOR=FILE or {{anchor: table}}"
        )
    return read_connections({names[0]: sample}, None)


def _checked(sample: Mapping[str, object], declared: ToolAnchors, tool: str) -> Mapping[str, object]:
    for name in sample:
        if declared.inputs is not None and name not in declared.inputs:
            listed = ", ".join(map(repr, declared.inputs)) or "none"
            raise UsageError(f"{tool} has no incoming anchor {name!r} for a sample: it has {listed}")
    return sample


def cut(connection: Connection, rows: int) -> Connection:
    """The same records in batches of ``rows`` rows."""
    (anchor, schema, tables) = connection
    whole = pa.concat_tables([schema.empty_table(), *tables])
    return Connection(anchor, schema, [whole.slice(at, rows) for at in range(0, whole.num_rows, rows)])


def cut_at_random(connection: Connection, chance: random.Random) -> Connection:
    """The same records in batches of any number of rows, some of which are empty; the first few rows come alone."""
    (anchor, schema, tables) = connection
    whole = pa.concat_tables([schema.empty_table(), *tables])
    batches, at = [], 0
    while at < whole.num_rows:
        rows = chance.choice((0, 1, 1, 2, 5)) if at < _ROWS else chance.randrange(1, whole.num_rows + 1)
        batches.append(whole.slice(at, rows))
        at += rows
    return Connection(anchor, schema, [*batches, schema.empty_table()])


def nulls_of(connection: Connection, *, typed: bool) -> Connection:
    """The sample's rows with null in every column, of the column's type or of the type null."""
    rows = sum(table.num_rows for table in connection.tables)
    fields = list(connection.schema) if typed else [pa.field(name, pa.null()) for name in connection.schema.names]
    table = pa.table([pa.nulls(rows, field.type) for field in fields], pa.schema(fields))
    (nulls,) = read_connections({connection.anchor.name: table}, None)
    return nulls._replace(anchor=connection.anchor)


def with_texts(connection: Connection) -> Connection:
    """The sample with awkward texts in every column of strings; as many rows as there are texts."""
    whole = pa.concat_tables([connection.schema.empty_table(), *connection.tables])
    rows = len(AWKWARD_TEXTS)
    taken = whole.take(pa.array([row % whole.num_rows for row in range(rows)])) if whole.num_rows else whole
    for number, field in enumerate(connection.schema):
        if pa.types.is_string(field.type) and taken.num_rows:
            taken = taken.set_column(number, field, pa.array(AWKWARD_TEXTS, field.type))
    return connection._replace(tables=[taken])
