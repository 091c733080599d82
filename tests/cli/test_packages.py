"""``kedge build``, ``install`` and ``uninstall``: what they print, and the codes with which they end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kedge.cli.app import app
from tests.workspace.packages import numbers_workspace, python_yxi

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with tools and cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEDGE_TOOLS", str(tmp_path / "tools"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


class TestInstall:
    def test_it_says_that_nothing_is_signed_and_what_is_there_now(self, folder: Path) -> None:
        python_yxi(folder / "a.yxi")
        result = run("install", "a.yxi")
        assert result.exit_code == 0, result.output
        assert result.stdout == "Numbers 1.0\n  Doubler\n"
        assert "a.yxi: this package is not signed, so nothing tells who made it" in result.stderr
        assert f"installed in {folder / 'tools' / 'Numbers'}" in result.stderr

    def test_a_second_time_is_a_wrong_call(self, folder: Path) -> None:
        python_yxi(folder / "a.yxi")
        run("install", "a.yxi")
        result = run("install", "a.yxi")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "write --replace" in result.stderr
        assert run("install", "a.yxi", "--replace").exit_code == 0

    def test_what_is_installed_is_listed_and_removed(self, folder: Path) -> None:
        python_yxi(folder / "a.yxi")
        run("install", "a.yxi", "--into", "mine")
        assert run("install", "--list", "--into", "mine").stdout == "Numbers 1.0\n  Doubler\n"
        assert run("uninstall", "numbers", "--into", "mine").exit_code == 0
        assert run("install", "--list", "--into", "mine").stdout == ""

    @pytest.mark.parametrize("arguments", [(), ("a.yxi", "--list")])
    def test_a_file_or_the_list(self, arguments: tuple[str, ...]) -> None:
        result = run("install", *arguments)
        assert result.exit_code == 2
        assert "name one FILE.yxi to install, or --list" in result.stderr


class TestBuild:
    def test_a_folder_that_is_no_workspace_is_a_wrong_call(self, folder: Path) -> None:
        result = run("build", str(folder))
        assert result.exit_code == 2
        assert "is no workspace" in result.stderr

    def test_requirements_that_conflict_end_with_2_and_the_resolvers_words(self, folder: Path) -> None:
        workspace = numbers_workspace(folder / "numbers")
        workspace.requirements_thirdparty.write_text("pandas<2\npandas>=2.2\n--no-index\n")
        result = run("build", "numbers")
        assert result.exit_code == 2, result.output
        assert "because you require pandas<2 and pandas>=2.2" in result.stderr.replace("Because", "because")
        assert not (folder / "numbers" / "build" / "yxi" / "Numbers.yxi").exists()

    def test_a_wheel_takes_no_option_of_an_archive(self, folder: Path) -> None:
        numbers_workspace(folder / "numbers")
        result = run("build", "numbers", "--wheel", "--from-environment")
        assert result.exit_code == 2
        assert "--wheel goes with -o alone" in result.stderr

    def test_a_wheel_is_built_from_anywhere_in_the_workspace(self, folder: Path) -> None:
        numbers_workspace(folder / "numbers")
        result = run("build", "numbers/backend", "--wheel")
        assert result.exit_code == 0, result.output
        assert "numbers-1.0-py3-none-any.whl: Doubler; " in result.stdout

    def test_a_build_without_uv_says_how_to_do_without(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        numbers_workspace(folder / "numbers")
        monkeypatch.setitem(sys.modules, "uv", None)
        result = run("build", "numbers")
        assert result.exit_code == 2
        assert "pip install uv; or take what is installed here, with --from-environment" in result.stderr
