"""What engines read of a workspace: made from its file, and other people's files left alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kedge.exceptions import UsageError
from kedge.tools.element import Element, parse_element
from kedge.workspace.config_files import package_config, refresh_config_files, tool_config, tool_manifest
from kedge.workspace.project import AnchorDescription, Workspace, WorkspaceTool

TOOL = WorkspaceTool(
    name="Clean",
    module="ayx_plugins",
    class_name="CleanNames",
    long_name="Clean & tidy",
    description="Cleans.",
    version="1.2",
    search_tags=("names", "text"),
    icon_path="configuration\\Clean_1_2\\tile.png",
    input_anchors={"Left": AnchorDescription("L", optional=True), "Right": AnchorDescription(allow_multiple=True)},
    output_anchors={"Output": AnchorDescription()},
    help_url="https://tools.example/clean",
    dcm_namespace="acme",
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(
        tmp_path,
        "My tools",
        tool_category="Text",
        author="Ada",
        company="A Ltd",
        copyright="2026",
        tools={"Clean": TOOL},
    )


def parsed(text: str) -> Element:
    return parse_element(text.encode(), "it")


class TestAToolsFile:
    def test_an_engine_is_told_how_to_serve_it(self, workspace: Workspace) -> None:
        root = parsed(tool_config(workspace, TOOL))
        assert root.tag == "AlteryxJavaScriptPlugin"
        settings = root.find("EngineSettings")
        assert settings is not None
        assert (settings.get("EngineDll"), settings.get("EngineDllEntryPoint")) == (
            "SdkEnginePlugin.dll",
            "SdkEnginePlugin",
        )
        version = root.find("SdkSettings/CustomParameters/ToolVersion")
        assert version is not None
        assert version.get("Value") == "1.2"

    def test_the_anchors_are_connections(self, workspace: Workspace) -> None:
        root = parsed(tool_config(workspace, TOOL))
        names = ("Name", "Label", "Optional", "AllowMultiple", "Type")
        inputs = [[c.get(name) for name in names] for c in root.all("GuiSettings/InputConnections/Connection")]
        assert inputs == [["Left", "L", "True", "False", "Connection"], ["Right", "", "False", "True", "Connection"]]
        assert [c.get("Name") for c in root.all("GuiSettings/OutputConnections/Connection")] == ["Output"]

    def test_users_are_told_of_it(self, workspace: Workspace) -> None:
        root = parsed(tool_config(workspace, TOOL))
        gui, meta = root.find("GuiSettings"), root.find("Properties/MetaInfo")
        assert gui is not None
        assert meta is not None
        assert (gui.get("Html"), gui.get("Icon"), gui.get("Help")) == ("index.html", "tile.png", TOOL.help_url)
        assert {child.tag: child.text for child in meta.children} == {
            "Name": "Clean & tidy",
            "RootToolName": "Clean & tidy",
            "Description": "Cleans.",
            "ToolVersion": "1.2",
            "DcmNamespace": "acme",
            "CategoryName": "Text",
            "SearchTags": "names, text",
            "Author": "Ada",
            "Company": "A Ltd",
            "Copyright": "2026",
        }

    def test_its_manifest_names_the_class(self, workspace: Workspace) -> None:
        assert json.loads(tool_manifest(workspace, TOOL)) == {
            "version": "3.10",
            "entry_point": "Clean_1_2\\main.pyz",
            "tool_package": "ayx_plugins",
            "tool_name": "CleanNames",
        }

    def test_the_package_has_one_too(self, workspace: Workspace) -> None:
        root = parsed(package_config(workspace))
        assert root.content("Properties/MetaInfo/Name") == "My tools"
        assert root.content("Properties/MetaInfo/Icon") == "default_package_icon.png"


class TestRefreshing:
    def test_what_is_missing_is_written_and_then_nothing(self, workspace: Workspace) -> None:
        written = refresh_config_files(workspace).written
        assert {path.name for path in written} == {"Config.xml", "Clean_1_2Config.xml", "manifest.json"}
        assert refresh_config_files(workspace) == ((), ())

    def test_a_change_in_the_workspace_reaches_them(self, workspace: Workspace) -> None:
        refresh_config_files(workspace)
        changed = replace(workspace, tools={"Clean": replace(TOOL, description="Cleans more.")})
        assert [path.name for path in refresh_config_files(changed).written] == ["Clean_1_2Config.xml"]
        assert "Cleans more." in workspace.paths(TOOL).config_file.read_text(encoding="utf-8")

    def test_another_layout_of_the_same_is_left(self, workspace: Workspace) -> None:
        refresh_config_files(workspace)
        path = workspace.configuration / "Config.xml"
        path.write_text(path.read_text(encoding="utf-8").replace("  <", "\t<").replace("<!--", "<!-- mine: "), "utf-8")
        assert refresh_config_files(workspace) == ((), ())

    @pytest.mark.parametrize(
        ("comment", "generated"),
        [("mine", False), ("FILE AUTOMATICALLY GENERATED BY AYX_CLI. DO NOT MODIFY.", True)],
    )
    def test_one_that_nobody_generated_is_only_replaced_on_request(
        self, workspace: Workspace, comment: str, generated: bool
    ) -> None:
        refresh_config_files(workspace)
        path = workspace.configuration / "Config.xml"
        path.write_text(f"<!--{comment}--><AlteryxJavaScriptPlugin/>", encoding="utf-8")
        before = path.read_bytes()
        assert refresh_config_files(workspace).left == (() if generated else (path,))
        assert (path.read_bytes() == before) is not generated
        refresh_config_files(workspace, write=True)
        assert path.read_text(encoding="utf-8") == package_config(workspace)

    def test_a_file_where_a_folder_should_be_is_named(self, workspace: Workspace) -> None:
        workspace.configuration.write_text("")
        with pytest.raises(UsageError, match=r"configuration.* cannot be written"):
            refresh_config_files(workspace)
