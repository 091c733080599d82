"""Which names there can be, and what to write instead of the others."""

import pytest

from kedge.exceptions import UsageError
from kedge.workspace.names import (
    check_tool_name,
    check_version,
    check_workspace_name,
    class_name_of,
    module_name_of,
)


class TestToolNames:
    @pytest.mark.parametrize("name", ["Clean", "LLMConnect", "sample_tool", "Http2Get", "X"])
    def test_names_of_classes_are_taken(self, name: str) -> None:
        assert check_tool_name(name) == name

    @pytest.mark.parametrize(
        ("name", "instead"),
        [
            ("A Test Tool", "write ATestTool"),
            ("clean-names", "write CleanNames"),
            ("2Fast", "write Fast"),
            ("Größe", "write Groe"),
            ("class", "write ClassTool"),
            ("Import", "write ImportTool"),
            ("None", "write NoneTool"),
            ("print", "write PrintTool"),
            ("Exception", "write ExceptionTool"),
            ("con", "write ConTool"),
            ("日本", "for example CleanNames"),
            ("123", "for example CleanNames"),
            ("", "for example CleanNames"),
            ("../Up", "write Up"),
            ("a" * 41, "has 41 letters: write one of 40 at most"),
        ],
    )
    def test_what_cannot_be_one_gets_a_proposal(self, name: str, instead: str) -> None:
        with pytest.raises(UsageError, match=r"cannot be the name of a tool") as refused:
            check_tool_name(name)
        assert instead in str(refused.value)
        if instead.startswith("write ") and not name.startswith("aa"):
            assert check_tool_name(instead.removeprefix("write "))

    @pytest.mark.parametrize(
        ("title", "name", "module"),
        [
            ("A Test Tool", "ATestTool", "a_test_tool"),
            ("LLM connect", "LLMConnect", "llm_connect"),
            ("Café crème", "CafeCreme", "cafe_creme"),
            ("Http2 get", "Http2Get", "http2_get"),
        ],
    )
    def test_a_title_is_a_class_in_a_module(self, title: str, name: str, module: str) -> None:
        assert (class_name_of(title), module_name_of(name)) == (name, module)


class TestWorkspaceNames:
    @pytest.mark.parametrize("name", ["my-tools", "tools_2", "2024"])
    def test_names_of_folders_are_taken(self, name: str) -> None:
        assert check_workspace_name(name) == name

    @pytest.mark.parametrize(
        ("name", "instead"),
        [
            ("My Tools", "for example my-tools; --title takes any text"),
            ("größe!", "for example groe;"),
            ("..", "--title takes any text"),
            ("", "--title takes any text"),
            ("-x", "for example x;"),
            ("nul", "--title takes any text"),
        ],
    )
    def test_others_get_a_proposal(self, name: str, instead: str) -> None:
        with pytest.raises(UsageError, match="cannot be the name of a workspace's folder") as refused:
            check_workspace_name(name)
        assert instead in str(refused.value)


class TestVersions:
    @pytest.mark.parametrize("text", ["1", "1.0", "10.1", "1.2.3.4"])
    def test_numbers_with_dots_are_versions(self, text: str) -> None:
        assert check_version(text) == text

    @pytest.mark.parametrize("text", ["", "one", "v1", "1.", "1.2.3.4.5", "1.0b1", "1 0", "١.٠", "-1"])
    def test_others_are_not(self, text: str) -> None:
        with pytest.raises(UsageError, match=r"is no version: write one to four numbers .* for example 1\.0"):
            check_version(text)
