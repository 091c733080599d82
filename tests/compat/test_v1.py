"""A V1 tool runs as it did, over the lifecycle of V2."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

import kedge
from kedge.compat.bases import InputConnectionStatus
from kedge.compat.testing import SdkToolTestService
from kedge.compat.v1 import Plugin, RecordPacket, adapt
from kedge.exceptions import AnchorNotFoundException, DcmEException, ToolStartError, UsageError
from kedge.loading import load_tool, parse_tool_name, tool_class
from kedge.sdk.anchors import InputAnchor
from kedge.sdk.constants import Anchor
from kedge.sdk.fields import FieldType, Metadata
from kedge.sdk.plugin import PluginV2

INPUT = Anchor("Input", "1")
SCHEMA = pa.schema([("Value", pa.int64())])
CONFIG = "<Configuration><Factor>2</Factor></Configuration>"


class Quiet(Plugin):
    """Says nothing and does nothing."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self.output = provider.get_output_anchor("Output")

    def on_input_connection_opened(self, input_connection: Any) -> None: ...

    def on_record_packet(self, input_connection: Any) -> None: ...

    def on_complete(self) -> None: ...


class PassOn(Quiet):
    """Hands packets on as they are, and remembers how large they were."""

    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        self.rows: list[int] = []

    def on_input_connection_opened(self, input_connection: Any) -> None:
        self.output.open(input_connection.metadata)

    def on_record_packet(self, input_connection: Any) -> None:
        packet = input_connection.read()
        self.rows.append(len(packet.to_dataframe()))
        self.output.write(packet)


def service(tool: type[Plugin], schema: pa.Schema | None = SCHEMA, inputs: bool = True) -> SdkToolTestService:
    return SdkToolTestService(tool, {"Input": schema} if inputs else {}, {"Output": None}, CONFIG)


def values(*numbers: int | None) -> pa.Table:
    return pa.table({"Value": pa.array(numbers, pa.int64())})


def completing(action: Callable[[Any], object]) -> type[Quiet]:
    """A tool that does one thing, when it completes."""

    class Doing(Quiet):
        def on_complete(self) -> None:
            action(self)

    return Doing


class Diary(Quiet):
    """Says which callback runs."""

    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        provider.io.info("made")

    def on_input_connection_opened(self, input_connection: Any) -> None:
        names = [field.name for field in input_connection.metadata or ()]
        self.provider.io.info(f"opened {input_connection.name} {names}")

    def on_record_packet(self, input_connection: Any) -> None:
        self.provider.io.info(f"packet of {len(input_connection.read().to_dataframe())}")

    def on_complete(self) -> None:
        self.provider.io.info("complete")


class TestRun:
    """Which callback comes when."""

    def test_a_connection_opens_with_the_construction_where_its_fields_are_known(self) -> None:
        made = service(Diary)
        assert made.io_stream == ["INFO:made", "INFO:opened 1 ['Value']"]
        made.run_on_record_batch(values(1, 2), INPUT)
        assert made.io_stream == ["INFO:packet of 2"]
        made.run_on_incoming_connection_complete(INPUT)
        assert made.io_stream == []
        made.run_on_complete()
        assert made.io_stream == ["INFO:complete"]

    def test_it_opens_with_the_first_records_where_they_are_not(self) -> None:
        made = service(Diary, schema=None)
        assert made.io_stream == ["INFO:made"]
        made.run_on_record_batch(values(1), INPUT)
        assert made.io_stream == ["INFO:opened 1 ['Value']", "INFO:packet of 1"]

    def test_it_opens_with_its_end_where_no_record_came(self) -> None:
        made = service(Diary, schema=None)
        made.run_on_incoming_connection_complete(INPUT)
        assert made.io_stream == ["INFO:opened 1 []"]

    def test_a_batch_without_rows_is_no_packet(self) -> None:
        made = service(Diary)
        made.run_on_record_batch(values(), INPUT)
        assert made.io_stream == []

    def test_an_update_only_run_opens_connections_and_nothing_else(self) -> None:
        result = kedge.run_tool(Diary, {"Input": values(1)}, update_only=True, in_process=True)
        assert [message.text for message in result.messages] == ["made", "opened #1 ['Value']"]


