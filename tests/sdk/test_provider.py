"""The provider: everything that a V2 tool is given."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from kedge.exceptions import AnchorNotFoundException, UsageError
from kedge.sdk.constants import MessageType, UpdateMode
from kedge.sdk.fields import Field, FieldType, Metadata
from kedge.sdk.initialization import IncomingAnchor, IncomingConnection, Initialization, OutgoingAnchor
from kedge.sdk.outlet import DcmAnswer, DcmRequest, Message, TranslatedMessage, TranslateRequest
from kedge.sdk.provider import AMPProviderV2
from tests.sdk.recording_outlet import RecordingOutlet

HELLO = TranslatedMessage("bonjour")
TABLE = pa.table({"n": pa.nulls(2, pa.int64())})


def configured(xml: str = "<Configuration/>", **rest: Any) -> tuple[AMPProviderV2, RecordingOutlet]:
    outlet = RecordingOutlet(lambda request: DcmAnswer(True, {}) if isinstance(request, DcmRequest) else HELLO)
    return AMPProviderV2(Initialization(config_xml=xml, **rest), outlet, "Clean"), outlet


class TestAnchors:
    def test_incoming_ones_have_their_connections_and_the_wires_metadata(self) -> None:
        metadata = SimpleNamespace(fields=["as it came"])
        provider, _ = configured(
            incoming=(
                IncomingAnchor("Left", (IncomingConnection("#1", metadata), IncomingConnection("#2"))),
                IncomingAnchor("Optional"),
            )
        )
        assert provider.incoming_anchors == {
            "Left": {"#1": {"name": "#1", "metadata": metadata}, "#2": {"name": "#2", "metadata": None}},
            "Optional": {},
        }
        assert provider.incoming_anchors["Left"]["#1"]["metadata"] is metadata

    def test_outgoing_ones_have_the_number_of_their_connections(self) -> None:
        provider, _ = configured(outgoing=(OutgoingAnchor("Good", 2, "metadata"), OutgoingAnchor("Bad", 0)))
        assert provider.outgoing_anchors == {
            "Good": {"name": "Good", "metadata": "metadata", "num_connections": 2},
            "Bad": {"name": "Bad", "metadata": None, "num_connections": 0},
        }

    def test_there_may_be_none(self) -> None:
        provider, _ = configured()
        assert (provider.incoming_anchors, provider.outgoing_anchors) == ({}, {})


class TestRecords:
    def test_are_written_and_anchors_closed_through_the_outlet(self) -> None:
        provider, outlet = configured()
        provider.write_to_anchor("Output", TABLE)
        provider.close_outgoing_anchor("Output")
        assert (outlet.written, outlet.closed) == ([("Output", TABLE)], ["Output"])

    def test_are_announced_by_a_schema_or_by_metadata(self) -> None:
        provider, outlet = configured()
        metadata = Metadata([Field("n", FieldType.int32)])
        plain = pa.schema([("n", pa.int64()), ("s", pa.string())])
        provider.push_outgoing_metadata("a", metadata)
        provider.push_outgoing_metadata("b", plain)
        provider.push_outgoing_metadata("c", pa.schema([metadata.fields[0].to_arrow()]))
        assert outlet.announced[0] == ("a", metadata)
        assert [field.type for field in outlet.announced[1][1]] == [FieldType.int64, FieldType.v_wstring]
        assert outlet.announced[2] == ("c", metadata)

    def test_of_a_column_that_no_engine_takes_are_refused_by_its_name(self) -> None:
        provider, outlet = configured()
        with pytest.raises(UsageError, match="'tags'"):
            provider.push_outgoing_metadata("Output", pa.schema([("tags", pa.list_(pa.string()))]))
        assert outlet.announced == []

    @pytest.mark.parametrize("wrong", [TABLE, {"n": "int64"}, None])
    def test_cannot_be_announced_by_anything_else(self, wrong: Any) -> None:
        provider, _ = configured()
        with pytest.raises(UsageError, match=rf"\('Output', …\) takes .* Metadata, not a {type(wrong).__name__}$"):
            provider.push_outgoing_metadata("Output", wrong)


# The content of <Configuration>, and what a tool sees of it.
CONFIGURATIONS: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("<a>1</a>", {"a": "1"}),
    ("<a/><b></b>", {"a": None, "b": None}),
    ("<a> 1 </a>", {"a": " 1 "}),
    ("<a>True</a><a>x</a>", {"a": ["True", "x"]}),
    ('<a kind="x"/>', {"a": {"@kind": "x"}}),
    ('<a kind="x">text</a>', {"a": {"@kind": "x", "#text": "text"}}),
    ("<a><b>1</b><c/></a>", {"a": {"b": "1", "c": None}}),
    ("<a>&lt;b&gt; \N{SNOWMAN}</a>", {"a": "<b> \N{SNOWMAN}"}),
]


class TestConfiguration:
    def test_is_the_dict_of_the_element(self) -> None:
        for content, expected in CONFIGURATIONS:
            provider, _ = configured(f"<Configuration>{content}</Configuration>")
            assert provider.tool_config == expected
            assert provider.full_config == {"Configuration": expected}
            assert json.loads(json.dumps(provider.tool_config)) == expected

    def test_is_an_empty_dict_where_it_is_empty(self) -> None:
        provider, _ = configured("<Configuration/>")
        assert provider.tool_config == {}
        assert provider.tool_config.get("a", "default") == "default"

    def test_has_ordered_dicts_for_nested_elements(self) -> None:
        """Tools test for that exact type."""
        provider, _ = configured("<Configuration><a><b>1</b></a><c><d/></c><c>x</c></Configuration>")
        assert type(provider.tool_config["a"]) is OrderedDict
        assert [type(value) for value in provider.tool_config["c"]] == [OrderedDict, str]

    def test_can_be_saved_and_shows_then(self) -> None:
        provider, outlet = configured("<Configuration><old>1</old></Configuration>")
        provider.save_tool_config({"new": 2, "empty": None, "list": ["a", "b"], "deep": {"@kind": "x"}})
        xml = '<Configuration><new>2</new><empty/><list>a</list><list>b</list><deep kind="x"/></Configuration>'
        assert outlet.messages == [Message(MessageType.UPDATE_CONFIG, xml)]
        assert provider.tool_config == {"new": "2", "empty": None, "list": ["a", "b"], "deep": {"@kind": "x"}}

    def test_can_be_saved_with_its_root(self) -> None:
        provider, outlet = configured()
        provider.save_full_config({"Configuration": {"a": "1"}})
        provider.save_full_config({"Configuration": None})
        assert [message.text for message in outlet.messages] == [
            "<Configuration><a>1</a></Configuration>",
            "<Configuration/>",
        ]
        assert provider.full_config == {"Configuration": {}}

    @pytest.mark.parametrize("wrong", [{}, {"a": "1"}, {"Configuration": {}, "a": "1"}])
    def test_with_another_root_is_refused(self, wrong: dict[str, Any]) -> None:
        provider, outlet = configured()
        with pytest.raises(UsageError, match="save_tool_config takes the dict without its root"):
            provider.save_full_config(wrong)
        assert outlet.messages == []

    def test_that_is_no_xml_is_not_saved(self) -> None:
        provider, outlet = configured("<Configuration><a>1</a></Configuration>")
        with pytest.raises(UsageError, match="'two words' is not an XML name"):
            provider.save_tool_config({"two words": "x"})
        assert (outlet.messages, provider.tool_config) == ([], {"a": "1"})

    def test_can_be_saved_through_the_environment(self) -> None:
        provider, outlet = configured()
        provider.environment.update_tool_config({"a": "1"})
        assert provider.tool_config == {"a": "1"}
        assert outlet.texts == ["UPDATE_CONFIG: <Configuration><a>1</a></Configuration>"]

    def test_that_is_broken_is_an_error_with_its_place(self) -> None:
        provider, _ = configured("<Configuration><a")
        with pytest.raises(UsageError, match=r"^the configuration, line 1, column \d+: not well-formed XML: "):
            _ = provider.tool_config


class TestMembers:
    def test_speak_through_one_outlet(self) -> None:
        provider, outlet = configured()
        provider.io.info("hello")
        provider.io.translate_msg("hello")
        provider.dcm.get_connection("c1", lambda _: None)
        assert outlet.texts == ["INFO: hello"]
        assert outlet.requests == [TranslateRequest("hello"), DcmRequest("get_connection", {"connection_id": "c1"})]
        assert (provider.io, provider.dcm, provider.environment) == (provider.io, provider.dcm, provider.environment)

    def test_the_environment_has_the_engines_constants(self) -> None:
        provider, _ = configured(constants={"ToolId": "7"}, update_mode=UpdateMode.FULL)
        assert (provider.environment.tool_id, provider.environment.update_only) == (7, True)

    def test_the_logger_is_named_after_class_and_tool(self) -> None:
        assert configured(constants={"ToolId": "7"})[0].logger is logging.getLogger("Clean.7")
        assert configured()[0].logger.name == "Clean.0"


class TestV1:
    """What only V1 has raises what to write instead."""

    def test_input_anchors(self) -> None:
        with pytest.raises(
            AnchorNotFoundException, match=r"SDK V1: use provider\.incoming_anchors\['Left'\]"
        ) as raised:
            configured()[0].get_input_anchor("Left")
        assert "on_record_batch" in str(raised.value)

    def test_output_anchors(self) -> None:
        with pytest.raises(AnchorNotFoundException, match=r"push_outgoing_metadata\('Output', schema\)") as raised:
            configured()[0].get_output_anchor("Output")
        assert "provider.write_to_anchor('Output', table)" in str(raised.value)
