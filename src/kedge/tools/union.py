"""Union: the records of several inputs under one another."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import DesignerType, common_type
from kedge.tools.contract import Context, Input, Inputs, OrderKey, Query, Source, Tool
from kedge.tools.conversion import Converter
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import NULL, column, number, over

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kedge.tools.element import Element

MODES = {"ByName": "name", "ByPos": "position", "ManualDelayed": "manual", "Manual": "manual"}


@dataclass(frozen=True)
class Config:
    """How fields are matched, what happens to fields that only some inputs have, and the order of the inputs.

    ``manual`` says for each connection name which of its fields goes into which output column, counted from any number.
    """

    mode: str
    error: str = "Warning"
    subset: bool = False
    order: tuple[str, ...] = ()
    manual: Mapping[str, Mapping[int, str]] | None = None


def parse(xml: Element) -> Config:
    """Read the options."""
    options = Options(xml)
    mode = options.choice("Mode", MODES, "ByName")
    modes = {name: name for name in ("Warning", "Ignore", "Error")}
    rule = "ByPos" if mode == "position" and options.element.find("ByPos_ErrorMode") else "ByName"
    errors = options.choice(f"{rule}_ErrorMode", modes, "Warning")
    subset = options.choice(f"{rule}_OutputMode", {"All": False, "Subset": True}, "All")
    ordered = options.flag("SetOutputOrder", False)
    order = tuple(item.element.text.strip() for item in options.listed("OutputOrder", "Connection"))
    options.ignore("AutoResetMode", "ByName_ErrorMode", "ByName_OutputMode", "ByPos_ErrorMode", "ByPos_OutputMode")
    manual = _parse_manual(options)
    options.finish()
    if mode == "manual" and not manual:
        raise options.fault("MultiMetaInfo", "the manual mode needs the fields of every connection")
    return Config(mode, errors, subset, order if ordered else (), manual)


def _parse_manual(options: Options) -> dict[str, dict[int, str]]:
    """Read which field of each connection goes where: by its ``column``, or by its place where it has none."""
    manual: dict[str, dict[int, str]] = {}
    for info in options.listed("MultiMetaInfo", "MetaInfo"):
        found = manual.setdefault(info.attribute("name"), {})
        for place, item in enumerate(info.listed("RecordInfo", "Field")):
            item.ignore_attributes("type", "size", "scale", "source", "description")
            found[item.number_attribute("column", place)] = item.attribute("name")
    return manual


def _ordered(config: Config, inputs: Inputs[Schema]) -> list[tuple[str, int]]:
    """Return connection names with their places among the inputs, in output order."""
    found = list(zip(inputs.names.get("Input", ()), range(len(inputs.many("Input"))), strict=True))
    places = {name: place for place, name in enumerate(config.order)}
    return sorted(found, key=lambda pair: places.get(pair[0], len(places)))


@dataclass(frozen=True)
class _Layout:
    """The output fields, and for each input in order: its place and the field that fills each output field."""

    schema: Schema
    parts: tuple[tuple[int, tuple[Field | None, ...]], ...]


def _layout(config: Config, inputs: Inputs[Schema], warn: Callable[[str], None]) -> _Layout:
    order = _ordered(config, inputs)
    schemas = inputs.many("Input")
    if config.mode == "name":
        columns = _by_name(config, [(name, schemas[place]) for name, place in order], warn)
    elif config.mode == "position":
        columns = _by_position(config, [(name, schemas[place]) for name, place in order], warn)
    else:
        columns = _by_hand(config, [(name, schemas[place]) for name, place in order])
    if not columns:
        raise WorkflowError("Configuration: the inputs have no field in common; choose All (ByName_OutputMode)")
    fields = [_merged(name, [field for field in sources if field]) for name, sources in columns]
    parts = tuple(
        (place, tuple(sources[number_] for _, sources in columns)) for number_, (_, place) in enumerate(order)
    )
    return _Layout(Schema.of(fields), parts)


Columns = list[tuple[str, tuple[Field | None, ...]]]


def _by_name(config: Config, named: Sequence[tuple[str, Schema]], warn: Callable[[str], None]) -> Columns:
    names = {field.name.casefold(): field.name for _, schema in reversed(named) for field in reversed(schema.fields)}
    ordered = dict.fromkeys(field.name.casefold() for _, schema in named for field in schema)
    columns: Columns = []
    for key in ordered:
        sources = tuple(schema.find(key) for _, schema in named)
        missing = [name for (name, _), field in zip(named, sources, strict=True) if field is None]
        if missing:
            _complain(config, f"the field {names[key]!r} is missing in {', '.join(missing)}", warn)
        if not (missing and config.subset):
            columns.append((names[key], sources))
    return columns


def _complain(config: Config, text: str, warn: Callable[[str], None]) -> None:
    if config.error == "Error":
        rule = "ByPos" if config.mode == "position" else "ByName"
        raise WorkflowError(f"Configuration/{rule}_ErrorMode: {text}")
    if config.error == "Warning":
        warn(text)


def _by_position(config: Config, named: Sequence[tuple[str, Schema]], warn: Callable[[str], None]) -> Columns:
    width = max((len(schema) for _, schema in named), default=0)
    columns: Columns = []
    for place in range(width):
        sources = tuple(schema.fields[place] if place < len(schema) else None for _, schema in named)
        missing = [name for (name, _), field in zip(named, sources, strict=True) if field is None]
        if missing:
            _complain(config, f"there is no field {place + 1} in {', '.join(missing)}", warn)
        if not (missing and config.subset):
            columns.append((next(field.name for field in sources if field), sources))
    return columns


def _by_hand(config: Config, named: Sequence[tuple[str, Schema]]) -> Columns:
    manual = config.manual or {}
    chosen = [manual.get(name, {}) for name, _ in named]
    columns: Columns = []
    for place in sorted({place for fields in chosen for place in fields}):
        sources = tuple(
            schema.find(fields[place]) if place in fields else None
            for (_, schema), fields in zip(named, chosen, strict=True)
        )
        if any(sources):
            columns.append((next(field.name for field in sources if field), sources))
    return columns


def _merged(name: str, fields: Sequence[Field]) -> Field:
    def widest(left: DesignerType, right: DesignerType) -> DesignerType:
        found = common_type(left, right)
        if found is None:
            raise WorkflowError(
                f"the field {name!r} is {left} in one input and {right} in another; convert one of them"
            )
        return found

    return fields[0].named(name).typed(reduce(widest, (field.type for field in fields)))


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Merge the schemas; types widen."""
    return {"Output": _layout(config, inputs, context.warn).schema}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """UNION ALL; ordered by input, then by the input's order."""
    sources = inputs.many("Input")
    schemas = Inputs({"Input": [source.schema for source in sources]}, inputs.names)
    layout = _layout(config, schemas, lambda text: None)
    natural = all(source.natural and not source.order for source in sources)
    ordered = not natural and any(source.natural or source.order for source in sources)
    keys = (OrderKey(context.hidden(0)), OrderKey(context.hidden(1)))
    selects: list[exp.Query] = []
    for rank, (place, fields) in enumerate(layout.parts):
        source = sources[place]
        columns = _projections(layout.schema, fields, context)
        if ordered:
            position = over(exp.RowNumber(), (), source.ordering)
            columns += [
                exp.alias_(number(rank), keys[0].column, quoted=True),
                exp.alias_(position, keys[1].column, quoted=True),
            ]
        selects.append(exp.select(*columns).from_(source.table))
    union = reduce(lambda left, right: exp.union(left, right, distinct=False), selects)
    places = [place for place, _ in layout.parts]
    return {"Output": Query(union, keys if ordered else (), natural, rows=lambda rows: _sum(rows, places))}


def _sum(rows: Inputs[int], places: Sequence[int]) -> int:
    return sum(rows.many("Input")[place] for place in places)


def _projections(schema: Schema, fields: Sequence[Field | None], context: Context) -> list[exp.Expr]:
    converter = Converter(context.tool_id)
    return [
        exp.alias_(
            exp.cast(NULL.copy(), target.type.sql)
            if field is None
            else exp.cast(converter.convert(column(field.name), field.type, target.type, target.name), target.type.sql),
            target.name,
            quoted=True,
        )
        for target, field in zip(schema, fields, strict=True)
    ]


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Union.Union",),
    inputs=(Input("Input", multiple=True),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
