"""The abstract classes that tools name in annotations, derive test doubles from, and ask ``isinstance`` about.

Kedge's own classes are registered with them, or derive from them. What is abstract here is what the first version of
the interface had; what came later raises NotImplementedError, so that older classes can still be made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from kedge.sdk.dcm import AMPDCMV2
from kedge.sdk.environment import AMPEnvironmentV2
from kedge.sdk.io import AMPIOV2
from kedge.sdk.provider import AMPProviderV2

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    import pandas as pd

    from kedge.sdk.constants import UpdateMode
    from kedge.sdk.fields import Metadata

__all__ = [
    "DcmBase",
    "EnvironmentBase",
    "InputAnchorBase",
    "InputConnectionBase",
    "InputConnectionStatus",
    "IoBase",
    "OutputAnchorBase",
    "ProviderBase",
    "RecordPacketBase",
]


class InputConnectionStatus(IntEnum):
    """Where an incoming connection stands."""

    CREATED = 1
    INITIALIZED = 2
    RECEIVING_RECORDS = 3
    CLOSED = 4


class RecordPacketBase(ABC):
    """Some records and their fields."""

    @property
    @abstractmethod
    def metadata(self) -> Metadata:
        """The fields."""

    @abstractmethod
    def to_dataframe(self) -> pd.DataFrame:
        """The records as a frame."""

    @classmethod
    @abstractmethod
    def from_dataframe(cls, metadata: Metadata, df: pd.DataFrame) -> RecordPacketBase:
        """A packet of the records of a frame."""


class InputConnectionBase(ABC):
    """One connection to an incoming anchor."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The connection's name: ``#1``, ``#2``, …"""

    @property
    @abstractmethod
    def metadata(self) -> Metadata | None:
        """The fields of its records; None as long as they are not known."""

    @property
    @abstractmethod
    def anchor(self) -> InputAnchorBase:
        """The anchor that it is connected to."""

    @abstractmethod
    def read(self) -> RecordPacketBase:
        """The next packet."""

    @property
    @abstractmethod
    def max_packet_size(self) -> int | None:
        """The most rows that a packet has; None for as many as come."""

    @max_packet_size.setter
    @abstractmethod
    def max_packet_size(self, value: int | None) -> None: ...

    @property
    @abstractmethod
    def progress(self) -> float:
        """How much has come, 0.0 to 1.0."""

    @property
    @abstractmethod
    def status(self) -> InputConnectionStatus:
        """Where the connection stands."""


class InputAnchorBase(ABC):
    """An incoming anchor."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The anchor's name."""

    @property
    @abstractmethod
    def allow_multiple(self) -> bool:
        """Whether it takes more than one connection."""

    @property
    @abstractmethod
    def optional(self) -> bool:
        """Whether it may have no connection."""

    @property
    @abstractmethod
    def connections(self) -> Sequence[InputConnectionBase]:
        """Its connections."""


class OutputAnchorBase(ABC):
    """An outgoing anchor."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The anchor's name."""

    @property
    @abstractmethod
    def allow_multiple(self) -> bool:
        """Whether more than one connection may leave it."""

    @property
    @abstractmethod
    def optional(self) -> bool:
        """Whether it may have no connection."""

    @property
    @abstractmethod
    def num_connections(self) -> int:
        """How many connections leave it."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether it takes records."""

    @property
    @abstractmethod
    def metadata(self) -> Metadata | None:
        """The fields it was opened with; None before."""

    @abstractmethod
    def open(self, metadata: Metadata) -> None:
        """Announce the fields of the records to come."""

    @abstractmethod
    def write(self, record_packet: RecordPacketBase) -> None:
        """Append the records of a packet."""

    @abstractmethod
    def flush(self) -> None:
        """Send what was written."""

    @abstractmethod
    def close(self) -> None:
        """Take nothing more."""

    @abstractmethod
    def update_progress(self, percent: float) -> None:
        """Report progress, 0.0 to 1.0."""


