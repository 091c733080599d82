"""The names of the other SDK are Kedge's objects."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import kedge
from kedge.compat.alias import AliasFinder, install, stubs_path
from kedge.compat.names import MODULES, ROOTS
from kedge.sdk.fields import FieldType
from kedge.sdk.plugin import PluginV2


def in_new_interpreter(code: str, *paths: Path) -> str:
    """What a fresh Python prints that runs ``code`` with ``paths`` and Kedge's source on its path."""
    source = Path(kedge.__file__).parents[1]
    search = [str(path) for path in (*paths, source)]
    preamble = f"import sys; sys.path[:0] = {search!r}\n"
    done = subprocess.run([sys.executable, "-c", preamble + code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class TestIdentity:
    """An object is the same under every name."""

    @pytest.mark.parametrize("root", ROOTS)
    def test_the_plugin_class_is_kedges(self, root: str) -> None:
        assert importlib.import_module(f"{root}.core").PluginV2 is PluginV2
        assert importlib.import_module(f"{root}.core.plugin_v2").PluginV2 is PluginV2

    def test_a_statement_as_tools_write_it(self) -> None:
        from ayx_python_sdk.core import FieldType as Imported
        from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2

        assert Imported is FieldType
        assert AMPProviderV2 is kedge.sdk.provider.AMPProviderV2

    def test_dots_lead_to_submodules_that_were_not_imported(self) -> None:
        import ayx_python_sdk

        assert ayx_python_sdk.core.exceptions.WorkflowRuntimeError is kedge.exceptions.WorkflowRuntimeError

    def test_a_name_that_is_a_function_and_a_module_stays_a_function(self) -> None:
        core = importlib.import_module("ayx_plugin_sdk.core")
        module = importlib.import_module("ayx_plugin_sdk.core.register_plugin")
        assert core.register_plugin is module.register_plugin
        assert core.register_plugin(PluginV2, "1.0") is PluginV2

    @pytest.mark.parametrize("root", ROOTS)
    @pytest.mark.parametrize("below", MODULES)
    def test_every_name_of_every_module_can_be_fetched(self, root: str, below: str) -> None:
        module = importlib.import_module(f"{root}.{below}".rstrip("."))
        for name in MODULES[below]:
            if where := MODULES[below][name]:
                if where.startswith("kedge.service"):
                    pytest.importorskip(where)
                assert getattr(module, name) is not None
                assert name in dir(module)

    def test_a_star_import_gives_what_tools_expect_of_it(self) -> None:
        names: dict[str, object] = {}
        exec("from ayx_python_sdk.core.utils import *", names)
        assert {"pa", "Field", "FieldType", "Dict", "datetime", "create_schema", "to_date"} <= set(names)
        assert names["pa"] is importlib.import_module("pyarrow")


class TestMissingNames:
    """A name that is not there says whether Kedge has an equivalent."""

    def message(self, statement: str) -> str:
        with pytest.raises(ImportError) as caught:
            exec(statement)
        return str(caught.value)

    def test_one_that_is_elsewhere_in_the_tree(self) -> None:
        assert "Kedge has it as ayx_python_sdk.core.PluginV2" in self.message(
            "from ayx_python_sdk.core.field import PluginV2"
        )

    def test_one_that_only_kedge_has(self) -> None:
        assert "Kedge has it as kedge.run_tool" in self.message("from ayx_python_sdk.core import run_tool")

    def test_one_that_is_misspelt(self) -> None:
        assert "did you mean PluginV2?" in self.message("from ayx_python_sdk.core.plugin_v2 import PlugInV2")

    def test_one_that_nobody_has(self) -> None:
        message = self.message("from ayx_python_sdk.core.constants import Whatever")
        assert "ayx_python_sdk.core.constants has no name 'Whatever': Kedge has no equivalent" in message
        assert "AWAIT_TIMEOUT" in message

    def test_a_module(self) -> None:
        assert "has no name 'widgets'" in self.message("import ayx_python_sdk.widgets.grid")

    def test_an_attribute_is_an_attribute_error(self) -> None:
        core = importlib.import_module("ayx_python_sdk.core")
        assert not hasattr(core, "Whatever")
        with pytest.raises(AttributeError, match="Kedge has no equivalent"):
            _ = core.Whatever


class TestInstall:
    """The finder stands in front of every other, once."""

    def test_twice_is_once(self) -> None:
        install()
        install()
        assert sum(isinstance(finder, AliasFinder) for finder in sys.meta_path) == 1
        assert isinstance(sys.meta_path[0], AliasFinder)

    def test_an_installed_distribution_is_passed_over(self, tmp_path: Path) -> None:
        package = tmp_path / "ayx_python_sdk" / "core"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").write_text("")
        (package / "__init__.py").write_text("class PluginV2: ...\n")
        code = """
import ayx_python_sdk.core
print(ayx_python_sdk.core.PluginV2.__module__)
from kedge.compat.alias import install
install()
from ayx_python_sdk.core import PluginV2
print(PluginV2.__module__)
"""
        assert in_new_interpreter(code, tmp_path).splitlines() == ["ayx_python_sdk.core", "kedge.sdk.plugin"]

    def test_nothing_is_loaded_before_a_name_is_asked_for(self) -> None:
        code = """
from kedge.compat.alias import install
install()
print(sorted(name for name in sys.modules if name.startswith("kedge.compat")))
"""
        assert in_new_interpreter(code) == "['kedge.compat', 'kedge.compat.alias', 'kedge.compat.names']"

    def test_plugins_and_providers_load_neither_grpc_nor_pandas(self) -> None:
        code = """
from kedge.compat.alias import install
install()
from ayx_python_sdk.core import Plugin, PluginV2, ProviderBase, RecordPacket
from ayx_python_sdk.core.utils import *
from ayx_python_sdk.providers.amp_provider import AMPProvider, AMPProviderV2
print({"grpc", "pandas", "google.protobuf"} & set(sys.modules))
"""
        assert in_new_interpreter(code) == "set()"

    def test_the_wheel_has_no_package_of_that_name(self) -> None:
        assert not [root for root in ROOTS if (Path(kedge.__file__).parents[1] / root).exists()]
        assert stubs_path().is_dir()
