"""Tools with settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

import kedge
from tests.sdk.settings.models import Rule, Upgraded

if TYPE_CHECKING:
    import pyarrow as pa


class Quiet(kedge.PluginV2):
    """Copies."""

    def on_record_batch(self, batch: pa.Table, anchor: kedge.Anchor) -> None:
        self.provider.write_to_anchor("Output", batch)

    def on_incoming_connection_complete(self, anchor: kedge.Anchor) -> None: ...

    def on_complete(self) -> None: ...

    def __init__(self, provider: kedge.AMPProviderV2) -> None:
        self.provider = provider


class TypedSettings(BaseModel):
    threshold: float = Field(default=3.0, alias="Threshold", ge=0, description="rows below it go")
    rules: list[Rule] = Field(default=[], alias="Rule")


class Typed(Quiet):
    settings_class = TypedSettings

    def __init__(self, provider: kedge.AMPProviderV2) -> None:
        super().__init__(provider)
        settings: TypedSettings = provider.settings
        provider.io.info(f"{settings.threshold} {settings.rules!r}")


class Saving(Quiet):
    settings_class = Upgraded

    def on_complete(self) -> None:
        settings: Upgraded = self.provider.settings
        if settings.threshold == -1:
            self.provider.save_tool_config({"SettingsVersion": "3", "Threshold": "low"})
        if settings.threshold == -2:
            self.provider.save_tool_config(Rule(Column="a"))
        self.provider.io.info(str(settings.threshold))
        self.provider.save_tool_config(settings.model_copy(update={"threshold": 0.75}))
        self.provider.io.info(str(self.provider.settings.threshold))
        self.provider.io.info(f"SettingsVersion {self.provider.tool_config['SettingsVersion']}")
        self.provider.save_tool_config({"SettingsVersion": "3", "Threshold": "0.25"})
        self.provider.io.info(str(self.provider.settings.threshold))


class Untyped(Quiet):
    def on_complete(self) -> None:
        self.provider.settings  # noqa: B018
