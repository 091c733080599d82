"""What a V1 tool is given, on top of what a V2 tool is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from kedge.compat.bases import ProviderBase
from kedge.compat.v1.dcm import AMPDCM
from kedge.compat.v1.input_anchor import AMPInputAnchor
from kedge.compat.v1.output_anchor import AMPOutputAnchor
from kedge.exceptions import AnchorNotFoundException
from kedge.sdk.environment import AMPEnvironmentV2
from kedge.sdk.io import AMPIOV2

if TYPE_CHECKING:
    import logging
    from pathlib import Path

    from kedge.sdk.anchors import InputAnchor
    from kedge.sdk.fields import Metadata
    from kedge.sdk.outlet import Outlet
    from kedge.sdk.provider import AMPProviderV2

__all__ = ["AMPIO", "AMPEnvironment", "AMPProvider"]

T = TypeVar("T")

AMPEnvironment = AMPEnvironmentV2
"""The name that V1 tools use in annotations."""


class AMPIO(AMPIOV2):
    """Messages, progress, translation; and temporary files, which V2 has in the environment."""

    def __init__(self, outlet: Outlet, environment: AMPEnvironmentV2) -> None:
        super().__init__(outlet)
        self._environment = environment

    def create_temp_file(self, extension: str = "tmp", options: int = 0) -> Path:
        """Create an empty file in the engine's temporary folder.

        Raises WorkflowRuntimeError naming the folder where that is not possible.
        """
        return self._environment.create_temp_file(extension, options)


class AMPProvider(ProviderBase):
    """A V1 tool's access to its configuration, its anchors and the engine."""

    def __init__(self, provider: AMPProviderV2, declared: dict[str, InputAnchor] | None) -> None:
        outlet = provider._outlet  # V1 waits for answers where V2 takes callbacks
        self._provider = provider
        self._io = AMPIO(outlet, provider.environment)
        self._dcm = AMPDCM(outlet)
        self._inputs = {
            name: AMPInputAnchor(
                name,
                {connection: _known_fields(described["metadata"]) for connection, described in connections.items()},
                (declared or {}).get(name),
            )
            for name, connections in provider.incoming_anchors.items()
        }
        self._outputs = {
            name: AMPOutputAnchor(name, anchor["num_connections"], provider)
            for name, anchor in provider.outgoing_anchors.items()
        }

    @property
    def io(self) -> AMPIO:  # type: ignore[override]  # a virtual subclass of IoBase
        """Messages, progress, translation, temporary files."""
        return self._io

    @property
    def dcm(self) -> AMPDCM:
        """The connection manager; its calls wait for their answers."""
        return self._dcm

    @property
    def environment(self) -> AMPEnvironmentV2:  # type: ignore[override]  # a virtual subclass of EnvironmentBase
        """The engine and the workflow around the tool."""
        return self._provider.environment

    @property
    def logger(self) -> logging.Logger:
        """A logger named ``<ToolClass>.<tool id>``."""
        return self._provider.logger

    @property
    def tool_config(self) -> dict[str, Any]:
        """The configuration as xmltodict makes it, without its root; ``{}`` where it is empty."""
        return self._provider.tool_config

    @property
    def input_anchors(self) -> list[AMPInputAnchor]:
        """Every incoming anchor."""
        return list(self._inputs.values())

    @property
    def output_anchors(self) -> list[AMPOutputAnchor]:
        """Every outgoing anchor."""
        return list(self._outputs.values())

    def get_input_anchor(self, name: str) -> AMPInputAnchor:
        """An incoming anchor. Raises AnchorNotFoundException naming those that there are."""
        return _found(self._inputs, name, "input")

    def get_output_anchor(self, name: str) -> AMPOutputAnchor:
        """An outgoing anchor. Raises AnchorNotFoundException naming those that there are."""
        return _found(self._outputs, name, "output")


def _found(anchors: dict[str, T], name: str, kind: str) -> T:
    try:
        return anchors[name]
    except KeyError:
        known = ", ".join(map(repr, anchors)) or "none"
        raise AnchorNotFoundException(
            f"there is no {kind} anchor {name!r}; the tool's configuration has {known}"
        ) from None


def _known_fields(message: Any) -> Metadata | None:
    """The fields that the engine announced; None where it announced none."""
    if message is None or not message.fields:
        return None
    from kedge.wire.metadata import metadata_from_wire

    return metadata_from_wire(message)
