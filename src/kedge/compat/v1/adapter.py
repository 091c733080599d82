"""A V1 tool as a V2 tool."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar

from kedge.compat.v1.provider import AMPProvider
from kedge.sdk.anchors import declared_anchors
from kedge.sdk.plugin import PluginV2

if TYPE_CHECKING:
    import pyarrow as pa

    from kedge.compat.v1.input_anchor import AMPInputConnection
    from kedge.compat.v1.plugin import Plugin
    from kedge.sdk.constants import Anchor
    from kedge.sdk.provider import AMPProviderV2

__all__ = ["V1Tool", "adapt"]


class V1Tool(PluginV2):
    """Runs a V1 tool: the run of V2, told in V1's callbacks.

    ``on_input_connection_opened`` comes as soon as a connection's fields are known: with the construction where the
    engine has announced them (so in update-only runs too), else with the first records, or with the end of a connection
    that brought none.
    """

    v1_class: ClassVar[type[Plugin]]

    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = AMPProvider(provider, declared_anchors(self.v1_class).inputs)
        self.plugin = self.v1_class(self.provider)
        for connection in self._connections():
            if connection.metadata is not None and connection.open():
                self.plugin.on_input_connection_opened(connection)

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        """Let the tool read the packets of a batch."""
        self._start()
        connection = self._connection(anchor)
        self._open(connection, batch.schema)
        connection.receive(batch)
        self._deliver(connection)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        """Take note of the end of a connection, for which V1 has no callback."""
        self._start()
        connection = self._connection(anchor)
        self._open(connection, None)
        connection.close()

    def on_complete(self) -> None:
        """Finish the tool; tell its log what it left unread."""
        self._start()
        self.plugin.on_complete()
        for connection in self._connections():
            if connection.is_readable:
                self.provider.logger.warning("the tool did not read all of its input: %r", connection)

    def _connections(self) -> list[AMPInputConnection]:
        return [connection for anchor in self.provider.input_anchors for connection in anchor.connections]

    def _connection(self, anchor: Anchor) -> AMPInputConnection:
        connections = self.provider.get_input_anchor(anchor.name).connections
        return next(connection for connection in connections if connection.name == anchor.connection)

    def _start(self) -> None:
        for anchor in self.provider.output_anchors:
            anchor.start()

    def _open(self, connection: AMPInputConnection, schema: pa.Schema | None) -> None:
        if connection.open(schema):
            self.plugin.on_input_connection_opened(connection)

    def _deliver(self, connection: AMPInputConnection) -> None:
        """Call the tool as long as it reads. What it leaves stays readable, also in ``on_complete``."""
        read_before = -1
        while connection.is_readable and connection.packets_read != read_before:
            read_before = connection.packets_read
            self.plugin.on_record_packet(connection)


@cache
def adapt(v1_class: type[Plugin]) -> type[V1Tool]:
    """The V2 tool that runs ``v1_class``: same name, same anchors; the same class for the same tool."""
    names = {
        "v1_class": v1_class,
        "input_anchors": v1_class.input_anchors,
        "output_anchors": v1_class.output_anchors,
        "__module__": v1_class.__module__,
        "__qualname__": v1_class.__qualname__,
        "__doc__": v1_class.__doc__,
    }
    return type(v1_class.__name__, (V1Tool,), names)
