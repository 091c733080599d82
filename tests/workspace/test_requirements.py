"""Requirement files are read as pip reads them, and Kedge's own needs are those of a tool process."""

from pathlib import Path

import pytest

from kedge.exceptions import UsageError
from kedge.workspace.project import Workspace
from kedge.workspace.requirements import Needs, kedge_needs, read_needs


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "backend" / "libs" / "own").mkdir(parents=True)
    return Workspace(tmp_path, "Numbers")


def read(workspace: Workspace, thirdparty: str, local: str = "") -> Needs:
    workspace.requirements_thirdparty.write_text(thirdparty)
    workspace.requirements_local.write_text(local)
    return read_needs(workspace, with_kedge=False)


def names(*extras: str, **environment: str) -> set[str]:
    return {needed.name for needed in kedge_needs(extras, environment)}


class TestKedge:
    def test_a_tool_process_needs_no_command_line(self) -> None:
        assert names() == {"defusedxml", "grpcio", "protobuf", "pyarrow", "xmltodict"}

    def test_an_extra_adds_what_it_names(self) -> None:
        assert names("v1") - names() == {"pandas"}

    def test_extras_are_those_of_the_requirement_files(self, workspace: Workspace) -> None:
        workspace.requirements_thirdparty.write_text("kedge[v1]")
        assert [text for text in read_needs(workspace).packages if text.startswith("pandas")]

    def test_an_extra_that_is_none_is_named_with_those_there_are(self, workspace: Workspace) -> None:
        with pytest.raises(UsageError, match=r"thirdparty\.txt:1: kedge has no extra 'v3'; it has .*v1"):
            read(workspace, "kedge[v3]")


class TestFiles:
    def test_what_a_line_says_is_told_apart(self, workspace: Workspace) -> None:
        text = (
            "# of all kinds\n\nrequests>=2 ; python_version > '3'  # for the web\nhumanize\\\n==4.0\n"
            "--index-url https://example.org/simple\nown @ https://example.org/own-1.0-py3-none-any.whl\nrequests>=2\n"
        )
        needs = read(workspace, text, "libs/own\n-e ./libs/own\n.\n")
        own = workspace.backend / "libs" / "own"
        assert needs == Needs(
            (
                "requests>=2 ; python_version > '3'",
                "humanize ==4.0",
                "own @ https://example.org/own-1.0-py3-none-any.whl",
                "requests>=2",
            ),
            (own,),
            ("--index-url https://example.org/simple",),
        )

    def test_a_file_stands_where_it_is_included(self, workspace: Workspace) -> None:
        (workspace.backend / "more.txt").write_text("b\n")
        assert read(workspace, "a\n-r more.txt\nc\n").packages == ("a", "b", "c")

    def test_files_that_are_not_there_need_nothing(self, workspace: Workspace) -> None:
        assert read_needs(workspace, with_kedge=False) == Needs()
