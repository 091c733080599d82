"""DbFileInput: read files: delimited and flat text, Parquet, JSON, Arrow."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import BOOL, DOUBLE, INT64, V_WSTRING, DesignerType
from kedge.tools.arrow_types import designer_type
from kedge.tools.contract import FEW, Built, Context, Inputs, Query, Source, Step, Tool, aliased, column, select_from
from kedge.tools.delimited import DelimitedOptions, parse_delimited, read_heading, with_quote
from kedge.tools.delimited_scan import Column, DelimitedFile, open_file, plain_columns, scan_files
from kedge.tools.expecting import expecting
from kedge.tools.options import Options
from kedge.tools.paths import WILDCARDS, resolve_path, resolve_pattern, split_source
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import NULL, call, text
from kedge.tools.text_blocks import TYPED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kedge.tools.element import Element

BY_EXTENSION = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
DELIMITED = "0"
UNSUPPORTED = {
    "2": "dBase",
    "8": "Excel 97 (.xls)",
    "12": "shape file",
    "17": "alias",
    "19": "Alteryx database (.yxdb)",
    "21": "flat file",
    "23": "ODBC or OleDB",
    "25": "Excel (.xlsx)",
    "36": "SQLite",
    "37": "XML",
    "42": "Tableau extract",
    "64": "Tableau Hyper",
    "65": "Snowflake bulk load",
}
FEW_BYTES = 4 << 20
"""Of text files: some 100,000 records of 40 bytes."""
NAME_TYPES = {"": "", "No": "", "FileName": "FileName", "FullPath": "FullPath"}
JSON_TYPES = {"BOOLEAN": BOOL, "BIGINT": INT64, "DOUBLE": DOUBLE, "UBIGINT": DesignerType("FixedDecimal", 20, 0)}


@dataclass(frozen=True)
class Config:
    """The path as written, its format, and what goes with it; ``limit`` 0 reads everything."""

    path: str
    format: str
    delimited: DelimitedOptions = field(default_factory=DelimitedOptions)
    limit: int = 0
    file_name: str = ""
    deep: bool = False


def parse(xml: Element) -> Config:
    """Read the file and its format options; formats by number, Parquet, JSON and Arrow by extension."""
    options = Options(xml)
    options.ignore("Passwords", "TotalFileSizeBytes")
    file = options.section("File")
    path, table = split_source(file.element.text)
    code = file.attribute("FileFormat", DELIMITED)
    config = Config(
        path=path.strip(),
        format=file_format(path, code, table, file),
        limit=file.number_attribute("RecordLimit", 0),
        file_name=file.attribute_choice("OutputFileName", NAME_TYPES, ""),
        deep=file.switch("SearchSubDirs", False),
    )
    file.ignore_attributes("UncPath")
    formats = options.child("FormatSpecificOptions")
    if formats and config.format == "csv":
        config = replace(config, delimited=parse_delimited(formats))
    elif formats:
        formats.ignore(*(child.tag for child in formats.element.children))
    options.finish()
    return config


def file_format(path: str, code: str, table: str, file: Options) -> str:
    """Return ``csv``, ``parquet``, ``json`` or ``arrow`` for a path and a format number, else refuse by name."""
    extension = Path(path.replace("\\", "/")).suffix.lower()
    if extension in BY_EXTENSION:
        return BY_EXTENSION[extension]
    if code in UNSUPPORTED or table:
        kind = f"the format {UNSUPPORTED[code]}" if code in UNSUPPORTED else f"a table or sheet of a file ({table})"
        raise file.fault("", f"{kind} is not supported; use csv, Parquet, JSON or Arrow")
    if code != DELIMITED:
        raise file.fault("@FileFormat", f"the format number {code} is not known")
    return "csv"


def _files(config: Config, context: Context) -> list[Path]:
    if any(mark in config.path for mark in WILDCARDS):
        found = resolve_pattern(config.path, context.directory, config.deep)
        if not found:
            raise WorkflowError(f"Configuration/File: no file matches {config.path!r} in {context.directory}")
        return found
    path = resolve_path(config.path, context.directory)
    if not path.is_file():
        raise WorkflowError(f"Configuration/File: there is no file {path}")
    return [path]


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Say the fields of the first file; before a run, the declared ones where the file is not there."""
    try:
        files = _files(config, context)
    except WorkflowError:
        if context.running or "Output" not in context.declared:
            raise
        return {"Output": _expected(config, context.declared["Output"])}
    own = {path: _file_schema(config, path) for path in files}
    filled = [path for path in files if own[path].fields]
    if not filled:
        raise WorkflowError(f"{files[0]}: the file is empty, so it has no fields; give it a header, or leave it out")
    schema = own[filled[0]]
    for other in files:
        _compare(schema, own[other], other, context)
    if not config.file_name:
        return {"Output": schema}
    return {"Output": Schema.of([*schema, Field("FileName", DesignerType("V_WString", 254), "File: FileName")])}


