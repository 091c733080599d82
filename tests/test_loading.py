"""From the name of a tool to its class, and what is said where there is none."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kedge.exceptions import ToolStartError, UsageError
from kedge.loading import ToolName, load_tool, parse_tool_name

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOL = """
from kedge.sdk.plugin import PluginV2

class Clean(PluginV2):
    MARK = {mark!r}
    def __init__(self, provider): ...
    def on_record_batch(self, batch, anchor): ...
    def on_incoming_connection_complete(self, anchor): ...
    def on_complete(self): ...
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder; what is imported from it is forgotten afterwards."""
    before = dict(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    yield tmp_path
    for name in set(sys.modules).difference(before):
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    sys.modules.update(before)


def written(path: Path, text: str = "", mark: str = "", tool: bool = True) -> Path:
    """A file that begins with ``text`` and, unless told otherwise, goes on with a tool."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + (TOOL.format(mark=mark) if tool else ""), encoding="utf-8")
    return path


def load(package: Path | str, tool: str = "Clean") -> str:
    """Load a tool and return its mark."""
    loaded = load_tool(ToolName(str(package), tool))
    assert loaded.__name__ == tool
    return getattr(loaded, "MARK", "")


def refusal(package: Path | str, tool: str = "Clean") -> str:
    with pytest.raises(ToolStartError) as refused:
        load(package, tool)
    return str(refused.value)


class TestNames:
    @pytest.mark.parametrize(
        ("text", "package", "tool"),
        [
            ("tools:Clean", "tools", "Clean"),
            ("my_tools.clean:Clean", "my_tools.clean", "Clean"),
            ("my-tools:Clean", "my-tools", "Clean"),
            ("clean.py:Clean", "clean.py", "Clean"),
            ("a folder/clean.py:Clean", "a folder/clean.py", "Clean"),
            (r"C:\tools\clean.py:Clean", r"C:\tools\clean.py", "Clean"),
        ],
    )
    def test_are_a_package_or_a_file_and_a_class(self, text: str, package: str, tool: str) -> None:
        name = parse_tool_name(text)
        assert name == (package, tool)
        assert name.is_file == package.endswith(".py")

    @pytest.mark.parametrize(
        "text", ["", "tools", "tools:", ":Clean", "tools:not a name", "tools:1", "clean.py", r"C:\tools\clean.py"]
    )
    def test_that_lack_something_are_refused_with_the_form(self, text: str) -> None:
        with pytest.raises(UsageError, match=r"names no tool: write PACKAGE:TOOL or path/to/file\.py:Tool"):
            parse_tool_name(text)

    @pytest.mark.parametrize("text", ["folder/tools:Clean", r"folder\tools:Clean", "..tools:Clean", "a..b:Clean"])
    def test_that_cannot_be_imported_are_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match=r"is no importable name and no path of a \.py file"):
            parse_tool_name(text)


class TestFiles:
    def test_are_loaded_by_their_path(self, folder: Path) -> None:
        assert load(written(folder / "clean.py", mark="here")) == "here"

    def test_are_loaded_by_a_relative_path_and_know_their_own(self, folder: Path) -> None:
        written(folder / "sub" / "clean.py", "HERE = __file__\n")
        module = sys.modules[load_tool(ToolName("sub/clean.py", "Clean")).__module__]
        assert Path(module.HERE) == folder / "sub" / "clean.py"

    def test_may_lie_in_folders_with_spaces_and_have_any_name(self, folder: Path) -> None:
        for name in ("a clean tool.py", "01-clean.py", "clean.v2.py", "\N{SNOWMAN}.py", "class.py"):
            assert load(written(folder / "my tools" / name, mark=name)) == name

    def test_may_import_their_neighbours(self, folder: Path) -> None:
        written(folder / "neighbour_of_clean.py", "VALUE = 7", tool=False)
        load(written(folder / "clean.py", "from neighbour_of_clean import VALUE\n"))
        assert sys.modules["neighbour_of_clean"].VALUE == 7

    def test_that_are_not_there_are_named(self, folder: Path) -> None:
        assert refusal("absent/clean.py") == f"there is no file {Path('absent/clean.py')} to load the tool from"
        (folder / "folder.py").mkdir()
        assert refusal("folder.py") == "there is no file folder.py to load the tool from"

    def test_are_loaded_anew_each_time(self, folder: Path) -> None:
        file = written(folder / "clean.py", mark="first")
        assert load(file) == "first"
        assert load(written(file, mark="second edition")) == "second edition"

    def test_that_fail_the_second_time_leave_the_first_in_place(self, folder: Path) -> None:
        file = written(folder / "clean_twice.py", mark="first")
        load(file)
        module = sys.modules["clean_twice"]
        refusal(written(file, "1/0\n"))
        assert sys.modules["clean_twice"] is module

    def test_that_fail_leave_nothing(self, folder: Path) -> None:
        refusal(written(folder / "clean_never.py", "1/0\n"))
        assert "clean_never" not in sys.modules

    def test_of_one_name_in_two_folders_are_two(self, folder: Path) -> None:
        first, second = (written(folder / place / "clean.py", mark=place) for place in "ab")
        assert [load(first), load(second), load(first), load(second)] == ["a", "b", "a", "b"]
        tools = [load_tool(ToolName(str(file), "Clean")) for file in (first, second)]
        assert tools[0] is not tools[1]
        assert tools[0].__module__ != tools[1].__module__


