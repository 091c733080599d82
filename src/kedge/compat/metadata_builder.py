"""Metadata from the wire's message and back: ``MetadataBuilder``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kedge.sdk.fields import Field, Metadata

__all__ = ["MetadataBuilder"]


class MetadataBuilder:
    """What tools use to read ``provider.incoming_anchors[anchor][connection]["metadata"]``."""

    @staticmethod
    def from_protobuf(message: Any) -> Metadata:
        """The fields of a wire Metadata message. Raises UsageError naming a field of unknown type."""
        from kedge.wire.metadata import metadata_from_wire

        return metadata_from_wire(message)

    @staticmethod
    def to_protobuf(metadata: Iterable[Field]) -> Any:
        """The wire's Metadata message of some fields."""
        from kedge.wire.metadata import metadata_to_wire

        return metadata_to_wire(metadata)
