"""A run that is interrupted in the middle of a large query: in time, and without half files."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from kedge.workflow.workflow import Workflow

if TYPE_CHECKING:
    from pathlib import Path

COUNT = {
    "CreateField_Name": "r",
    "CreateField_Type": "Int64",
    "Expression_Init": "1",
    "Expression_Cond": "r < 300000000",
    "Expression_Loop": "r + 1",
}


def large(folder: Path) -> Path:
    """A small file first, then a sort of more than a moment."""
    flow = Workflow(path=folder / "large.yxmd")
    flow, text = flow.add("TextInput", '<Fields><Field name="n"/></Fields><Data><r><c>1</c></r></Data>')
    flow, small = flow.add("DbFileOutput", '<File FileFormat="0">small.csv</File>')
    flow, rows = flow.add("GenerateRows", COUNT)
    flow, ordered = flow.add("Sort", '<SortInfo locale="0"><Field field="r" order="Descending"/></SortInfo>')
    flow, output = flow.add("DbFileOutput", '<File FileFormat="0">large.parquet</File>')
    flow = flow.connect(text, "Output", small, "Input").connect(rows, "Output", ordered, "Input")
    flow.connect(ordered, "Output", output, "Input").save(flow.path)
    return flow.path


TOOL = """
from pathlib import Path

from kedge import PluginV2


class Carry(PluginV2):
    def __init__(self, provider):
        self.provider = provider

    def on_record_batch(self, batch, anchor):
        self.provider.write_to_anchor("Output", batch)
        Path(self.provider.tool_config["Touch"]).touch()

    def on_incoming_connection_complete(self, anchor): ...
    def on_complete(self): ...
"""


def through_a_tool(folder: Path) -> Path:
    """Many rows through a tool process into a file."""
    (folder / "tools.py").write_text(TOOL)
    flow, rows = Workflow(path=folder / "through.yxmd").add("GenerateRows", COUNT)
    flow, tool = flow.add("Carry", {"Touch": str(folder / "begun")}, EngineDll="SdkEnginePlugin.dll")
    flow, output = flow.add("DbFileOutput", '<File FileFormat="0">large.csv</File>')
    flow.connect(rows, "Output", tool, "Input").connect(tool, "Output", output, "Input").save(flow.path)
    return flow.path


@pytest.mark.skipif(sys.platform == "win32", reason="it is about POSIX signals")
class TestInterrupt:
    """``kedge run`` in a process of its own."""

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_ends_a_large_query_in_three_seconds(self, tmp_path: Path, number: int, code: int) -> None:
        command = [sys.executable, "-m", "kedge.cli", "run", str(large(tmp_path)), "--memory", "256"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            running = psutil.Process(process.pid)
            while not (tmp_path / "large.parquet.part").exists():
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            used = sum(running.cpu_times()[:2])
            while sum(running.cpu_times()[:2]) < used + 0.5:
                time.sleep(0.01)
            started = time.monotonic()
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=20)
        assert time.monotonic() - started < 3
        assert process.returncode == code
        assert "DbFileOutput (5): the run was cancelled" in stderr
        assert "small.csv: 1 records" in stdout
        assert sorted(path.name for path in tmp_path.iterdir()) == ["large.yxmd", "small.csv"]

    def test_ends_a_tool_in_the_middle_of_a_stream(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "kedge.cli", "run", str(through_a_tool(tmp_path)), "--memory", "256"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while not (tmp_path / "begun").exists():
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            children = psutil.Process(process.pid).children(recursive=True)
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=20)
        assert time.monotonic() - started < 3
        assert process.returncode == 130, stderr
        assert "DbFileOutput (3): the run was cancelled" in stderr
        assert children
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        assert not list(tmp_path.glob("large.csv*"))