class TestPackets:
    def test_packets_have_at_most_the_rows_that_the_tool_wants(self) -> None:
        class Small(PassOn):
            def on_input_connection_opened(self, input_connection: Any) -> None:
                super().on_input_connection_opened(input_connection)
                input_connection.max_packet_size = 2

        made = service(Small)
        made.run_on_record_batch(values(1, 2, 3, 4, 5), INPUT)
        made.run_on_record_batch(values(6), INPUT)
        assert made.plugin.rows == [2, 2, 1, 1]

    @pytest.mark.parametrize("size", [0, -1, "2"])
    def test_a_size_is_a_number_of_rows(self, size: object) -> None:
        class Wrong(Quiet):
            def on_input_connection_opened(self, input_connection: Any) -> None:
                input_connection.max_packet_size = size

        with pytest.raises(UsageError, match="max_packet_size is a number of rows"):
            service(Wrong)

    def test_what_is_not_read_waits(self) -> None:
        class Late(PassOn):
            def on_record_packet(self, input_connection: Any) -> None: ...

            def on_complete(self) -> None:
                (connection,) = self.provider.get_input_anchor("Input").connections
                PassOn.on_record_packet(self, connection)
                PassOn.on_record_packet(self, connection)

        made = service(Late)
        made.run_on_record_batch(values(1, 2), INPUT)
        made.run_on_record_batch(values(3), INPUT)
        made.run_on_complete()
        assert made.plugin.rows == [2, 1]
        assert made.data_streams["Output"][0].column("Value").to_pylist() == [1, 2, 3]

    def test_what_is_never_read_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        made = service(Quiet)
        made.run_on_record_batch(values(1, 2), INPUT)
        made.run_on_incoming_connection_complete(INPUT)
        made.run_on_complete()
        assert "did not read all of its input: <AMPInputConnection '1' of 'Input', CLOSED, 2 rows unread>" in (
            caplog.text
        )

    def test_reading_when_there_is_nothing(self) -> None:
        class Greedy(PassOn):
            def on_record_packet(self, input_connection: Any) -> None:
                input_connection.read()
                input_connection.read()

        with pytest.raises(UsageError, match="connection '1' of anchor 'Input' has nothing to read now"):
            service(Greedy).run_on_record_batch(values(1), INPUT)

    def test_changes_of_the_frame_are_what_is_written(self) -> None:
        class InPlace(PassOn):
            def on_record_packet(self, input_connection: Any) -> None:
                packet = input_connection.read()
                frame = packet.to_dataframe()
                frame["Value"] = frame["Value"] + 1
                self.output.write(packet)

        made = service(InPlace)
        made.run_on_record_batch(values(1, None), INPUT)
        assert made.data_streams["Output"][0].column("Value").to_pylist() == [2, None]

    def test_a_packet_that_is_only_handed_on_is_not_converted(self) -> None:
        class Untouched(PassOn):
            def on_record_packet(self, input_connection: Any) -> None:
                self.output.write(input_connection.read())

        made = service(Untouched, pa.schema([("Value", pa.float64())]))
        made.run_on_record_batch(pa.table({"Value": [float("nan"), None]}), INPUT)
        assert str(made.data_streams["Output"][0].column("Value").to_pylist()) == "[nan, None]"


class TestConnections:
    def test_anchors_and_connections_describe_themselves(self) -> None:
        made = service(PassOn)
        anchor = made.plugin.provider.get_input_anchor("Input")
        (connection,) = anchor.connections
        assert (anchor.name, anchor.allow_multiple, anchor.optional) == ("Input", False, False)
        assert (connection.name, connection.anchor, connection.max_packet_size) == ("1", anchor, None)
        assert connection.metadata == Metadata(list(connection.metadata))
        assert (connection.status, connection.progress) == (InputConnectionStatus.INITIALIZED, 0.0)
        made.run_on_record_batch(values(1), INPUT)
        assert connection.status is InputConnectionStatus.RECEIVING_RECORDS
        made.run_on_incoming_connection_complete(INPUT)
        assert (connection.status, connection.progress) == (InputConnectionStatus.CLOSED, 1.0)

    def test_several_connections_on_one_anchor(self) -> None:
        result = kedge.run_tool(Diary, {"Input": [values(1), values(2, 3)]}, in_process=True)
        assert [message.text for message in result.messages] == [
            "made",
            "opened #1 ['Value']",
            "opened #2 ['Value']",
            "packet of 1",
            "packet of 2",
            "complete",
        ]

    def test_a_declaration_of_the_class_counts(self) -> None:
        class Declared(Quiet):
            input_anchors: ClassVar = {"Input": InputAnchor(optional=True, allow_multiple=True)}
            output_anchors: ClassVar = ("Output",)

        anchor = service(Declared).plugin.provider.get_input_anchor("Input")
        assert (anchor.optional, anchor.allow_multiple) == (True, True)
        assert adapt(Declared).output_anchors == ("Output",)

    def test_unknown_anchors_are_errors_that_name_the_known(self) -> None:
        provider = service(Quiet).plugin.provider
        with pytest.raises(AnchorNotFoundException, match="no input anchor 'Nope'; the tool's configuration has 'In"):
            provider.get_input_anchor("Nope")
        with pytest.raises(AnchorNotFoundException, match="no output anchor 'Nope'; the tool's configuration has 'O"):
            provider.get_output_anchor("Nope")


