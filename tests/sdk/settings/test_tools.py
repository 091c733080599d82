"""A tool with settings, by every way in which one is run."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

import kedge
from kedge.cli.app import app
from kedge.exceptions import SettingsError
from kedge.sdk.tool_config import config_from_xml
from kedge.testing import ToolHarness
from tests.sdk.settings.models import Rule, Upgraded
from tests.sdk.settings.tools import Saving, Typed, Untyped

ROWS = pa.table({"n": [1, 2]})
FIT = "the configuration does not fit the tool's settings: "
WRONG = f"{FIT}Configuration/Threshold is 'abc'; allowed: number, at least 0"


@pytest.fixture(params=[True, False], ids=["in process", "own process"])
def in_process(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class TestRunTool:
    def test_the_tool_has_the_model(self, in_process: bool) -> None:
        config = {"Threshold": "2", "Rule": {"Column": "n"}}
        result = kedge.run_tool(Typed, {"Input": ROWS}, config=config, in_process=in_process)
        assert [message.text for message in result.messages] == [f"2.0 {[Rule(Column='n')]!r}"]

    def test_a_configuration_that_does_not_fit_is_a_wrong_call(self, in_process: bool) -> None:
        with pytest.raises(SettingsError) as caught:
            kedge.run_tool(Typed, {"Input": ROWS}, config={"Threshold": "abc"}, in_process=in_process)
        assert str(caught.value) == WRONG

    def test_a_dict_is_of_the_present_version_and_a_document_is_of_its_own(self, in_process: bool) -> None:
        def threshold(config: object) -> str:
            result = kedge.run_tool(Saving, config=config, in_process=in_process)  # type: ignore[arg-type]
            return result.messages[0].text

        assert threshold({"Threshold": "0.5"}) == "0.5"
        assert threshold("<Configuration><Limit>50</Limit></Configuration>") == "0.5"
        assert threshold({"SettingsVersion": "2", "Threshold": "50"}) == "0.5"

    def test_an_exception_of_the_tool_is_not_a_wrong_call(self) -> None:
        result = kedge.run_tool(Untyped, {"Input": ROWS}, config={"Threshold": "abc"}, in_process=True)
        assert "the tool declares no settings" in result.errors[0]


class TestSaving:
    def test_the_model_goes_to_the_engine_and_is_the_new_settings(self) -> None:
        outcome = ToolHarness(Saving, config={"Threshold": "0.5"}).run()
        assert outcome.infos == ("0.5", "0.75", "SettingsVersion 3", "0.25")
        saved = [m.text for m in outcome.messages if m.kind is kedge.MessageType.UPDATE_CONFIG]
        assert [config_from_xml(xml) for xml in saved] == [
            {"SettingsVersion": "3", "Threshold": "0.75"},
            {"SettingsVersion": "3", "Threshold": "0.25"},
        ]

    def test_a_dict_that_does_not_fit_is_not_saved(self) -> None:
        outcome = ToolHarness(Saving, config={"Threshold": "-1"}).run()
        assert "Configuration/Threshold is 'low'" in outcome.errors[0]
        assert [m for m in outcome.messages if m.kind is kedge.MessageType.UPDATE_CONFIG] == []

    def test_a_model_of_another_class_is_refused(self) -> None:
        outcome = ToolHarness(Saving, config={"Threshold": "-2"}).run()
        assert "a value of type Rule cannot be written as XML" in outcome.errors[0]


class TestHarness:
    @pytest.mark.parametrize("process", [False, True])
    def test_what_is_wrong_is_an_error_of_the_outcome(self, process: bool) -> None:
        assert ToolHarness(Typed, config={"Threshold": "abc"}, process=process).run(Input=ROWS).errors == (WRONG,)

    def test_the_older_service_raises(self) -> None:
        with pytest.raises(SettingsError):
            kedge.SdkToolTestService(
                Typed, {"Input": None}, {"Output": None}, "<Configuration><Threshold>abc</Threshold></Configuration>"
            )


class TestCommand:
    tool = f"{Path(__file__).with_name('tools.py')}:Typed"

    def kedge(self, *arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": "120"}).invoke(app, ["tool", *arguments])

    @pytest.mark.parametrize("way", ["--in-process", "--start-timeout=30"])
    def test_a_wrong_setting_ends_with_the_code_of_a_wrong_call(self, way: str, tmp_path: Path) -> None:
        rows = tmp_path / "rows.csv"
        rows.write_text("n\n1\n")
        result = self.kedge("run", self.tool, "-i", f"Input={rows}", "-c", "Threshold=abc", way)
        assert result.exit_code == 2
        assert result.stderr == f"Typed: error: {WRONG}\n"

    def test_a_report_says_that_the_call_was_wrong(self, tmp_path: Path) -> None:
        report = tmp_path / "report.json"
        result = self.kedge(
            "run", self.tool, "--in-process", "--update-only", "-c", "Threshold=x", "--report", str(report)
        )
        assert result.exit_code == 2
        assert '"SettingsError"' in report.read_text()

    def test_inspect_shows_the_settings(self) -> None:
        result = self.kedge("inspect", self.tool)
        assert result.exit_code == 0, result.output
        assert "settings: TypedSettings\n" in result.stdout
        lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.stdout.splitlines() if "│" in line]
        assert ["Threshold", "number", "3.0", "at least 0", "rows below it go"] in lines
        assert ["Rule[]/Column", "text", "required", "", ""] in lines


def test_a_tool_without_settings_does_not_import_pydantic() -> None:
    source = Path(kedge.__file__).parents[1]
    code = f"""
import sys; sys.path.insert(0, {str(source)!r})
import kedge, pyarrow as pa
class Copy(kedge.PluginV2):
    def __init__(self, provider): self.provider = provider
    def on_record_batch(self, batch, anchor): self.provider.write_to_anchor("Output", batch)
    def on_incoming_connection_complete(self, anchor): ...
    def on_complete(self): self.provider.save_tool_config({{"A": "1"}})
assert kedge.run_tool(Copy, {{"Input": pa.table({{"n": [1]}})}}, in_process=True).ok
import kedge.service.server, kedge.testing
print("pydantic" in sys.modules)
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "False\n"


def test_upgrades_are_tested_as_functions() -> None:
    """As an author does it."""
    assert Upgraded.upgrades[0]({"Limit": "7"}) == {"Threshold": "7"}
