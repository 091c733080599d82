"""How much a peer may make an end hold: what passes a limit is a ProtocolError that names it.

Protocol version 2 knows no limits; these lie beyond what any real run needs. Bytes, unless it says otherwise. What
waits in queues has a budget of its own (``KEDGE_BUDGET``, ``run_tool(budget=…)``).
"""

from __future__ import annotations

__all__ = [
    "KEPT_MESSAGES",
    "KEPT_MESSAGE_BYTES",
    "LARGEST_BATCH",
    "LARGEST_CONTROL_MESSAGE",
    "LARGEST_TEXT",
    "MOST_COLUMNS",
    "MOST_CONNECTIONS",
    "MOST_HALF_RECEIVED",
    "MOST_PLACES",
    "MOST_SEGMENTS",
    "OPEN_BYTES",
]

LARGEST_BATCH = 2 << 30
"""One batch, as it comes and as it says that it decompresses."""

MOST_HALF_RECEIVED = 256
"""Connections with a half received batch, in number."""

OPEN_BYTES = 2 * LARGEST_BATCH
"""All half received batches together."""

LARGEST_CONTROL_MESSAGE = 256 << 20
"""One message on Control."""

MOST_CONNECTIONS = 10_000
"""Anchors and connections of one run together, and messages that come before its first, in number."""

MOST_PLACES = 1_000
"""Batches that one message may say lie in shared memory, in number."""

MOST_SEGMENTS = 16_384
"""Segments of shared memory that one direction may have at a time, in number; the system maps about 65,000 files."""

MOST_COLUMNS = 1_000_000
"""Columns of one anchor's metadata, in number."""

LARGEST_TEXT = 1 << 20
"""Characters of one message for the user that a host shows and keeps; what is longer is cut, and says so."""

KEPT_MESSAGES = 10_000
"""Messages that a host shows and keeps of one run, in number, and as many errors; the rest is counted."""

KEPT_MESSAGE_BYTES = 64 << 20
"""Characters of these messages together."""
