"""What an engine tells a tool before anything else."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from kedge.sdk.constants import UpdateMode
from kedge.sdk.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["IncomingAnchor", "IncomingConnection", "Initialization", "OutgoingAnchor"]


@value
class IncomingConnection:
    """One connection: its name (``#1``) and the wire's Metadata message, handed to tools as it came."""

    name: str
    metadata: Any = None


@value
class IncomingAnchor:
    """An incoming anchor; an optional one that nothing is connected to has no connections."""

    name: str
    connections: tuple[IncomingConnection, ...] = ()


@value
class OutgoingAnchor:
    """An outgoing anchor and how many connections leave it."""

    name: str
    num_connections: int = 1
    metadata: Any = None


@value
class Initialization:
    """The first message of every run.

    ``config_xml`` is a document with root ``Configuration``; ``constants`` are the engine's, unordered.
    """

    config_xml: str = "<Configuration/>"
    incoming: tuple[IncomingAnchor, ...] = ()
    outgoing: tuple[OutgoingAnchor, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    update_mode: UpdateMode = UpdateMode.NO_UPDATE_MODE

    @property
    def update_only(self) -> bool:
        """Whether only the constructor is wanted."""
        return self.update_mode is not UpdateMode.NO_UPDATE_MODE
