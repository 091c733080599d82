"""``SdkToolTestService`` behaves as tests of existing tools expect."""

from typing import Any

import pyarrow as pa
import pytest

from kedge.compat.testing import MAPPING, BatchTuple, SdkToolTestService
from kedge.exceptions import UsageError, WorkflowRuntimeError
from kedge.sdk.constants import Anchor
from kedge.sdk.plugin import PluginV2

INPUT = Anchor("Input", "1")
SCHEMA = pa.schema([("Value", pa.int64())])


class Recorder(PluginV2):
    """Passes records on, and says which callback runs."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self.received: list[object] = []
        provider.io.info("made with {}", *(f"{key}={value}" for key, value in provider.tool_config.items()))

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.received.append(batch)
        self.provider.write_to_anchor("Output", batch)
        self.provider.io.warn("batch")

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        self.provider.io.info(f"{anchor.name} {anchor.connection} complete")

    def on_complete(self) -> None:
        self.provider.io.error("complete")


def service(tool: type = Recorder, inputs: dict[str, pa.Schema | None] | None = None) -> SdkToolTestService:
    anchors = {"Input": SCHEMA} if inputs is None else inputs
    return SdkToolTestService(tool, anchors, {"Output": None}, "<Configuration><A>1</A></Configuration>")


class TestMessages:
    def test_those_of_the_construction(self) -> None:
        assert service().io_stream == ["INFO:made with A=1"]

    def test_each_call_has_its_own(self) -> None:
        made = service()
        made.run_on_record_batch(pa.table({"Value": [1]}), INPUT)
        assert made.io_stream == ["WARN:batch"]
        made.run_on_incoming_connection_complete(INPUT)
        assert made.io_stream == ["INFO:Input 1 complete"]
        assert made.data_streams == {}
        made.run_on_complete()
        assert made.io_stream == ["ERROR:complete"]

    def test_on_complete_alone_is_on_complete_alone(self) -> None:
        made = service()
        made.run_on_complete()
        assert made.io_stream == ["ERROR:complete"]
        assert made.data_streams == {}

    def test_the_kinds_have_names(self) -> None:
        assert SdkToolTestService.MAPPING == MAPPING == ["NONE", "INFO", "WARN", "ERROR", "FILEINPUT", "FILEOUTPUT"]


class TestRecords:
    def test_a_record_batch_is_handed_over_as_it_is(self) -> None:
        made = service()
        batch = pa.record_batch({"Value": [1, 2]})
        made.run_on_record_batch(batch, INPUT)
        assert made.plugin.received == [batch]
        assert made.plugin.received[0] is batch
        assert made.data_streams == {"Output": [batch]}

    def test_chunks_and_writes_of_one_call_come_back_as_one_batch(self) -> None:
        class Twice(Recorder):
            def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
                self.provider.write_to_anchor("Output", batch)
                self.provider.write_to_anchor("Output", batch)

        made = service(Twice)
        made.run_on_record_batch(pa.table({"Value": pa.chunked_array([range(20_000), range(10_000)])}), INPUT)
        (written,) = made.data_streams["Output"]
        assert written.num_rows == 60_000
        assert written.column("Value")[30_000].as_py() == 0

    def test_no_rows_are_a_batch_without_rows(self) -> None:
        made = service()
        made.run_on_record_batch(pa.table({"Value": pa.array([], pa.int64())}), INPUT)
        (written,) = made.data_streams["Output"]
        assert (written.num_rows, written.schema.names) == (0, ["Value"])

    def test_an_expectation_is_a_pair(self) -> None:
        expectation = BatchTuple(input_data=1, expected_output_data=2)
        assert expectation.expected_output_data == 2
        assert expectation == (1, 2)


class TestAnchors:
    def test_the_tool_sees_them_as_from_an_engine(self) -> None:
        plugin = service(inputs={"Input": SCHEMA, "Lookup": None}).plugin
        incoming = plugin.provider.incoming_anchors
        assert [field.name for field in incoming["Input"]["1"]["metadata"].fields] == ["Value"]
        assert list(incoming["Lookup"]["1"]["metadata"].fields) == []
        assert plugin.provider.outgoing_anchors["Output"]["num_connections"] == 1

    def test_a_tool_without_inputs(self) -> None:
        made = service(inputs={})
        assert made.plugin.provider.incoming_anchors == {}
        made.run_on_complete()
        assert made.io_stream == ["ERROR:complete"]

    def test_a_connection_that_is_not_there(self) -> None:
        with pytest.raises(UsageError, match=r"its connections are Anchor\('Input', '1'\)"):
            service().run_on_record_batch(pa.table({"Value": [1]}), Anchor("Input", "#1"))


class TestExceptions:
    class Broken(Recorder):
        def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
            self.provider.write_to_anchor("Output", batch)
            raise ValueError("no such thing")

    def test_leaves_the_call_and_is_a_message(self) -> None:
        made = service(self.Broken)
        with pytest.raises(ValueError, match="no such thing"):
            made.run_on_record_batch(pa.table({"Value": [1]}), INPUT)
        assert made.io_stream[0].startswith("ERROR:Broken.on_record_batch raised ValueError: no such thing")
        assert made.data_streams["Output"][0].num_rows == 1

    def test_ends_the_run(self) -> None:
        made = service(self.Broken)
        with pytest.raises(ValueError):
            made.run_on_record_batch(pa.table({"Value": [1]}), INPUT)
        with pytest.raises(UsageError, match="the run of Broken is over"):
            made.run_on_complete()

    def test_one_of_the_construction(self) -> None:
        class Unmakeable(Recorder):
            def __init__(self, provider: Any) -> None:
                raise WorkflowRuntimeError("a value is missing")

        with pytest.raises(WorkflowRuntimeError, match="a value is missing"):
            service(Unmakeable)


class TestRequests:
    def test_callbacks_run_within_the_call(self) -> None:
        class Polyglot(Recorder):
            def on_complete(self) -> None:
                io = self.provider.io
                io.translate_msg_use_callback("Hello {0}", ["you"], lambda answer: io.info(answer.translated_message))
                io.info(io.translate_msg("Bye {0}", "me"))

        made = service(Polyglot)
        made.run_on_complete()
        assert made.io_stream == ["INFO:Bye me", "INFO:Hello you"]

    def test_the_connection_manager_refuses(self) -> None:
        class Connected(Recorder):
            def on_complete(self) -> None:
                self.provider.dcm.get_connection("id", lambda answer: self.provider.io.warn(answer["message"]))

        made = service(Connected)
        made.run_on_complete()
        assert made.io_stream == ["WARN:the test service has no connection manager"]

    def test_a_saved_configuration_is_no_message(self) -> None:
        class Saving(Recorder):
            def on_complete(self) -> None:
                self.provider.save_tool_config({"A": "2"})

        made = service(Saving)
        made.run_on_complete()
        assert (made.io_stream, made.plugin.provider.tool_config) == ([], {"A": "2"})
