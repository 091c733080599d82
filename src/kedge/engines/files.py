"""Writing files from DuckDB: beside their place and renamed, so that a file is complete or not there."""

from __future__ import annotations

__all__ = ["write_file"]

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.tools.contract import FileSink, aliased, column, select_from
from kedge.tools.sql import call
from kedge.workflow.arriving import Traffic

if TYPE_CHECKING:
    from pathlib import Path

    from kedge.formula.types import DesignerType
    from kedge.tools.schema import Schema
    from kedge.workflow.relations import Statement

DIALECT = "duckdb"


class Statements(Protocol):
    """Where statements run."""

    def execute(self, text: str, statement: Statement) -> int:
        """Run a text that holds a statement and return the number of rows that it says."""

    def stream(self, statement: Statement, traffic: Traffic) -> pa.RecordBatchReader:
        """Run a statement and return its rows as a stream, which counts what passes."""


def write_file(engine: Statements, statement: Statement, schema: Schema, sink: FileSink) -> int:
    """Write the rows of a statement, in its order, and return their number."""
    part = sink.path.with_name(sink.path.name + ".part")
    try:
        sink.path.parent.mkdir(parents=True, exist_ok=True)
        count = _write(engine, statement, schema, sink, part)
        part.replace(sink.path)
    except OSError as fault:
        raise WorkflowError(f"{sink.path}: the file cannot be written: {fault.strerror}") from fault
    finally:
        part.unlink(missing_ok=True)
    return count


def _write(engine: Statements, statement: Statement, schema: Schema, sink: FileSink, part: Path) -> int:
    if sink.format == "csv":
        return _write_csv(engine, statement, schema, sink, part)
    if sink.format == "arrow":
        return _write_arrow(engine, statement, part)
    return _copy(engine, statement, part, f"FORMAT {sink.format}")


def _copy(engine: Statements, statement: Statement, part: Path, options: str) -> int:
    place = exp.Literal.string(str(part)).sql(DIALECT)
    return engine.execute(f"COPY ({statement.query.sql(DIALECT)}) TO {place} ({options})", statement)


def _write_arrow(engine: Statements, statement: Statement, part: Path) -> int:
    traffic = Traffic()
    reader = engine.stream(statement, traffic)
    with pa.OSFile(str(part), "wb") as target, pa.ipc.new_file(target, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    return traffic.rows


def _write_csv(engine: Statements, statement: Statement, schema: Schema, sink: FileSink, part: Path) -> int:
    """Write delimited text: DuckDB builds whole lines, so that line ends, quotes and blanks are exactly Designer's."""
    delimiter, end = str(sink.options["delimiter"]), str(sink.options["line_end"])
    force = bool(sink.options["force_quotes"])
    cells: list[exp.Expr] = []
    for number, field in enumerate(schema):
        if number and delimiter:
            cells.append(exp.Literal.string(delimiter))
        cells.append(_cell(field.name, field.type, delimiter, force))
    if end == "\r\n":
        cells.append(call("chr", exp.Literal.number(13)))
    line = call("concat", *(cells or [exp.Literal.string("")]))
    title = _title(schema, sink, delimiter, force)
    records = statement.query.subquery("records", copy=False)
    lines = select_from(aliased([(line, title or "line")]), records)
    header = str(bool(title)).lower()
    options = rf"FORMAT csv, HEADER {header}, QUOTE '', ESCAPE '', DELIMITER '\x01'"
    count = _copy(engine, replace(statement, query=lines), part, options)
    encoding = str(sink.options["encoding"])
    mark = _mark(sink) if not sink.options["header"] else ""
    if mark or encoding != "utf-8":
        _transcode(part, encoding, mark)
    return count


def _mark(sink: FileSink) -> str:
    """Return the byte order mark that the file begins with, if any."""
    return "\ufeff" if sink.options["bom"] and str(sink.options["encoding"]).startswith("utf") else ""


def _cell(name: str, type_: DesignerType, delimiter: str, force: bool) -> exp.Expr:
    value: exp.Expr = column(name)
    if type_.is_bool:
        text: exp.Expr = (
            exp.case().when(value, exp.Literal.string("True")).when(exp.not_(value), exp.Literal.string("False"))
        )
        return _quoted(text) if force else text
    if type_.name in ("Float", "Double"):
        text = _shortest(value)
    elif type_.name == "DateTime":
        text = call("strftime", value, exp.Literal.string("%Y-%m-%d %H:%M:%S"))
    else:
        text = exp.cast(value, "text")
    if force:
        return _quoted(call("coalesce", text, exp.Literal.string("")))
    if not type_.is_string or not delimiter:
        return text
    needs = exp.or_(*(call("contains", text, exp.Literal.string(mark)) for mark in ('"', delimiter, "\n", "\r")))
    return exp.case().when(needs, _quoted(text)).else_(text)


def _shortest(value: exp.Expr) -> exp.Expr:
    """Write a Double as its shortest text: DuckDB writes ``1.0`` where Designer writes ``1``."""
    text = exp.cast(value, "text")
    return call("regexp_replace", text, exp.Literal.string(r"\.0$"), exp.Literal.string(""))


def _quoted(text: exp.Expr) -> exp.Expr:
    doubled = call("replace", text, exp.Literal.string('"'), exp.Literal.string('""'))
    return call("concat", exp.Literal.string('"'), doubled, exp.Literal.string('"'))


def _title(schema: Schema, sink: FileSink, delimiter: str, force: bool) -> str:
    """Return the first line without its line feed: byte order mark and field names, as far as they are wanted."""

    def cell(name: str) -> str:
        if force or any(mark in name for mark in ('"', "\n", "\r") + ((delimiter,) if delimiter else ())):
            return '"' + name.replace('"', '""') + '"'
        return name

    if not sink.options["header"]:
        return ""
    return _mark(sink) + delimiter.join(cell(name) for name in schema.names) + str(sink.options["line_end"])[:-1]


def _transcode(part: Path, encoding: str, mark: str) -> None:
    """Rewrite a UTF-8 file in another code page and behind ``mark``, in bounded memory."""
    lines = part.with_name(part.name + ".utf8")
    part.replace(lines)
    try:
        with (
            lines.open("r", encoding="utf-8", newline="") as source,
            part.open("w", encoding=encoding, newline="") as target,
        ):
            target.write(mark)
            while block := source.read(1 << 20):
                target.write(block)
    except UnicodeEncodeError as fault:
        text = fault.object[fault.start : fault.end]
        place = str(part).removesuffix(".part")
        raise WorkflowError(f"{place}: {text!r} does not exist in code page {encoding}; write UTF-8 (65001)") from fault
    finally:
        lines.unlink(missing_ok=True)
