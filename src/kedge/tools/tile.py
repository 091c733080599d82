"""Tile: put records into numbered tiles."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.formula.types import INT32
from kedge.tools.contract import Context, Input, Inputs, Order, Query, Source, Tool, column
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sorting import sort_terms
from kedge.tools.sql import call, number, over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kedge.tools.element import Element

METHODS = ("EqualRecords", "EqualSum", "SmartTile", "Manual", "UniqueValue")
MOST_SIGMAS = 3


@dataclass(frozen=True)
class Config:
    """The method with its number of tiles, fields and cutoffs; ``groups`` tile each group alone."""

    method: str
    groups: tuple[str, ...]
    tiles: int = 0
    field: str = ""
    sort: str = ""
    dictionary: bool = True
    cutoffs: tuple[float, ...] = ()
    unique: tuple[str, ...] = ()
    unsorted: bool = False


def parse(xml: Element) -> Config:
    """Read the method's own section."""
    options = Options(xml)
    method = options.choice("Method", {name: name for name in METHODS})
    listed = options.listed("GroupFields", "Field")
    groups = [item.attribute("name", "") or item.attribute("field", "") for item in listed]
    options.ignore(*(name for name in METHODS if name != method))
    section = options.section(method)
    config = _PARSERS[method](section, tuple(groups))
    options.finish()
    return config


def _parse_equal_records(section: Options, groups: tuple[str, ...]) -> Config:
    group = section.name("EqualRecordsGroupField", "")
    return Config(
        "EqualRecords",
        (*groups, group) if group and group not in groups else groups,
        tiles=section.integer("NumTiles", least=1),
        sort=section.name("EqualRecordsSortField", ""),
        dictionary=section.integer("SortLocale", 1033) != 0,
    )


def _parse_equal_sum(section: Options, groups: tuple[str, ...]) -> Config:
    return Config(
        "EqualSum",
        groups,
        tiles=section.integer("NumTiles", least=1),
        field=section.name("EqualSumSumField"),
        sort=section.name("EqualSumSortField", ""),
        dictionary=section.integer("SortLocale", 1033) != 0,
    )


def _parse_smart(section: Options, groups: tuple[str, ...]) -> Config:
    return Config("SmartTile", groups, field=section.name("Field"))


def _parse_manual(section: Options, groups: tuple[str, ...]) -> Config:
    try:
        cutoffs = tuple(sorted(float(line) for line in section.text("Cutoffs").split()))
    except ValueError as fault:
        raise section.fault("Cutoffs", str(fault)) from None
    return Config("Manual", groups, field=section.name("Field"), cutoffs=cutoffs)


def _parse_unique(section: Options, groups: tuple[str, ...]) -> Config:
    fields = tuple(item.attribute("field") for item in section.listed("UniqueFields", "Field"))
    return Config("UniqueValue", groups, unique=fields, unsorted=section.flag("DontSort", False))


