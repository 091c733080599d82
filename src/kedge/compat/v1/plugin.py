"""The class that every V1 tool is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.compat.bases import InputConnectionBase, ProviderBase
    from kedge.sdk.anchors import InputAnchor
    from kedge.sdk.plugin import PluginV2

__all__ = ["Plugin", "register_plugin"]

C = TypeVar("C", bound=type)


class Plugin(ABC):
    """A tool of SDK V1. It runs like a V2 tool, by an adapter that loading it puts around it."""

    input_anchors: ClassVar[Mapping[str, InputAnchor] | Sequence[str] | None] = None
    output_anchors: ClassVar[Sequence[str] | None] = None

    @abstractmethod
    def __init__(self, provider: ProviderBase) -> None:
        """Read the configuration, fetch the anchors."""

    @abstractmethod
    def on_input_connection_opened(self, input_connection: InputConnectionBase) -> None:
        """Take note of a connection, whose metadata is known now; open the outgoing anchors that depend on it."""

    @abstractmethod
    def on_record_packet(self, input_connection: InputConnectionBase) -> None:
        """Read a packet; called as long as there is one to read."""

    @abstractmethod
    def on_complete(self) -> None:
        """Finish; called last and once."""

    @classmethod
    def __kedge_tool__(cls) -> type[PluginV2]:
        """The V2 tool that this one runs as; :mod:`kedge.loading` asks for it."""
        from kedge.compat.v1.adapter import adapt

        return adapt(cls)


def register_plugin(plugin: C, version: object = None) -> C:  # noqa: ARG001 - the interface's
    """Return the class: a tool is found by its name, and needs no registration."""
    return plugin
