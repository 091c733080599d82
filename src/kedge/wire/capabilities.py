"""What both ends of a call can do beyond protocol version 2, agreed upon in gRPC metadata.

A peer that does not know these keys ignores them, as gRPC's rules for metadata have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CAPABILITIES_KEY", "INBAND_COMPLETE", "parse_capabilities"]

CAPABILITIES_KEY: Final = "kedge-capabilities"
INBAND_COMPLETE: Final = "inband-complete"
"""Connection completions travel on RecordTransfer, in order with the records."""


def parse_capabilities(metadata: Mapping[str, str | bytes]) -> frozenset[str]:
    """The capabilities that a peer names; empty for one that names none."""
    named = metadata.get(CAPABILITIES_KEY, "")
    text = named.decode("ascii", "replace") if isinstance(named, bytes) else named
    return frozenset(part.strip() for part in text.split(",") if part.strip())
