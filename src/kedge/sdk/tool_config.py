"""The configuration of a tool: XML on the wire and in workflows, a dictionary in the hands of a tool.

The dictionary is the one that ``xmltodict`` makes of the ``<Configuration>`` element: every value is a
string, an empty element None, a nested element a ``collections.OrderedDict``, repeated elements a list;
attributes are called ``@name``, and text beside attributes or elements ``#text``. White space of a value is
kept; white space between elements is layout and has no key. The order of text and elements that are mixed is
lost, as everywhere with ``xmltodict``.
"""

from __future__ import annotations

__all__ = ["VERSION_ELEMENT", "config_from_pairs", "config_from_xml", "config_to_xml"]

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import date, time
from functools import lru_cache
from numbers import Number
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

import xmltodict
from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from kedge.exceptions import UsageError

VERSION_ELEMENT: Final = "SettingsVersion"
"""The element that says for which version of a tool's settings a configuration was written; 1 where it is missing."""

_ROOT: Final = "Configuration"
_TEXT_KEY: Final = "#text"
_ATTRIBUTE_MARK: Final = "@"
_PRINTABLE: Final = (str, Number, date, time, PurePath, UUID)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def config_from_xml(text: str | bytes, source: str = "the configuration") -> dict[str, Any]:
    """Return the content of the ``<Configuration>`` element; ``{}`` for an empty one.

    ``text`` may be bytes, whose XML declaration or byte order mark then says how they are encoded. ``source``
    is how errors call the text: a file's name, for instance.

    Raises ``UsageError``, with line and column, for text that is not well-formed XML, that declares a
    document type (and so could declare entities: none is ever expanded or fetched), or whose root is not
    ``Configuration``.
    """
    root = _checked_root(text, source)
    if root != _ROOT:
        raise UsageError(f"{source}: the root element must be <{_ROOT}>, not <{root}>")
    content = xmltodict.parse(
        text, strip_whitespace=False, dict_constructor=OrderedDict, postprocessor=_without_layout
    )[_ROOT]
    if isinstance(content, str):
        return OrderedDict({_TEXT_KEY: content}) if content.strip() else {}
    return content or {}


def config_to_xml(config: Mapping[str, Any]) -> str:
    """Return the XML, without declaration and with short empty elements, of a ``Configuration``.

    A value is None or an empty string (both an empty element), a string, a number, a date, a time, a path or
    a UUID (their text; a bool is ``true`` or ``false``), a mapping (a nested element), or a list or tuple of
    those (one element each, so an empty one leaves no trace). ``config_from_xml`` turns the XML into the same
    dictionary again, with all values as text.

    Raises ``UsageError``, naming the path, for a key that is not an XML name, for text with characters that
    XML cannot hold, and for any other kind of value.
    """
    try:
        content = _element(config, _ROOT)
        xml = xmltodict.unparse({_ROOT: content}, full_document=False, short_empty_elements=True)
    except RecursionError:
        raise UsageError("the configuration is nested too deeply to be written; does it contain itself?") from None
    return xml.replace("\r", "&#13;")  # a parser reads a bare carriage return as a line feed


def config_from_pairs(pairs: Iterable[str], source: str = "-c") -> dict[str, Any]:
    """Return the configuration that ``KEY=VALUE`` texts describe, as ``config_from_xml`` would.

    A dot in the key leads into a nested element (``Filter.Mode=all``), ``@`` marks an attribute
    (``Filter.@kind=x``), and a key that comes again makes a list. The value is everything after the first
    ``=``, as it is; an empty value is None.

    Raises ``UsageError``, quoting the pair, where the ``=`` is missing, a key is no XML name, or a key is
    used both for a value and for a nested element. A key that itself contains a dot needs a configuration
    file.
    """
    config: OrderedDict[str, Any] = OrderedDict()
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"{source} {pair!r}: write KEY=VALUE, for example {pair or 'Threshold'}=3")
        *parents, name = key.split(".")
        _add(_nested(config, parents, f"{source} {pair!r}"), name, value or None, f"{source} {pair!r}")
    return config


class _FirstElement(ContentHandler):
    name = ""

    def startElement(self, name: str, attrs: object) -> None:  # noqa: ARG002, N802 - the names are SAX's
        self.name = self.name or name


