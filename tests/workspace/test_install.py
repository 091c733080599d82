"""Packages are installed whole or not at all, found by workflows, replaced and removed."""

import os
import sys
from pathlib import Path

import pytest

from kedge.exceptions import UsageError
from kedge.workflow.tool_folders import tool_folder
from kedge.workflow.workflow import Workflow
from kedge.workspace.install import install_yxi, installed, uninstall
from tests.workspace.packages import DOUBLER, FLOW, TOOL_CONFIG, python_yxi, yxi


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's tool folder, which is not there yet."""
    monkeypatch.setenv("KEDGE_TOOLS", str(tmp_path / "user" / "tools"))
    return tmp_path / "user" / "tools"


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if item.name != ".lock")


class TestToolFolder:
    def test_the_environment_names_it(self, tools: Path) -> None:
        assert tool_folder() == tools

    def test_without_that_it_is_the_users(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("KEDGE_TOOLS")
        assert tool_folder().parts[-2:] == ("kedge", "tools")
        assert tool_folder().is_relative_to(Path.home())

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows gives a user's folders no mode")
    def test_only_the_user_can_open_it(self, tools: Path, tmp_path: Path) -> None:
        install_yxi(python_yxi(tmp_path / "a.yxi"))
        assert tools.stat().st_mode & 0o777 == 0o700
        assert (tools / "Numbers").stat().st_mode & 0o777 == 0o700


class TestInstall:
    def test_a_workflow_anywhere_finds_the_tool(self, tmp_path: Path) -> None:
        package = install_yxi(python_yxi(tmp_path / "a.yxi"))
        assert (str(package), [(tool.name, tool.lacks) for tool in package.tools]) == ("Numbers 1.0", [("Doubler", "")])
        flow = tmp_path / "elsewhere" / "flow.yxmd"
        flow.parent.mkdir()
        flow.write_text(FLOW)
        report = Workflow.load(flow).run(taps=[(2, "Output")])
        report.raise_for_status()
        assert report.table(2, "Output")["n"].to_pylist() == [2, 42]

    def test_a_tool_beside_the_workflow_comes_before_it(self, tmp_path: Path) -> None:
        install_yxi(python_yxi(tmp_path / "a.yxi"))
        (tmp_path / "Doubler.py").write_text(DOUBLER.replace('["n"].cast(pa.int64()), 2', '["n"].cast(pa.int64()), 3'))
        (tmp_path / "flow.yxmd").write_text(FLOW)
        report = Workflow.load(tmp_path / "flow.yxmd").run(taps=[(2, "Output")])
        assert report.table(2, "Output")["n"].to_pylist() == [3, 63]

    def test_of_two_versions_in_a_package_the_workflows_own_is_run(self, tmp_path: Path) -> None:
        config = TOOL_CONFIG.format("SdkEnginePlugin.dll", "SdkEnginePlugin")
        versions = {"Doubler_0_9": DOUBLER.replace("), 2)", "), 9)"), "Doubler_1_0": DOUBLER}
        members = {f"{name}__main_py": text for name, text in versions.items()}
        members |= {f"{name}__{name}Config_xml": config for name in versions}
        install_yxi(yxi(tmp_path / "a.yxi", **members))
        (tmp_path / "flow.yxmd").write_text(FLOW)
        report = Workflow.load(tmp_path / "flow.yxmd").run(taps=[(2, "Output")])
        assert report.table(2, "Output")["n"].to_pylist() == [2, 42]

    def test_another_folder_may_be_named(self, tmp_path: Path, tools: Path) -> None:
        package = install_yxi(python_yxi(tmp_path / "a.yxi"), tmp_path / "other")
        assert package.folder == tmp_path / "other" / "Numbers"
        assert [str(found) for found in installed(tmp_path / "other")] == ["Numbers 1.0"]
        assert not tools.exists()

    def test_a_package_that_is_there_is_not_written_over(self, tmp_path: Path, tools: Path) -> None:
        install_yxi(python_yxi(tmp_path / "a.yxi"))
        with pytest.raises(UsageError, match=r"Numbers 1.0 is installed already, in .*write --replace"):
            install_yxi(python_yxi(tmp_path / "b.yxi", "NUMBERS", "1.1"))
        assert [str(found) for found in installed()] == ["Numbers 1.0"]
        assert names(tools) == ["Numbers"]

    def test_it_is_replaced_where_that_is_asked_for(self, tmp_path: Path, tools: Path) -> None:
        install_yxi(yxi(tmp_path / "a.yxi", Doubler__main_py=DOUBLER, Doubler__Config_xml="<x/>", Doubler__old_py=""))
        install_yxi(python_yxi(tmp_path / "b.yxi", "numbers", "1.1"), replace=True)
        assert [str(found) for found in installed()] == ["numbers 1.1"]
        assert names(tools) == ["numbers"]
        assert names(tools / "numbers" / "Doubler") == ["DoublerConfig.xml", "main.py"]

    def test_a_tool_that_another_package_has_is_refused(self, tmp_path: Path, tools: Path) -> None:
        install_yxi(python_yxi(tmp_path / "a.yxi"))
        with pytest.raises(UsageError, match=r"the tool doubler_2_0 of Other 1.0 is there already, in .*Numbers 1.0"):
            install_yxi(python_yxi(tmp_path / "b.yxi", "Other", tool="doubler_2_0"))
        assert names(tools) == ["Numbers"]

    def test_what_a_killed_process_left_is_cleared_away(self, tmp_path: Path, tools: Path) -> None:
        (tools / ".arriving-x" / "Doubler").mkdir(parents=True)
        install_yxi(python_yxi(tmp_path / "a.yxi"))
        assert names(tools) == ["Numbers"]

    def test_a_name_that_no_folder_can_have_is_stored_under_another(self, tmp_path: Path, tools: Path) -> None:
        package = install_yxi(python_yxi(tmp_path / "a.yxi", "../../My: Tools"))
        assert (package.name, names(tools)) == ("../../My: Tools", ["My_Tools"])


class TestRefusals:
    @pytest.mark.parametrize("name", ["../evil", "/evil", "Doubler/nul"])
    def test_a_hostile_package_leaves_nothing(self, tmp_path: Path, tools: Path, name: str) -> None:
        with pytest.raises(UsageError, match="nothing was unpacked"):
            install_yxi(yxi(tmp_path / "a.yxi", **{name: "x"}))
        assert names(tools) == []
        assert names(tmp_path) == ["a.yxi", "user"]

    def test_a_package_without_config_says_what_is_missing(self, tmp_path: Path, tools: Path) -> None:
        file = yxi(tmp_path / "a.yxi")
        data = file.read_bytes().replace(b"Config.xml", b"Konfig.xml")
        file.write_bytes(data)
        with pytest.raises(
            UsageError, match=r"a\.yxi is no package of tools: it has no Config\.xml; zip the package's"
        ):
            install_yxi(file)
        assert names(tools) == []

    def test_a_config_that_is_no_xml_is_named(self, tmp_path: Path) -> None:
        file = yxi(tmp_path / "a.yxi", name="</Name>")
        with pytest.raises(UsageError, match=r"a\.yxi: Config\.xml: this is not well-formed XML"):
            install_yxi(file)

    def test_a_config_with_entities_is_refused(self, tmp_path: Path) -> None:
        file = yxi(
            tmp_path / "a.yxi", Doubler__main_py="", Doubler__Config_xml='<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
        )
        with pytest.raises(UsageError, match=r"Config\.xml: the XML declares entities"):
            install_yxi(file)

    def test_a_package_without_tools_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"holds no tool: none of its folders has a …Config\.xml"):
            install_yxi(yxi(tmp_path / "a.yxi", Macros__sum_yxmc="<x/>"))

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"none\.yxi is not there"):
            install_yxi(tmp_path / "none.yxi")

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes everywhere")
    def test_a_tool_folder_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(UsageError, match=r"the tool folder .* cannot be made"):
            install_yxi(python_yxi(tmp_path / "a.yxi"), tmp_path / "closed" / "tools")


