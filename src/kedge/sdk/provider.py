"""The provider: everything that a V2 tool is given."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

import pyarrow as pa

from kedge.exceptions import AnchorNotFoundException, SettingsError, UsageError
from kedge.sdk.constants import MessageType
from kedge.sdk.dcm import AMPDCMV2
from kedge.sdk.environment import AMPEnvironmentV2
from kedge.sdk.fields import Metadata
from kedge.sdk.io import AMPIOV2
from kedge.sdk.outlet import Message
from kedge.sdk.schemas import metadata_from_schema
from kedge.sdk.tool_config import config_from_xml, config_to_xml

if TYPE_CHECKING:
    from pydantic import BaseModel

    from kedge.sdk.initialization import Initialization
    from kedge.sdk.outlet import Outlet

__all__ = ["AMPProviderV2"]


class AMPProviderV2:
    """A tool's access to its configuration, its anchors and the engine. Safe to use from any thread."""

    def __init__(
        self,
        initialization: Initialization,
        outlet: Outlet,
        tool_name: str,
        settings_class: type[BaseModel] | None = None,
    ) -> None:
        """Raises SettingsError where the configuration does not fit ``settings_class``."""
        self._outlet = outlet
        self._config = config_from_xml(initialization.config_xml)
        self._settings_class = settings_class
        self._settings = self._read_settings()
        self._incoming = {
            anchor.name: {c.name: {"name": c.name, "metadata": c.metadata} for c in anchor.connections}
            for anchor in initialization.incoming
        }
        self._outgoing = {
            anchor.name: {
                "name": anchor.name,
                "metadata": anchor.metadata,
                "num_connections": anchor.num_connections,
            }
            for anchor in initialization.outgoing
        }
        self._io = AMPIOV2(outlet)
        self._dcm = AMPDCMV2(outlet)
        self._environment = AMPEnvironmentV2(
            initialization.constants, initialization.update_mode, self.save_tool_config
        )
        self._logger = logging.getLogger(f"{tool_name}.{initialization.constants.get('ToolId', '0')}")

    @property
    def io(self) -> AMPIOV2:
        """Messages, progress, translation."""
        return self._io

    @property
    def dcm(self) -> AMPDCMV2:
        """The connection manager."""
        return self._dcm

    @property
    def environment(self) -> AMPEnvironmentV2:
        """The engine and the workflow around the tool."""
        return self._environment

    @property
    def logger(self) -> logging.Logger:
        """A logger named ``<ToolClass>.<tool id>``."""
        return self._logger

    @property
    def incoming_anchors(self) -> dict[str, dict[str, dict[str, Any]]]:
        """``{anchor: {connection: {"name", "metadata"}}}``; an anchor that nothing is connected to is empty."""
        return self._incoming

    @property
    def outgoing_anchors(self) -> dict[str, dict[str, Any]]:
        """``{anchor: {"name", "metadata", "num_connections"}}``."""
        return self._outgoing

    @property
    def tool_config(self) -> dict[str, Any]:
        """The configuration as xmltodict makes it, without its root; ``{}`` where it is empty."""
        return self._config

    @property
    def full_config(self) -> dict[str, Any]:
        """The configuration with its root: ``{"Configuration": …}``."""
        return {"Configuration": self._config}

    @property
    def settings(self) -> Any:
        """The configuration as the model that the tool names in ``settings_class``.

        Raises UsageError where it names none.
        """
        if self._settings is None:
            raise UsageError(
                "the tool declares no settings: name a pydantic model in its class, settings_class = MySettings, "
                "or use provider.tool_config"
            )
        return self._settings

    def save_tool_config(self, tool_config: dict[str, Any] | BaseModel) -> None:
        """Send a new configuration to the engine; ``tool_config`` and ``settings`` show it from then on.

        A tool with settings may save its model, changed. Raises UsageError naming the key that cannot be an XML name,
        or the setting that XML cannot hold, and SettingsError for a dict that does not fit the settings.
        """
        xml = config_to_xml(self._config_of(tool_config))
        before, self._config = self._config, config_from_xml(xml)
        try:
            self._settings = self._read_settings()
        except SettingsError:
            self._config = before
            raise
        self._outlet.message(Message(MessageType.UPDATE_CONFIG, xml))

    def save_full_config(self, full_config: dict[str, Any]) -> None:
        """Like :meth:`save_tool_config` for ``{"Configuration": {...}}``.

        Raises UsageError for a dict without that root, or with anything beside it.
        """
        if list(full_config) != ["Configuration"]:
            raise UsageError(
                f"save_full_config takes {{'Configuration': {{…}}}}, not a dict with the keys {list(full_config)}; "
                "save_tool_config takes the dict without its root"
            )
        self.save_tool_config(full_config["Configuration"] or {})

    def push_outgoing_metadata(self, anchor_name: str, schema: pa.Schema | Metadata) -> None:
        """Announce what an outgoing anchor will carry; optional, and possible again at any time.

        Raises AnchorNotFoundException naming the known anchors, UsageError naming a column that no engine takes.
        """
        if not isinstance(schema, (pa.Schema, Metadata)):
            raise UsageError(
                f"push_outgoing_metadata({anchor_name!r}, …) takes a pyarrow Schema or a Metadata, "
                f"not a {type(schema).__name__}"
            )
        metadata = schema if isinstance(schema, Metadata) else metadata_from_schema(schema)
        self._outlet.push_metadata(anchor_name, metadata)

    def write_to_anchor(self, name: str, data: pa.Table | pa.RecordBatch) -> None:
        """Append records to an outgoing anchor: any number of rows, any number of times, not from ``__init__``.

        Blocks while the outgoing queue is full. An anchor with no connection takes and drops them. Raises
        AnchorNotFoundException naming the known anchors; UsageError where the anchor is closed, the columns differ
        from what was announced or written first, or a column is of a type that no engine takes.
        """
        self._outlet.write(name, data)

    def close_outgoing_anchor(self, name: str) -> None:
        """Say that the anchor gets nothing more; anchors still open when the tool ends are closed then."""
        self._outlet.close(name)

    def get_input_anchor(self, name: str) -> NoReturn:
        """V1 only; raises what to write instead."""
        raise AnchorNotFoundException(
            f"get_input_anchor({name!r}) is of SDK V1: use provider.incoming_anchors[{name!r}], "
            "and take records in on_record_batch(batch, anchor)"
        )

    def get_output_anchor(self, name: str) -> NoReturn:
        """V1 only; raises what to write instead."""
        raise AnchorNotFoundException(
            f"get_output_anchor({name!r}) is of SDK V1: use provider.push_outgoing_metadata({name!r}, schema) and "
            f"provider.write_to_anchor({name!r}, table)"
        )

    def _read_settings(self) -> BaseModel | None:
        if self._settings_class is None:
            return None
        from kedge.sdk.settings import read_settings

        return read_settings(self._settings_class, self._config)

    def _config_of(self, saved: Any) -> Any:
        """The dict of what is to be saved, which may be the model of the settings."""
        if self._settings_class is None or not isinstance(saved, self._settings_class):
            return saved
        from kedge.sdk.settings import settings_to_config

        return settings_to_config(saved, self._config)
