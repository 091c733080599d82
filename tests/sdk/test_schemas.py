"""Schemas from fields, fields from schemas, and the metadata of columns."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given

from kedge.exceptions import UsageError
from kedge.sdk.fields import Field, FieldType, Metadata
from kedge.sdk.schemas import (
    create_schema,
    decode_metadata,
    field_from_arrow,
    get_ayx_meta,
    get_metadata,
    is_spatial,
    metadata_from_schema,
    schema_from_metadata,
    set_metadata,
)
from tests.strategies import metadata, tables

PEOPLE = pa.table({"Id": [1, 2], "Name": ["Ann", None]})


def claiming(arrow_type: pa.DataType, **claims: object) -> pa.Field:
    """An Arrow field with ayx metadata."""
    return pa.field("a", arrow_type, metadata={f"ayx.{key}": str(value) for key, value in claims.items()})


class TestSchemas:
    """Metadata and schemas say the same."""

    @given(described=metadata())
    def test_fields_come_back_from_their_schema(self, described: Metadata) -> None:
        assert metadata_from_schema(schema_from_metadata(described)) == described

    @given(described=metadata())
    def test_fields_come_back_from_a_schema_that_travelled(self, described: Metadata) -> None:
        travelled = pa.ipc.read_schema(schema_from_metadata(described).serialize())
        assert metadata_from_schema(travelled) == described

    def test_create_schema_takes_types_and_descriptions(self) -> None:
        schema = create_schema(
            {
                "Id": FieldType.int64,
                "Price": {"type": FieldType.fixeddecimal, "size": 10, "scale": 2},
                "Name": {"type": FieldType.v_string, "size": 40, "source": "crm", "description": "full name"},
            }
        )
        assert schema.types == [pa.int64(), pa.decimal256(10, 2), pa.string()]
        assert metadata_from_schema(schema) == Metadata(
            [
                Field("Id", FieldType.int64),
                Field("Price", FieldType.fixeddecimal, 10, 2),
                Field("Name", FieldType.v_string, 40, 0, "crm", "full name"),
            ]
        )

    @pytest.mark.parametrize(
        ("described", "message"),
        [
            ({"size": 3}, "field 'a': the key 'type' is missing"),
            ({"type": FieldType.byte, "sise": 3}, "field 'a': unknown key 'sise'; the keys are type, size, scale"),
            ({"type": 99}, "field 'a': 99 is no field type"),
            ("int64", "field 'a': 'int64' is no field type"),
        ],
    )
    def test_create_schema_names_the_field_it_cannot_make(self, described: Any, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            create_schema({"a": described})

    def test_two_columns_of_one_name_are_an_error(self) -> None:
        schema = pa.schema([("a", pa.int8()), ("b", pa.int8()), ("a", pa.int8())])
        with pytest.raises(UsageError, match=r"two columns are named 'a'.*rename one"):
            metadata_from_schema(schema)


class TestFieldFromArrow:
    """What an engine sees in one Arrow field."""

    @pytest.mark.parametrize(
        ("arrow_type", "expected"),
        [
            (pa.bool_(), Field("a", FieldType.bool, 1)),
            (pa.uint8(), Field("a", FieldType.byte, 1)),
            (pa.int8(), Field("a", FieldType.int16, 2)),
            (pa.int16(), Field("a", FieldType.int16, 2)),
            (pa.uint16(), Field("a", FieldType.int32, 4)),
            (pa.int32(), Field("a", FieldType.int32, 4)),
            (pa.uint32(), Field("a", FieldType.int64, 8)),
            (pa.int64(), Field("a", FieldType.int64, 8)),
            (pa.uint64(), Field("a", FieldType.fixeddecimal, 20, 0)),
            (pa.float16(), Field("a", FieldType.float, 4)),
            (pa.float32(), Field("a", FieldType.float, 4)),
            (pa.float64(), Field("a", FieldType.double, 8)),
            (pa.decimal128(10, 2), Field("a", FieldType.fixeddecimal, 10, 2)),
            (pa.decimal256(76, 38), Field("a", FieldType.fixeddecimal, 76, 38)),
            (pa.decimal128(5, -2), Field("a", FieldType.fixeddecimal, 7, 0)),
            (pa.string(), Field("a", FieldType.v_wstring, 2_147_483_647)),
            (pa.large_string(), Field("a", FieldType.v_wstring, 2_147_483_647)),
            (pa.string_view(), Field("a", FieldType.v_wstring, 2_147_483_647)),
            (pa.dictionary(pa.int8(), pa.string()), Field("a", FieldType.v_wstring, 2_147_483_647)),
            (pa.dictionary(pa.int8(), pa.int32()), Field("a", FieldType.int32, 4)),
            (pa.null(), Field("a", FieldType.v_wstring, 2_147_483_647)),
            (pa.date32(), Field("a", FieldType.date, 10)),
            (pa.date64(), Field("a", FieldType.date, 10)),
            (pa.time32("ms"), Field("a", FieldType.time, 8)),
            (pa.time64("ns"), Field("a", FieldType.time, 8)),
            (pa.timestamp("us", "UTC"), Field("a", FieldType.datetime, 19)),
            (pa.binary(), Field("a", FieldType.blob, 2_147_483_647)),
            (pa.large_binary(), Field("a", FieldType.blob, 2_147_483_647)),
            (pa.binary_view(), Field("a", FieldType.blob, 2_147_483_647)),
            (pa.binary(16), Field("a", FieldType.blob, 2_147_483_647)),
        ],
        ids=str,
    )
    def test_without_metadata_the_arrow_type_decides(self, arrow_type: pa.DataType, expected: Field) -> None:
        assert field_from_arrow(pa.field("a", arrow_type)) == expected

    @pytest.mark.parametrize(
        ("column", "expected"),
        [
            (claiming(pa.string(), type=11, size=40), Field("a", FieldType.v_string, 40)),
            (claiming(pa.string(), type=9), Field("a", FieldType.string, 16_383)),
            (claiming(pa.string(), size=40), Field("a", FieldType.v_wstring, 40)),
            (claiming(pa.string(), type=0, size=40), Field("a", FieldType.v_wstring, 40)),
            (claiming(pa.string(), source="WKT"), Field("a", FieldType.spatialobj, 0)),
            (claiming(pa.int32(), type=5), Field("a", FieldType.int64, 8)),
            (claiming(pa.null(), type=5, size=8), Field("a", FieldType.int64, 8)),
            (claiming(pa.dictionary(pa.int8(), pa.null()), type=5, size=8), Field("a", FieldType.int64, 8)),
            (claiming(pa.date64(), type=15, size=19), Field("a", FieldType.datetime, 19)),
            (claiming(pa.decimal128(5, 2), type=6, size=19, scale=6), Field("a", FieldType.fixeddecimal, 19, 6)),
            (claiming(pa.uint8(), type=3), Field("a", FieldType.int16, 2)),
        ],
    )
    def test_metadata_decides_where_it_fits(self, column: pa.Field, expected: Field) -> None:
        assert field_from_arrow(column) == expected

    @pytest.mark.parametrize(
        ("column", "expected"),
        [
            (claiming(pa.int64(), type=3, size=2), Field("a", FieldType.int64, 8)),
            (claiming(pa.string(), type=4, size=4), Field("a", FieldType.v_wstring, 2_147_483_647)),
            (claiming(pa.int64(), type=12, size=40, description="x"), Field("a", FieldType.int64, 8, description="x")),
            (claiming(pa.int64(), source="WKT"), Field("a", FieldType.int64, 8, source="WKT")),
            (claiming(pa.decimal128(19, 2), type=6, size=5, scale=2), Field("a", FieldType.fixeddecimal, 19, 2)),
            (claiming(pa.decimal128(5, 2), type=6, size=9, scale=1), Field("a", FieldType.fixeddecimal, 5, 2)),
            (claiming(pa.decimal128(5, 2), type=6, size=99, scale=2), Field("a", FieldType.fixeddecimal, 5, 2)),
        ],
    )
    def test_metadata_that_does_not_fit_has_no_say_in_the_type(self, column: pa.Field, expected: Field) -> None:
        assert field_from_arrow(column) == expected

    def test_the_name_is_the_columns_own(self) -> None:
        assert field_from_arrow(claiming(pa.int64(), name="b")).name == "a"

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            (claiming(pa.int64(), type="five"), "column 'a': its metadata ayx.type must be a number, and it is 'five'"),
            (claiming(pa.int64(), type=18), "field 'a': 18 is no field type"),
            (claiming(pa.string(), size="big"), "column 'a': its metadata ayx.size must be a number, and it is 'big'"),
        ],
    )
    def test_metadata_that_makes_no_sense_is_an_error(self, column: pa.Field, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            field_from_arrow(column)

    @pytest.mark.parametrize(
        ("arrow_type", "advice"),
        [
            (pa.list_(pa.int8()), "json.dumps.* one row for each item"),
            (pa.large_list(pa.int8()), "one row for each item"),
            (pa.list_(pa.int8(), 3), "one row for each item"),
            (pa.list_view(pa.int8()), "one row for each item"),
            (pa.struct([("x", pa.int8())]), "one column for each member"),
            (pa.map_(pa.string(), pa.int8()), "one row for each key"),
            (pa.dense_union([pa.field("x", pa.int8())]), "one column for each alternative"),
            (pa.duration("ms"), "cast to int64"),
            (pa.month_day_nano_interval(), "months, days and nanoseconds as numbers"),
            (pa.run_end_encoded(pa.int32(), pa.string()), "run_end_decode"),
            (pa.decimal256(76, -2), "at most 76 digits"),
            (pa.uuid() if hasattr(pa, "uuid") else pa.opaque(pa.int8(), "t", "v"), "use its storage"),
            (pa.dictionary(pa.int8(), pa.duration("s")), "cast to int64"),
        ],
        ids=str,
    )
    def test_a_type_that_no_engine_takes_is_an_error_with_advice(self, arrow_type: pa.DataType, advice: str) -> None:
        with pytest.raises(UsageError, match=f"column 'Tags' has the Arrow type .* which no engine takes: .*{advice}"):
            metadata_from_schema(pa.schema([("Tags", arrow_type)]))


class TestSetMetadata:
    """A new table, the same buffers."""

    @given(table=tables())
    def test_every_buffer_stays(self, table: pa.Table) -> None:
        described = set_metadata(table, {name: {"description": "x"} for name in table.column_names})
        assert described.equals(table)
        assert [field.metadata[b"ayx.description"] for field in described.schema] == [b"x"] * table.num_columns
        assert [addresses(column) for column in described.columns] == [addresses(column) for column in table.columns]

    def test_other_keys_and_columns_are_left_alone(self) -> None:
        first = set_metadata(PEOPLE, {"Id": {"size": 8, "description": "x"}, "Name": {"size": 5}})
        second = set_metadata(first, {"Id": {"size": 4}})
        assert get_metadata(second) == {"Id": {"ayx.size": "4", "ayx.description": "x"}, "Name": {"ayx.size": "5"}}
        assert get_metadata(PEOPLE) == {"Id": {}, "Name": {}}

    def test_a_field_type_stands_for_its_number(self) -> None:
        assert get_metadata(set_metadata(PEOPLE, {"Id": FieldType.int64}), "Id") == {"ayx.type": "5"}
        assert get_metadata(set_metadata(PEOPLE, {"Id": {"type": FieldType.int32}}), "Id") == {"ayx.type": "4"}

    def test_takes_what_get_metadata_returns(self) -> None:
        described = set_metadata(PEOPLE, schema=create_schema({"Id": FieldType.int64, "Name": FieldType.string}))
        assert set_metadata(PEOPLE, get_metadata(described)).schema.equals(described.schema, check_metadata=True)

    def test_takes_keys_of_the_authors_own(self) -> None:
        assert get_metadata(set_metadata(PEOPLE, {"Id": {"my.note": "x"}}), "Id") == {"my.note": "x"}

    def test_a_schema_replaces_all_metadata(self) -> None:
        first = set_metadata(PEOPLE, {"Id": {"my.note": "x"}})
        schema = create_schema({"Id": FieldType.int64, "Name": FieldType.v_string}).with_metadata({"who": "me"})
        second = set_metadata(first, {"Name": {"size": 7}}, schema)
        assert get_metadata(second, "Id") == decode_metadata(schema.field("Id").metadata)
        assert get_metadata(second, "Name")["ayx.size"] == "7"
        assert second.schema.metadata == {b"who": b"me"}

    def test_a_record_batch_stays_one(self) -> None:
        batch = set_metadata(PEOPLE.to_batches()[0], {"Id": FieldType.int64})
        assert isinstance(batch, pa.RecordBatch)
        assert get_metadata(batch, "Id") == {"ayx.type": "5"}

    def test_without_changes_nothing_changes(self) -> None:
        assert set_metadata(PEOPLE).equals(PEOPLE, check_metadata=True)

    def test_rows_without_columns_stay(self) -> None:
        assert set_metadata(PEOPLE.select([])).num_rows == 2

    @pytest.mark.parametrize(
        ("changes", "error", "message"),
        [
            ({"Idd": {}}, UsageError, "no column 'Idd'; the columns are 'Id', 'Name'"),
            ({"Id": {"sise": 1}}, ValueError, "'sise' is no key of field metadata; the keys are type, size"),
            ({"Id": {"ayx.sise": 1}}, ValueError, "'sise' is no key of field metadata"),
            ({"Id": {"type": 18}}, UsageError, "field 'Id': 18 is no field type"),
            ({"Id": 18}, UsageError, "field 'Id': 18 is no field type"),
            (
                {"Id": {"size": "big"}},
                UsageError,
                "column 'Id': its metadata ayx.size must be a number, and it is 'big'",
            ),
        ],
    )
    def test_changes_that_cannot_be(self, changes: Any, error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message):
            set_metadata(PEOPLE, changes)

    @pytest.mark.parametrize(
        ("schema", "message"),
        [
            (pa.schema([("Id", pa.int64())]), r"names the columns \['Id'\], the table has \['Id', 'Name'\]"),
            (pa.schema([("Id", pa.int32()), ("Name", pa.string())]), "column 'Id' is int64, and the schema says int32"),
            (pa.schema([]), r"names the columns \[\], the table has"),
        ],
    )
    def test_a_schema_of_another_table(self, schema: pa.Schema, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            set_metadata(PEOPLE, schema=schema)


class TestGetMetadata:
    """Metadata as text."""

    def test_an_unknown_column_is_an_error(self) -> None:
        with pytest.raises(UsageError, match="no column 'x'; the columns are 'Id', 'Name'"):
            get_metadata(PEOPLE, "x")

    def test_decoding_nothing_gives_nothing(self) -> None:
        assert decode_metadata(None) == {}

    def test_decoding_replaces_what_is_not_utf_8(self) -> None:
        assert decode_metadata({b"a": b"\xff", "ü".encode(): "ö".encode()}) == {"a": "\ufffd", "ü": "ö"}

    @pytest.mark.parametrize("key", ["type", "size", "scale", "source", "description"])
    def test_the_full_key(self, key: str) -> None:
        assert get_ayx_meta(key) == "ayx." + key

    @pytest.mark.parametrize("key", ["name", "ayx.type", ""])
    def test_other_keys_are_errors(self, key: str) -> None:
        with pytest.raises(ValueError, match="no key of field metadata"):
            get_ayx_meta(key)


class TestIsSpatial:
    """Spatial is what says so, by type or else by source."""

    def test_by_type(self) -> None:
        spatial = Field("a", FieldType.spatialobj)
        assert is_spatial(spatial)
        assert is_spatial(spatial.to_arrow())
        assert is_spatial({"ayx.type": "17"})

    def test_by_source_where_there_is_no_type(self) -> None:
        assert is_spatial(claiming(pa.string(), source="WKT"))
        assert not is_spatial(claiming(pa.string(), source="WKT", type=12))

    def test_not_otherwise(self) -> None:
        assert not is_spatial(Field("a", FieldType.v_wstring, source="WKT"))
        assert not is_spatial(pa.field("a", pa.string()))
        assert not is_spatial({})


def addresses(column: pa.ChunkedArray) -> list[int]:
    """Where the buffers of a column are."""
    return [buffer.address for chunk in column.chunks for buffer in chunk.buffers() if buffer]
