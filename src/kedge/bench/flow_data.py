"""The data and the workflows that ``kedge bench flow`` measures."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import duckdb

from kedge.workflow.workflow import Workflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["PRODUCTS", "generating", "growth", "many_tools", "recurrence", "sales", "write_data"]

PRODUCTS = 100_000
CSV = "<HeaderRow value='True'/><CodePage>65001</CodePage><Delimeter>,</Delimeter>"
ORDERS = """SELECT i AS id, (hash(i) % {products})::INT AS product, (hash(i + 1) % 20 + 1)::INT AS quantity,
    (hash(i + 2) % 100000) / 100.0 AS price, DATE '2020-01-01' + (hash(i + 3) % 1500)::INT AS day,
    ['open', 'shipped', 'returned', 'paid'][(1 + hash(i + 4) % 4)::INT] AS status FROM range({rows}) AS numbers(i)"""
LOOKUP = (
    "SELECT i AS product, 'category ' || (i % 100) AS category, (i % 50) / 2.0 AS cost FROM range({products}) AS n(i)"
)
FORMULAS = (
    ("revenue", "[quantity] * [price]", "Double", "8"),
    ("discounted", "IF [quantity] > 10 THEN [revenue] * 0.9 ELSE [revenue] ENDIF", "Double", "8"),
    ("code", "Uppercase(Left([status], 3))", "V_String", "3"),
    ("year", "DateTimeYear([day])", "Int32", "4"),
)
SUMMARY = (
    ("category", "GroupBy", "category"),
    ("year", "GroupBy", "year"),
    ("code", "GroupBy", "code"),
    ("id", "Count", "orders"),
    ("discounted", "Sum", "total"),
    ("price", "Avg", "price"),
    ("quantity", "Max", "most"),
)


def write_data(folder: Path, rows: int) -> None:
    """Write ``orders.csv`` of so many rows and ``products.csv``; what is there already stays."""
    done = folder / f"{rows}.rows"
    if done.exists():
        return
    with duckdb.connect() as connection:
        for name, query in (("orders", ORDERS), ("products", LOOKUP)):
            text = query.format(rows=rows, products=PRODUCTS)
            connection.execute(f"COPY ({text}) TO '{folder / name}.csv' (HEADER)")
    done.touch()


def sales(folder: Path, *, custom: bool = False) -> Workflow:
    """Input, Select, Filter, four Formulas, Join, Summarize, Sort, Output; ``custom`` puts a tool after the Select.

    The custom tool sees every row. The result is ``kedge.csv`` in the folder.
    """
    flow, orders = _input(
        Workflow(path=folder / "sales.yxmd"),
        "orders.csv",
        id="Int64",
        product="Int32",
        quantity="Int32",
        price="Double",
        day="Date",
    )
    if custom:
        flow, orders = _after(flow, orders, "Output", "PassThrough", "", "SdkEnginePlugin.dll")
    condition = "<Mode>Custom</Mode><Expression>[quantity] &gt; 2</Expression>"
    flow, tool = _after(flow, orders, "Output", "Filter", condition)
    anchor = "True"
    for formula in FORMULAS:
        flow, tool = _after(flow, tool, anchor, "Formula", _formula(*formula))
        anchor = "Output"
    flow, products = _input(flow, "products.csv", product="Int32", cost="Double")
    keys = "".join(f'<JoinInfo connection="{side}"><Field field="product"/></JoinInfo>' for side in ("Left", "Right"))
    flow, joined = flow.add("Join", keys)
    flow = flow.connect(tool, "Output", joined, "Left").connect(products, "Output", joined, "Right")
    fields = (f'<SummarizeField field="{field}" action="{action}" rename="{name}"/>' for field, action, name in SUMMARY)
    flow, tool = _after(flow, joined, "Join", "Summarize", f"<SummarizeFields>{''.join(fields)}</SummarizeFields>")
    order = '<SortInfo locale="0"><Field field="total" order="Descending"/></SortInfo>'
    flow, tool = _after(flow, tool, "Output", "Sort", order)
    target = f"<File FileFormat='0'>kedge.csv</File><FormatSpecificOptions>{CSV}</FormatSpecificOptions>"
    return _after(flow, tool, "Output", "DbFileOutput", target)[0]


def _input(flow: Workflow, name: str, **types: str) -> tuple[Workflow, int]:
    source = f"<File FileFormat='0'>{name}</File><FormatSpecificOptions>{CSV}</FormatSpecificOptions>"
    flow, tool = flow.add("DbFileInput", source)
    picks = "".join(f'<SelectField field="{field}" selected="True" type="{type_}"/>' for field, type_ in types.items())
    unknown = '<SelectField field="*Unknown" selected="True"/>'
    return _after(flow, tool, "Output", "AlteryxSelect", f"<SelectFields>{picks}{unknown}</SelectFields>")


def _after(
    flow: Workflow, tool: int, anchor: str, plugin: str, configuration: str | Mapping[str, object], engine: str = ""
) -> tuple[Workflow, int]:
    dll = {"EngineDll": engine} if engine else {}
    flow, added = flow.add(plugin, configuration, None, **dll)
    return flow.connect(tool, anchor, added, "Input"), added


def _formula(field: str, expression: str, type_: str, size: str) -> str:
    attributes = f'field="{field}" expression={quoteattr(expression)} type="{type_}" size="{size}"'
    return f"<FormulaFields><FormulaField {attributes}/></FormulaFields>"


def many_tools(folder: Path, tools: int = 200, rows: int = 10) -> Path:
    """Write a workflow of so many tools on few rows, Formulas and Filters in turn, and return its path."""
    cells = "".join(f"<r><c>{place}</c></r>" for place in range(rows))
    flow, tool = Workflow(path=folder / "many.yxmd"), 0
    flow, tool = flow.add("TextInput", f'<Fields><Field name="n"/></Fields><Data>{cells}</Data>')
    anchor = "Output"
    for place in range(tools - 2):
        if place % 2:
            condition = f"<Mode>Custom</Mode><Expression>[n] &gt; -{place}</Expression>"
            flow, tool = _after(flow, tool, anchor, "Filter", condition)
        else:
            flow, tool = _after(
                flow, tool, anchor, "Formula", _formula(f"f{place % 5}", f"[n] + {place}", "Int32", "4")
            )
        anchor = "True" if place % 2 else "Output"
    flow, _ = _after(flow, tool, anchor, "BrowseV2", "")
    flow.save(flow.path)
    return flow.path


def generating(rows: int) -> tuple[Workflow, int]:
    """A GenerateRows tool that no series can replace, and a count of its rows; the id of the count."""
    config = {
        "CreateField_Name": "x",
        "CreateField_Type": "Double",
        "Expression_Init": "1",
        "Expression_Cond": f"[x] < {growth(rows)!r}",
        "Expression_Loop": "[x] * 1.000001 + 1",
    }
    flow, tool = Workflow().add("GenerateRows", config)
    return _counted(flow, tool)


def growth(rows: int) -> float:
    """The value that ``x * 1.000001 + 1`` has reached after so many rows."""
    return float((1.000001**rows - 1) * 1e6)


def recurrence(rows: int) -> tuple[Workflow, int]:
    """A MultiRowFormula that reads what it wrote in the row before, over numbers from 1, and a sum of it."""
    numbers = {
        "CreateField_Name": "n",
        "CreateField_Type": "Int64",
        "Expression_Init": "1",
        "Expression_Cond": f"[n] <= {rows}",
        "Expression_Loop": "[n] + 1",
    }
    flow, tool = Workflow().add("GenerateRows", numbers)
    rule = {
        "UpdateField": {"@value": "False"},
        "CreateField_Name": "total",
        "CreateField_Type": "Double",
        "CreateField_Size": "8",
        "OtherRows": "Empty",
        "NumRows": {"@value": "1"},
        "Expression": "[Row-1:total] * 0.9 + [n]",
    }
    return _counted(*_after(flow, tool, "Output", "MultiRowFormula", rule))


def _counted(flow: Workflow, tool: int) -> tuple[Workflow, int]:
    field = flow.document.node(tool).configuration.content("CreateField_Name")
    fields = "".join(f'<SummarizeField field="{field}" action="{action}"/>' for action in ("Count", "Max"))
    return _after(flow, tool, "Output", "Summarize", f"<SummarizeFields>{fields}</SummarizeFields>")
