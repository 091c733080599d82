"""Reading, building and writing workflow documents."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from kedge.exceptions import UsageError, WorkflowError
from kedge.tools.element import element, parse_element
from kedge.workflow.document import Constant
from kedge.workflow.reader import load_document, parse_document, render_document
from kedge.workflow.workflow import Workflow

if TYPE_CHECKING:
    from pathlib import Path

SMALL = """<?xml version="1.0"?>
<AlteryxDocument yxmdVer="2022.1" RunE2="T"><Nodes>
<Node ToolID="1"><GuiSettings Plugin="AlteryxGuiToolkit.ToolContainer.ToolContainer"><Position x="1" y="2" width="3" height="4"/></GuiSettings>
<Properties><Configuration><Caption>a &amp; b</Caption><Disabled value="True"/></Configuration></Properties>
<ChildNodes><Node ToolID="7"><GuiSettings Plugin="X"/><Properties><Configuration a="1&#xA;2"><c> </c></Configuration>
<Annotation><Name>Mine</Name></Annotation></Properties><EngineSettings Macro="a\\B.yxmc"/></Node></ChildNodes></Node>
<Node ToolID="2"><GuiSettings Plugin="A.B.Tool"/><Properties/></Node></Nodes>
<Connections><Connection name="#2" Wireless="True"><Origin ToolID="7" Connection="Output"/><Destination ToolID="2" Connection="Input"/></Connection></Connections>
<Properties><CancelOnError value="True"/><Constants><Constant><Namespace>User</Namespace><Name>X</Name><Value>7</Value><IsNumeric value="True"/></Constant></Constants></Properties>
</AlteryxDocument>"""


class TestReading:
    """``parse_document``."""

    def test_everything_is_there(self) -> None:
        document = parse_document(SMALL)
        walked = [(node.tool_id, node.name, enabled) for node, enabled in document.walk()]
        assert walked == [(1, "ToolContainer", False), (7, "Mine", False), (2, "Tool", True)]
        assert document.node(7).configuration.get("a") == "1\n2"
        assert document.node(7).configuration.content("c") == " "
        assert document.node(7).macro == "a\\B.yxmc"
        assert document.node(1).position.width == "3"
        assert document.connections[0].name == "#2"
        assert document.connections[0].wireless
        assert document.constants == (Constant("User", "X", "7", True),)
        assert document.switch("CancelOnError")
        assert not document.switch("DisableAllOutput")

    @pytest.mark.parametrize("data", [b"\xef\xbb\xbf" + SMALL.encode(), SMALL.replace("\n", "\r\n").encode()])
    def test_byte_order_marks_and_line_ends_mean_nothing(self, data: bytes) -> None:
        assert parse_document(data) == parse_document(SMALL)

    def test_writing_and_reading_is_the_same(self) -> None:
        document = parse_document(SMALL)
        assert parse_document(render_document(document)) == document

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("<a", "w.yxmd: this is not well-formed XML"),
            ('<!DOCTYPE a [<!ENTITY x "y">]><AlteryxDocument/>', "entities or a document type"),
            ("<Other/>", "the root element is <Other>"),
            (SMALL.replace('ToolID="2"><Gui', 'ToolID="7"><Gui'), "two nodes have the tool id 7"),
            (SMALL.replace('Origin ToolID="7"', 'Origin ToolID="9"'), "names tool 9, which is not in the document"),
            (SMALL.replace('Origin ToolID="7"', 'Origin ToolID="x"'), "'x', it must be a whole number"),
        ],
    )
    def test_wrong_files_are_refused(self, text: str, message: str) -> None:
        with pytest.raises((UsageError, WorkflowError), match=message):
            parse_document(text, "w.yxmd")

    def test_a_missing_file_is_the_callers_error(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be read"):
            load_document(tmp_path / "gone.yxmd")


Canonical = tuple[str, list[tuple[str, str]], str, list[object], str]


def canonical(node: ElementTree.Element) -> Canonical:
    children = [canonical(child) for child in node]
    if node.tag == "Node":
        children = sorted(
            (child for child in children if child[0] != "ChildNodes" or child[3]), key=lambda child: child[0]
        )
    return (node.tag, sorted(node.attrib.items()), (node.text or "").strip(), list(children), (node.tail or "").strip())


class TestCorpus:
    """Real files."""

    def test_every_file_round_trips(self, corpus: Path) -> None:
        paths = sorted((corpus / "packt").glob("*.yxmd"))
        for path in paths:
            document = load_document(path)
            text = render_document(document)
            assert parse_document(text) == document, path.name
            assert canonical(ElementTree.parse(path).getroot()) == canonical(ElementTree.fromstring(text)), path.name
        assert len(paths) == 27


class TestBuilding:
    """``Workflow.add`` and ``connect``."""

    def test_what_is_built_saves_and_loads_back_equal(self, tmp_path: Path) -> None:
        flow, first = Workflow().add(
            "A.B.C", parse_element("<Configuration><X>1</X></Configuration>", "test"), EngineDll="x.dll"
        )
        flow, second = flow.add("", element("Configuration"), Macro="m.yxmc")
        flow = flow.connect(first, "Output", second, "Input", "#1")
        flow.save(tmp_path / "w.yxmd")
        assert Workflow.load(tmp_path / "w.yxmd").document == flow.document

    def test_ids_are_unique_and_known(self) -> None:
        flow, first = Workflow().add("A.B.C", element("Configuration"))
        with pytest.raises(WorkflowError, match="the tool id 1 is taken"):
            flow.add("A.B.C", element("Configuration"), tool_id=first)
        with pytest.raises(WorkflowError, match="no tool has the id 5"):
            flow.connect(first, "Output", 5, "Input")
