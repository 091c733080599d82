"""``ayx_workspace.json``: read as it is, written with everything kept, and wrong in words."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kedge.exceptions import UsageError
from kedge.workspace.project import WORKSPACE_FILE, AnchorDescription, WorkspaceTool, find_workspace
from kedge.workspace.project_file import load_workspace, save_workspace

OLDER: dict[str, Any] = {
    "name": "Large Numbers",
    "tool_category": "In/Out",
    "package_icon_path": "configuration\\default_package_icon.png",
    "author": "A. Author",
    "company": "",
    "copyright": "2022",
    "description": "",
    "ayx_cli_version": "1.0.3",
    "backend_language": "python",
    "backend_language_settings": {
        "python_version": "3.8",
        "requirements_local_path": "tool_backends\\requirements-local.txt",
        "requirements_thirdparty_path": "tool_backends\\requirements-thirdparty.txt",
    },
    "tools": {
        "sample_tool": {
            "backend": {"tool_module": "ayx_plugins", "tool_class_name": "sample_tool"},
            "ui": {},
            "configuration": {
                "long_name": "sample_tool",
                "description": "",
                "version": "10.1",
                "search_tags": [],
                "icon_path": "configuration\\sample_tool\\icon.png",
                "input_anchors": {"Input": {"label": "in", "allow_multiple": False, "optional": True}},
                "output_anchors": {},
            },
        }
    },
    "tool_version": "1.0",
}


def write(folder: Path, document: object, **dump: Any) -> Path:
    file = folder / WORKSPACE_FILE
    file.write_text(document if isinstance(document, str) else json.dumps(document, **dump), encoding="utf-8")
    return file


def changed(path: str, value: object) -> dict[str, Any]:
    """The document with one value changed; removed where ``value`` is ``...``."""
    document: dict[str, Any] = json.loads(json.dumps(OLDER))
    *places, last = path.split(".")
    part = document
    for place in places:
        part = part[place]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return document


class TestReading:
    """Workspaces made by other means."""

    def test_an_older_workspace_is_read_as_it_is(self, tmp_path: Path) -> None:
        write(tmp_path, OLDER)
        workspace = load_workspace(tmp_path)
        tool = workspace.tool("sample_tool")
        assert (workspace.name, workspace.python_version, workspace.ayx_cli_version) == (
            "Large Numbers",
            "3.8",
            "1.0.3",
        )
        assert (tool.module, tool.class_name, tool.version) == ("ayx_plugins", "sample_tool", "10.1")
        assert tool.input_anchors == {"Input": AnchorDescription("in", optional=True)}
        assert (tool.help_url, tool.dcm_namespace, tool.writes_output_data) == ("", "", False)

    def test_a_tool_s_folder_is_that_of_its_icon(self, tmp_path: Path) -> None:
        write(tmp_path, OLDER)
        workspace = load_workspace(tmp_path / WORKSPACE_FILE)
        paths = workspace.paths(workspace.tool("sample_tool"))
        assert paths.icon == tmp_path / "configuration" / "sample_tool" / "icon.png"
        assert paths.config_file == tmp_path / "configuration" / "sample_tool" / "sample_toolConfig.xml"
        assert workspace.package_icon == tmp_path / "configuration" / "default_package_icon.png"

    def test_without_an_icon_the_folder_has_the_tool_s_name_and_version(self) -> None:
        assert WorkspaceTool("Clean", "ayx_plugins", "Clean", version="1.2").folder_name == "Clean_1_2"

    def test_requirements_are_in_the_backend_whatever_the_file_says(self, tmp_path: Path) -> None:
        write(tmp_path, OLDER)
        workspace = load_workspace(tmp_path)
        assert workspace.requirements_thirdparty == tmp_path / "tool_backends" / "requirements-thirdparty.txt"
        workspace.backend.mkdir()
        (workspace.backend / "requirements-thirdparty.txt").touch()
        assert workspace.requirements_thirdparty == tmp_path / "backend" / "requirements-thirdparty.txt"

    def test_the_nearest_workspace_above_a_path(self, tmp_path: Path) -> None:
        write(tmp_path, OLDER)
        inner = tmp_path / "backend" / "tests"
        inner.mkdir(parents=True)
        assert find_workspace(inner) == tmp_path
        assert find_workspace(tmp_path.parent) is None


class TestRefusals:
    """What is wrong, where, and what may stand there."""

    def test_no_workspace(self, tmp_path: Path) -> None:
        with pytest.raises(
            UsageError, match=r"is no workspace: it has no ayx_workspace.json; kedge new workspace NAME"
        ):
            load_workspace(tmp_path)

    def test_a_folder_inside_a_workspace_names_the_workspace(self, tmp_path: Path) -> None:
        write(tmp_path, OLDER)
        (tmp_path / "ui").mkdir()
        with pytest.raises(UsageError, match=rf"the workspace around it is {tmp_path}$"):
            load_workspace(tmp_path / "ui")

    def test_a_broken_file_has_a_line_and_a_column(self, tmp_path: Path) -> None:
        write(tmp_path, '{\n  "name": "x",\n  "tools": {,}\n}')
        with pytest.raises(UsageError, match=r"ayx_workspace.json, line 3, column 13: "):
            load_workspace(tmp_path)

    @pytest.mark.parametrize(
        ("path", "value", "message"),
        [
            ("name", ..., r"\$ lacks the key 'name' \(a text\); it has tool_category"),
            ("tools", ["NERD"], r"\$\.tools must be an object, but is a list"),
            ("author", 3, r"\$\.author must be a text, but is a number"),
            ("backend_language", "rust", r"\$\.backend_language must be 'python'.*'rust'"),
            ("tool_version", "one", r"\$\.tool_version: 'one' is no version: write one to four numbers"),
            ("package_icon_path", "..\\icon.png", r"\$\.package_icon_path: .* must be a path below the workspace"),
            ("backend_language_settings.requirements_local_path", "/etc/x", r"requirements_local_path: .* below the"),
            ("tools.sample_tool.backend", ..., r"\$\.tools\.sample_tool lacks the key 'backend' \(an object\)"),
            (
                "tools.sample_tool.backend.tool_class_name",
                "a b",
                r"tool_class_name: 'a b' is no name of a Python class",
            ),
            ("tools.sample_tool.backend.tool_module", "a-b", r"tool_module: 'a-b' is no name of a Python module"),
            ("tools.sample_tool.configuration.version", "v1", r"configuration\.version: 'v1' is no version"),
            ("tools.sample_tool.configuration.search_tags", [1], r"search_tags\[0\] must be a text, but is a number"),
            ("tools.sample_tool.configuration.output_anchors", ..., r"lacks the key 'output_anchors' \(an object\)"),
            (
                "tools.sample_tool.configuration.input_anchors",
                {"Input": {"optional": "no"}},
                r"input_anchors\.Input\.optional must be true or false, but is a text",
            ),
            ("tools.sample_tool.configuration.input_anchors", {"": {}}, r"input_anchors: an anchor must have a name"),
            ("tools.sample_tool.configuration.icon_path", "C:\\icon.png", r"icon_path: .* below the workspace"),
        ],
    )
    def test_a_wrong_value_has_a_path(self, tmp_path: Path, path: str, value: object, message: str) -> None:
        file = write(tmp_path, changed(path, value))
        with pytest.raises(UsageError, match=message) as caught:
            load_workspace(tmp_path)
        assert str(caught.value).startswith(f"{file}: ")

    def test_a_tool_that_is_not_there(self, tmp_path: Path) -> None:
        write(tmp_path, OLDER)
        with pytest.raises(UsageError, match=r"there is no tool 'Clean'; its tools: sample_tool$"):
            load_workspace(tmp_path).tool("Clean")

    @pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden"])
    def test_a_tool_that_no_folder_could_hold(self, tmp_path: Path, name: str) -> None:
        write(tmp_path, {**OLDER, "tools": {name: OLDER["tools"]["sample_tool"]}})
        with pytest.raises(UsageError, match="a tool's name must be one that a folder may have"):
            load_workspace(tmp_path)


class TestWriting:
    """Everything is kept."""

    def test_nothing_is_written_where_nothing_changed(self, tmp_path: Path) -> None:
        file = write(tmp_path, OLDER, indent=None)
        before = file.read_bytes()
        assert not save_workspace(load_workspace(tmp_path))
        assert file.read_bytes() == before

    def test_unknown_keys_their_order_and_the_indent_are_kept(self, tmp_path: Path) -> None:
        document = {"x-mine": [1], **changed("tools.sample_tool.configuration.shape", {"a": None})}
        write(tmp_path, document, indent="\t")
        workspace = load_workspace(tmp_path)
        assert save_workspace(replace(workspace, author="Ada"))
        text = (tmp_path / WORKSPACE_FILE).read_text(encoding="utf-8")
        assert text == json.dumps({**document, "author": "Ada"}, indent="\t") + "\n"

    def test_a_new_tool_has_every_key(self, tmp_path: Path) -> None:
        write(tmp_path, OLDER)
        workspace = load_workspace(tmp_path)
        tool = WorkspaceTool("Clean", "ayx_plugins", "Clean", input_anchors={"Input": AnchorDescription()})
        save_workspace(replace(workspace, tools={**workspace.tools, "Clean": tool}))
        written = json.loads((tmp_path / WORKSPACE_FILE).read_bytes())
        assert written["tools"]["sample_tool"] == OLDER["tools"]["sample_tool"]
        assert list(written["tools"]["Clean"]) == ["backend", "ui", "configuration"]
        assert written["tools"]["Clean"]["configuration"]["input_anchors"] == {
            "Input": {"label": "", "allow_multiple": False, "optional": False}
        }
        assert load_workspace(tmp_path).tool("Clean") == tool

    def test_a_value_that_an_older_file_lacks_is_only_written_when_it_says_something(self, tmp_path: Path) -> None:
        write(tmp_path, OLDER)
        workspace = load_workspace(tmp_path)
        tool = replace(workspace.tool("sample_tool"), dcm_namespace="acme")
        save_workspace(replace(workspace, tools={"sample_tool": tool}))
        described = json.loads((tmp_path / WORKSPACE_FILE).read_bytes())["tools"]["sample_tool"]["configuration"]
        assert described["dcm_namespace"] == "acme"
        assert "help_url" not in described
