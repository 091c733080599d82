"""Data Cleansing: nulls, blanks, unwanted characters and letter case, in chosen fields."""

from __future__ import annotations

__all__ = ["TOOL"]

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool, column
from kedge.tools.listed_fields import parse_listed
from kedge.tools.options import Options, macro_values
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import aliased, any_of, call, is_null, not_null, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element

MACRO_NAMES = {
    "Check Box (135)": "RemoveNullRows",
    "Check Box (136)": "RemoveNullColumns",
    "List Box (11)": "Fields",
    "Check Box (84)": "ReplaceNullsWithBlanks",
    "Check Box (117)": "ReplaceNullsWithZeros",
    "Check Box (15)": "TrimWhitespace",
    "Check Box (109)": "CollapseWhitespace",
    "Check Box (122)": "RemoveAllWhitespace",
    "Check Box (53)": "RemoveLetters",
    "Check Box (58)": "RemoveNumbers",
    "Check Box (70)": "RemovePunctuation",
    "Check Box (77)": "ModifyCase",
    "Drop Down (81)": "Case",
}
PRO_NAMES = {
    "RemoveNullRows": "RemoveNullRows",
    "RemoveNullColumns": "RemoveNullColumns",
    "RemoveNullCols": "RemoveNullColumns",
    "Fields": "Fields",
    "FieldList": "Fields",
    "ReplaceNullsWithBlanks": "ReplaceNullsWithBlanks",
    "ReplaceWithBlanks": "ReplaceNullsWithBlanks",
    "ReplaceNullsWithZeros": "ReplaceNullsWithZeros",
    "ReplaceWith0": "ReplaceNullsWithZeros",
    "TrimWhitespace": "TrimWhitespace",
    "RemoveTabs": "CollapseWhitespace",
    "RemoveTabsLineBreaksDupWhitespace": "CollapseWhitespace",
    "RemoveAllWhitespace": "RemoveAllWhitespace",
    "RemoveLetters": "RemoveLetters",
    "RemoveNumbers": "RemoveNumbers",
    "RemovePunctuation": "RemovePunctuation",
    "ModifyCase": "ModifyCase",
    "ModifyCaseList": "Case",
    "Case": "Case",
}
REMOVALS = (
    ("RemoveLetters", r"\pL"),
    ("RemoveNumbers", r"[0-9]"),
    ("RemovePunctuation", r"[!-/:-@\[-`{-~]"),
    ("RemoveAllWhitespace", r"\s"),
)
CASES = ("upper", "lower", "title")


@dataclass(frozen=True)
class Config:
    """The fields to cleanse, all where ``fields`` is ``None``; the switches that are on; the letter case or nothing."""

    fields: tuple[str, ...] | None
    switches: frozenset[str] = field(default_factory=frozenset)
    case: str = ""


@dataclass(frozen=True)
class _Answer:
    """The text of an option, and its path for errors."""

    place: str
    text: str

    def flag(self) -> bool:
        """Return the text as a truth value."""
        if self.text.strip() not in ("True", "False"):
            raise WorkflowError(f"{self.place}: {self.text!r} is neither True nor False")
        return self.text.strip() == "True"

    def case(self) -> str:
        """Return the letter case that the text names."""
        found = (self.text.lower().split() or ["upper"])[0]
        if found not in CASES:
            raise WorkflowError(f"{self.place}: the case {self.text!r} is not known; known are {', '.join(CASES)}")
        return found


def parse(xml: Element) -> Config:
    """Read the macro's questions, or the named elements of the newer tool."""
    found = _questions(xml) if xml.find("Value") else _elements(xml)
    case = found.pop("Case", _Answer("", "upper")).case()
    fields = found.pop("Fields", None)
    switches = frozenset(name for name, answer in found.items() if answer.flag())
    named = None if fields is None else tuple(re.findall(r'"([^"]*)"', fields.text))
    return Config(named, switches, case if "ModifyCase" in switches else "")


def _questions(xml: Element) -> dict[str, _Answer]:
    values = macro_values(xml, MACRO_NAMES)
    return {MACRO_NAMES[name]: _Answer(f"Configuration/Value[@name='{name}']", text) for name, text in values.items()}


