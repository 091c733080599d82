"""Fields and metadata: numbers, defaults, Arrow types, and the errors of impossible fields."""

import copy
import pickle
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given

from kedge.exceptions import UsageError
from kedge.sdk.fields import Field, FieldType, Locale, Metadata
from tests.strategies import fields, metadata

ARROW_TYPES = {
    FieldType.bool: (1, pa.bool_()),
    FieldType.byte: (2, pa.uint8()),
    FieldType.int16: (3, pa.int16()),
    FieldType.int32: (4, pa.int32()),
    FieldType.int64: (5, pa.int64()),
    FieldType.fixeddecimal: (6, pa.decimal256(19, 6)),
    FieldType.float: (7, pa.float32()),
    FieldType.double: (8, pa.float64()),
    FieldType.string: (9, pa.string()),
    FieldType.wstring: (10, pa.string()),
    FieldType.v_string: (11, pa.string()),
    FieldType.v_wstring: (12, pa.string()),
    FieldType.date: (13, pa.date32()),
    FieldType.time: (14, pa.time32("s")),
    FieldType.datetime: (15, pa.timestamp("s")),
    FieldType.blob: (16, pa.binary()),
    FieldType.spatialobj: (17, pa.string()),
}


class TestFieldType:
    """The names, numbers and Arrow types of the protocol."""

    def test_there_are_17_types(self) -> None:
        assert list(FieldType) == list(ARROW_TYPES)

    @pytest.mark.parametrize("kind", FieldType)
    def test_number_and_arrow_type(self, kind: FieldType) -> None:
        assert (kind.value, Field("a", kind).arrow_type()) == ARROW_TYPES[kind]


class TestLocale:
    """The languages of an engine are texts."""

    def test_values(self) -> None:
        assert [locale.value for locale in Locale] == ["en", "it", "fr", "de", "ja", "es", "pt", "zh"]

    def test_reads_as_its_value(self) -> None:
        assert (f"{Locale.de}", str(Locale.ja), Locale("fr")) == ("de", "ja", Locale.fr)


