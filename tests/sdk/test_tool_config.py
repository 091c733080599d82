"""A tool's configuration: XML, dictionary and the command line's pairs."""

import json
from collections import OrderedDict
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from kedge.exceptions import UsageError
from kedge.sdk.tool_config import config_from_pairs, config_from_xml, config_to_xml

NAMES = st.from_regex(r"[A-Za-z_é][A-Za-z0-9_.é:-]{0,6}", fullmatch=True).filter(lambda name: not name.endswith(":"))
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]) | st.sampled_from("\t\r\n"))
VALUES = TEXTS.filter(bool)


def elements(content: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Nested elements in the form that reading XML gives: children, attributes, and text that is not only layout."""
    children = st.dictionaries(NAMES, content | st.lists(content, min_size=2, max_size=3), max_size=3)
    attributes = st.dictionaries(NAMES.map(lambda name: f"@{name}"), TEXTS, max_size=2)
    text: st.SearchStrategy[dict[str, str]] = st.just({}) | VALUES.filter(str.strip).map(lambda value: {"#text": value})
    parts = st.builds(
        lambda *parts: OrderedDict(part for some in parts for part in some.items()), attributes, children, text
    )
    return parts.filter(lambda element: bool(element) and list(element) != ["#text"])


CONFIGS = elements(st.recursive(st.none() | VALUES, elements, max_leaves=6))


def same(one: Any, other: Any) -> bool:
    """Compare without regard to the order of keys, which OrderedDicts have regard to."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def read(content: str) -> dict[str, Any]:
    """Read what is inside of ``<Configuration>``."""
    return config_from_xml(f"<Configuration>{content}</Configuration>")


class TestFromXml:
    """XML becomes the dictionary that authors know."""

    def test_each_kind_of_element_has_its_form(self) -> None:
        config = read('<A>text</A><B/><C></C><D><E>1</E></D><F>1</F><F/><G kind="x"/><H kind="x">y</H>')
        assert config == {
            "A": "text",
            "B": None,
            "C": None,
            "D": {"E": "1"},
            "F": ["1", None],
            "G": {"@kind": "x"},
            "H": {"@kind": "x", "#text": "y"},
        }

    def test_nested_elements_are_ordered_dicts_exactly(self) -> None:
        config = read("<D><E><F>1</F></E></D><G><H/></G><G><H/></G>")
        assert type(config["D"]) is OrderedDict
        assert type(config["D"]["E"]) is OrderedDict
        assert [type(item) for item in config["G"]] == [OrderedDict, OrderedDict]

    @pytest.mark.parametrize("content", ["", "\n", "  \n\t ", "<!-- nothing -->", "\n<?pi x?>\n"])
    def test_an_empty_configuration_is_an_empty_dictionary(self, content: str) -> None:
        config = read(content)
        assert config == {}
        assert type(config) is dict

    def test_a_short_configuration_is_an_empty_dictionary(self) -> None:
        assert config_from_xml("<Configuration/>") == {}

    def test_text_alone_is_text(self) -> None:
        assert read(" x ") == {"#text": " x "}

    def test_white_space_of_values_is_kept(self) -> None:
        assert read("<A> x\n</A><B> </B><C>\n</C><D k=' a '> </D>") == {
            "A": " x\n",
            "B": " ",
            "C": "\n",
            "D": {"@k": " a ", "#text": " "},
        }

    def test_white_space_between_elements_is_layout(self) -> None:
        assert read("\n  <A>\n    <B> 1 </B>\n    <B/>\n  </A>\n  <C x='1'>\n    <D/>\n  </C>\n") == {
            "A": {"B": [" 1 ", None]},
            "C": {"@x": "1", "D": None},
        }

    def test_mixed_text_is_kept_as_it_is(self) -> None:
        assert read("<A>one <B/>\n two</A>") == {"A": {"B": None, "#text": "one \n two"}}

    def test_character_data_comments_and_references(self) -> None:
        assert read("<A><![CDATA[ <x>&amp; ]]></A><B>1<!-- no -->2</B><C>&lt;&#233;&#13;&#10;</C>") == {
            "A": " <x>&amp; ",
            "B": "12",
            "C": "<é\r\n",
        }

    def test_names_keep_their_prefixes(self) -> None:
        config = read('<a:B xmlns:a="urn:x"><c:D/></a:B>')
        assert config == {"a:B": {"@xmlns:a": "urn:x", "c:D": None}}

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    def test_bytes_say_how_they_are_encoded(self, encoding: str) -> None:
        declaration = "<?xml version='1.0' encoding='latin-1'?>" if encoding == "latin-1" else ""
        text = f"{declaration}<Configuration><A>é</A></Configuration>"
        assert config_from_xml(text.encode(encoding)) == {"A": "é"}

    def test_text_is_text_whatever_its_declaration_says(self) -> None:
        text = "<?xml version='1.0' encoding='utf-16'?><Configuration><A>é</A></Configuration>"
        assert config_from_xml(text) == {"A": "é"}

    def test_can_be_written_as_json(self) -> None:
        config = read('<A x="1"><B/>t</A><C/><C>2</C>')
        assert json.loads(json.dumps(config)) == config

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "my.xml, line 1, column 1: not well-formed XML: no element found"),
            ("<Configuration>\n  <A>", "my.xml, line 2, column 6: not well-formed XML: no element found"),
            ("<Configuration>\n  <A></B>", "my.xml, line 2, column 8: not well-formed XML: mismatched tag"),
            ("<Configuration/>x", "line 1, column 17: not well-formed XML: junk after document element"),
            ("<Configuration>&nbsp;</Configuration>", "line 1, column 16: not well-formed XML: undefined entity"),
            (b"<Configuration>\xff</Configuration>", "line 1, column 16: not well-formed XML"),
            ("<Configuration>\ud800</Configuration>", "my.xml: character 15 is half a surrogate pair"),
            ("<Config/>", "my.xml: the root element must be <Configuration>, not <Config>"),
            ("<configuration/>", "must be <Configuration>, not <configuration>"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_place(self, text: str | bytes, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            config_from_xml(text, "my.xml")

    @pytest.mark.parametrize(
        "declarations",
        [
            "",
            '[<!ENTITY a "b">]',
            '[<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]',
            '[<!ENTITY a SYSTEM "file:///etc/passwd">]',
            '[<!ENTITY % a SYSTEM "http://localhost/x.dtd"> %a;]',
            'SYSTEM "file:///etc/passwd"',
        ],
    )
    def test_a_document_type_is_refused_whatever_it_declares(self, declarations: str) -> None:
        text = f"<!DOCTYPE lolz {declarations}>\n<Configuration><A>&b;</A></Configuration>"
        with pytest.raises(UsageError, match=r"line 1, column \d+: a document type \(<!DOCTYPE lolz>\) is not allowed"):
            config_from_xml(text)


class TestToXml:
    """A dictionary becomes XML."""

    def test_each_kind_of_value_has_its_form(self) -> None:
        config = {
            "A": "x",
            "B": None,
            "C": "",
            "D": {"E": 1},
            "F": ["1", None, {"G": 2}],
            "H": {"@k": "v", "#text": "y"},
        }
        assert config_to_xml(config) == (
            '<Configuration><A>x</A><B/><C/><D><E>1</E></D><F>1</F><F/><F><G>2</G></F><H k="v">y</H></Configuration>'
        )

    def test_an_empty_configuration_is_one_short_element(self) -> None:
        assert config_to_xml({}) == "<Configuration/>"

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (True, "true"),
            (False, "false"),
            (-3, "-3"),
            (0.1, "0.1"),
            (Decimal("1.50"), "1.50"),
            (date(2020, 1, 2), "2020-01-02"),
            (datetime(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04:05"),
            (time(3, 4, 5), "03:04:05"),
            (PurePosixPath("a/b"), "a/b"),
            (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ],
    )
    def test_values_become_text(self, value: object, text: str) -> None:
        assert fromstring(config_to_xml({"A": value, "B": {"@b": value}})).findtext("A") == text
        assert read(config_to_xml({"A": {"@b": value}}).split(">", 1)[1].rsplit("<", 1)[0]) == {"A": {"@b": text}}

    def test_a_tuple_is_a_list_and_an_empty_list_is_no_element(self) -> None:
        assert config_to_xml({"A": ("x", "y"), "B": []}) == "<Configuration><A>x</A><A>y</A></Configuration>"

    def test_an_attribute_without_value_is_an_empty_one(self) -> None:
        assert config_to_xml({"@a": None, "B": {"@b": ""}}) == '<Configuration a=""><B b=""/></Configuration>'

    @pytest.mark.parametrize("text", ["<&>\"'", "a\r\nb\rc\nd\te", " x ", "\U0001f600é", "]]>", "&amp;"])
    def test_text_comes_back_exactly(self, text: str) -> None:
        config = {"A": text, "B": {"@b": text, "#text": text, "C": [text, text]}}
        assert config_from_xml(config_to_xml(config)) == config

    @given(config=CONFIGS)
    def test_what_was_read_can_be_written_and_read_again(self, config: OrderedDict[str, Any]) -> None:
        assert config_from_xml(config_to_xml(config)) == config

    @given(key=st.text(max_size=3))
    def test_a_key_is_written_faithfully_or_refused(self, key: str) -> None:
        try:
            xml = config_to_xml({"Outer": {key: "x", "#text": "y"}})
        except UsageError as error:
            assert repr(key) in str(error)  # noqa: PT017 - most keys are refused, and some are not
        else:
            assert config_from_xml(xml) == {"Outer": {"#text": "y"} | {key: "x" if key != "#text" else "y"}}

    @pytest.mark.parametrize(
        "key", ["two words", "1st", "", "@", "@a b", "a>b", "a/", "#comment", "a\n", "?x", "-", 7, None]
    )
    def test_a_key_that_is_no_name_is_an_error_with_its_path(self, key: Any) -> None:
        with pytest.raises(UsageError) as caught:
            config_to_xml({"Outer": [{"Inner": "x"}, {key: "x"}]})
        assert str(caught.value).startswith(f"Configuration/Outer[2]: the key {key!r} is not an XML name")

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ({"A": {"B": b"x"}}, "Configuration/A/B: a value of type bytes cannot be written"),
            ({"A": [["x"]]}, r"Configuration/A\[1\]: a value of type list cannot be written"),
            ({"A": {"x"}}, "Configuration/A: a value of type set cannot be written"),
            ({"A": object()}, "Configuration/A: a value of type object cannot be written"),
            ({"A": {"@a": {}}}, "Configuration/A/@a: a value of type dict cannot be written"),
            ({"#text": []}, "Configuration/#text: a value of type list cannot be written"),
            ({"A": "x\x00"}, r"Configuration/A: XML cannot hold the character '\\x00' at position 1"),
            ({"A": "\ud800"}, r"Configuration/A: XML cannot hold the character '\\ud800' at position 0"),
            ({"A": {"@a": "\x1b"}}, r"Configuration/A/@a: XML cannot hold the character '\\x1b'"),
        ],
    )
    def test_a_value_that_xml_cannot_hold_is_an_error_with_its_path(self, config: Any, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            config_to_xml(config)

    def test_a_configuration_that_contains_itself_is_an_error(self) -> None:
        config: dict[str, Any] = {}
        config["A"] = config
        with pytest.raises(UsageError, match=r"nested too deeply.*does it contain itself"):
            config_to_xml(config)


class TestFromPairs:
    """What the command line's ``-c`` means."""

    def test_a_pair_is_a_value(self) -> None:
        assert config_from_pairs(["Threshold=3", "Where=a=b", "Text= x "]) == {
            "Threshold": "3",
            "Where": "a=b",
            "Text": " x ",
        }

    def test_no_pairs_are_an_empty_configuration(self) -> None:
        assert config_from_pairs([]) == {}

    def test_an_empty_value_is_an_empty_element(self) -> None:
        assert config_from_pairs(["A=", "B=", "B="]) == {"A": None, "B": [None, None]}

    def test_dots_lead_into_nested_elements(self) -> None:
        config = config_from_pairs(["A.B.C=1", "A.B.D=2", "A.E=3"])
        assert config == {"A": {"B": {"C": "1", "D": "2"}, "E": "3"}}
        assert type(config["A"]["B"]) is OrderedDict

    def test_a_repeated_key_makes_a_list(self) -> None:
        assert config_from_pairs(["A=1", "B.C=x", "A=2", "B.C=y", "A=3"]) == {
            "A": ["1", "2", "3"],
            "B": {"C": ["x", "y"]},
        }

    def test_attributes_and_text(self) -> None:
        assert config_from_pairs(["A.@kind=x", "A.#text=y", "@version="]) == {
            "A": {"@kind": "x", "#text": "y"},
            "@version": "",
        }

    @given(
        pairs=st.lists(st.builds("{}={}".format, st.sampled_from(["A", "B.C", "B.@d", "E.F.G"]), TEXTS), unique=True)
    )
    def test_pairs_mean_what_their_xml_means(self, pairs: list[str]) -> None:
        unique = {pair.partition("=")[0]: pair for pair in pairs}.values()
        config = config_from_pairs(unique)
        assert same(config_from_xml(config_to_xml(config)), config)

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            (["Threshold"], "-c 'Threshold': write KEY=VALUE, for example Threshold=3"),
            (["=3"], "-c '=3': the key '' is not an XML name"),
            (["two words=3"], "-c 'two words=3': the key 'two words' is not an XML name"),
            (["A..B=3"], "-c 'A..B=3': '' is not an XML name"),
            (["1.B=3"], "-c '1.B=3': '1' is not an XML name"),
            (["A=1", "A.B=2"], "-c 'A.B=2': 'A' already has a value of its own"),
            (["A=1", "A=2", "A.B=2"], "-c 'A.B=2': 'A' already has a value of its own"),
            (["A.B=2", "A=1"], "-c 'A=1': 'A' is there already, and can be there only once"),
            (["A.@b=2", "A.@b=1"], "-c 'A.@b=1': '@b' is there already"),
            (["A=\x00"], r"-c 'A=\\x00'/A: XML cannot hold the character"),
        ],
    )
    def test_a_pair_that_means_nothing_is_quoted(self, pairs: list[str], message: str) -> None:
        with pytest.raises(UsageError) as caught:
            config_from_pairs(pairs)
        assert message.replace(r"\\", "\\") in str(caught.value)

    def test_the_source_is_named_as_the_caller_calls_it(self) -> None:
        with pytest.raises(UsageError, match="--config 'A'"):
            config_from_pairs(["A"], source="--config")
