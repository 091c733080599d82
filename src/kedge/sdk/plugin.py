"""The class that every tool is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from pydantic import BaseModel

    from kedge.sdk.anchors import InputAnchor
    from kedge.sdk.constants import Anchor
    from kedge.sdk.provider import AMPProviderV2

__all__ = ["PluginV2"]


class PluginV2(ABC):
    """A tool, as its author writes it.

    One instance serves one run. Callbacks get their arguments positionally, never overlap and all run on the main
    thread of the tool process. An exception that leaves a callback ends the run and is reported to the engine.

    A tool may name its anchors in ``input_anchors`` (names, or a mapping to :class:`~kedge.InputAnchor`) and
    ``output_anchors``; without that it takes those of the engine's configuration.

    A tool may name a pydantic model in ``settings_class``: the configuration is checked against it before the tool is
    made, and ``provider.settings`` is the model.
    """

    input_anchors: ClassVar[Mapping[str, InputAnchor] | Sequence[str] | None] = None
    output_anchors: ClassVar[Sequence[str] | None] = None
    settings_class: ClassVar[type[BaseModel] | None] = None

    @abstractmethod
    def __init__(self, provider: AMPProviderV2) -> None:
        """Read the configuration and announce outgoing metadata; the only callback of an update-only run."""

    @abstractmethod
    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        """Take one batch, of any number of rows, that arrived on ``anchor``."""

    @abstractmethod
    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        """Take note that ``anchor`` (one connection) carries nothing more; called once per connection."""

    @abstractmethod
    def on_complete(self) -> None:
        """Finish; called last and once. A tool without incoming connections writes everything here."""
