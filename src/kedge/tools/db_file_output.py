"""DbFileOutput: write files: delimited and flat text, Parquet, JSON, Arrow."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kedge.exceptions import WorkflowError
from kedge.tools.code_pages import encoding_of
from kedge.tools.contract import Context, FileSink, Input, Inputs, Order, Source, Tool
from kedge.tools.db_file_input import file_format
from kedge.tools.delimited import parse_delimiter
from kedge.tools.element import Element
from kedge.tools.options import Options
from kedge.tools.paths import resolve_path, split_source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kedge.tools.schema import Schema

QUOTING = {"False": False, "Never": False, "Auto": False, "True": True, "Always": True}
LINE_ENDS = {"CRLF": "\r\n", "LF": "\n"}
MAY_REPLACE = {"": True, "Overwrite": True, "RemoveFile": True, "Create": False}
SPLITS = {
    "Append": "append",
    "Prepend": "prepend",
    "ChangeFileName": "name",
    "ChangeFilePath": "path",
    "Suffix": "append",
    "Prefix": "prepend",
}


@dataclass(frozen=True)
class Config:
    """The path as written, its format with options, and how records are spread over several files."""

    path: str
    format: str
    options: Mapping[str, str | bool] = field(default_factory=dict)
    limit: int = 0
    split: str = ""
    split_field: str = ""
    keep_split: bool = True


def parse(xml: Element) -> Config:
    """Read the file and its format options."""
    options = Options(xml)
    options.ignore("Passwords")
    file = options.section("File")
    path, table = split_source(file.element.text)
    code = file.attribute("FileFormat", "0")
    file.ignore_attributes("UncPath")
    config = Config(path.strip(), file_format(path, code, table, file), limit=file.number_attribute("MaxRecords", 0))
    formats = options.child("FormatSpecificOptions")
    if formats and config.format == "csv":
        config = replace(config, options=_parse_text(formats))
    elif config.format == "csv":
        config = replace(config, options=_parse_text(Options(Element("FormatSpecificOptions"))))
    elif formats:
        formats.ignore(*(child.tag for child in formats.element.children))
    config = _parse_split(options, config)
    options.finish()
    if not config.path:
        raise options.fault("File", "no file is named")
    return config


def _parse_text(options: Options) -> dict[str, str | bool]:
    return {
        "may_replace": options.choice("OutputOption", MAY_REPLACE, ""),
        "delimiter": parse_delimiter(options),
        "line_end": options.choice("LineEndStyle", LINE_ENDS, "CRLF"),
        "force_quotes": options.choice("ForceQuotes", QUOTING, "False"),
        "header": options.flag("HeaderRow", True),
        "encoding": encoding_of(options.integer("CodePage", 28591), f"{options.path}/CodePage"),
        "bom": options.flag("WriteBOM", True),
    }


def _parse_split(options: Options, config: Config) -> Config:
    several = options.flag("MultiFile", False)
    kind = options.value("MultiFileType", "").strip()
    name = options.value("MultiFileField", "").strip()
    keep = options.flag("KeepField", True)
    if not several:
        return config
    if kind not in SPLITS:
        raise options.fault("MultiFileType", f"{kind!r} is not known; known are {', '.join(SPLITS)}")
    return replace(config, split=SPLITS[kind], split_field=name, keep_split=keep)


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """An output has no output anchor; its path and the field that splits the records must make sense."""
    resolve_path(config.path, context.directory)
    if config.split:
        inputs.one("Input").need(config.split_field, "Configuration/MultiFileField")
    return {}


def write(config: Config, source: Source, context: Context) -> FileSink:
    """Say which file gets the records."""
    path = resolve_path(config.path, context.directory)
    if path.exists() and not config.options.get("may_replace", True):
        raise WorkflowError(
            f"Configuration/FormatSpecificOptions/OutputOption: {path} exists already; choose Overwrite"
        )
    sink = FileSink(path, config.format, config.options, config.limit)
    if not config.split:
        return sink
    name = source.schema.need(config.split_field, "Configuration/MultiFileField").name
    return replace(
        sink,
        split=name,
        keep_split=config.keep_split,
        place=lambda value: split_path(path, config.split, value, context.directory),
    )


def split_path(path: Path, kind: str, value: str, directory: Path) -> Path:
    """Return the file for one value of the field that splits the records."""
    if kind == "path":
        return resolve_path(value, directory)
    if not value or "/" in value or "\\" in value:
        raise WorkflowError(f"the value {value!r} cannot be part of a file name; choose another field")
    names = {
        "append": f"{path.stem}{value}{path.suffix}",
        "prepend": f"{value}{path.name}",
        "name": f"{value}{path.suffix}",
    }
    return path.with_name(names[kind])


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.DbFileOutput.DbFileOutput",),
    inputs=(Input("Input", Order.USED),),
    outputs=(),
    parse=parse,
    bind=bind,
    write=write,
    sink=True,
)