class TestFilesNamedLikeModules:
    """A tool's file may be called as a module is that exists: neither takes the other's place."""

    def test_that_is_loaded_already(self, folder: Path) -> None:
        file = written(folder / "json.py", "import json\nBACK = json.loads('[1]')\n", mark="mine")
        assert load(file) == "mine"
        assert sys.modules["json"] is json

    def test_of_the_standard_library_that_is_not_loaded(self, folder: Path) -> None:
        sys.modules.pop("sched", None)
        file = written(folder / "sched.py", "import sched\nIMPORTED = sched.__file__\n", mark="mine")
        tool = load_tool(ToolName(str(file), "Clean"))
        assert Path(sys.modules[tool.__module__].IMPORTED).parent == Path(json.__file__).parents[1]
        assert sys.modules["sched"].__file__ == sys.modules[tool.__module__].IMPORTED

    def test_of_the_standard_library_of_another_system(self, folder: Path) -> None:
        name = "winreg" if sys.platform != "win32" else "termios"
        assert load(written(folder / f"{name}.py", mark="mine")) == "mine"
        assert name not in sys.modules

    def test_that_is_installed_and_not_loaded(self, folder: Path) -> None:
        installed = folder / "site-packages"
        written(installed / "some_library.py", "VALUE = 'library'", tool=False)
        sys.path.append(str(installed))
        file = written(folder / "tools" / "some_library.py", "import some_library\n", mark="mine")
        assert load(file) == "mine"
        assert sys.modules["some_library"].VALUE == "library"

    def test_neighbours_come_after_the_standard_library_and_before_what_is_installed(self, folder: Path) -> None:
        installed = folder / "site-packages"
        written(installed / "helper_of_tools.py", "VALUE = 'library'", tool=False)
        sys.path.append(str(installed))
        sys.modules.pop("sched", None)
        for name in ("helper_of_tools", "sched"):
            written(folder / "tools" / f"{name}.py", "VALUE = 'neighbour'", tool=False)
        text = "import helper_of_tools, sched\nVALUES = helper_of_tools.VALUE, hasattr(sched, 'VALUE')\n"
        tool = load_tool(ToolName(str(written(folder / "tools" / "clean.py", text)), "Clean"))
        assert sys.modules[tool.__module__].VALUES == ("neighbour", False)


