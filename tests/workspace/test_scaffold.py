"""New workspaces and tools: what is made works as it stands, and a wrong name costs nothing."""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from kedge.exceptions import UsageError, WorkflowError
from kedge.workflow.custom_tools import find_custom_tool
from kedge.workspace import rendering
from kedge.workspace.project import Workspace
from kedge.workspace.project_file import load_workspace, save_workspace
from kedge.workspace.scaffold import PackageFacts, new_tests, new_tool, new_workspace
from kedge.workspace.tool_types import TOOL_TYPES, tool_type
from tests.conftest import ROOT

TOOLS = {
    "single-input-single-output": "Clean",
    "input": "Numbers",
    "output": "ToCsv",
    "multiple-inputs": "Known",
    "multiple-outputs": "Complete",
    "optional": "Counted",
    "multi-connection-input-anchor": "Stack",
}
APART = ("-p", "no:cacheprovider")
SLOW_CHECKS = "memory_slope or message_order or slow_reader"
BREAKS = {
    "clean": ("pc.utf8_trim_whitespace(batch[position])", "batch[position]"),
    "numbers": ("number * number for", "number + number for"),
    "to_csv": ("self.records += batch.num_rows", "self.records = batch.num_rows"),
    "known": ("self.keys_are_complete = True", "self.keys_are_complete = False"),
    "complete": ("pc.is_valid(column)", "pc.is_null(column)"),
    "counted": ("self.numbered += count", "self.numbered = count"),
    "stack": ("pa.repeat(anchor.connection,", "pa.repeat(anchor.name,"),
}
HEAVY_PACKAGES = ["kedge.workflow.*", "kedge.compat.v1.*", "kedge.compat.proxied_session", "pandas.*", "numpy.*"]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a tool of each type."""
    workspace = new_workspace(tmp_path_factory.mktemp("full") / "my-tools", PackageFacts("My tools"))
    for kind, name in TOOLS.items():
        workspace = new_tool(workspace, name, tool_type(kind)).workspace
    return workspace


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    """A workspace without tools."""
    return new_workspace(tmp_path / "tools", PackageFacts("Tools"))


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "MYPYPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestWhatIsMade:
    def test_every_type_has_a_scaffold(self) -> None:
        assert list(TOOLS) == list(TOOL_TYPES)

    def test_the_folders_are_those_of_a_workspace(self, full: Workspace) -> None:
        assert {
            "ayx_workspace.json",
            "backend/ayx_plugins/__init__.py",
            "backend/ayx_plugins/to_csv.py",
            "backend/tests/test_to_csv.py",
            "backend/requirements-local.txt",
            "backend/requirements-thirdparty.txt",
            "configuration/Config.xml",
            "configuration/default_package_icon.png",
            "configuration/ToCsv_1_0/ToCsv_1_0Config.xml",
            "configuration/ToCsv_1_0/icon.png",
            "configuration/ToCsv_1_0/manifest.json",
            "pyproject.toml",
            "README.md",
            ".gitignore",
            ".github/workflows/ci.yml",
        } <= {Path(name).as_posix() for name in snapshot(full.folder)}

    def test_the_file_has_the_keys_of_existing_workspaces(self, full: Workspace) -> None:
        document = json.loads(full.file.read_bytes())
        assert list(document) == [
            "name",
            "tool_category",
            "package_icon_path",
            "author",
            "company",
            "copyright",
            "description",
            "ayx_cli_version",
            "backend_language",
            "backend_language_settings",
            "tools",
            "tool_version",
        ]
        assert list(document["tools"]["Known"]["configuration"]) == [
            "long_name",
            "description",
            "version",
            "search_tags",
            "help_url",
            "icon_path",
            "input_anchors",
            "output_anchors",
            "dcm_namespace",
            "writes_output_data",
        ]
        assert document["tools"]["ToCsv"]["configuration"]["writes_output_data"] is True

    def test_what_was_saved_is_what_is_read(self, full: Workspace) -> None:
        assert load_workspace(full.folder) == full
        assert not save_workspace(full)

    @pytest.mark.parametrize("kind", TOOLS)
    def test_workflows_find_the_tool_with_its_anchors(self, full: Workspace, kind: str) -> None:
        found = find_custom_tool(f"{TOOLS[kind]}_1_0", [full.folder])
        assert found is not None
        wanted = TOOL_TYPES[kind]
        assert {(i.name, i.optional, i.multiple) for i in found.inputs} == {
            (name, anchor.optional, anchor.allow_multiple) for name, anchor in wanted.inputs.items()
        }
        assert found.outputs == tuple(wanted.outputs)

    def test_the_imports_of_the_package_are_in_order(self, full: Workspace) -> None:
        lines = (full.backend / "ayx_plugins" / "__init__.py").read_text(encoding="utf-8").splitlines()
        assert lines[2] == "from .clean import Clean as Clean"
        assert lines[2:] == sorted(lines[2:])

    def test_icons_are_pictures(self, full: Workspace) -> None:
        icon = full.paths(full.tool("Known")).icon.read_bytes()
        assert icon.startswith(b"\x89PNG\r\n\x1a\n")
        length = int.from_bytes(icon[33:37], "big")
        assert len(zlib.decompress(icon[41 : 41 + length])) == 96 * (1 + 4 * 96)

    def test_texts_that_are_special_elsewhere_are_only_texts(self, tmp_path: Path) -> None:
        title = 'A & B <"tools"> \\ """ {{ x }}'
        workspace = new_workspace(tmp_path / "w", PackageFacts(title, title, title, title, title))
        made = new_tool(workspace, "Clean", TOOL_TYPES["output"], long_name=title, description=title)
        assert load_workspace(workspace.folder).tool("Clean").description == title
        for config in (workspace.configuration / "Config.xml", made.workspace.paths(made.tool).config_file):
            assert ET.parse(config).getroot().findtext("Properties/MetaInfo/Name") == title
        assert title in (workspace.folder / "README.md").read_text(encoding="utf-8")
        compile((workspace.backend / "ayx_plugins" / "__init__.py").read_bytes(), "ayx_plugins", "exec")


