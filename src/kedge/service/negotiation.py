"""What a tool process and its engine agree upon when RecordTransfer is opened."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kedge.service.parent import remove_with_parent
from kedge.wire import record_socket, shared_memory
from kedge.wire.capabilities import (
    INBAND_COMPLETE,
    RECORD_SOCKET,
    RECORD_SOCKET_KEY,
    SHARED_MEMORY,
    SHARED_MEMORY_KEY,
    parse_capabilities,
)
from kedge.wire.record_socket import RecordSocket
from kedge.wire.record_streams import RecordReader, RecordWriter
from kedge.wire.records import Direction
from kedge.wire.shared_memory_reader import SharedMemoryReader
from kedge.wire.shared_memory_writer import SharedMemoryWriter, pool_share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.service.settings import ServiceSettings

    Metadata = Mapping[str, str | bytes]

__all__ = ["Agreement", "capabilities_in_common", "negotiate"]

logger = logging.getLogger(__name__)


class Agreement(NamedTuple):
    """The capabilities of both ends, and what reads and writes records by them.

    ``socket`` is the record socket, connected; None where records travel over gRPC.
    """

    capabilities: frozenset[str]
    reader: RecordReader
    writer: RecordWriter
    socket: RecordSocket | None


def capabilities_in_common(metadata: Metadata) -> frozenset[str]:
    """Those of an engine's capabilities that take no more than both knowing them."""
    return parse_capabilities(metadata) & {INBAND_COMPLETE}


def negotiate(metadata: Metadata, settings: ServiceSettings) -> Agreement:
    """Accept of the capabilities that an engine names in the metadata of RecordTransfer those that can be had.

    Shared memory and the record socket are for an engine that has the run's token.
    """
    accepted = capabilities_in_common(metadata)
    folder = socket = None
    if settings.token is not None:
        offered = parse_capabilities(metadata)
        folder = _folder(metadata) if SHARED_MEMORY in offered else None
        socket = _call(metadata, settings.token) if RECORD_SOCKET in offered else None
    if folder is not None:
        accepted |= {SHARED_MEMORY}
    if socket is not None:
        accepted |= {RECORD_SOCKET}
    received = sent = None
    if folder is not None:
        ways = shared_memory.TO_TOOL, shared_memory.TO_ENGINE
        received = SharedMemoryReader(folder, *ways, pool_share(settings.incoming_budget))
        sent = SharedMemoryWriter(folder, shared_memory.TO_ENGINE, pool_share(settings.outgoing_budget))
    trusted = settings.token is not None and bool(accepted)
    reader = RecordReader(Direction.INCOMING, trusted=trusted, shared=received)
    writer = RecordWriter(Direction.OUTGOING, align=bool(accepted), shared=sent, received=received)
    return Agreement(accepted, reader, writer, socket)


def _folder(metadata: Metadata) -> Path | None:
    """The folder of shared memory that the engine names."""
    folder = _path(metadata, SHARED_MEMORY_KEY)
    if folder is None or not shared_memory.SUPPORTED:
        return None
    if not shared_memory.is_private(folder):
        logger.warning("no shared memory: %s is not a folder of this user alone", folder)
        return None
    remove_with_parent(folder)
    return folder


def _call(metadata: Metadata, token: str) -> RecordSocket | None:
    """A connection to the socket that the engine names."""
    path = _path(metadata, RECORD_SOCKET_KEY)
    if path is None or not record_socket.SUPPORTED:
        return None
    if not shared_memory.is_private(path.parent):
        logger.warning("no record socket: %s is not a folder of this user alone", path.parent)
        return None
    try:
        return RecordSocket.call(path, token)
    except OSError as error:
        logger.info("no record socket: %s: %s", path, error)  # or the host is gone by now
        return None


def _path(metadata: Metadata, key: str) -> Path | None:
    named = metadata.get(key)
    return Path(os.fsdecode(named)) if isinstance(named, bytes) else None
