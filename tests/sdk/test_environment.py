"""What a tool learns of the engine around it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from kedge.exceptions import WorkflowRuntimeError
from kedge.sdk.constants import (
    AYX_PROXY_CRED_REQ_KEY,
    AYX_PROXY_PASSWORD_KEY,
    AYX_PROXY_USERNAME_KEY,
    UpdateMode,
)
from kedge.sdk.environment import LOCALES, AMPEnvironmentV2

CONSTANTS = {
    "Engine.Version": "2024.1.1.17",
    "AlteryxExecutable": "/opt/engine",
    "Engine.WorkflowDirectory": "/home/ann/work flows",
    "Engine.TempFilePath": "/tmp/engine",
    "ToolId": "12",
    "WorkflowRunGuid": "4f2b",
}


def made(
    constants: dict[str, str] | None = None, update_mode: UpdateMode = UpdateMode.NO_UPDATE_MODE
) -> AMPEnvironmentV2:
    return AMPEnvironmentV2(CONSTANTS if constants is None else constants, update_mode, print)


class TestConstants:
    def test_are_there_in_the_types_of_the_interface(self) -> None:
        environment = made()
        assert environment.designer_version == "2024.1.1.17"
        assert environment.alteryx_install_dir == Path("/opt/engine")
        assert environment.workflow_dir == Path("/home/ann/work flows")
        assert environment.temp_dir == "/tmp/engine"
        assert environment.workflow_id == "4f2b"
        assert (environment.tool_id, type(environment.tool_id)) == (12, int)
        assert environment.raw_constants == CONSTANTS

    def test_that_are_missing_are_named(self) -> None:
        missing = {
            "designer_version": "Engine.Version",
            "alteryx_install_dir": "AlteryxExecutable",
            "workflow_dir": "Engine.WorkflowDirectory",
            "temp_dir": "Engine.TempFilePath",
            "workflow_id": "WorkflowRunGuid",
            "tool_id": "ToolId",
        }
        for member, name in missing.items():
            others = {key: value for key, value in CONSTANTS.items() if key != name}
            with pytest.raises(WorkflowRuntimeError, match=f"sent no constant '{name}'; it sent {min(others)}, "):
                getattr(made(others), member)

    def test_that_are_all_missing_are_said_to_be_none(self) -> None:
        with pytest.raises(WorkflowRuntimeError, match=r"it sent none$"):
            _ = made({}).temp_dir

    def test_may_be_changed_by_nobody(self) -> None:
        sent = dict(CONSTANTS)
        environment = made(sent)
        environment.raw_constants["ToolId"] = "13"
        sent["ToolId"] = "14"
        assert environment.tool_id == 12

    def test_with_a_tool_id_that_is_no_number_are_an_error_that_says_so(self) -> None:
        with pytest.raises(WorkflowRuntimeError, match="'ToolId' is 'twelve', which is no number"):
            _ = made({"ToolId": "twelve"}).tool_id


class TestUpdateMode:
    @pytest.mark.parametrize(
        ("mode", "text", "only"),
        [
            (UpdateMode.NO_UPDATE_MODE, "", False),
            (UpdateMode.QUICK, "Quick", True),
            (UpdateMode.FULL, "Full", True),
        ],
    )
    def test_says_why_the_tool_was_started(self, mode: UpdateMode, text: str, only: bool) -> None:
        environment = made(update_mode=mode)
        assert environment.update_mode is mode
        assert environment.update_mode == text
        assert environment.update_only is only


class TestLocale:
    def test_is_the_constant_or_english(self) -> None:
        for given, locale in [("de", "de"), ("DE-at", "de"), (" fr_FR ", "fr"), ("nl", "en"), ("", "en"), ("x", "en")]:
            assert made({"AlteryxLocale": given}).alteryx_locale == locale
        assert [made({"AlteryxLocale": locale}).alteryx_locale for locale in LOCALES] == list(LOCALES)

    def test_is_else_that_of_the_settings(self, tmp_path: Path) -> None:
        (tmp_path / "Settings.conf").write_text("x=1\nhelpLanguage=ja\n")
        assert made({"AlteryxExecutable": str(tmp_path)}).alteryx_locale == "ja"
        assert made({"AlteryxExecutable": str(tmp_path), "AlteryxLocale": "it"}).alteryx_locale == "it"

    def test_is_english_where_nothing_is_said(self) -> None:
        assert made({}).alteryx_locale == "en"


class TestSettings:
    TEXT = "\ufeffhelpLanguage = fr \r\nno delimiter\nkey=a=b\n\n=empty\nkey2="

    def test_are_read_from_the_install_directory(self, tmp_path: Path) -> None:
        (tmp_path / "Settings.conf").write_text(self.TEXT, encoding="utf-8")
        assert made({"AlteryxExecutable": str(tmp_path)}).get_settings_conf() == {
            "helpLanguage": "fr",
            "key": "a=b",
            "": "empty",
            "key2": "",
        }

    def test_are_read_from_a_file_that_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "other.conf"
        file.write_bytes(b"name=M\xfcller\n")
        assert made().get_settings_conf(file) == {"name": "M\ufffdller"}
        assert made().get_settings_conf(str(file)) == {"name": "M\ufffdller"}

    def test_are_empty_where_there_is_no_file(self, tmp_path: Path) -> None:
        assert made().get_settings_conf(tmp_path / "none.conf") == {}
        assert made({"AlteryxExecutable": str(tmp_path)}).get_settings_conf() == {}

    @pytest.mark.parametrize("constants", [{}, {"AlteryxExecutable": ""}])
    def test_are_not_taken_from_the_working_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, constants: dict[str, str]
    ) -> None:
        (tmp_path / "Settings.conf").write_text("helpLanguage=fr")
        monkeypatch.chdir(tmp_path)
        assert made(constants).get_settings_conf() == {}

    def test_may_have_other_delimiters(self) -> None:
        parse = made().parse_settings_key_value
        assert parse("a:1;b : 2;;c", line_delimiter=";", key_delimiter=":") == {"a": "1", "b": "2"}
        assert AMPEnvironmentV2.parse_settings_key_value("") == {}


class TestProxy:
    def test_is_read_from_its_constant(self) -> None:
        text = "ProxyRequiresCredentials=True\nProxyCommonUserName=ann\nProxyCommonPassword=A=B=="
        environment = made({"ProxyConfiguration": text})
        expected = {
            AYX_PROXY_CRED_REQ_KEY: "True",
            AYX_PROXY_USERNAME_KEY: "ann",
            AYX_PROXY_PASSWORD_KEY: "A=B==",
        }
        assert environment.proxy_configuration == expected
        assert environment.get_proxy_configuration() == expected

    def test_is_empty_where_the_engine_sent_none(self) -> None:
        assert made().proxy_configuration == {}


class TestTempFile:
    @pytest.mark.parametrize(
        ("extension", "suffix"), [("csv", ".csv"), (".csv", ".csv"), ("tar.gz", ".tar.gz"), ("", "")]
    )
    def test_is_created_in_the_engines_folder(self, tmp_path: Path, extension: str, suffix: str) -> None:
        environment = made({"Engine.TempFilePath": str(tmp_path)})
        file = environment.create_temp_file(extension)
        assert (file.parent, file.read_bytes()) == (tmp_path, b"")
        assert file.name.endswith(suffix)
        assert ("." in file.name) == bool(suffix)
        assert environment.create_temp_file(extension) != file

    def test_is_a_tmp_where_nothing_is_said(self, tmp_path: Path) -> None:
        assert made({"Engine.TempFilePath": str(tmp_path)}).create_temp_file(options=0).suffix == ".tmp"

    def test_is_an_error_where_it_cannot_be(self, tmp_path: Path) -> None:
        absent = tmp_path / "absent"
        with pytest.raises(
            WorkflowRuntimeError, match=r"temporary file in '.*absent' \(Engine.TempFilePath\): No such"
        ):
            made({"Engine.TempFilePath": str(absent)}).create_temp_file()

    def test_is_an_error_where_the_engine_names_no_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(WorkflowRuntimeError, match=r"Engine\.TempFilePath is empty"):
            made({"Engine.TempFilePath": ""}).create_temp_file()
        with pytest.raises(WorkflowRuntimeError, match=r"sent no constant 'Engine\.TempFilePath'"):
            made({}).create_temp_file()
        assert list(tmp_path.iterdir()) == []


class TestLogDirectory:
    def test_is_the_chosen_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEDGE_LOG_DIR", str(tmp_path))
        assert made().get_log_directory() == tmp_path

    @pytest.mark.parametrize(
        ("platform", "variable", "folder"),
        [
            ("win32", "LOCALAPPDATA", Path("Kedge") / "Log"),
            ("darwin", "HOME", Path("Library") / "Logs" / "Kedge"),
            ("linux", "XDG_STATE_HOME", Path("kedge") / "log"),
        ],
    )
    def test_is_else_the_platforms(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variable: str, folder: Path
    ) -> None:
        monkeypatch.delenv("KEDGE_LOG_DIR", raising=False)
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setenv(variable, str(tmp_path))
        monkeypatch.setattr(Path, "home", lambda: tmp_path)
        assert made().get_log_directory() == tmp_path / folder


def test_a_new_configuration_is_saved_through_the_provider() -> None:
    saved: list[dict[str, Any]] = []
    AMPEnvironmentV2(CONSTANTS, UpdateMode.NO_UPDATE_MODE, saved.append).update_tool_config({"a": "1"})
    assert saved == [{"a": "1"}]