@pytest.mark.timeout(120)
class TestTheCode:
    """By the settings that the workspace itself has."""

    def test_passes_ruff(self, full: Workspace) -> None:
        for arguments in (["check"], ["format", "--check"]):
            ended = python(full.folder, "ruff", *arguments, "--no-cache", ".")
            assert ended.returncode == 0, ended.stdout + ended.stderr

    def test_passes_mypy(self, full: Workspace, tmp_path: Path) -> None:
        """Where packages that have nothing to do with tools are passed over, which takes half the time."""
        settings = (full.folder / "pyproject.toml").read_text(encoding="utf-8")
        settings += f'\n[[tool.mypy.overrides]]\nmodule = {json.dumps(HEAVY_PACKAGES)}\nfollow_imports = "skip"\n'
        settings += '\n[[tool.mypy.overrides]]\nmodule = ["kedge.*"]\nignore_errors = true\n'
        (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
        config = ["--config-file", str(tmp_path / "pyproject.toml"), "--cache-dir", os.devnull]
        ended = python(full.folder, "mypy", *config)
        assert ended.returncode == 0, ended.stdout
        assert "no issues found in 15 source files" in ended.stdout

    def test_passes_its_tests(self, full: Workspace, tmp_path: Path) -> None:
        ended = python(full.folder, "pytest", "-q", "-k", f"not ({SLOW_CHECKS})", *APART, f"--basetemp={tmp_path}")
        assert ended.returncode == 0, ended.stdout
        assert re.search(r"\d{3} passed, \d+ skipped", ended.stdout)

    def test_fails_its_tests_when_it_is_broken(self, full: Workspace, tmp_path: Path) -> None:
        folder = shutil.copytree(full.folder, tmp_path / "broken")
        for module, (right, wrong) in BREAKS.items():
            path = folder / "backend" / "ayx_plugins" / f"{module}.py"
            code = path.read_text(encoding="utf-8")
            assert right in code
            path.write_text(code.replace(right, wrong), encoding="utf-8")
        ended = python(
            folder, "pytest", "-q", "-k", "not Conformance", "--tb=no", *APART, f"--basetemp={tmp_path / 'temp'}"
        )
        assert set(re.findall(r"^FAILED backend/tests/test_(\w+)\.py", ended.stdout, re.MULTILINE)) == set(BREAKS)


class TestRefusals:
    """Each says what to do, and leaves everything as it was."""

    def test_a_workspace_in_a_workspace(self, empty: Workspace) -> None:
        with pytest.raises(UsageError, match=rf"lies in the workspace {re.escape(str(empty.folder))}.*folder outside"):
            new_workspace(empty.folder / "backend" / "more", PackageFacts("More"))
        assert not (empty.folder / "backend" / "more").exists()

    def test_a_workspace_that_is_there(self, empty: Workspace) -> None:
        with pytest.raises(UsageError, match=r"is a workspace already: kedge new tool adds a tool to it"):
            new_workspace(empty.folder, PackageFacts("Again"), around=True)

    def test_a_folder_with_something_in_it(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").touch()
        with pytest.raises(UsageError, match=r"is not empty: choose another name, or kedge sdk-workspace-init in it"):
            new_workspace(tmp_path, PackageFacts("Tools"))

    def test_a_file_of_that_name(self, tmp_path: Path) -> None:
        (tmp_path / "tools").touch()
        with pytest.raises(UsageError, match=r"tools is a file: choose another name"):
            new_workspace(tmp_path / "tools", PackageFacts("Tools"))

    @pytest.mark.parametrize(
        ("facts", "message"),
        [
            (PackageFacts(" "), "the title is empty"),
            (PackageFacts("a\nb"), "the title must be one line"),
            (PackageFacts("a", author="\0"), "the author must be one line"),
        ],
    )
    def test_texts_that_are_none(self, tmp_path: Path, facts: PackageFacts, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            new_workspace(tmp_path / "tools", facts)
        assert not (tmp_path / "tools").exists()

    @pytest.mark.parametrize("name", ["Clean", "clean", "CLEAN"])
    def test_a_tool_whose_files_another_has(self, empty: Workspace, name: str) -> None:
        workspace = new_tool(empty, "Clean", TOOL_TYPES["input"]).workspace
        before = snapshot(workspace.folder)
        with pytest.raises(UsageError, match=r"has a tool Clean already.*: choose another name"):
            new_tool(workspace, name, TOOL_TYPES["output"])
        assert snapshot(workspace.folder) == before

    def test_a_file_in_the_way(self, empty: Workspace) -> None:
        mine = empty.backend / "ayx_plugins" / "clean.py"
        mine.write_text("mine")
        before = snapshot(empty.folder)
        with pytest.raises(UsageError, match=r"has backend.ayx_plugins.clean\.py already: move it away"):
            new_tool(empty, "Clean", TOOL_TYPES["input"])
        assert snapshot(empty.folder) == before

    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("A Tool", {}, "cannot be the name of a tool: write ATool"),
            ("Clean", {"version": "one"}, "'one' is no version"),
            ("Clean", {"description": "a\x1bb"}, "the description must be one line"),
        ],
    )
    def test_what_is_no_name_or_version(
        self, empty: Workspace, name: str, options: dict[str, str], message: str
    ) -> None:
        before = snapshot(empty.folder)
        with pytest.raises(UsageError, match=message):
            new_tool(empty, name, TOOL_TYPES["input"], **options)  # type: ignore[arg-type]
        assert snapshot(empty.folder) == before

    def test_a_type_that_is_none(self) -> None:
        with pytest.raises(UsageError, match="'filter' is no type of tool: write one of single-input-single-output, "):
            tool_type("filter")

    def test_a_tool_that_cannot_be_written_whole_is_not_written_at_all(self, empty: Workspace) -> None:
        before = snapshot(empty.folder)
        (empty.configuration / "Clean_1_0").write_text("a file where a folder should be")
        with pytest.raises(UsageError, match=r"Clean_1_0.* cannot be (made|written)"):
            new_tool(empty, "Clean", TOOL_TYPES["input"])
        (empty.configuration / "Clean_1_0").unlink()
        assert snapshot(empty.folder) == before


class TestWorkspacesOfOtherMakes:
    """A tool is only added on request, and the rest stays as it is."""

    @pytest.fixture
    def foreign(self, empty: Workspace) -> Workspace:
        save_workspace(replace(empty, ayx_cli_version="1.2.1"))
        document = {"x-team": "a", **json.loads(empty.file.read_bytes())}
        empty.file.write_text(json.dumps(document, indent="\t"), encoding="utf-8")
        (empty.backend / "ayx_plugins" / "__init__.py").write_bytes(b"from os import sep\r\nimport sys")
        return load_workspace(empty.folder)

    def test_nothing_is_written_without_being_told(self, foreign: Workspace) -> None:
        before = snapshot(foreign.folder)
        with pytest.raises(UsageError, match=r"was not made by Kedge: --write adds the tool to it and to .*__init__"):
            new_tool(foreign, "Clean", TOOL_TYPES["input"])
        assert snapshot(foreign.folder) == before

    def test_with_that_everything_else_stays(self, foreign: Workspace) -> None:
        before = json.loads(foreign.file.read_bytes())
        new_tool(foreign, "Clean", TOOL_TYPES["input"], write=True)
        text = foreign.file.read_text(encoding="utf-8")
        after = json.loads(text)
        assert text.startswith('{\n\t"x-team": "a",\n\t"name": "Tools",')
        assert {**after, "tools": {}} == before
        init = (foreign.backend / "ayx_plugins" / "__init__.py").read_bytes()
        assert init == b"from os import sep\r\nimport sys\r\n\r\nfrom .clean import Clean as Clean\r\n"

    def test_files_that_are_there_stay_when_a_workspace_is_made_around_them(self, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("mine")
        made = new_workspace(tmp_path, PackageFacts("Tools"), around=True)
        assert (tmp_path / "README.md").read_text() == "mine"
        assert made.file.is_file()


class TestTestsForToolsThatAreThere:
    def test_they_name_every_anchor(self, empty: Workspace) -> None:
        workspace = new_tool(empty, "Known", TOOL_TYPES["multiple-inputs"]).workspace
        path = workspace.backend / "tests" / "test_known.py"
        path.unlink()
        assert new_tests(workspace, workspace.tools.values()) == [path]
        assert 'sample={"Data": SAMPLE, "Keys": SAMPLE},\n    outputs=["Output"],' in path.read_text(encoding="utf-8")

    def test_tests_that_are_there_stay(self, full: Workspace) -> None:
        assert new_tests(full, full.tools.values()) == []


class TestWithoutJinja:
    @pytest.mark.usefixtures("no_jinja")
    def test_the_extra_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"pip install 'kedge\[workshop\]'"):
            new_workspace(tmp_path / "tools", PackageFacts("Tools"))

    @pytest.fixture
    def no_jinja(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "jinja2", None)
        monkeypatch.setattr(rendering, "_environment", rendering._environment.__wrapped__)


class TestWorkspacesThatAWorkflowCannotRead:
    """They are an error of the workflow, with the JSON path or the line."""

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('{"tools": ["NERD"]}', r"\$\.tools must be an object, but is a list"),
            ('{"tools": {"Clean": 3}}', r"\$\.tools\.Clean must be an object, but is a number"),
            ('{"tools": {"Clean": {"backend": []}}}', r"\$\.tools\.Clean\.backend must be an object, but is a list"),
            ('{"tools": }', r"line 1, column 11"),
        ],
    )
    def test_what_is_wrong_is_named(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "ayx_workspace.json").write_text(text, encoding="utf-8")
        with pytest.raises(WorkflowError, match=rf"ayx_workspace\.json.*{message}"):
            find_custom_tool("Clean_1_0", [tmp_path])
