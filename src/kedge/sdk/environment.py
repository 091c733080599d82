"""The engine around a tool: ``provider.environment``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedge.exceptions import WorkflowRuntimeError
from kedge.sdk.constants import UpdateMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["AMPEnvironmentV2", "log_directory"]

LOCALES = ("en", "it", "fr", "de", "ja", "es", "pt", "zh")


class AMPEnvironmentV2:
    """Read-only facts about the engine and the workflow, from the constants that the engine sends."""

    def __init__(
        self,
        constants: Mapping[str, str],
        update_mode: UpdateMode,
        save_tool_config: Callable[[dict[str, Any]], None],
    ) -> None:
        self._constants = dict(constants)
        self._update_mode = update_mode
        self._save_tool_config = save_tool_config

    @property
    def raw_constants(self) -> dict[str, str]:
        """Every constant that the engine sent; a copy."""
        return dict(self._constants)

    @property
    def update_mode(self) -> UpdateMode:
        """Why the engine started the tool."""
        return self._update_mode

    @property
    def update_only(self) -> bool:
        """Whether only the constructor runs."""
        return self._update_mode is not UpdateMode.NO_UPDATE_MODE

    @property
    def designer_version(self) -> str:
        """The engine's version."""
        return self._constant("Engine.Version")

    @property
    def alteryx_install_dir(self) -> Path:
        """Where the engine is installed."""
        return Path(self._constant("AlteryxExecutable"))

    @property
    def workflow_dir(self) -> Path:
        """The folder of the workflow that the tool runs in."""
        return Path(self._constant("Engine.WorkflowDirectory"))

    @property
    def workflow_id(self) -> str:
        """The id of this run of the workflow."""
        return self._constant("WorkflowRunGuid")

    @property
    def temp_dir(self) -> str:
        """The engine's temporary folder."""
        return self._constant("Engine.TempFilePath")

    @property
    def tool_id(self) -> int:
        """The tool's number in the workflow."""
        number = self._constant("ToolId")
        try:
            return int(number)
        except ValueError:
            raise WorkflowRuntimeError(f"the engine's constant 'ToolId' is {number!r}, which is no number") from None

    @property
    def alteryx_locale(self) -> str:
        """The language of the engine's user: the constant ``AlteryxLocale``, else ``helpLanguage`` of its settings.

        One of en, it, fr, de, ja, es, pt, zh; ``en`` where the engine does not say or says something else.
        """
        named = self._constants.get("AlteryxLocale") or self.get_settings_conf().get("helpLanguage", "")
        language = named.strip().lower()[:2]
        return language if language in LOCALES else "en"

    @property
    def proxy_configuration(self) -> dict[str, str]:
        """The engine's proxy settings, ``{}`` where it sent none."""
        return self.get_proxy_configuration()

    def get_proxy_configuration(self) -> dict[str, str]:
        """The engine's proxy settings, ``{}`` where it sent none."""
        return self.parse_settings_key_value(self._constants.get("ProxyConfiguration", ""))

    def get_settings_conf(self, path: str | os.PathLike[str] | None = None) -> dict[str, str]:
        """The ``key=value`` lines of the engine's ``Settings.conf``, ``{}`` where there is no such file.

        Without ``path`` it is looked for in the install directory.
        """
        if path is None:
            if not (install_dir := self._constants.get("AlteryxExecutable")):
                return {}
            path = Path(install_dir, "Settings.conf")
        file = Path(path)
        if not file.is_file():
            return {}
        return self.parse_settings_key_value(file.read_text(encoding="utf-8-sig", errors="replace"))

    @staticmethod
    def parse_settings_key_value(text: str, line_delimiter: str = "\n", key_delimiter: str = "=") -> dict[str, str]:
        """Split lines of ``key=value``; blank around both is dropped, lines without a delimiter are passed over."""
        pairs = (line.partition(key_delimiter) for line in text.split(line_delimiter) if key_delimiter in line)
        return {key.strip(): value.strip() for key, _, value in pairs}

    def create_temp_file(self, extension: str = "tmp", options: int = 0) -> Path:  # noqa: ARG002 - the interface's
        """Create an empty file in the engine's temporary folder, which the tool may write to.

        Raises WorkflowRuntimeError naming the folder where that is not possible.
        """
        suffix = f".{extension.lstrip('.')}" if extension else ""
        if not (folder := self.temp_dir):
            raise WorkflowRuntimeError("cannot create a temporary file: the engine's Engine.TempFilePath is empty")
        import tempfile

        try:
            handle, name = tempfile.mkstemp(suffix=suffix, prefix="kedge-", dir=folder)
        except OSError as error:
            raise WorkflowRuntimeError(
                f"cannot create a temporary file in {folder!r} (Engine.TempFilePath): {error.strerror}"
            ) from error
        os.close(handle)
        return Path(name)

    def get_log_directory(self) -> Path:
        """Where tools and tool processes write their logs."""
        return log_directory()

    def update_tool_config(self, tool_config: dict[str, Any]) -> None:
        """Send a new configuration to the engine, like ``provider.save_tool_config``."""
        self._save_tool_config(tool_config)

    def _constant(self, name: str) -> str:
        value = self._constants.get(name)
        if value is None:
            raise WorkflowRuntimeError(
                f"the engine sent no constant {name!r}; it sent {', '.join(sorted(self._constants)) or 'none'}"
            )
        return value


def log_directory() -> Path:
    """The folder for logs: ``KEDGE_LOG_DIR``, else the platform's usual place. It is not created."""
    if chosen := os.environ.get("KEDGE_LOG_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        import tempfile

        return Path(os.environ.get("LOCALAPPDATA", tempfile.gettempdir())) / "Kedge" / "Log"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Logs" / "Kedge"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "kedge" / "log"
