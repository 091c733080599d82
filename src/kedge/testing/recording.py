"""A run as a file: recorded once, compared with from then on, and replayed.

A recording is two files. ``NAME.jsonl`` has a line of JSON for all that was said, in order: the engine's part first
(``told``: ``start``, ``batch``, ``complete``, ``end``), then the tool's (``said``: ``metadata``, ``message``,
``progress``, ``request``, ``answer``, ``batch``, ``close``). Records are in ``NAME.arrows``, as Arrow IPC streams one
after the other; a line gives the place (``at`` and ``bytes``) and, for readers, the number of rows.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.exceptions import UsageError
from kedge.lifecycle.events import (
    Answered,
    BatchArrived,
    CloseAnchor,
    ConnectionCompleted,
    Initialized,
    NotifyComplete,
    PushMetadata,
    SendBatch,
    SendMessage,
    SendProgress,
    SendRequest,
)
