"""In a test run the names of the other SDK are Kedge's, whatever else has them."""

import os
import subprocess
import sys
from pathlib import Path

import kedge

CHECK = """
import kedge
from ayx_python_sdk.core import PluginV2
from ayx_plugin_sdk.core import Plugin
def test_names():
    assert PluginV2 is kedge.PluginV2
    assert Plugin is kedge.Plugin
"""
USED_BY_CONFTEST = "from ayx_python_sdk.core import FieldType\nassert FieldType.bool == 1\n"


def outcome(folder: Path, *options: str, installed: Path | None = None) -> str:
    """What pytest says of the tests of a folder, in a process of its own; ``installed`` is on its path."""
    search = [str(Path(kedge.__file__).parents[1]), *([str(installed)] if installed else [])]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "kedge.testing.pytest_plugin", *options, "."]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def distribution(folder: Path) -> Path:
    """An installed distribution of the other SDK's name, with classes of its own."""
    for root, name in (("ayx_python_sdk", "PluginV2"), ("ayx_plugin_sdk", "Plugin")):
        package = folder / root / "core"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").write_text("")
        (package / "__init__.py").write_text(f"class {name}: ...\n")
    return folder


def test_a_test_file_imports_them(tmp_path: Path) -> None:
    (tmp_path / "test_tool.py").write_text(CHECK)
    assert "1 passed" in outcome(tmp_path)


def test_a_conftest_imports_them(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(USED_BY_CONFTEST)
    (tmp_path / "test_tool.py").write_text(CHECK)
    assert "1 passed" in outcome(tmp_path)


def test_where_a_distribution_of_that_name_is_installed(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_tool.py").write_text(CHECK)
    installed = distribution(tmp_path / "site")
    assert "1 passed" in outcome(tests, installed=installed)


def test_where_it_was_imported_already(tmp_path: Path) -> None:
    """By another plugin, for instance, that comes first."""
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_tool.py").write_text(CHECK)
    installed = distribution(tmp_path / "site")
    (installed / "early_plugin.py").write_text("import ayx_python_sdk.core, ayx_plugin_sdk.core\n")
    assert "1 passed" in outcome(tests, "-p", "early_plugin", installed=installed)
