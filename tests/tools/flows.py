"""One place that runs a one-tool workflow: configuration XML and input tables in, tables and messages out."""

from __future__ import annotations

__all__ = ["Outcome", "add_table", "data", "run_one"]

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kedge.tools.element import Element, element, parse_element
from kedge.workflow.document import Document
from kedge.workflow.workflow import CheckReport, Workflow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from kedge.tools.schema import Schema
    from kedge.tools.settings import Settings
    from kedge.workflow.report import RunReport

TEXT_INPUT = "AlteryxBasePluginsGui.TextInput.TextInput"
SELECT = "AlteryxBasePluginsGui.AlteryxSelect.AlteryxSelect"
EMPTY = "~"
Cell = Any
Table = tuple[tuple[tuple[str, str], ...], tuple[tuple[Cell, ...], ...]]


def data(fields: str, *rows: tuple[Cell, ...]) -> Table:
    """Describe a table: ``"Id Int32, Name V_String(10)"`` and rows."""
    columns = tuple(_column(item.strip()) for item in fields.split(","))
    return columns, rows


def _column(text: str) -> tuple[str, str]:
    name, _, type_ = text.rpartition(" ")
    return name, type_


@dataclass(frozen=True)
class Outcome:
    """What a one-tool workflow did; without ``check=False`` the schemas before and in the run were equal."""

    check: CheckReport
    report: RunReport
    tool_id: int

    def table(self, anchor: str = "Output") -> pa.Table:
        return self.report.table(self.tool_id, anchor)

    def rows(self, anchor: str = "Output") -> list[tuple[Cell, ...]]:
        return [tuple(row.values()) for row in self.table(anchor).to_pylist()]

    def names(self, anchor: str = "Output") -> list[str]:
        return list(self.table(anchor).column_names)

    def schema(self, anchor: str = "Output") -> Schema:
        return next(made.schema for made in self.report.of(self.tool_id).anchors if made.name == anchor)

    def types(self, anchor: str = "Output") -> list[str]:
        return [str(field.type) for field in self.schema(anchor)]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.report.messages]


def run_one(
    plugin: str,
    configuration: str,
    inputs: Mapping[str, Table | Sequence[Table]] | None = None,
    *,
    anchors: Sequence[str] = ("Output",),
    settings: Settings | None = None,
    macro: str = "",
    amp: bool = False,
    path: Path | None = None,
    check: bool = True,
    ok: bool = True,
) -> Outcome:
    """Run one tool on tables and keep the records of ``anchors``; the schemas before and after must be equal."""
    switch = element("RunWithE2", {"value": str(amp)})
    flow = Workflow(Document(properties=element("Properties", {}, switch)))
    if path:
        flow = Workflow(flow.document, path)
    wires: list[tuple[int, str, str]] = []
    for anchor, tables in (inputs or {}).items():
        several = isinstance(tables, list)
        for number, table in enumerate(tables if several else [tables], 1):
            flow, origin = add_table(flow, table)  # type: ignore[arg-type]
            wires.append((origin, anchor, f"#{number}" if several else ""))
    parsed = parse_element(configuration, "test")
    flow, tool_id = flow.add(plugin, parsed, Macro=macro) if macro else flow.add(plugin, parsed)
    for origin, anchor, name in wires:
        flow = flow.connect(origin, "Output", tool_id, anchor, name)
    checked = flow.check(settings=settings)
    report = flow.run(taps=[(tool_id, anchor) for anchor in anchors], settings=settings)
    if ok:
        report.raise_for_status()
    outcome = Outcome(checked, report, tool_id)
    for anchor in anchors if check and ok else ():
        assert outcome.check.schemas[tool_id, anchor] == outcome.schema(anchor)
        assert outcome.table(anchor).schema == outcome.schema(anchor).arrow()
    return outcome


def add_table(flow: Workflow, table: Table) -> tuple[Workflow, int]:
    """Return the workflow with a table of exactly these fields, and the tool that gives it.

    An empty text in a cell is an empty text, which a TextInput cannot say: a Formula turns a mark into it.
    """
    columns, rows = table
    names = element("Fields", {}, *(element("Field", {"name": name}) for name, _ in columns))
    cells = element("Data", {}, *(element("r", {}, *(_cell(value) for value in row)) for row in rows))
    flow, origin = flow.add(TEXT_INPUT, element("Configuration", {}, names, cells))
    picks = [_pick(name, type_) for name, type_ in columns]
    fields = element("SelectFields", {}, *picks, element("SelectField", {"field": "*Unknown", "selected": "True"}))
    flow, select = flow.add(SELECT, element("Configuration", {}, fields))
    flow = flow.connect(origin, "Output", select, "Input")
    emptied = {name for row in rows for (name, _), value in zip(columns, row, strict=True) if value == ""}
    return _emptied(flow, select, sorted(emptied)) if emptied else (flow, select)


def _emptied(flow: Workflow, origin: int, names: Sequence[str]) -> tuple[Workflow, int]:
    fields = [
        {"field": name, "expression": f'IIF([{name}] = "{EMPTY}", "", [{name}])', "type": "V_String", "size": "9"}
        for name in names
    ]
    xml = element("FormulaFields", {}, *(element("FormulaField", field) for field in fields))
    flow, formula = flow.add("AlteryxBasePluginsGui.Formula.Formula", element("Configuration", {}, xml))
    return flow.connect(origin, "Output", formula, "Input"), formula


def _pick(name: str, type_: str) -> Element:
    kind, _, size = type_.rstrip(")").partition("(")
    return element("SelectField", {"field": name, "selected": "True", "type": kind, **({"size": size} if size else {})})


def _cell(value: Cell) -> Element:
    return element("c", {}, text="" if value is None else str(value) or EMPTY)