class TestOutputAnchor:
    def packet(self, *columns: str) -> RecordPacket:
        import pandas as pd

        metadata = Metadata()
        for name in columns:
            metadata.add_field(name, FieldType.int64)
        return RecordPacket(metadata, pd.DataFrame({name: [1] for name in columns}))

    def test_it_opens_takes_records_and_closes(self) -> None:
        packet = self.packet("Value")

        def use(tool: Any) -> None:
            states = [tool.output.is_open]
            tool.output.open(packet.metadata)
            states.append(tool.output.is_open)
            tool.output.write(packet)
            tool.output.flush()
            tool.output.update_progress(0.5)
            tool.output.close()
            tool.output.close()
            tool.provider.io.info(f"{states} {tool.output.is_open} {tool.output.metadata == packet.metadata}")

        made = service(completing(use))
        made.run_on_complete()
        assert made.io_stream == ["INFO:[False, True] False True"]
        assert made.data_streams["Output"][0].column("Value").to_pylist() == [1]

    def test_what_is_written_before_the_run_is_sent_when_it_begins(self) -> None:
        class Early(Quiet):
            def __init__(self, provider: Any) -> None:
                super().__init__(provider)
                packet = TestOutputAnchor().packet("Value")
                self.output.open(packet.metadata)
                self.output.write(packet)
                self.output.close()

        made = service(Early, inputs=False)
        assert made.data_streams == {}
        made.run_on_complete()
        assert made.data_streams["Output"][0].num_rows == 1

    def test_it_tells_of_itself(self) -> None:
        output = service(Quiet).plugin.output
        assert (output.name, output.num_connections, output.optional, output.allow_multiple) == (
            "Output",
            1,
            True,
            True,
        )
        assert output.metadata is None

    def test_writing_before_opening(self) -> None:
        made = service(completing(lambda tool: tool.output.write(TestOutputAnchor().packet("Value"))))
        with pytest.raises(UsageError, match=r"'Output' was written to before it was opened: call open\(metadata\)"):
            made.run_on_complete()

    def test_writing_after_closing(self) -> None:
        def late(tool: Any) -> None:
            packet = TestOutputAnchor().packet("Value")
            tool.output.open(packet.metadata)
            tool.output.close()
            tool.output.write(packet)

        with pytest.raises(UsageError, match="'Output' is closed"):
            service(completing(late)).run_on_complete()

    def test_opening_after_closing(self) -> None:
        def late(tool: Any) -> None:
            tool.output.close()
            tool.output.open(Metadata())

        with pytest.raises(UsageError, match="cannot be opened again"):
            service(completing(late)).run_on_complete()

    def test_what_is_no_packet_and_what_is_no_metadata(self) -> None:
        with pytest.raises(UsageError, match="is opened with a Metadata, not with a dict"):
            service(completing(lambda tool: tool.output.open({}))).run_on_complete()

        def bare(tool: Any) -> None:
            tool.output.open(TestOutputAnchor().packet("Value").metadata)
            tool.output.write([1])

        with pytest.raises(UsageError, match="takes a RecordPacket, not a list"):
            service(completing(bare)).run_on_complete()

    def test_a_packet_of_other_columns_than_the_anchor(self) -> None:
        def other(tool: Any) -> None:
            tool.output.open(TestOutputAnchor().packet("Value", "More").metadata)
            tool.output.write(TestOutputAnchor().packet("Value"))

        with pytest.raises(UsageError, match=r"output anchor 'Output': .* 'More' is missing"):
            service(completing(other)).run_on_complete()

    def test_a_packet_that_was_read_and_does_not_fit_the_anchor(self) -> None:
        class Mismatch(PassOn):
            def on_input_connection_opened(self, input_connection: Any) -> None:
                metadata = input_connection.metadata.clone()
                metadata.add_field("New", FieldType.bool)
                self.output.open(metadata)

            def on_record_packet(self, input_connection: Any) -> None:
                self.output.write(input_connection.read())

        with pytest.raises(UsageError, match="the packet has the columns 'Value', and the anchor was opened with 'Va"):
            service(Mismatch).run_on_record_batch(values(1), INPUT)


