"""Reads a connection of the connection manager, and stores a new token in it under a lock."""

from datetime import datetime, timezone
from typing import Any, Dict

import pyarrow as pa
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class TokenRotation(PluginV2):
    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.connection_id = provider.tool_config["ConnectionId"]
        provider.dcm.get_connection(self.connection_id, self.on_connection)

    def on_connection(self, connection: Dict[str, Any]) -> None:
        if "dcme_exception" in connection:
            self.provider.io.error(f"no connection: {connection['dcme_exception'].dcm_error.message}")
            return
        self.provider.io.info("connected as {}", connection["credentials"][0]["parameters"]["username"])
        if self.provider.environment.update_only:
            return
        self.provider.dcm.get_lock_and_update_secret(
            self.connection_id,
            "main",
            "oauth-token",
            "fresh-token",
            datetime(2030, 1, 1, tzinfo=timezone.utc),
            {"refresh": "weekly"},
            self.on_stored,
        )

    def on_stored(self, answer: Dict[str, Any]) -> None:
        self.provider.io.info("stored" if "dcme_exception" not in answer else f"refused: {answer['message']}")

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None: ...

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None:
        self.provider.io.info("complete")
