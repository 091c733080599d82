"""What ``check`` says of workflows with tools of authors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kedge.workflow.workflow import Workflow

if TYPE_CHECKING:
    from pathlib import Path

SDK2 = "SdkEnginePlugin.dll"
TOOLS = '''
import time
from pathlib import Path

import pyarrow as pa
from kedge import PluginV2

FOLDER = Path(__file__).parent


class Meets(PluginV2):
    """Is there once the other one is: each makes a file and waits for the other's."""

    input_anchors = ()
    output_anchors = ("Output",)

    def __init__(self, provider):
        own, other = (provider.tool_config[key] for key in ("Own", "Other"))
        provider.io.info(f"{own} is here")
        if own == "second":
            self.wait_for(other)
        (FOLDER / own).touch()
        if own == "first":
            self.wait_for(other)
        provider.push_outgoing_metadata("Output", pa.schema([(own, pa.int64())]))

    def wait_for(self, name):
        latest = time.monotonic() + 30
        while not (FOLDER / name).exists():
            if time.monotonic() > latest:
                raise TimeoutError(f"{name} was not started")
            time.sleep(0.01)

    def on_record_batch(self, batch, anchor): ...
    def on_incoming_connection_complete(self, anchor): ...
    def on_complete(self): ...


class Passes(Meets):
    """Announces what arrives, and one column more."""

    input_anchors = ("Input",)

    def __init__(self, provider):
        (arriving,) = (each["metadata"] for each in provider.incoming_anchors["Input"].values())
        names = [field.name for field in arriving.fields]
        provider.push_outgoing_metadata("Output", pa.schema([(name, pa.int64()) for name in [*names, "more"]]))


class Refuses(Meets):
    """Does not take its configuration."""

    def __init__(self, provider):
        provider.io.info("looked at it")
        provider.io.error("Threshold must be above 0")
'''


class TestCustomTools:
    """Their schemas come from update-only runs of real tool processes."""

    def test_that_do_not_wait_for_each_other_run_at_once(self, tmp_path: Path) -> None:
        (tmp_path / "tools.py").write_text(TOOLS)
        flow = Workflow(path=tmp_path / "flow.yxmd")
        flow, first = flow.add("Meets", {"Own": "first", "Other": "second"}, EngineDll=SDK2)
        flow, second = flow.add("Meets", {"Own": "second", "Other": "first"}, EngineDll=SDK2)
        flow, after = flow.add("Passes", "", EngineDll=SDK2)
        flow = flow.connect(first, "Output", after, "Input")
        found = flow.check()
        assert found.problems == ()
        assert [message.text for message in found.messages] == ["first is here", "second is here"]
        assert {key: schema.names for key, schema in found.schemas.items()} == {
            (first, "Output"): ["first"],
            (second, "Output"): ["second"],
            (after, "Output"): ["first", "more"],
        }

    def test_that_report_an_error_would_not_run(self, tmp_path: Path) -> None:
        (tmp_path / "tools.py").write_text(TOOLS)
        flow, tool = Workflow(path=tmp_path / "flow.yxmd").add("Refuses", "", EngineDll=SDK2)
        found = flow.check()
        assert [(problem.tool_id, problem.text) for problem in found.problems] == [(tool, "Threshold must be above 0")]
        assert [message.text for message in found.messages] == ["looked at it"]
        assert not found.ok
