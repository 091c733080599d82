"""A wheel of a workspace is found by the Kedge of the environment that it is installed into."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import uv

import kedge
from kedge.exceptions import UsageError
from kedge.workspace.project import Workspace
from kedge.workspace.wheel import build_wheel
from tests.workspace.packages import FLOW, numbers_workspace

WHEEL = "numbers-1.0-py3-none-any.whl"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return numbers_workspace(tmp_path / "numbers")


class TestWheel:
    def test_it_names_its_tools_and_requirements_and_no_kedge(self, workspace: Workspace) -> None:
        workspace.requirements_thirdparty.write_text("kedge\nayx-python-sdk\npyyaml>=6 ; python_version > '3'\n")
        made = build_wheel(workspace)
        assert (made.file.name, made.tools) == (WHEEL, ("Doubler",))
        with zipfile.ZipFile(made.file) as wheel:
            points = wheel.read("numbers-1.0.dist-info/entry_points.txt").decode()
            metadata = wheel.read("numbers-1.0.dist-info/METADATA").decode()
            assert [name for name in wheel.namelist() if "dist-info" not in name] == [
                "ayx_plugins/__init__.py",
                "ayx_plugins/doubler.py",
            ]
        assert points.split() == ["[kedge.tools]", "Doubler_1_0", "=", "ayx_plugins:Doubler"]
        assert [line for line in metadata.splitlines() if line.startswith("Requires-Dist")] == [
            "Requires-Dist: pyyaml>=6; python_version > '3'"
        ]
        assert any("one wheel of that kind" in note for note in made.notes)

    def test_it_is_the_same_each_time(self, workspace: Workspace, tmp_path: Path) -> None:
        first, second = (build_wheel(workspace, tmp_path / name).file for name in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()

    def test_a_name_that_the_wheel_has_not_is_refused(self, workspace: Workspace, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=rf"this one's is {WHEEL}: write -o"):
            build_wheel(workspace, tmp_path / "mine.whl")

    def test_what_a_wheel_cannot_name_is_refused(self, workspace: Workspace) -> None:
        workspace.requirements_thirdparty.write_text("--index-url https://example.org\n")
        with pytest.raises(UsageError, match="a wheel can name packages as its requirements, and not '--index-url"):
            build_wheel(workspace)


class TestInstalled:
    def test_a_workflow_finds_the_tool_in_a_fresh_environment(self, workspace: Workspace, tmp_path: Path) -> None:
        """The environment gets the wheel and nothing else; Kedge and what it needs come from this one."""
        made = build_wheel(workspace, tmp_path)
        environment = tmp_path / "venv"
        uv_program = str(uv.find_uv_bin())
        offline = {**os.environ, "UV_NO_INDEX": "1", "UV_OFFLINE": "1"}
        offline.pop("PYTHONPATH", None)
        create = [uv_program, "venv", "-q", "--python", sys.executable, str(environment)]
        subprocess.run(create, check=True, env=offline)
        python = str(environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
        install = ["pip", "install", "-q", "--no-deps", "--no-index", "--python", python, str(made.file)]
        subprocess.run([uv_program, *install], check=True, env=offline)
        ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        site = Path(subprocess.run(ask, check=True, capture_output=True, text=True, env=offline).stdout.strip())
        lent = [Path(kedge.__file__).parents[1], sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        (site / "lent.pth").write_text("\n".join(map(str, lent)))
        (tmp_path / "flow.yxmd").write_text(FLOW)
        command = [python, "-m", "kedge.cli", "run", "flow.yxmd", "--tap", "2:Output=out.csv"]
        ended = subprocess.run(
            command,
            cwd=tmp_path,
            env={**offline, "KEDGE_TOOLS": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        assert (tmp_path / "out.csv").read_text().split() == ['"n"', "2", "42"]
