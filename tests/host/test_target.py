"""Which process finds which class."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import kedge
from kedge.exceptions import UsageError

ROWS = pa.table({"n": [1, 2]})


class Outer:
    class Copy(kedge.PluginV2):
        def __init__(self, provider: kedge.AMPProviderV2) -> None:
            self.provider = provider

        def on_record_batch(self, batch: pa.Table, anchor: kedge.Anchor) -> None:
            self.provider.write_to_anchor("Output", batch)

        def on_incoming_connection_complete(self, anchor: kedge.Anchor) -> None: ...

        def on_complete(self) -> None: ...


def made_in_a_function() -> type[kedge.PluginV2]:
    class Local(Outer.Copy):
        pass

    return Local


class TestNestedClass:
    @pytest.mark.parametrize("tool", [Outer.Copy, made_in_a_function()])
    def test_runs_in_this_process(self, tool: type[kedge.PluginV2]) -> None:
        result = kedge.run_tool(tool, {"Input": ROWS}, in_process=True)
        assert result.ok, result.errors
        assert result.outputs["Output"].to_pydict() == {"n": [1, 2]}

    def test_has_no_process_to_run_in(self) -> None:
        with pytest.raises(UsageError, match=r"Outer\.Copy is not at the top of a module .* in_process=True"):
            kedge.run_tool(Outer.Copy, {"Input": ROWS})

    def test_an_abstract_one_is_refused_before_that(self) -> None:
        class Half(kedge.PluginV2):
            def on_complete(self) -> None: ...

        with pytest.raises(UsageError, match="Half is abstract: it lacks __init__, on_incoming"):
            kedge.run_tool(Half, in_process=True)


def test_a_class_typed_into_an_interpreter_runs_there() -> None:
    """It has no file, and its module is the interpreter itself."""
    source = Path(kedge.__file__).parents[1]
    code = f"""
import sys; sys.path.insert(0, {str(source)!r})
import kedge
class Source(kedge.PluginV2):
    def __init__(self, provider): self.provider = provider
    def on_record_batch(self, batch, anchor): ...
    def on_incoming_connection_complete(self, anchor): ...
    def on_complete(self): self.provider.io.info("here")
print(kedge.run_tool(Source, in_process=True).messages[0].text)
try:
    kedge.run_tool(Source)
except kedge.UsageError as error:
    print(error)
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[0] == "here"
    assert printed.splitlines()[1].startswith("Source is not at the top of a module")