def _expected(config: Config, declared: Schema) -> Schema:
    """Return the declared fields; those of delimited text have the type that the options say."""
    if config.format != "csv":
        return declared
    names = declared.names[:-1] if config.file_name else declared.names
    return Schema(tuple(item.typed(config.delimited.type) if item.name in names else item for item in declared))


def _compare(schema: Schema, other: Schema, path: Path, context: Context) -> None:
    if not other.fields:
        context.warn(f"{path} is empty and is left out")
        return
    missing = [name for name in schema.names if name not in other]
    extra = [name for name in other.names if name not in schema]
    if missing:
        context.warn(f"{path} lacks the fields {', '.join(missing)}; they are null")
    if extra:
        context.warn(f"{path} has other fields than the first file, which are not read: {', '.join(extra)}")


def _file_schema(config: Config, path: Path) -> Schema:
    source = f"File: {path}"
    try:
        if config.format == "csv":
            names = read_heading(path, with_quote(path, config.delimited)).names
            return Schema.of(Field(name, config.delimited.type, source) for name in names)
        if config.format == "json":
            return _json_fields(path)
        arrow = pq.read_schema(path) if config.format == "parquet" else _open_arrow(path).schema
    except (OSError, pa.ArrowInvalid) as fault:
        raise WorkflowError(f"{path}: the file cannot be read as {config.format}: {fault}") from fault
    return Schema.of(Field(field.name, designer_type(field, str(path)), source) for field in arrow)


def _open_arrow(path: Path) -> Any:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path)))
    except pa.ArrowInvalid:
        return pa.ipc.open_stream(pa.memory_map(str(path)))


def _json_fields(path: Path) -> Schema:
    """Type the fields of a JSON file by all of its records; fields whose values are of several kinds are text."""
    described = "DESCRIBE SELECT * FROM read_json($1, records = true, sample_size = -1)"
    try:
        with duckdb.connect() as connection:
            found = connection.execute(described, [str(path)]).fetchall()
    except duckdb.Error as fault:
        text_ = str(fault).splitlines()[0]
        raise WorkflowError(f"{path}: this is not JSON of objects, one a line or in one list: {text_}") from fault
    for name, type_, *_ in found:
        if type_.startswith(("STRUCT", "MAP")) or type_.endswith("[]"):
            raise WorkflowError(f"{path}: {name}: nested JSON values are not supported; flatten them before")
    return Schema.of(Field(name, JSON_TYPES.get(type_, V_WSTRING), f"File: {path}") for name, type_, *_ in found)


def build(config: Config, inputs: Inputs[Source], context: Context) -> Built:
    """Scan every file in turn; the order is that of the files and of their lines."""
    schema = bind(config, Inputs({}), context.quiet())["Output"]
    files = _files(config, context)
    if config.format == "arrow":
        return Step(lambda _: {"Output": _arrow_records(config, files, schema)})
    filled = _filled(config, files)
    query = _delimited(config, filled, schema, context) if config.format == "csv" else _tables(config, filled, schema)
    rows, few = _known(config, [path for path, _ in filled])
    select = query.select.limit(config.limit) if config.limit else query.select
    return {"Output": replace(query, select=select, rows=rows, few=few)}


def _delimited(config: Config, files: list[tuple[Path, Schema]], schema: Schema, context: Context) -> Query:
    """Scan delimited files; fields that the reader wants in another type come in that type, if they begin like that."""
    own = schema.fields[:-1] if config.file_name else schema.fields
    opened = [
        open_file(path, config.delimited, len(found), _picks(config, path, found, own), context)
        for path, found in files
    ]
    plain = _plain(opened[0], own, context)
    columns = [_scanned(item, place, plain, context) for place, item in enumerate(schema)]
    typed = {it.field: it.name for it in columns if it.convert is not None}
    cells = (NULL.copy() if it.field in typed else column(it.name) for it in columns)
    texts = [exp.cast(cell, item.type.sql) for cell, item in zip(cells, schema, strict=True)]
    types = [*(item.type for item in schema), *(context.wanted[name].type for name in typed)]
    names = [*schema.names, *typed.values()]
    stream = f"{context.hidden()}_scan"
    read = [*aliased(zip(texts, schema.names, strict=True)), *map(column, typed.values())]
    select = exp.union(
        select_from(read, exp.Table(this=exp.to_identifier(stream, quoted=True))),
        expecting(sum(file.expected_rows for file in opened), zip(names, (type_.sql for type_ in types), strict=True)),
        distinct=False,
        copy=False,
    )
    return Query(select, natural=True, scans={stream: scan_files(opened, columns, context)}, typed=typed)


