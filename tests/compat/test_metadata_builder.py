"""``MetadataBuilder``, both ways."""

from hypothesis import given

from kedge.compat.metadata_builder import MetadataBuilder
from kedge.sdk.fields import Metadata
from tests.strategies import metadata


@given(metadata())
def test_there_and_back(fields: Metadata) -> None:
    assert MetadataBuilder.from_protobuf(MetadataBuilder.to_protobuf(fields)) == fields


def test_fields_become_arrow_fields_as_tools_write_it() -> None:
    from kedge.sdk.fields import FieldType

    described = Metadata()
    described.add_field("Name", FieldType.v_wstring, size=40, description="who")
    message = MetadataBuilder.to_protobuf(described)
    (column,) = [field.to_arrow() for field in MetadataBuilder.from_protobuf(message)]
    assert (column.name, str(column.type), column.metadata[b"ayx.size"]) == ("Name", "string", b"40")
