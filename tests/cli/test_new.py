"""``kedge new`` and the verbs of ``ayx_plugin_cli``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from kedge.cli import prompts
from kedge.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

SETTINGS = """from pydantic import BaseModel  # noqa: E402


class Settings(BaseModel):
    Limit: int = 3


class ATestTool(PluginV2):
    settings_class = Settings
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is there to answer."""

    class Terminal:
        stdin = type("Stdin", (), {"isatty": staticmethod(lambda: True)})
        stderr = None

    monkeypatch.setattr(prompts, "sys", Terminal)


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace, and in it the working folder."""
    assert kedge("new", "workspace", "tools", "--no-input").exit_code == 0
    monkeypatch.chdir("tools")
    return Path.cwd()


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tools that are imported in this process are not found by the next test."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "ayx_plugins"]:
        del sys.modules[name]


def kedge(*arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(app, arguments, input=answers)


def described(tool: str = "") -> dict[str, Any]:
    document = json.loads(Path("ayx_workspace.json").read_bytes())
    return dict(document["tools"][tool]["configuration"]) if tool else dict(document)


class TestNewWorkspace:
    def test_the_next_step_is_told(self) -> None:
        result = kedge("new", "workspace", "my-tools", "--title", "My tools", "--author", "Ada")
        assert result.exit_code == 0, result.output
        assert "cd my-tools\n  kedge new tool NAME --type TYPE" in result.stdout
        assert json.loads(Path("my-tools/ayx_workspace.json").read_bytes())["name"] == "My tools"

    def test_in_a_pipe_the_options_are_listed(self) -> None:
        result = kedge("new", "workspace")
        assert result.exit_code == 2
        assert "error: kedge new workspace lacks NAME; its options:" in result.stderr
        assert "--category     the tab of its tools in Designer [Kedge]" in result.stderr

    @pytest.mark.usefixtures("terminal")
    def test_on_a_terminal_what_is_missing_is_asked_for(self) -> None:
        result = kedge("new", "workspace", "--author", "Ada", answers="my-tools\nMine\n\n\n\n")
        assert result.exit_code == 0, result.output
        document = json.loads(Path("my-tools/ayx_workspace.json").read_bytes())
        assert (document["name"], document["tool_category"], document["author"]) == ("Mine", "Kedge", "Ada")

    @pytest.mark.usefixtures("terminal")
    def test_unless_it_shall_not_ask(self) -> None:
        assert kedge("new", "workspace", "my-tools", "--no-input").exit_code == 0

    @pytest.mark.parametrize("name", ["My Tools", "größe", "..", "a/../.."])
    def test_a_name_that_is_none(self, name: str, folder: Path) -> None:
        result = kedge("new", "workspace", name)
        assert result.exit_code == 2
        assert "cannot be the name of a workspace's folder" in result.stderr
        assert not list(folder.iterdir())


@pytest.mark.usefixtures("tools")
class TestNewTool:
    def test_it_can_be_run_from_anywhere_in_the_workspace(self, monkeypatch: pytest.MonkeyPatch) -> None:
        result = kedge("new", "tool", "CountUp", "--type", "input", "--description", "Counts.")
        assert "ayx_plugins:CountUp is in backend/ayx_plugins/count_up.py" in result.stdout.replace("\\", "/")
        assert described("CountUp")["description"] == "Counts."
        monkeypatch.chdir("backend/tests")
        result = kedge("tool", "run", "ayx_plugins:CountUp", "-c", "To=3", "-o", "Output=numbers.csv")
        assert result.exit_code == 0, result.output
        assert Path("numbers.csv").read_text() == '"Number","Square"\n1,1\n2,4\n3,9\n'

    def test_in_a_pipe_the_types_are_listed(self) -> None:
        result = kedge("new", "tool", "Clean")
        assert result.exit_code == 2
        assert "kedge new tool lacks --type; its options:" in result.stderr
        assert "multi-connection-input-anchor" in result.stderr

    @pytest.mark.usefixtures("terminal")
    def test_a_wrong_answer_is_asked_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        said: list[object] = []
        monkeypatch.setattr(prompts, "print", lambda text, file: said.append(text), raising=False)
        result = kedge("new", "tool", answers="a tool\nClean\nfilter\noutput\n\n\none\n2.0\n")
        assert result.exit_code == 0, result.output
        assert [str(text).partition(":")[0] for text in said] == [
            "'a tool' cannot be the name of a tool",
            "'filter' is no type of tool",
            "'one' is no version",
        ]
        assert described("Clean")["version"] == "2.0"

    def test_outside_of_a_workspace_it_says_how_to_make_one(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder)
        result = kedge("new", "tool", "Clean", "--type", "input")
        assert result.exit_code == 2
        assert "is no workspace: it has no ayx_workspace.json; kedge new workspace NAME makes one" in result.stderr
        assert kedge("new", "tool", "Clean", "--type", "input", "--workspace", "tools").exit_code == 0

    def test_a_broken_file_is_an_error_with_line_and_column(self) -> None:
        Path("ayx_workspace.json").write_text('{"name": "x",\n "tools": }')
        result = kedge("new", "tool", "Clean", "--type", "input")
        assert result.exit_code == 2
        assert "ayx_workspace.json, line 2, column 11: " in result.stderr

    def test_a_workspace_of_another_make_takes_one_on_request(self) -> None:
        path = Path("ayx_workspace.json")
        path.write_text(json.dumps({**described(), "ayx_cli_version": "1.1.0"}), encoding="utf-8")
        result = kedge("new", "tool", "Clean", "--type", "input")
        assert result.exit_code == 2
        assert "--write" in result.stderr
        assert kedge("new", "tool", "Clean", "--type", "input", "--write").exit_code == 0


class TestOldVerbs:
    INIT = (
        *("sdk-workspace-init", "--package-name", "Large Numbers", "--tool-category", "In/Out", "--description", "Big"),
        *("--author", "Ada", "--company", "A Ltd", "--backend-language", "python"),
    )
    TOOL = (
        *(
            "create-ayx-plugin",
            "--tool-name",
            "A Test Tool",
            "--tool-type",
            "multiple-outputs",
            "--tool-version",
            "2.1",
        ),
        *("--description", "Tests", "--omit-ui", "--dcm-namespace", "acme", "--writes-output-data"),
    )

    def test_a_script_makes_a_workspace_and_a_tool(self) -> None:
        Path("README.md").write_text("mine")
        for command in (self.INIT, self.TOOL, ("generate-config-files",), ("generate-tests",), ("version",)):
            result = kedge(*command)
            assert result.exit_code == 0, result.output
        assert Path("README.md").read_text() == "mine"
        document = described()
        assert (document["name"], document["tool_category"], document["company"]) == (
            "Large Numbers",
            "In/Out",
            "A Ltd",
        )
        tool = described("ATestTool")
        assert (tool["long_name"], tool["version"], tool["dcm_namespace"]) == ("A Test Tool", "2.1", "acme")
        assert tool["writes_output_data"] is True
        assert Path("configuration/ATestTool_2_1/ATestTool_2_1Config.xml").is_file()
        assert Path("backend/ayx_plugins/a_test_tool.py").is_file()

    def test_without_a_type_it_has_one_input_and_one_output(self) -> None:
        kedge(*self.INIT)
        assert kedge("create-ayx-plugin", "--tool-name", "Clean", "--version", "1.1").exit_code == 0
        assert (list(described("Clean")["input_anchors"]), described("Clean")["version"]) == (["Input"], "1.1")

    def test_a_missing_name_lists_the_options(self) -> None:
        result = kedge("sdk-workspace-init")
        assert result.exit_code == 2
        assert "lacks --package-name" in result.stderr
        assert "[Python SDK Examples]" in result.stderr

    def test_another_language_is_refused(self) -> None:
        result = kedge(*self.INIT[:-1], "cpp")
        assert result.exit_code == 2
        assert "--backend-language is python, but 'cpp' was given" in result.stderr

    def test_configuration_files_follow_the_workspace(self) -> None:
        kedge(*self.INIT)
        kedge(*self.TOOL)
        assert kedge("generate-config-files").stdout == "all as ayx_workspace.json says\n"
        config = Path("configuration/ATestTool_2_1/ATestTool_2_1Config.xml")
        config.write_text("<AlteryxJavaScriptPlugin/>", encoding="utf-8")
        result = kedge("generate-config-files")
        assert result.exit_code == 1
        assert "left as it is, --write replaces it" in result.stderr
        assert kedge("generate-config-files", "--write").exit_code == 0
        assert "SdkEnginePlugin" in config.read_text(encoding="utf-8")

    def test_tests_are_written_for_a_tool_that_lacks_them(self) -> None:
        kedge(*self.INIT)
        kedge(*self.TOOL)
        tests = Path("backend/tests/test_a_test_tool.py")
        assert kedge("generate-tests").stdout == "every tool has tests already\n"
        tests.unlink()
        assert kedge("generate-tests", "--tool-name", "Other").exit_code == 2
        assert kedge("generate-tests", "--tool-name", "ATestTool").exit_code == 0
        assert "conformance" in tests.read_text(encoding="utf-8")

    @pytest.mark.usefixtures("forgotten")
    def test_a_form_is_made_for_a_tool_with_settings(self) -> None:
        kedge(*self.INIT)
        kedge(*self.TOOL)
        kedge("create-ayx-plugin", "--tool-name", "Plain")
        path = Path("backend/ayx_plugins/a_test_tool.py")
        code = path.read_text(encoding="utf-8").replace("class ATestTool(PluginV2):", SETTINGS)
        path.write_text(code, encoding="utf-8")
        result = kedge("generate-ui")
        assert result.exit_code == 0, result.output
        assert result.stderr == "Plain declares no settings, so it gets no form\n"
        assert "Limit" in Path("ui/ATestTool/index.html").read_text(encoding="utf-8")
        assert kedge("generate-ui", "--tool-name", "Plain").exit_code == 2

    def test_a_package_needs_a_tool(self) -> None:
        kedge(*self.INIT)
        for command in (["create-yxi", "--omit-ui"], ["designer-install", "--install-type", "user", "--omit-ui"]):
            result = kedge(*command)
            assert result.exit_code == 2
            assert "has no tool to package; kedge new tool NAME makes one" in result.stderr

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            (
                ["--install-type", "admin"],
                "--install-type is user, but 'admin' was given: kedge install FILE.yxi --into",
            ),
            ([], "lacks --yxi-path FILE.yxi"),
            (["--yxi-path", "no.yxi"], "no.yxi is not there"),
        ],
    )
    def test_a_package_is_installed_for_the_user_alone(self, options: list[str], error: str) -> None:
        result = kedge("install-yxi", *options)
        assert result.exit_code == 2
        assert error in result.stderr

    @pytest.mark.timeout(60)
    def test_the_tests_are_run_with_the_backend_on_the_path(self, capfd: pytest.CaptureFixture[str]) -> None:
        kedge(*self.INIT)
        kedge(*self.TOOL)
        Path("pyproject.toml").unlink()
        result = kedge("test", "-q", "-p", "no:cacheprovider", "-k", "announced", "backend/tests")
        assert result.exit_code == 0
        assert "2 passed" in capfd.readouterr().out
