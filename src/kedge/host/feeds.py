"""The records of a run's incoming connections, ready to travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from kedge.sdk.constants import Anchor

__all__ = ["Feed"]


class Feed(NamedTuple):
    """One incoming connection and its batches, in the types that engines send."""

    anchor: Anchor
    tables: Iterable[pa.Table]
