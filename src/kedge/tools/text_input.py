"""TextInput: a table typed into the workflow."""

from __future__ import annotations

__all__ = ["TOOL", "column_type", "is_variable"]

import datetime
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import DATE, DATETIME, DOUBLE, DesignerType
from kedge.tools.contract import FEW, Context, Inputs, Query, Source, Tool
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import NULL, aliased, column, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kedge.tools.element import Element

SPACE = "{http://www.w3.org/XML/1998/namespace}space"
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)?\.[0-9]+|-?(0|[1-9][0-9]*)(\.[0-9]+)?[eE][-+]?[0-9]+")
DATE_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DATETIME_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
CLASSIC_INTEGERS = (
    ("Byte", 0, 255),
    ("Int16", -(2**15), 2**15 - 1),
    ("Int32", -(2**31), 2**31 - 1),
    ("Int64", -(2**63), 2**63 - 1),
)
AMP_INTEGERS = CLASSIC_INTEGERS[2:]


@dataclass(frozen=True)
class Config:
    """Field names and rows of cells; ``None`` is null."""

    names: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


def parse(xml: Element) -> Config:
    """Read ``Fields`` and ``Data``; an empty ``<c />`` is null."""
    options = Options(xml)
    options.ignore("NumRows", "Comment", "Header", "FileName", "ManualDataPath", "DataChanged")
    names = tuple(item.attribute("name") for item in options.listed("Fields", "Field"))
    rows: list[tuple[str | None, ...]] = []
    for row in options.listed("Data", "r"):
        cells = tuple(_cell(cell) for cell in row.each("c"))
        if len(cells) > len(names):
            raise WorkflowError(f"{row.path}: {len(cells)} cells for {len(names)} fields")
        rows.append(cells + (None,) * (len(names) - len(cells)))
    options.finish()
    return Config(names, tuple(rows))


def _cell(cell: Options) -> str | None:
    cell.ignore_attributes(SPACE)
    return cell.element.text or None


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Type every column by its cells: see ``column_type``."""
    types = [column_type([row[number] for row in config.rows], context.amp) for number in range(len(config.names))]
    return {"Output": Schema.of(Field(*pair, "TextInput:") for pair in zip(config.names, types, strict=True))}


def column_type(cells: Sequence[str | None], amp: bool) -> DesignerType:
    """Return the type that Designer gives a column of such cells.

    Whole numbers make the smallest integer type (under AMP Int32 or Int64), decimals Double, ISO dates Date or
    DateTime; the rest is text: String of the longest cell, V_String under AMP, V_WString beyond Latin-1. Leading
    zeros are text.
    """
    filled = [cell for cell in cells if cell is not None]
    if filled and all(INTEGER.fullmatch(cell) for cell in filled):
        numbers = [int(cell) for cell in filled]
        for name, low, high in AMP_INTEGERS if amp else CLASSIC_INTEGERS:
            if low <= min(numbers) and max(numbers) <= high:
                return DesignerType(name)
        return DOUBLE
    if filled and all(INTEGER.fullmatch(cell) or DECIMAL.fullmatch(cell) for cell in filled):
        return DOUBLE
    if filled and all(_is_date(cell, DATE_TEXT) for cell in filled):
        return DATE
    if filled and all(_is_date(cell, DATETIME_TEXT) for cell in filled):
        return DATETIME
    return _text_type(filled, amp)


def _is_date(cell: str, pattern: re.Pattern[str]) -> bool:
    if not pattern.fullmatch(cell):
        return False
    try:
        return datetime.datetime.fromisoformat(cell).year >= 1400
    except ValueError:
        return False


def _text_type(cells: Sequence[str], amp: bool) -> DesignerType:
    size = max((len(cell) for cell in cells), default=1)
    try:
        "".join(cells).encode("latin-1")
    except UnicodeEncodeError:
        return DesignerType("V_WString", size)
    return DesignerType("V_String" if amp or is_variable(map(len, cells), size) else "String", size)


def is_variable(lengths: Iterable[int], size: int) -> bool:
    """Tell whether text of such lengths takes less room as V_String: a V_String costs five bytes a cell more."""
    found = list(lengths)
    return sum(found) + (4 + 1) * len(found) < (size + 1) * len(found)


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Emit the rows as VALUES, cast column by column."""
    schema = bind(config, Inputs({}), context)["Output"]
    casts = aliased((exp.cast(column(field.name), field.type.sql), field.name) for field in schema)
    rows = [exp.Tuple(expressions=[NULL.copy() if cell is None else text(cell) for cell in row]) for row in config.rows]
    if not rows:
        empty = exp.select(*aliased((exp.cast(NULL.copy(), field.type.sql), field.name) for field in schema))
        return {"Output": Query(empty.where(exp.false()), natural=True, rows=lambda _: 0, few=True)}
    names = [exp.to_identifier(field.name, quoted=True) for field in schema]
    alias = exp.TableAlias(this=exp.to_identifier("cells"), columns=names)
    select = exp.select(*casts).from_(exp.Values(expressions=rows, alias=alias))
    return {"Output": Query(select, natural=True, rows=lambda _: len(rows), few=len(rows) <= FEW)}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.TextInput.TextInput",),
    inputs=(),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    brings_in=True,
)
