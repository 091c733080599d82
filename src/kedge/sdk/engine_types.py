"""What an engine sends for each type, and what it wants back.

Of every field type an engine knows exactly one Arrow type (``Field.arrow_type``). What a tool writes, and
what the host reads from files and other libraries, is brought into that form here: by a plan that is made
once for a schema and costs nothing for batches that have the form already.

* The announced fields decide. Without an announcement the first batch decides, by its ayx metadata and its Arrow types.
* A batch must have the announced columns in the announced order. Arrow types may differ as long as every value is kept.
* A column that pandas made of an index (``__index_level_0__``) is a column like any other, unless the announcement does
  not know it: then it is left out, with a warning. What pandas writes into the schema's own metadata is dropped: it
  describes the table before the conversion, and would make the next ``to_pandas()`` hide columns.
"""

from __future__ import annotations

__all__ = [
    "Conversion",
    "IncomingPlan",
    "OutgoingPlan",
    "as_table",
    "from_engine",
    "to_engine",
]

import re
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

import pyarrow as pa
from pyarrow import types

from kedge.exceptions import UsageError
from kedge.sdk.conversions import ColumnConversion, TypeWarning, column_conversion
from kedge.sdk.fields import AYX_PREFIX
from kedge.sdk.schemas import check_unique_names, metadata_from_schema

if TYPE_CHECKING:
    from kedge.sdk.fields import Field, Metadata

_PANDAS_KEY: Final = b"pandas"
_ARROW_PREFIX: Final = b"ARROW:"  # of extension types, whose storage alone goes to an engine
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


class Conversion(NamedTuple):
    """A batch in the form that an engine knows, and what was lost on the way there."""

    table: pa.Table
    warnings: tuple[TypeWarning, ...]


class _PlannedColumn(NamedTuple):
    """One column of a plan: where it is in the source, what it is there, and what becomes of it."""

    position: int
    source: pa.Field
    field: Field
    conversion: ColumnConversion | None

    def needs_label(self) -> bool:
        """Say whether the source's own metadata would describe the converted column wrongly."""
        expected = self.field.as_arrow_metadata()
        claims = (self.source.metadata or {}).items()
        return self.conversion is not None or any(
            key.startswith(_ARROW_PREFIX) or expected.get(key, text) != text for key, text in claims
        )

    def labelled(self) -> pa.Field:
        """Return the field's Arrow field, with those notes of the source's that are the author's own."""
        others = {
            key: text
            for key, text in (self.source.metadata or {}).items()
            if not key.startswith((_ARROW_PREFIX, AYX_PREFIX.encode()))
        }
        return self.field.to_arrow().with_metadata({**others, **self.field.as_arrow_metadata()})


class OutgoingPlan:
    """How batches of one schema become what the engine takes.

    ``metadata`` are the fields, announced or found in the schema; ``schema`` is the Arrow schema of the
    converted batches. Columns that need no conversion are passed on untouched, metadata included; the others
    get the ayx metadata of their field.

    Raises ``UsageError``, naming the columns and what to do, for a schema whose names are not unique or not
    the announced ones in their order, for an Arrow type that no engine takes, and for one that does not go
    with the announced field.
    """

    _describes_all: ClassVar[bool] = False

    def __init__(self, schema: pa.Schema, announced: Metadata | None = None) -> None:
        self.source: pa.Schema = schema
        self.metadata: Metadata = metadata_from_schema(schema) if announced is None else announced.clone()
        present, names = schema.names, [field.name for field in self.metadata]
        check_unique_names(present)
        check_unique_names(names)
        _check_layout(present, names)
        positions = {name: index for index, name in enumerate(present)}
        self._columns = [_planned(positions[field.name], schema, field) for field in self.metadata]
        self.schema: pa.Schema = self._converted_schema()
        self._standing = (*_index_warnings(present, names), *_zone_warnings(self._columns))
        self._conforms: bool = self.schema.equals(schema, check_metadata=True)
        self._relabels: bool = self.schema.equals(schema, check_metadata=False)

    def apply(self, table: pa.Table) -> Conversion:
        """Return a table of the plan's source schema as the engine takes it; free when it conforms already.

        Raises ``UsageError`` with column, row and value for a value that does not fit the announced field.
        """
        if self._conforms:
            return Conversion(table, ())
        if self._relabels:  # five times as fast as from the columns, each of which would become an object
            return Conversion(pa.Table.from_batches(table.to_batches(), schema=self.schema), ())
        columns: list[pa.ChunkedArray] = []
        warnings = list(self._standing)
        for planned in self._columns:
            column, warning = table.column(planned.position), None
            if planned.conversion:
                column, warning = planned.conversion.apply(column)
            columns.append(column)
            warnings += [warning] if warning else []
        return Conversion(pa.Table.from_arrays(columns, schema=self.schema), tuple(warnings))

    def __repr__(self) -> str:
        converted = [planned.field.name for planned in self._columns if planned.conversion]
        return f"<{type(self).__name__} of {len(self._columns)} columns, converts {converted or 'nothing'}>"

    def _converted_schema(self) -> pa.Schema:
        columns = [
            planned.labelled() if self._describes_all or planned.needs_label() else planned.source
            for planned in self._columns
        ]
        notes = {key: text for key, text in (self.source.metadata or {}).items() if key != _PANDAS_KEY}
        return pa.schema(columns, metadata=notes or None)