class TestPackages:
    def test_are_found_in_the_working_folder(self, folder: Path) -> None:
        written(folder / "tools_here" / "__init__.py", mark="package")
        written(folder / "tools_here" / "deep.py", mark="module")
        assert [load("tools_here"), load("tools_here.deep")] == ["package", "module"]

    def test_that_were_written_a_moment_ago_are_found(self, folder: Path) -> None:
        """The import system remembers what a folder held."""
        before = folder.stat()
        assert refusal("new_tools").startswith("there is no package 'new_tools'")
        written(folder / "new_tools.py", mark="new")
        os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert load("new_tools") == "new"

    def test_that_are_not_there_are_named_with_the_places_searched(self, folder: Path) -> None:
        for package in ("absent_tools", "absent_tools.clean"):
            assert refusal(package) == (
                "there is no package 'absent_tools' to load the tool from; "
                f"it is looked for in {folder} and in this Python's environment ({sys.prefix})"
            )

    def test_of_a_workspace_are_found_from_anywhere_in_it(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        written(folder / "ayx_workspace.json", "{}", tool=False)
        written(folder / "backend" / "workspace_tools" / "__init__.py", mark="of the backend")
        (folder / "ui" / "Clean").mkdir(parents=True)
        monkeypatch.chdir(folder / "ui" / "Clean")
        assert load("workspace_tools") == "of the backend"
        assert f"{folder / 'ui' / 'Clean'}, {folder / 'backend'} and in this Python" in refusal("absent_tools")

    def test_whose_module_is_not_there_are_named_too(self, folder: Path) -> None:
        written(folder / "tools_there" / "__init__.py")
        assert refusal("tools_there.absent").startswith("there is no package 'tools_there.absent' to load")


class TestImportFailures:
    def test_a_dependency_that_is_missing_is_named_with_the_command(self, folder: Path) -> None:
        text = refusal(written(folder / "clean.py", "\nimport some_missing_library.part\n"))
        first, *rest = text.splitlines()
        assert first == (
            f"{folder / 'clean.py'} needs the package 'some_missing_library', which this Python has not: "
            f"install it ({sys.executable} -m pip install …)"
        )
        assert rest[:2] == [
            "Traceback (most recent call last):",
            f'  File "{folder / "clean.py"}", line 2, in <module>',
        ]

    def test_a_dependency_of_a_package_is_named(self, folder: Path) -> None:
        written(folder / "tools_lacking" / "__init__.py", "import some_missing_library\n")
        assert refusal("tools_lacking").startswith("tools_lacking needs the package 'some_missing_library', which")

    def test_a_module_that_the_package_itself_lacks_is_no_dependency(self, folder: Path) -> None:
        written(
            folder / "tools_torn" / "__init__.py", "from tools_torn import missing_part\nimport tools_torn.absent\n"
        )
        written(folder / "tools_torn" / "missing_part.py", tool=False)
        text = refusal("tools_torn")
        assert text.startswith("tools_torn imports 'tools_torn.absent', which is not there\n")
        assert "pip" not in text

    def test_a_name_that_a_dependency_lacks_is_told(self, folder: Path) -> None:
        text = refusal(written(folder / "clean.py", "from json import missing_name\n"))
        assert "failed while it was imported: ImportError: cannot import name 'missing_name' from 'json'" in text

    def test_an_exception_is_told_with_the_tools_frames_alone(self, folder: Path) -> None:
        helper = written(folder / "importlib_helper.py", "def fail():\n    raise ValueError('no')\n", tool=False)
        text = refusal(written(folder / "clean.py", "import importlib_helper\nimportlib_helper.fail()\n"))
        assert text.startswith(f"{folder / 'clean.py'} failed while it was imported: ValueError: no\nTraceback")
        files = [line.split('"')[1] for line in text.splitlines() if line.startswith("  File")]
        assert files == [str(folder / "clean.py"), str(helper)]

    def test_a_syntax_error_is_told_with_its_line(self, folder: Path) -> None:
        text = refusal(written(folder / "clean.py", "x = 1\ndef broken(:\n"))
        assert text.startswith(f"{folder / 'clean.py'} failed while it was imported: SyntaxError: ")
        assert f'File "{folder / "clean.py"}", line 2\n    def broken(:\n' in text

    def test_a_file_that_is_no_text_is_told(self, folder: Path) -> None:
        (folder / "clean.py").write_bytes(b"x = '\xff\xfe'\n")
        assert "failed while it was imported: SyntaxError: " in refusal(folder / "clean.py")

    @pytest.mark.parametrize(("call", "code"), [("sys.exit(3)", "3"), ("sys.exit()", "None"), ("exit('bye')", "'bye'")])
    def test_a_script_that_exits_is_told_as_such(self, folder: Path, call: str, code: str) -> None:
        text = refusal(written(folder / "clean.py", f"import sys\nfrom sys import exit\n{call}\n"))
        assert text.startswith(
            f"{folder / 'clean.py'} called sys.exit({code}) while it was imported; "
            'put what only a script does under if __name__ == "__main__"\n'
        )
        assert f'"{folder / "clean.py"}", line 3' in text

    @pytest.mark.parametrize("package", ["clean_interrupted.py", "clean_interrupted"])
    def test_an_interrupt_passes_through(self, folder: Path, package: str) -> None:
        written(folder / "clean_interrupted.py", "raise KeyboardInterrupt\n")
        with pytest.raises(KeyboardInterrupt):
            load(package)
        assert "clean_interrupted" not in sys.modules


class TestNoTool:
    def test_a_class_that_is_not_there_is_told_with_those_that_are(self, folder: Path) -> None:
        file = written(folder / "clean.py", "class Helper: ...\n")
        assert refusal(file, "Cleen") == (f"{file} has no class 'Cleen'; its tools are Clean (did you mean Clean?)")
        assert refusal(file, "Zzz") == f"{file} has no class 'Zzz'; its tools are Clean"

    def test_a_module_without_tools_is_told_to_have_none(self, folder: Path) -> None:
        file = written(folder / "clean.py", "from kedge.sdk.plugin import PluginV2\nx = 1\n", tool=False)
        assert refusal(file) == f"{file} has no class 'Clean'; it has no tool at all"

    @pytest.mark.parametrize(
        ("text", "kind"),
        [("class Clean: ...\n", "a class"), ("Clean = 3\n", "int"), ("def Clean(p): ...\n", "function")],
    )
    def test_what_is_no_tool_is_told_to_be_none(self, folder: Path, text: str, kind: str) -> None:
        file = written(folder / "clean.py", text, tool=False)
        assert refusal(file) == (
            f"'Clean' of {file} is {kind} that is no tool: a tool is a class derived from kedge.PluginV2"
        )

    def test_an_abstract_tool_is_told_with_the_methods_it_lacks(self, folder: Path) -> None:
        file = written(
            folder / "clean.py",
            "from kedge.sdk.plugin import PluginV2\nclass Clean(PluginV2):\n    def on_complete(self): ...\n",
            tool=False,
        )
        assert refusal(file) == (
            f"'Clean' of {file} is abstract: it lacks __init__, on_incoming_connection_complete, on_record_batch"
        )
        assert refusal(file, "PluginV2").startswith("'PluginV2' of ")