def _checked_root(text: str | bytes, source: str) -> str:
    """Read the document for its form alone, declarations forbidden; return the root element's name."""
    parser, first = DefusedExpatParser(forbid_dtd=True), _FirstElement()
    parser.setContentHandler(first)
    try:
        parser.feed(text)
        parser.close()
    except DefusedXmlException as error:
        name = getattr(error, "name", None)
        raise UsageError(
            f"{source}, {_position(parser)}: a document type (<!DOCTYPE {name}>) is not allowed in a "
            "configuration, since it can declare entities; remove it and write out what its entities mean"
        ) from None
    except SAXParseException as error:
        raise UsageError(f"{source}, {_position(error)}: not well-formed XML: {error.getMessage()}") from None
    except UnicodeEncodeError as error:
        raise UsageError(f"{source}: character {error.start} is half a surrogate pair, which is not text") from None
    return first.name


def _position(at: DefusedExpatParser | SAXParseException) -> str:
    return f"line {at.getLineNumber()}, column {(at.getColumnNumber() or 0) + 1}"


def _without_layout(_path: object, key: str, value: Any) -> tuple[str, Any]:
    """Take the white space between child elements out of an element that ``xmltodict`` has just completed."""
    if isinstance(value, dict) and not value.get(_TEXT_KEY, "x").strip() and _has_children(value):
        del value[_TEXT_KEY]
    return key, value


def _has_children(element: Mapping[str, Any]) -> bool:
    return any(key != _TEXT_KEY and not key.startswith(_ATTRIBUTE_MARK) for key in element)


def _element(value: Any, path: str) -> Any:
    """Return ``value`` in the types that ``xmltodict`` writes faithfully: OrderedDict, list, str, None."""
    if not isinstance(value, Mapping):
        return _text(value, path)
    return OrderedDict((key, _child(key, content, path)) for key, content in value.items())


def _child(key: Any, value: Any, path: str) -> Any:
    """Check one key of a mapping and return its value, ready to be written."""
    name = key.removeprefix(_ATTRIBUTE_MARK) if isinstance(key, str) else ""
    if key != _TEXT_KEY and not _is_xml_name(name):
        raise UsageError(f"{path}: the key {key!r} is not an XML name (letters, digits, - . _, no digit first)")
    if key == _TEXT_KEY or name != key:
        return _text(value, f"{path}/{key}") or ""
    if isinstance(value, (list, tuple)):
        return [_element(item, f"{path}/{key}[{number}]") for number, item in enumerate(value, 1)]
    return _element(value, f"{path}/{key}")


def _text(value: Any, path: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, _PRINTABLE):
        kind = type(value).__name__
        raise UsageError(f"{path}: a value of type {kind} cannot be written as XML; turn it into text first")
    text = str(value)
    if wrong := _NOT_XML.search(text):
        raise UsageError(f"{path}: XML cannot hold the character {wrong.group()!r} at position {wrong.start()}")
    return text


@lru_cache(maxsize=1024)
def _is_xml_name(name: str) -> bool:
    """Say whether ``name`` can be an element's name: the parser is asked, so that both always agree."""
    try:
        return bool(name) and _checked_root(f"<{name}/>", "") == name
    except UsageError:
        return False


def _nested(config: OrderedDict[str, Any], parents: list[str], source: str) -> OrderedDict[str, Any]:
    """Return the element that ``parents`` lead to, made on the way where it is missing."""
    for name in parents:
        if not _is_xml_name(name):
            raise UsageError(f"{source}: {name!r} is not an XML name (letters, digits, - _, no digit first)")
        config = config.setdefault(name, OrderedDict())
        if not isinstance(config, OrderedDict):
            raise UsageError(f"{source}: {name!r} already has a value of its own, so nothing can be nested in it")
    return config


def _add(element: OrderedDict[str, Any], name: str, value: str | None, source: str) -> None:
    """Put a value into an element: the first one as it is, further ones make a list."""
    checked = _child(name, value, source)
    if name not in element:
        element[name] = checked
        return
    present = element[name]
    if isinstance(present, OrderedDict) or name.startswith((_ATTRIBUTE_MARK, _TEXT_KEY)):
        raise UsageError(f"{source}: {name!r} is there already, and can be there only once")
    element[name] = [*present, checked] if isinstance(present, list) else [present, checked]