class TestPackagesOfOthers:
    """They are read as far as that goes, and say what is missing."""

    def lacks(self, file: Path) -> str:
        return install_yxi(file).tools[0].lacks

    def test_an_archive_that_is_none(self, tmp_path: Path) -> None:
        config = TOOL_CONFIG.format("SdkEnginePlugin.dll", "SdkEnginePlugin")
        with_archive = yxi(tmp_path / "a.yxi", **{"Doubler__main.pyz": "no zip", "Doubler__Config_xml": config})
        assert "its main.pyz is no Python archive" in self.lacks(with_archive)

    def test_a_macro(self, tmp_path: Path) -> None:
        macro = '<a><EngineSettings EngineDll="Macro" EngineDllEntryPoint="x.yxmc"/></a>'
        assert "it is a macro" in self.lacks(yxi(tmp_path / "a.yxi", Doubler__Config_xml=macro))

    def test_a_library_of_machine_code(self, tmp_path: Path) -> None:
        config = TOOL_CONFIG.format("Doubler.dll", "Run")
        file = yxi(tmp_path / "a.yxi", Doubler__Config_xml=config)
        assert self.lacks(file) == "it has neither main.pyz nor Python files; it needs Doubler.dll"

    def test_a_tool_of_the_older_engine(self, tmp_path: Path) -> None:
        config = TOOL_CONFIG.format("Python", "DoublerEngine.py")
        file = yxi(tmp_path / "a.yxi", Doubler__DoublerEngine_py="class AyxPlugin: ...", Doubler__Config_xml=config)
        assert "it is written for the older Python engine SDK: kedge migrate" in self.lacks(file)

    def test_requirements_that_are_to_be_installed(self, tmp_path: Path) -> None:
        file = yxi(
            tmp_path / "a.yxi",
            Doubler__main_py=DOUBLER,
            Doubler__Config_xml="<a/>",
            **{"Doubler__requirements.txt": "pandas"},
        )
        assert "it needs packages in this Python's environment: pip install -r" in self.lacks(file)


class TestUninstall:
    def test_a_package_is_removed_by_its_name(self, tmp_path: Path, tools: Path) -> None:
        install_yxi(python_yxi(tmp_path / "a.yxi"))
        install_yxi(python_yxi(tmp_path / "b.yxi", "Other", tool="Tripler"))
        assert str(uninstall("NUMBERS")) == "Numbers 1.0"
        assert names(tools) == ["Other"]

    def test_an_unknown_one_is_named_with_those_there_are(self, tmp_path: Path) -> None:
        install_yxi(python_yxi(tmp_path / "a.yxi"))
        with pytest.raises(UsageError, match=r"no package 'None' is installed in .*; installed is Numbers"):
            uninstall("None")

    def test_nothing_is_installed_where_there_is_no_folder(self) -> None:
        assert installed() == []