class TestProvider:
    def test_configuration_environment_and_logger(self) -> None:
        provider = service(Quiet).plugin.provider
        assert provider.tool_config == {"Factor": "2"}
        assert provider.environment.tool_id == 1
        assert provider.logger.name == "Quiet.1"

    def test_a_temporary_file(self) -> None:
        file = service(Quiet).plugin.provider.io.create_temp_file("csv")
        assert file.suffix == ".csv"
        assert file.read_bytes() == b""
        file.unlink()

    def test_translation_waits_for_its_answer(self) -> None:
        made = service(completing(lambda tool: tool.provider.io.info(tool.provider.io.translate_msg("Hi {0}", "you"))))
        made.run_on_complete()
        assert made.io_stream == ["INFO:Hi you"]

    def test_the_connection_manager_raises_where_it_refuses(self) -> None:
        made = service(completing(lambda tool: tool.provider.dcm.get_connection("id")))
        with pytest.raises(DcmEException, match="DCM get_connection failed: the test service has no connection"):
            made.run_on_complete()


class TestLoading:
    def test_a_v1_tool_becomes_a_v2_tool_of_its_name(self) -> None:
        adapted = tool_class(PassOn, "PassOn")
        assert issubclass(adapted, PluginV2)
        assert (adapted.__name__, adapted.__module__) == ("PassOn", PassOn.__module__)
        assert tool_class(PassOn, "PassOn") is adapted

    def test_one_that_lacks_methods(self) -> None:
        class Half(Plugin):
            def on_complete(self) -> None: ...

        with pytest.raises(ToolStartError, match="it lacks __init__, on_input_connection_opened, on_record_packet"):
            tool_class(Half, "Half")

    def test_from_a_file_that_names_the_older_root(self, tmp_path: Path) -> None:
        file = tmp_path / "older_tool_of_v1.py"
        file.write_text(
            "from ayx_plugin_sdk.core import Plugin, register_plugin\n"
            "class Old(Plugin):\n"
            "    def __init__(self, provider): self.provider = provider\n"
            "    def on_input_connection_opened(self, connection): ...\n"
            "    def on_record_packet(self, connection): ...\n"
            "    def on_complete(self): self.provider.io.info('done')\n"
            "AyxPlugin = register_plugin(Old)\n"
        )
        result = kedge.run_tool(f"{file}:Old")
        assert [message.text for message in result.messages] == ["done"]
        with pytest.raises(ToolStartError, match="its tools are AyxPlugin, Old"):
            load_tool(parse_tool_name(f"{file}:Older"))
        sys.modules.pop("older_tool_of_v1", None)

    @pytest.mark.parametrize(("to_frame", "loaded"), [("", "False"), (".to_dataframe()", "True")])
    def test_pandas_is_imported_for_frames_only(self, tmp_path: Path, to_frame: str, loaded: str) -> None:
        file = tmp_path / "handing_on.py"
        file.write_text(
            "import sys\n"
            "from ayx_python_sdk.core import Plugin\n"
            "class HandOn(Plugin):\n"
            "    def __init__(self, provider):\n"
            "        self.provider, self.output = provider, provider.get_output_anchor('Output')\n"
            "    def on_input_connection_opened(self, connection): self.output.open(connection.metadata)\n"
            "    def on_record_packet(self, connection):\n"
            "        packet = connection.read()\n"
            f"        packet{to_frame}\n"
            "        self.output.write(packet)\n"
            "    def on_complete(self): self.provider.io.info(str('pandas' in sys.modules))\n"
        )
        result = kedge.run_tool(f"{file}:HandOn", {"Input": values(1)})
        assert [message.text for message in result.messages] == [loaded]
        assert result.outputs["Output"].column("Value").to_pylist() == [1]
