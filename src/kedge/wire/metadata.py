"""Metadata as the wire's message and as the SDK's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedge.sdk.fields import Field, FieldType, Metadata
from kedge.wire import sdk_v2_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["metadata_from_wire", "metadata_to_wire"]


def metadata_from_wire(message: Any) -> Metadata:
    """The SDK's value of a wire Metadata message. Raises UsageError for a field of unknown type."""
    return Metadata(
        [
            Field(field.name, FieldType(field.type), field.size, field.scale, field.source, field.description)
            for field in message.fields
        ]
    )


def metadata_to_wire(metadata: Iterable[Field]) -> pb.Metadata:
    """The wire's Metadata message of an SDK Metadata, or of any fields."""
    return pb.Metadata(
        fields=[
            pb.Field(
                name=field.name,
                type=int(field.type),  # type: ignore[arg-type]
                size=field.size,
                scale=field.scale,
                source=field.source,
                description=field.description,
            )
            for field in metadata
        ]
    )