_PARSERS = {
    "EqualRecords": _parse_equal_records,
    "EqualSum": _parse_equal_sum,
    "SmartTile": _parse_smart,
    "Manual": _parse_manual,
    "UniqueValue": _parse_unique,
}


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Append ``Tile_Num`` and ``Tile_SequenceNum``."""
    schema = inputs.one("Input")
    for name in (*config.groups, *config.unique, *filter(None, (config.sort, config.field))):
        schema.need(name, f"Configuration/{config.method}")
    if config.field and not schema.need(config.field, "").type.is_numeric:
        raise WorkflowError(f"Configuration/{config.method}: {config.field!r} is not a number")
    return {"Output": Schema.of([*schema, Field("Tile_Num", INT32), Field("Tile_SequenceNum", INT32)])}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """Number the tiles, then the records within each tile; the order of the records stays."""
    source = inputs.one("Input").numbered(context.hidden(0))
    schema = bind(config, Inputs({"Input": [source.schema]}), context)["Output"]
    tile_name, sequence_name = (field.name for field in schema.fields[-2:])
    groups = [column(source.schema.need(name, "").name) for name in config.groups]
    ordering = [*_sort_terms(config, source), *source.ordering]
    tile = context.hidden(1)
    inner = source.select([*source.columns, exp.alias_(_tile(config, source, groups, ordering), tile, quoted=True)])
    if config.unsorted:
        inner = _summed(inner, source, tile, groups)
    sequence = over(exp.RowNumber(), [*groups, column(tile)], ordering)
    outer = exp.select(
        *source.columns,
        exp.alias_(exp.cast(column(tile), "int"), tile_name, quoted=True),
        exp.alias_(exp.cast(sequence, "int"), sequence_name, quoted=True),
        *source.hidden,
    ).from_(inner.select.subquery("tiled"))
    return {"Output": Query(outer, source.order, same_count="Input")}


def _summed(inner: Query, source: Source, tile: str, groups: Sequence[exp.Expr]) -> Query:
    """Turn marks at the starts of runs into the numbers of the runs."""
    frame = exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")
    number_ = over(call("sum", column(tile)), groups, source.ordering, frame)
    select = exp.select(*source.columns, exp.alias_(number_, tile, quoted=True), *source.hidden)
    return Query(select.from_(inner.select.subquery("runs")), inner.order)


def _sort_terms(config: Config, source: Source) -> list[exp.Expr]:
    """Numbers sort downwards, every other type upwards (documented for EqualRecords)."""
    if not config.sort:
        return []
    field = source.schema.need(config.sort, "")
    terms = sort_terms(column(field.name), field.type, config.dictionary)
    down = field.type.is_numeric
    return [exp.Ordered(this=term, desc=down, nulls_first=not down) for term in terms]


def _tile(config: Config, source: Source, groups: Sequence[exp.Expr], ordering: Sequence[exp.Expr]) -> exp.Expr:
    if config.method == "EqualRecords":
        return over(call("ntile", number(config.tiles)), groups, ordering)
    if config.method == "UniqueValue":
        return _unique(config, source, groups)
    value = column(source.schema.need(config.field, "").name)
    if config.method == "Manual":
        cuts = [exp.cast(exp.GT(this=value.copy(), expression=number(cut)), "int") for cut in config.cutoffs]
        total: exp.Expr = number(1)
        for cut in cuts:
            total = exp.Add(this=total, expression=cut)
        return total
    return _equal_sum(config, value, groups, ordering) if config.method == "EqualSum" else _smart(value, groups)


def _unique(config: Config, source: Source, groups: Sequence[exp.Expr]) -> exp.Expr:
    fields = [source.schema.need(name, "") for name in config.unique]
    values = [column(field.name) for field in fields]
    if config.unsorted:
        return _runs(values, groups, source.ordering)
    terms = [term for field, value in zip(fields, values, strict=True) for term in sort_terms(value, field.type, True)]
    return over(call("dense_rank"), groups, [exp.Ordered(this=term, nulls_first=True) for term in terms])


def _runs(values: Sequence[exp.Expr], groups: Sequence[exp.Expr], ordering: Sequence[exp.Expr]) -> exp.Expr:
    """Without sorting, every run of equal values is a tile."""
    row = call("row", *values)
    changed = exp.NullSafeNEQ(this=row, expression=over(call("lag", row.copy()), groups, ordering))
    first = exp.EQ(this=over(exp.RowNumber(), groups, ordering), expression=number(1))
    return exp.cast(exp.or_(first, changed), "int")


def _equal_sum(
    config: Config,
    value: exp.Expr,
    groups: Sequence[exp.Expr],
    ordering: Sequence[exp.Expr],
) -> exp.Expr:
    """Cut the running sum into equal shares of the total."""
    filled = call("coalesce", value, number(0))
    frame = exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")
    running = over(call("sum", filled), groups, ordering, frame)
    whole = call("nullif", over(call("sum", filled.copy()), groups), number(0))
    share = exp.Mul(this=exp.paren(exp.Div(this=running, expression=whole)), expression=number(config.tiles))
    lowest = call("greatest", number(1), call("ceil", share))
    return call("least", number(config.tiles), call("coalesce", lowest, number(1)))


def _smart(value: exp.Expr, groups: Sequence[exp.Expr]) -> exp.Expr:
    """Tile 0 is within half a standard deviation of the mean; each further deviation is one more, at most three."""
    away = exp.paren(exp.Sub(this=value, expression=over(call("avg", value.copy()), groups)))
    deviation = call("nullif", over(call("stddev_samp", value.copy()), groups), number(0))
    rounded = call("round", exp.Div(this=away, expression=deviation))
    bounded = call("greatest", number(-MOST_SIGMAS), call("least", number(MOST_SIGMAS), rounded))
    return (
        exp.case()
        .when(exp.Is(this=value.copy(), expression=exp.Null()), exp.Null())
        .else_(call("coalesce", bounded, number(0)))
    )


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.Tile.Tile",),
    inputs=(Input("Input", Order.USED),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
