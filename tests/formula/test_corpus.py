"""Every expression of the real workflows parses, and has a type where its fields are known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from defusedxml import ElementTree

from kedge.exceptions import FormulaError
from kedge.formula import Current, DesignerType, bind, convert, mismatch, parse, to_sql, unparse
from kedge.formula.options import FormulaOptions
from kedge.formula.types import DOUBLE, INT32, V_WSTRING, v_string

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from tests.formula.conftest import Evaluators

CORPUS = Path(os.environ.get("KEDGE_CORPUS", "../shared/corpus"))
FILES = sorted(CORPUS.rglob("*.yxmd"))
CONSTANTS = {"User.logo_path": "C:\\", "Engine.WorkflowDirectory": "C:\\flows\\", "User.googleapi": "x"}

pytestmark = pytest.mark.skipif(not FILES, reason=f"no workflows in {CORPUS}; set KEDGE_CORPUS")


def expressions(node: Element) -> Iterator[str]:
    for field in node.iter("FormulaField"):
        yield field.get("expression", "")
    for name in ("Expression", "Expression_Init", "Expression_Cond", "Expression_Loop"):
        for element in node.iter(name):
            if element.text and element.text.strip():
                yield element.text


def tools(path: Path) -> Iterator[Element]:
    root = ElementTree.parse(path).getroot()
    for node in root.iter("Node") if root is not None else ():
        gui = node.find("GuiSettings")
        if gui is not None and "Plugin" in gui.attrib and node.find("Properties/Configuration") is not None:
            yield node


PASSING = ("Filter", "Sort", "Unique", "Sample", "BrowseV2", "BlockUntilDone")
"""Tools whose outputs have the fields of their input."""


class Schemas:
    """The fields that reach a tool, from the schemas that Designer wrote down, as far as they go."""

    def __init__(self, path: Path) -> None:
        root = ElementTree.parse(path).getroot()
        assert root is not None
        self.nodes = {node.get("ToolID", ""): node for node in root.iter("Node")}
        self.origins: dict[str, list[tuple[str, str]]] = {}
        for wire in root.iter("Connection"):
            origin, destination = wire.find("Origin"), wire.find("Destination")
            if origin is not None and destination is not None:
                start = (origin.get("ToolID", ""), origin.get("Connection", ""))
                self.origins.setdefault(destination.get("ToolID", ""), []).append(start)

    def reaching(self, tool: str) -> dict[str, DesignerType]:
        origins = self.origins.get(tool, [])
        return self.leaving(*origins[0]) if len(origins) == 1 else {}

    def leaving(self, tool: str, anchor: str) -> dict[str, DesignerType]:
        node = self.nodes[tool]
        for meta in node.findall("Properties/MetaInfo"):
            if meta.get("connection") == anchor:
                fields = meta.iter("Field")
                return {each.get("name", ""): DesignerType.from_xml(dict(each.attrib)) for each in fields}
        kind = plugin(node)
        if kind == "Formula":
            return {**self.reaching(tool), **targets(node)} if self.reaching(tool) else {}
        return self.reaching(tool) if kind in PASSING else {}


def plugin(node: Element) -> str:
    gui = node.find("GuiSettings")
    return gui.get("Plugin", "").rpartition(".")[2] if gui is not None else ""


def targets(node: Element) -> dict[str, DesignerType]:
    return {each.get("field", ""): DesignerType.from_xml(dict(each.attrib)) for each in node.iter("FormulaField")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_expression_parses_and_is_written_back_equal(path: Path) -> None:
    for node in tools(path):
        for text in expressions(node.find("Properties/Configuration") or node):
            tree = parse(text)
            assert parse(unparse(tree)) == tree


def test_formulas_have_types_where_fields_are_known(evaluators: Evaluators) -> None:
    """They are typed, may be stored in their field, and DuckDB runs the translation on no rows."""
    typed: list[str] = []
    for path in FILES:
        schemas = Schemas(path)
        for tool, node in schemas.nodes.items():
            fields = schemas.reaching(tool) if plugin(node) == "Formula" else {}
            for formula in node.iter("FormulaField") if fields else ():
                name, text = formula.get("field", ""), formula.get("expression", "")
                bound = bind(text, fields, constants=CONSTANTS)
                target = fields.get(name) or DesignerType.from_xml(dict(formula.attrib))
                assert mismatch(bound, target, FormulaOptions()) is None, (path, formula.attrib)
                table = evaluators.table(fields, {each: [] for each in fields})
                stored = to_sql(convert(bound, target, FormulaOptions()).value)
                assert evaluators.query(table, stored).type == target.arrow
                fields[name] = target
                typed.append(text)
    assert len(typed) >= 15


OF_SCHEMAS = {"Name": V_WSTRING, "Type": V_WSTRING, "Size": INT32, "Scale": INT32, "FieldNumber": INT32}


def test_expressions_of_other_tools_have_types() -> None:
    text = {
        "Field_1": v_string(254),
        "Name": V_WSTRING,
        "Value": DOUBLE,
        "current_dt": V_WSTRING,
        "MAX": DOUBLE,
    }
    fields = {**text, "Date": DesignerType("Date"), "Range_Age": INT32, "Range_BIRTH": INT32, "MIN": DOUBLE}
    current = Current("Name", V_WSTRING)
    refused: list[str] = []
    for path in FILES:
        for node in tools(path):
            for expression in expressions(node.find("Properties/Configuration") or node):
                if node.find(".//FormulaField") is None:
                    try:
                        bind(
                            expression,
                            {**OF_SCHEMAS, **fields},
                            constants=CONSTANTS,
                            current=current,
                            rows=True,
                        )
                    except FormulaError as problem:
                        refused.append(problem.problem)
    assert all(each.startswith("there is no field") for each in refused), refused
