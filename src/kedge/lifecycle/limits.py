"""How much a peer may make an end hold: what passes a limit is a ProtocolError that names it.

Protocol version 2 knows no limits; these lie beyond what any real run needs. Bytes, unless it says otherwise. What
waits in queues has a budget of its own (``KEDGE_BUDGET``, ``run_tool(budget=…)``).
"""

from __future__ import annotations

__all__ = [
    "CONTROL_BUDGET",
    "KEPT_MESSAGES",
    "KEPT_MESSAGE_BYTES",
    "LARGEST_BATCH",
    "LARGEST_CONTROL_MESSAGE",
    "LARGEST_LINE",
    "LARGEST_NAME",
    "LARGEST_RECORD_MESSAGE",
    "LARGEST_TEXT",
    "LOGGED_STRAY_ANSWERS",
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

LARGEST_RECORD_MESSAGE = 2 << 30
"""One message on the socket of the records."""

LARGEST_CONTROL_MESSAGE = 64 << 20
"""One message on Control; protobuf takes up to 45 times that to hold what is said in it. Also all the text in the
metadata that a tool pushes in a run."""

CONTROL_BUDGET = 16 << 20
"""What waits to be sent on Control."""

LARGEST_NAME = 4096
"""The name of an anchor or a connection."""

MOST_CONNECTIONS = 10_000
"""Anchors and connections of one run together, and messages that come before its first, in number."""

MOST_PLACES = 1_000
"""Batches that one message may say lie in shared memory, in number."""

MOST_SEGMENTS = 16_384
"""Segments of shared memory that one direction may have at a time, in number; the system maps about 65,000 files."""

MOST_COLUMNS = 1_000_000
"""Columns of the metadata of all anchors of one run together, in number."""

LARGEST_TEXT = 1 << 20
"""Characters of one message for the user that a host shows and keeps; what is longer is cut, and says so. Also what a
translation puts in the place of placeholders."""

KEPT_MESSAGES = 10_000
"""Messages that a host shows and keeps of one run, in number, and as many errors; the rest is counted."""

KEPT_MESSAGE_BYTES = 64 << 20
"""Characters of these messages together."""

LARGEST_LINE = 64 << 10
"""One line that a tool process prints; what is longer is cut into lines."""

LOGGED_STRAY_ANSWERS = 10
"""Answers for which nobody waits that the log of one run tells of, in number."""
