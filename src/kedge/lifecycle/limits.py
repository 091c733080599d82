"""How much a peer may make an end hold: what passes a limit is a ProtocolError that names it.

Protocol version 2 knows no limits; these lie beyond what any real run needs. Bytes, unless it says otherwise. What
waits in queues has a budget of its own (``KEDGE_BUDGET``, ``run_tool(budget=…)``).
"""

from __future__ import annotations

__all__ = ["LARGEST_BATCH", "LARGEST_CONTROL_MESSAGE", "MOST_CONNECTIONS", "MOST_HALF_RECEIVED", "OPEN_BYTES"]

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