def _plain(file: DelimitedFile, fields: Sequence[Field], context: Context) -> frozenset[str]:
    """Return the fields that are wanted in a type, and whose first texts are plainly of that."""
    wanted = {
        pick: TYPED[context.wanted[item.name].type.name]
        for item, pick in zip(fields, file.picks, strict=False)
        if item.name in context.wanted and context.wanted[item.name].type.name in TYPED and isinstance(pick, int)
    }
    found = plain_columns(file, wanted, context) if wanted else frozenset()
    return frozenset(item.name for item, pick in zip(fields, file.picks, strict=False) if pick in found)


def _scanned(item: Field, place: int, plain: frozenset[str], context: Context) -> Column:
    """Return the column of a field; the names in the stream are like none in another."""
    name = f"{context.hidden(place)}_cell"
    if item.name not in plain:
        return Column(item.name, name)
    wanted = context.wanted[item.name]
    return Column(item.name, name, TYPED[wanted.type.name], wanted.convert)


def _picks(config: Config, path: Path, found: Schema, fields: Sequence[Field]) -> list[int | str | None]:
    places = {name.casefold(): place for place, name in enumerate(found.names)}
    picks: list[int | str | None] = [places.get(item.name.casefold()) for item in fields]
    return [*picks, _file_name(config, path)] if config.file_name else picks


def _file_name(config: Config, path: Path) -> str:
    return path.name if config.file_name == "FileName" else str(path)


def _tables(config: Config, files: list[tuple[Path, Schema]], schema: Schema) -> Query:
    """Read files that the engine reads itself."""
    selects: list[exp.Query] = [_select(config, path, own, schema) for path, own in files]
    union: exp.Query = reduce(lambda left, right: exp.union(left, right, distinct=False), selects)
    if len(selects) > 1 and config.limit:
        union = exp.select("*").from_(union.subquery("files"))
    return Query(union, natural=True)


def _known(config: Config, files: list[Path]) -> tuple[Callable[[Inputs[int]], int] | None, bool]:
    """Say how many records there are, where the files say it, and whether they are few, else judged by their size."""
    if config.format != "parquet":
        few = sum(path.stat().st_size for path in files) <= FEW_BYTES
        return None, few or 0 < config.limit <= FEW
    total = sum(pq.read_metadata(path).num_rows for path in files)
    found = min(total, config.limit) if config.limit else total
    return lambda _: found, found <= FEW


def _filled(config: Config, files: list[Path]) -> list[tuple[Path, Schema]]:
    found = [(path, _file_schema(config, path)) for path in files]
    return [(path, own) for path, own in found if own.fields]


def _select(config: Config, path: Path, own: Schema, schema: Schema) -> exp.Select:
    columns: list[exp.Expr] = []
    for item in schema.fields[:-1] if config.file_name else schema:
        found = own.find(item.name)
        value: exp.Expr = column(found.name) if found else NULL.copy()
        columns.append(
            exp.alias_(
                exp.cast(value, item.type.sql) if not found or found.type != item.type else value,
                item.name,
                quoted=True,
            )
        )
    if config.file_name:
        columns.append(exp.alias_(text(_file_name(config, path)), schema.names[-1], quoted=True))
    return exp.select(*columns).from_(_table(config, path, own))


def _table(config: Config, path: Path, own: Schema) -> exp.Expr:
    if config.format == "parquet":
        return exp.Table(this=call("read_parquet", text(str(path))))
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(field.name, quoted=True), expression=text(field.type.sql.sql("duckdb")))
        for field in own
    ]
    columns = exp.EQ(this=exp.to_identifier("columns"), expression=exp.Struct(expressions=fields))
    return exp.Table(this=call("read_json", text(str(path)), columns))


def _arrow_records(config: Config, files: list[Path], schema: Schema) -> pa.Table:
    tables = []
    for path in files:
        table = _open_arrow(path).read_all()
        if config.file_name:
            names = pa.array([_file_name(config, path)] * len(table), pa.string())
            table = table.append_column(schema.names[-1], names)
        missing = [name for name in schema.names if name not in table.column_names]
        for name in missing:
            table = table.append_column(name, pa.nulls(len(table)))
        tables.append(table.select(schema.names).cast(schema.arrow()))
    whole = pa.concat_tables(tables)
    return whole.slice(0, config.limit) if config.limit else whole


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.DbFileInput.DbFileInput",),
    inputs=(),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    brings_in=True,
)