class IoBase(ABC):
    """Messages to the engine's user."""

    @abstractmethod
    def error(self, msg: str, *args: object) -> None:
        """Send an error."""

    @abstractmethod
    def warn(self, msg: str, *args: object) -> None:
        """Send a warning."""

    @abstractmethod
    def info(self, msg: str, *args: object) -> None:
        """Send an information."""

    @abstractmethod
    def translate_msg(self, msg: str, *args: object) -> str:
        """Ask for a text in the user's language, and wait."""

    @abstractmethod
    def update_progress(self, percent: float) -> None:
        """Report progress, 0.0 to 1.0."""

    def create_temp_file(self, extension: str = "tmp", options: int = 0) -> Path:
        """Create a file in the engine's temporary folder."""
        raise NotImplementedError

    def decrypt_password(self, password: str) -> str:
        """Ask for the plain text of a password, and wait."""
        raise NotImplementedError


class EnvironmentBase(ABC):
    """Facts about the engine and the workflow."""

    @property
    @abstractmethod
    def update_only(self) -> bool:
        """Whether no records will come."""

    @property
    @abstractmethod
    def update_mode(self) -> UpdateMode:
        """Why the engine started the tool."""

    @property
    @abstractmethod
    def designer_version(self) -> str:
        """The engine's version."""

    @property
    @abstractmethod
    def workflow_dir(self) -> Path:
        """The workflow's folder."""

    @property
    @abstractmethod
    def alteryx_install_dir(self) -> Path:
        """Where the engine is installed."""

    @property
    @abstractmethod
    def alteryx_locale(self) -> str:
        """The user's language."""

    @property
    @abstractmethod
    def workflow_id(self) -> str:
        """The id of this run of the workflow."""

    @abstractmethod
    def update_tool_config(self, tool_config: dict[str, Any]) -> None:
        """Send a new configuration."""

    @property
    def proxy_configuration(self) -> dict[str, str]:
        """The engine's proxy settings."""
        raise NotImplementedError


class DcmBase(ABC):
    """The connection manager. What a call returns, and whether it takes a callback, differs between V1 and V2."""

    @abstractmethod
    def get_connection(self, connection_id: str) -> Any:
        """Fetch a connection."""

    @abstractmethod
    def get_write_lock(
        self, connection_id: str, role: str, secret_type: str, expires_in: datetime | float | str | None
    ) -> Any:
        """Lock a secret."""

    @abstractmethod
    def free_write_lock(self, connection_id: str, role: str, secret_type: str, lock_id: str) -> Any:
        """Release the lock on a secret."""

    @abstractmethod
    def update_connection_secret(
        self,
        connection_id: str,
        role: str,
        secret_type: str,
        value: str,
        expires_on: datetime | float | str | None,
        parameters: dict[str, Any] | None,
        lock_id: str,
    ) -> Any:
        """Store a new value of a secret."""


class ProviderBase(ABC):
    """Everything that a tool is given."""

    @property
    @abstractmethod
    def logger(self) -> logging.Logger:
        """A logger of the tool's own."""

    @property
    @abstractmethod
    def io(self) -> IoBase:
        """Messages, progress, translation."""

    @property
    @abstractmethod
    def environment(self) -> EnvironmentBase:
        """The engine and the workflow around the tool."""

    @property
    @abstractmethod
    def tool_config(self) -> dict[str, Any]:
        """The configuration."""

    @abstractmethod
    def get_input_anchor(self, name: str) -> InputAnchorBase:
        """An incoming anchor."""

    @abstractmethod
    def get_output_anchor(self, name: str) -> OutputAnchorBase:
        """An outgoing anchor."""

    @property
    def dcm(self) -> DcmBase:
        """The connection manager."""
        raise NotImplementedError


ProviderBase.register(AMPProviderV2)
EnvironmentBase.register(AMPEnvironmentV2)
IoBase.register(AMPIOV2)
DcmBase.register(AMPDCMV2)
