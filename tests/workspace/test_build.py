"""A package holds all that its tools need, is the same each time, and runs where no Kedge is."""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import kedge
from kedge.exceptions import KedgeError, UsageError
from kedge.host.results import ToolResult
from kedge.host.target import resolve_target
from kedge.host.tool_call import ToolCall
from kedge.workflow.workflow import Workflow
from kedge.workspace import launcher
from kedge.workspace.build import build_yxi
from kedge.workspace.built_for import built_for
from kedge.workspace.install import install_yxi, uninstall
from kedge.workspace.project import Workspace
from kedge.workspace.project_file import load_workspace
from tests.workspace.conftest import Built
from tests.workspace.packages import FLOW

HERE = built_for()


@pytest.fixture
def again(built: Built, tmp_path: Path) -> Iterator[Workspace]:
    """The workspace that was built, in another place, to be changed."""
    shutil.copytree(built.workspace.folder, tmp_path / "copy", ignore=shutil.ignore_patterns("build"))
    yield load_workspace(tmp_path / "copy")
    shutil.rmtree(tmp_path)


@pytest.fixture
def unpacked(built: Built, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where archives unpack themselves; all around it there are another Kedge and the sources, to be passed over."""
    folder = built.cache / "unpacked"
    monkeypatch.setenv("PYTHONPATH", str(Path(kedge.__file__).parents[1]))
    monkeypatch.chdir(built.workspace.backend)
    monkeypatch.setenv("SHIV_ROOT", str(folder))
    return folder


class TestContents:
    def test_the_members(self, built: Built) -> None:
        with zipfile.ZipFile(built.report.file) as package:
            assert package.namelist() == [
                "Config.xml",
                "Doubler_1_0/Doubler_1_0Config.xml",
                "Doubler_1_0/icon.png",
                "Doubler_1_0/main.pyz",
                "Doubler_1_0/manifest.json",
                "default_package_icon.png",
            ]
            manifest = json.loads(package.read("Doubler_1_0/manifest.json"))
            assert (manifest["version"], manifest["tool_name"]) == (HERE.python, "Doubler")

    def test_the_archive_holds_what_the_tool_needs_and_no_more(self, built: Built) -> None:
        """The command line's packages are not in it, nor tests, nor what Python compiled."""
        names = {size.name for size in built.report.packages}
        assert {"ayx_plugins", "defusedxml", "grpcio", "kedge", "protobuf", "pyarrow", "xmltodict"} <= names
        assert not {"typer", "rich", "click", "platformdirs", "duckdb", "tests"} & names
        with zipfile.ZipFile(built.report.file) as package, package.open("Doubler_1_0/main.pyz") as packed:
            members = zipfile.ZipFile(packed).namelist()
        assert not [name for name in members if name.endswith((".pyc", "direct_url.json", "INSTALLER", "/bin/"))]

    def test_it_is_smaller_than_what_is_installed(self, built: Built) -> None:
        sizes = built.report.packages
        assert sum(size.packed for size in sizes) < 1.2 * sum(size.unpacked for size in sizes)
        assert built.report.size < 1.2 * sum(size.unpacked for size in sizes)

    def test_no_path_of_this_machine_is_in_it(self, built: Built) -> None:
        with zipfile.ZipFile(built.report.file) as package, package.open("Doubler_1_0/main.pyz") as packed:
            archive = zipfile.ZipFile(packed)
            own = [archive.read(name) for name in archive.namelist() if "/pyarrow/" not in name]
        for trace in (str(built.workspace.folder), sys.prefix, str(Path(kedge.__file__).parent)):
            assert not [content for content in own if trace.encode() in content]

    def test_a_source_that_names_this_machine_is_remarked_on(self, again: Workspace, built: Built) -> None:
        (again.backend / "ayx_plugins" / "paths.py").write_text(f"HERE = {str(again.backend)!r}\n")
        notes = build_yxi(again, from_environment=True, cache=built.cache).notes
        assert [note for note in notes if "paths.py holds a path of this machine" in note]

    def test_an_import_that_nothing_brings_is_remarked_on(self, again: Workspace, built: Built) -> None:
        text = "import sys\nfrom typing import TYPE_CHECKING\nimport no_such.part\nif TYPE_CHECKING:\n    import mypy\n"
        (again.backend / "ayx_plugins" / "more.py").write_text(text)
        notes = build_yxi(again, from_environment=True, cache=built.cache).notes
        assert [
            note for note in notes if note.startswith("ayx_plugins/more.py:3 imports no_such, which no requirement")
        ]
        assert not [note for note in notes if "mypy" in note]


class TestReproducible:
    def test_the_same_workspace_elsewhere_gives_the_same_bytes(self, again: Workspace, built: Built) -> None:
        report = build_yxi(again, from_environment=True, cache=built.cache)
        assert report.reused
        assert report.file.read_bytes() == built.report.file.read_bytes()

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
    def test_times_and_modes_of_the_sources_do_not_matter(self, again: Workspace, built: Built) -> None:
        for path in again.backend.rglob("*.py"):
            path.chmod(0o600)
            os.utime(path, (0, 0))
        report = build_yxi(again, from_environment=True, cache=built.cache)
        assert report.file.read_bytes() == built.report.file.read_bytes()

    def test_a_changed_source_is_in_the_next_build(self, again: Workspace, built: Built) -> None:
        (again.backend / "ayx_plugins" / "more.py").write_text("NEW = 1\n")
        report = build_yxi(again, from_environment=True, cache=built.cache)
        with zipfile.ZipFile(report.file) as package, package.open("Doubler_1_0/main.pyz") as packed:
            assert zipfile.ZipFile(packed).read("site-packages/ayx_plugins/more.py") == b"NEW = 1\n"


class TestMainPyz:
    """Real processes of the archive."""

    @pytest.fixture
    def archive(self, built: Built, tmp_path: Path) -> Iterator[Path]:
        with zipfile.ZipFile(built.report.file) as package:
            yield Path(package.extract("Doubler_1_0/main.pyz", tmp_path))
        shutil.rmtree(tmp_path)

    def run(self, archive: Path) -> ToolResult:
        command = (sys.executable, str(archive), "start-sdk-tool-service", "ayx_plugins", "Doubler")
        rows: list[object] = []
        call = ToolCall(resolve_target(command), {"Input": _table()}, timeout=50)
        result = call.run(lambda _: _Rows(rows))
        assert rows == [{"n": 2}, {"n": 42}]
        return result

    def test_two_at_once_share_what_one_unpacks_for_the_user_alone(self, archive: Path, unpacked: Path) -> None:
        """Each runs with the Kedge and the tool of the archive, though PYTHONPATH and the workspace have others."""
        said: list[str] = []

        def run() -> None:
            said.append(self.run(archive).messages[0].text)

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (place,) = [item for item in unpacked.iterdir() if item.is_dir()]
        site = place / "site-packages"
        text = f"kedge from {site / 'kedge' / '__init__.py'}, tool from {site / 'ayx_plugins' / 'doubler.py'}"
        assert said == [text] * 2
        if sys.platform != "win32":
            assert stat.S_IMODE(unpacked.stat().st_mode) == 0o700

    def test_what_no_process_used_for_a_month_is_deleted(self, archive: Path, tmp_path: Path) -> None:
        for name in ("main.pyz_old", "main.pyz_new", "something"):
            (tmp_path / name).mkdir()
            os.utime(tmp_path / name, (1, 1) if name != "main.pyz_new" else None)
        launcher._forget_unused(tmp_path, before=1000)
        assert sorted(item.name for item in tmp_path.iterdir()) == ["Doubler_1_0", "main.pyz_new", "something"]

    def test_another_python_is_told_what_it_was_built_for(self, archive: Path) -> None:
        with zipfile.ZipFile(archive) as packed:
            members = {name: packed.read(name) for name in ("__main__.py", "_kedge_launcher.py", "kedge.json")}
        members["kedge.json"] = members["kedge.json"].replace(HERE.python.encode(), b"3.99")
        with zipfile.ZipFile(archive, "w") as other:
            for name, content in members.items():
                other.writestr(name, content)
        ended = subprocess.run([sys.executable, archive], capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert "was built for Python 3.99 on" in ended.stderr
        assert f"and this is Python {HERE.python} on" in ended.stderr

    def test_installed_it_runs_in_a_workflow_and_leaves_nothing(
        self, built: Built, unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KEDGE_TOOLS", str(tmp_path / "tools"))
        package = install_yxi(built.report.file)
        assert [(tool.name, tool.lacks) for tool in package.tools] == [("Doubler_1_0", "")]
        (tmp_path / "flow.yxmd").write_text(FLOW)
        workflow = Workflow.load(tmp_path / "flow.yxmd")
        assert workflow.check().ok
        report = workflow.run(taps=[(2, "Output")])
        report.raise_for_status()
        assert report.table(2, "Output")["n"].to_pylist() == [2, 42]
        assert list(launcher.unpack_root().iterdir())
        uninstall("Numbers")
        assert list(launcher.unpack_root().iterdir()) == []


def _table() -> object:
    return pa.table({"n": [1, 21]})


class _Rows:
    def __init__(self, rows: list[object]) -> None:
        self._rows = rows

    def announce(self, schema: object) -> None: ...
    def write(self, table: object) -> None:
        self._rows += table.to_pylist()  # type: ignore[attr-defined]

    def close(self) -> None: ...
    def abandon(self) -> None: ...


class TestRefusals:
    def refused(self, workspace: Workspace, built: Built, match: str) -> None:
        with pytest.raises(UsageError, match=match):
            build_yxi(workspace, from_environment=True, cache=built.cache)
        assert not (workspace.folder / "build" / "yxi" / "Numbers.yxi").exists()

    def need(self, workspace: Workspace, text: str) -> None:
        workspace.requirements_thirdparty.write_text(text)

    def test_a_missing_icon(self, again: Workspace, built: Built) -> None:
        again.paths(again.tools["Doubler"]).icon.unlink()
        self.refused(again, built, "the tool Doubler has no icon: .*icon.png is not there")

    def test_a_module_that_is_not_there(self, again: Workspace, built: Built) -> None:
        shutil.rmtree(again.backend / "ayx_plugins")
        (again.backend / "other.py").write_text("")
        self.refused(again, built, "the tool Doubler is ayx_plugins:Doubler, and .*backend has no module ayx_plugins")

    def test_a_module_that_is_no_python(self, again: Workspace, built: Built) -> None:
        (again.backend / "ayx_plugins" / "broken.py").write_text("def f(:\n")
        self.refused(again, built, r"broken\.py:1:\d+ is no Python")

    def test_a_module_with_the_name_of_a_requirement(self, again: Workspace, built: Built) -> None:
        (again.backend / "pyarrow.py").write_text("")
        self.refused(again, built, r"pyarrow has the name of a package that is in the archive; rename it")

    def test_a_manifest_that_is_no_json(self, again: Workspace, built: Built) -> None:
        again.paths(again.tools["Doubler"]).manifest.write_text("{")
        self.refused(again, built, r"manifest\.json is no JSON")

    def test_a_page_that_is_not_built(self, again: Workspace, built: Built) -> None:
        page = again.paths(again.tools["Doubler"]).ui
        page.mkdir(parents=True)
        (page / "package.json").write_text("{}")
        self.refused(again, built, "holds the sources of a page that is not built; first, .* npm run build")

    def test_requirements_that_are_not_installed_here_are_all_named(self, again: Workspace, built: Built) -> None:
        self.need(again, "no-such-package>=1\npyarrow<1\n")
        self.refused(
            again, built, r"(?s)no-such-package>=1 is not installed; the workspace needs it.*pyarrow .* is inst"
        )

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("pandas >= ", r"requirements-thirdparty\.txt:1: 'pandas >=' is no requirement"),
            ("# fine\n-r more.txt", r"requirements-thirdparty\.txt:2 includes .*more\.txt, which is not there"),
            ("-r requirements-thirdparty.txt", "includes itself"),
            ("kedge==99", r":1: kedge==99 is not the Kedge that builds"),
            ("./wheels/own.whl", r":1 needs .*own\.whl, which is not there"),
        ],
    )
    def test_a_line_that_is_no_requirement(self, again: Workspace, built: Built, text: str, says: str) -> None:
        self.need(again, text)
        self.refused(again, built, says)

    def test_the_other_sdk_is_left_out_and_said(self, again: Workspace, built: Built) -> None:
        self.need(again, "ayx-python-sdk==2.1.0\nkedge\n")
        notes = build_yxi(again, from_environment=True, cache=built.cache).notes
        assert notes[0].startswith("ayx-python-sdk==2.1.0 is left out: Kedge answers to its names")
        assert notes[1].startswith("kedge: the Kedge that builds is in the package")

    def test_requirements_that_conflict_show_the_resolvers_words(self, again: Workspace, built: Built) -> None:
        """Two versions of one package need no index to be found wrong."""
        self.need(again, "pandas<2\npandas>=2.2\n--no-index\n")
        with pytest.raises(UsageError, match=r"(?s)cannot be brought together:.*pandas<2 and pandas>=2\.2"):
            build_yxi(again, cache=built.cache)

    def test_an_index_that_is_not_reached_is_the_machinerys_fault(
        self, again: Workspace, built: Built, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        self.need(again, "--index-url http://127.0.0.1:9/simple\nno-such-package-of-kedge\n")
        with pytest.raises(KedgeError, match=r"could not be fetched; .*--from-environment") as error:
            build_yxi(again, cache=built.cache)
        assert not isinstance(error.value, UsageError)


class TestTargets:
    def test_this_python_needs_no_name(self) -> None:
        assert built_for() == built_for(HERE.python)
        assert built_for().is_here

    def test_a_system_brings_its_markers(self) -> None:
        target = built_for("3.10", "windows")
        assert (target.platform, target.triple) == ("win32", "x86_64-pc-windows-msvc")
        assert target.markers()["sys_platform"] == "win32"

    @pytest.mark.parametrize(("python", "platform"), [("2.7", ""), ("3", ""), ("3.9", ""), ("", "amiga")])
    def test_what_is_none_is_refused(self, python: str, platform: str) -> None:
        with pytest.raises(UsageError, match="write"):
            built_for(python, platform)

    def test_the_environment_serves_this_python_alone(self, built: Built) -> None:
        with pytest.raises(UsageError, match="--from-environment takes what is installed here"):
            build_yxi(built.workspace, target=built_for("3.10", "windows"), from_environment=True, cache=built.cache)
