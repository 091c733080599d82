"""Type checkers know the other SDK's names by the stubs."""

import subprocess
import sys
from pathlib import Path

import kedge
from kedge.compat.alias import stubs_path
from kedge.compat.stub_files import stub_files

TOOL = """\
from typing import TYPE_CHECKING

from ayx_python_sdk.core import Anchor, FieldType, PluginV2
from ayx_python_sdk.core.exceptions import WorkflowRuntimeError
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2

if TYPE_CHECKING:
    import pyarrow as pa


class Tool(PluginV2):
    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        if provider.environment.tool_id < FieldType.bool:
            raise WorkflowRuntimeError("no")

    def on_record_batch(self, batch: "pa.Table", anchor: Anchor) -> None:
        self.provider.write_to_anchor(anchor.name, batch)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...
    def on_complete(self) -> None: ...
"""


def test_they_are_those_of_the_table() -> None:
    written = {path.relative_to(stubs_path()): path.read_text() for path in stubs_path().rglob("*.pyi")}
    assert written == {Path(path): text for path, text in stub_files().items()}, "python -m kedge.compat.stub_files"


def test_mypy_finds_kedges_types(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text(f"{TOOL}reveal_type(AMPProviderV2)\n")
    (tmp_path / "wrong.py").write_text("from ayx_plugin_sdk.core import Nope\n")
    settings = [
        "[mypy]",
        "strict = true",
        "follow_imports = silent",
        f"mypy_path = {Path(kedge.__file__).parents[1]},{stubs_path()}",
        "[mypy-pyarrow.*,pandas.*]",
        "follow_imports = skip",
        "ignore_missing_imports = true",
    ]
    (tmp_path / "mypy.ini").write_text("\n".join(settings))
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "tool.py", "wrong.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 'tool.py:22: note: Revealed type is "def (initialization: kedge.sdk.initialization.Init' in done.stdout
    assert 'wrong.py:1: error: Module "ayx_plugin_sdk.core" has no attribute "Nope"' in done.stdout
    assert "Found 1 error in 1 file" in done.stdout