class TestField:
    """One column as a value."""

    @pytest.mark.parametrize(
        ("kind", "size"),
        [
            (FieldType.string, 16_383),
            (FieldType.wstring, 16_383),
            (FieldType.v_string, 2_147_483_647),
            (FieldType.v_wstring, 2_147_483_647),
            (FieldType.int64, 0),
        ],
    )
    def test_size_0_stands_for_the_default(self, kind: FieldType, size: int) -> None:
        assert Field("a", kind).size == size

    def test_a_given_size_stays(self) -> None:
        assert Field("a", FieldType.v_string, 10).size == 10

    def test_designers_19_6_is_size_19_and_scale_6(self) -> None:
        field = Field("a", FieldType.fixeddecimal, size=19, scale=6)
        assert field.arrow_type() == pa.decimal256(19, 6)
        assert Field("a", FieldType.fixeddecimal) == field

    def test_a_decimal_may_have_no_digit_after_the_point(self) -> None:
        assert Field("a", FieldType.fixeddecimal, size=5).arrow_type() == pa.decimal256(5, 0)

    def test_a_spatial_object_has_source_wkt(self) -> None:
        assert Field("a", FieldType.spatialobj).source == "WKT"
        assert Field("a", FieldType.spatialobj, source="map").source == "map"

    def test_no_source_and_no_description_are_empty_ones(self) -> None:
        field = Field("a", FieldType.byte, source=None, description=None)
        assert (field.source, field.description) == ("", "")

    def test_a_number_will_do_for_a_type(self) -> None:
        assert Field("a", 12).type is FieldType.v_wstring  # type: ignore[arg-type]

    def test_arrow_metadata_is_text_in_bytes(self) -> None:
        assert Field("ü", FieldType.v_string, 10, 0, "file", "what").as_arrow_metadata() == {
            b"ayx.name": "ü".encode(),
            b"ayx.type": b"11",
            b"ayx.size": b"10",
            b"ayx.scale": b"0",
            b"ayx.source": b"file",
            b"ayx.description": b"what",
        }

    @given(field=fields())
    def test_the_arrow_field_carries_it_all(self, field: Field) -> None:
        arrow = field.to_arrow()
        assert (arrow.name, arrow.type, arrow.nullable) == (field.name, field.arrow_type(), True)
        assert arrow.metadata == field.as_arrow_metadata()

    @given(field=fields())
    def test_equal_fields_are_one_value(self, field: Field) -> None:
        again = eval(repr(field), {"Field": Field, "FieldType": FieldType})
        assert again == field
        assert hash(again) == hash(field)
        assert pickle.loads(pickle.dumps(field)) == copy.deepcopy(field) == field

    def test_different_fields_differ(self) -> None:
        field = Field("a", FieldType.int32)
        others = [
            Field("b", FieldType.int32),
            Field("a", FieldType.int64),
            Field("a", FieldType.int32, description="x"),
        ]
        assert field not in others

    def test_a_field_never_changes(self) -> None:
        with pytest.raises(AttributeError):
            Field("a", FieldType.int32).size = 3  # type: ignore[misc]

    def test_repr_leaves_out_what_is_not_there(self) -> None:
        assert repr(Field("a", FieldType.int32)) == "Field('a', FieldType.int32)"
        assert repr(Field("a", FieldType.fixeddecimal, 5, 2, "x")) == (
            "Field('a', FieldType.fixeddecimal, size=5, scale=2, source='x')"
        )

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("a", 18), "'a': 18 is no field type; the types are bool 1, byte 2"),
            (("a", "int32"), "'a': 'int32' is no field type"),
            ((3, FieldType.byte), "name must be text, and 3 is int"),
            (("a", FieldType.string, -1), "'a': size and scale are whole numbers, the size from 0 to 4294967295, not"),
            (("a", FieldType.string, 2**32), "not size 4294967296"),
            (("a", FieldType.string, "10"), "not size '10' and scale 0"),
            (("a", FieldType.string, 1, None), "not size 1 and scale None"),
            (("a", FieldType.fixeddecimal, 77, 1), "from 1 to 76 .* not size 77 and scale 1"),
            (("a", FieldType.fixeddecimal, 5, 6), "not size 5 and scale 6"),
            (("a", FieldType.fixeddecimal, 5, -1), "not size 5 and scale -1"),
        ],
    )
    def test_an_impossible_field_is_an_error_that_says_why(self, arguments: Any, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            Field(*arguments)


class TestMetadata:
    """A list of fields."""

    def test_add_field_appends_and_returns(self) -> None:
        described = Metadata()
        field = described.add_field("a", FieldType.v_string, 5, description="x")
        assert field == Field("a", FieldType.v_string, 5, description="x")
        assert described.fields == [field]

    def test_fields_can_be_assigned_and_changed(self) -> None:
        first, second = Field("a", FieldType.byte), Field("b", FieldType.byte)
        described = Metadata([first])
        described.fields = [second]
        described.fields.append(first)
        assert list(described) == [second, first]

    @given(described=metadata())
    def test_compares_by_its_fields(self, described: Metadata) -> None:
        assert described == Metadata(described.fields)
        assert described != Metadata(described.fields[1:])
        assert described != described.fields
        assert len(described) == len(described.fields)

    def test_a_clone_has_a_list_of_its_own(self) -> None:
        described = Metadata([Field("a", FieldType.byte)])
        clone = described.clone()
        clone.add_field("b", FieldType.byte)
        assert (len(described), len(clone)) == (1, 2)

    def test_metadata_made_from_a_list_leaves_it_alone(self) -> None:
        given_fields = [Field("a", FieldType.byte)]
        Metadata(given_fields).add_field("b", FieldType.byte)
        assert len(given_fields) == 1

    def test_repr_shows_the_fields(self) -> None:
        assert repr(Metadata([Field("a", FieldType.byte)])) == "Metadata([Field('a', FieldType.byte)])"

    def test_is_not_hashable(self) -> None:
        with pytest.raises(TypeError, match="unhashable"):
            hash(Metadata())