def _elements(xml: Element) -> dict[str, _Answer]:
    options = Options(xml)
    found: dict[str, _Answer] = {}
    for child in xml.children:
        meaning = PRO_NAMES.get(child.tag, "")
        if meaning == "Fields" and child.children:
            listed = parse_listed(options, child.tag)
            text_ = ",".join(f'"{name}"' for name, selected in listed.names.items() if selected)
            found[meaning] = _Answer(child.tag, text_)
        elif meaning:
            found[meaning] = _Answer(f"Configuration/{child.tag}", options.value(child.tag))
    options.finish()
    return found


def _chosen(config: Config, schema: Schema) -> list[Field]:
    if config.fields is None:
        return list(schema)
    return [schema.need(name, "Configuration (fields to cleanse)") for name in config.fields]


def probe(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, exp.Query]:
    """Where null columns go, count the values of every column."""
    source = inputs.one("Input")
    if "RemoveNullColumns" not in config.switches:
        return {}
    counts = aliased((exp.Count(this=column(item.name)), f"c{place}") for place, item in enumerate(source.schema))
    return {"counts": exp.select(*counts).from_(source.table)}


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """The schema stays but for columns that hold nothing; before the run those count as filled."""
    schema = inputs.one("Input")
    _chosen(config, schema)
    counts = context.facts.get("counts")
    if counts is None:
        return {"Output": schema}
    return {"Output": Schema(tuple(item for place, item in enumerate(schema) if counts[f"c{place}"][0].as_py()))}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Project and filter."""
    source = inputs.one("Input")
    chosen = {item.name for item in _chosen(config, source.schema)}
    kept = bind(config, Inputs({"Input": [source.schema]}), context)["Output"]
    columns = [
        exp.alias_(_cleansed(config, item) if item.name in chosen else column(item.name), item.name, quoted=True)
        for item in kept
    ]
    query = source.select(columns)
    if "RemoveNullRows" not in config.switches:
        return {"Output": replace(query, same_count="Input")}
    some = any_of([not_null(column(item.name)) for item in source.schema])
    inner = exp.select(*source.columns, *source.hidden).from_(source.table).where(some).subquery("filled")
    return {"Output": replace(query, select=exp.select(*columns, *source.hidden).from_(inner))}


def _cleansed(config: Config, item: Field) -> exp.Expr:
    value: exp.Expr = column(item.name)
    if item.type.is_numeric:
        return (
            call("coalesce", value, exp.cast(number(0), item.type.sql))
            if "ReplaceNullsWithZeros" in config.switches
            else value
        )
    if not item.type.is_string:
        return value
    if "ReplaceNullsWithBlanks" in config.switches:
        value = call("coalesce", value, text(""))
    for name, pattern in REMOVALS:
        if name in config.switches:
            value = call("regexp_replace", value, text(pattern), text(""), text("g"))
    if "CollapseWhitespace" in config.switches:
        value = call("regexp_replace", value, text(r"\s+"), text(" "), text("g"))
    if "TrimWhitespace" in config.switches:
        value = call("regexp_replace", value, text(r"^\s+|\s+$"), text(""), text("g"))
    return _cased(config.case, value)


def _cased(case: str, value: exp.Expr) -> exp.Expr:
    if case in ("upper", "lower"):
        return call(case, value)
    if not case:
        return value
    words = call("regexp_extract_all", value, text(r"\s+|\S+"))
    word = exp.column("word")
    first = call("upper", call("left", word, number(1)))
    rest = call("lower", call("substr", word.copy(), number(2)))
    each = exp.Lambda(this=call("concat", first, rest), expressions=[exp.to_identifier("word")])
    joined = call("array_to_string", call("list_transform", words, each), text(""))
    return exp.case().when(is_null(value), exp.Null()).else_(joined)


TOOL = Tool(
    plugins=(
        "Cleanse.yxmc",
        "DataCleansePro.yxmc",
        "AlteryxBasePluginsGui.DataCleansing.DataCleansing",
        "AlteryxBasePluginsGui.DataCleanse.DataCleanse",
    ),
    inputs=(Input("Input"),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    probe=probe,
    probes=("Input",),
)
