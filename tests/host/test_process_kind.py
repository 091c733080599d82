"""Which processes are alike: those that differ in nothing that an interpreter takes from its start alone."""

from __future__ import annotations

import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from kedge.host.process_kind import ProcessKind, brings_its_own
from kedge.loading import ToolName
from tests.faults.processes import posix_only

if TYPE_CHECKING:
    from pathlib import Path


def kind(**environment: str) -> ProcessKind:
    return ProcessKind.of(sys.executable, environment)


class TestKind:
    def test_is_the_same_as_long_as_nothing_has_changed(self) -> None:
        assert kind() == kind()
        assert hash(kind()) == hash(kind())

    @pytest.mark.parametrize(
        "variable", ["PYTHONPATH", "LD_LIBRARY_PATH", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS", "LC_ALL", "TZ", "PATH"]
    )
    def test_is_another_with_a_variable_that_acts_at_the_start(
        self, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        before = kind()
        handed = kind(**{variable: "x"})
        monkeypatch.setenv(variable, "x")
        assert before != kind() != handed
        assert handed.variables == kind().variables

    @pytest.mark.parametrize("variable", ["API_KEY", "KEDGE_BUDGET", "KEDGE_LOG_DIR", "LANGUAGES", "MY_PYTHONPATH"])
    def test_is_the_same_with_one_that_can_be_set_later(self, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
        before = kind()
        assert kind(**{variable: "x"}) == before
        monkeypatch.setenv(variable, "x")
        assert kind() == before

    def test_is_another_in_another_folder_of_the_same_name(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        first, folder = tmp_path / "first", tmp_path / "folder"
        folder.mkdir()
        monkeypatch.chdir(folder)
        before = kind()
        folder.rename(first)
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert kind().folder[0] == before.folder[0]
        assert kind() != before

    def test_is_another_with_another_place_for_temporary_files(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        before = kind()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        assert kind() != before

    @posix_only
    def test_is_another_under_another_limit(self) -> None:
        import resource

        before, limits = kind(), resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, limits[1]) if limits[0] else (min(1, limits[1]), limits[1]))
        try:
            changed = kind()
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, limits)
        assert (changed == before) is (limits[1] == 0)
        assert kind() == before


class TestLibrariesOfATool:
    @pytest.mark.parametrize(("name", "is_one"), [("pyarrow.py", True), ("helper.py", False), ("json.py", False)])
    def test_beside_its_file_are_seen(self, tmp_path: Path, name: str, is_one: bool) -> None:
        (tmp_path / name).touch()
        assert brings_its_own(ToolName(str(tmp_path / "tool.py"), "Tool")) is is_one

    def test_in_the_working_folder_are_seen(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert not brings_its_own(ToolName("package", "Tool"))
        (tmp_path / "google").mkdir()
        assert brings_its_own(ToolName("package", "Tool"))