class IncomingPlan(OutgoingPlan):
    """How batches of one schema, from any source, become what an engine sends to a tool.

    As ``OutgoingPlan``, but every column gets the ayx metadata of its field.
    """

    _describes_all = True


def to_engine(batch: pa.Table | pa.RecordBatch, announced: Metadata | None = None) -> Conversion:
    """Return one batch of a tool as an engine takes it; a stream goes through ``BatchConverter``."""
    table = as_table(batch)
    return OutgoingPlan(table.schema, announced).apply(table)


def from_engine(batch: pa.Table | pa.RecordBatch, announced: Metadata | None = None) -> Conversion:
    """Return one batch of any source as an engine sends it; a stream goes through ``BatchConverter``."""
    table = as_table(batch)
    return IncomingPlan(table.schema, announced).apply(table)


def as_table(batch: object) -> pa.Table:
    """Return a Table or RecordBatch as a Table, without a copy.

    Raises ``UsageError`` for anything else: what it is, and how it becomes a Table.
    """
    if isinstance(batch, pa.Table):
        return batch
    if isinstance(batch, pa.RecordBatch):
        return pa.Table.from_batches([batch])
    kind = f"{type(batch).__module__}.{type(batch).__qualname__}"
    raise UsageError(
        f"a batch is a pyarrow Table or RecordBatch, and this is a {kind}: convert it, for example with "
        "pyarrow.table(data), or pyarrow.Table.from_pandas(frame, preserve_index=False)"
    )


def _planned(position: int, schema: pa.Schema, field: Field) -> _PlannedColumn:
    source = schema.field(position)
    return _PlannedColumn(position, source, field, column_conversion(source.type, field))


def _check_layout(names: list[str], announced: list[str]) -> None:
    """Raise ``UsageError`` unless the names are the announced ones; pandas indices may be left over."""
    known = set(announced)
    kept = [name for name in names if name in known or not _PANDAS_INDEX.fullmatch(name)]
    if kept == announced:
        return
    missing = [f"{name!r} is missing" for name in announced if name not in names]
    surplus = [f"{name!r} was not announced" for name in kept if name not in known]
    if missing or surplus:
        raise UsageError(
            f"the batch does not have the announced columns: {', '.join(missing + surplus)}; "
            "write exactly the columns that the metadata, or else the first batch, announced"
        )
    raise UsageError(
        f"the batch has the announced columns in another order, {_listed(kept)} instead of "
        f"{_listed(announced)}: bring them into that order (pyarrow: table.select(names))"
    )


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))


def _index_warnings(names: list[str], announced: list[str]) -> list[TypeWarning]:
    what = "is a pandas index that was not announced, and is left out (make it with preserve_index=False)"
    return [TypeWarning(name, what) for name in sorted(set(names).difference(announced))]


def _zone_warnings(columns: list[_PlannedColumn]) -> list[TypeWarning]:
    return [
        TypeWarning(planned.field.name, f"has the time zone {zone}: its times are converted to UTC")
        for planned in columns
        if (zone := _zone(planned.source.type))
    ]


def _zone(arrow_type: pa.DataType) -> str | None:
    values = arrow_type.value_type if types.is_dictionary(arrow_type) else arrow_type
    return values.tz if types.is_timestamp(values) else None
