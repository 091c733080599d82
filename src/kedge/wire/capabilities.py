"""What both ends of a call can do beyond protocol version 2, agreed upon in gRPC metadata.

A peer that does not know these keys ignores them, as gRPC's rules for metadata have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CAPABILITIES_KEY",
    "INBAND_COMPLETE",
    "RECORD_SOCKET",
    "RECORD_SOCKET_KEY",
    "SHARED_MEMORY",
    "SHARED_MEMORY_KEY",
    "parse_capabilities",
]

CAPABILITIES_KEY: Final = "kedge-capabilities"
INBAND_COMPLETE: Final = "inband-complete"
"""Connection completions travel on RecordTransfer, in order with the records."""
SHARED_MEMORY: Final = "shared-memory"
"""Batches may travel through shared memory, with a descriptor in place of their data (``kedge.wire.shared_memory``)."""
SHARED_MEMORY_KEY: Final = "kedge-shared-memory-bin"
"""Names the folder of the segments, as the file system's bytes, beside the capability."""

RECORD_SOCKET: Final = "record-socket"
"""The messages of RecordTransfer travel over a Unix socket beside gRPC (``kedge.wire.record_socket``)."""
RECORD_SOCKET_KEY: Final = "kedge-record-socket-bin"
"""Names the socket at which the host listens, as the file system's bytes, beside the capability."""


def parse_capabilities(metadata: Mapping[str, str | bytes]) -> frozenset[str]:
    """The capabilities that a peer names; empty for one that names none."""
    named = metadata.get(CAPABILITIES_KEY, "")
    text = named.decode("ascii", "replace") if isinstance(named, bytes) else named
    return frozenset(part.strip() for part in text.split(",") if part.strip())
