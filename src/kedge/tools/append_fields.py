"""AppendFields: every target record with every source record."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.tools.contract import Context, Input, Inputs, Query, Source, Tool
from kedge.tools.join import parse_select_configuration
from kedge.tools.options import Options
from kedge.tools.pairing import both_orders, paired_candidates
from kedge.tools.schema import Schema
from kedge.tools.selection import Chosen, Selection, choose, project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedge.tools.element import Element

PREFIXES = ("Target_", "Source_")
MOST = 16


@dataclass(frozen=True)
class Config:
    """What happens with more than 16 source records, and what goes out."""

    mode: str
    selection: Selection


def parse(xml: Element) -> Config:
    """Read the options."""
    options = Options(xml)
    mode = options.choice("CartesianMode", {name: name for name in ("Error", "Warn", "Allow")}, "Error")
    config = Config(mode, parse_select_configuration(options))
    options.finish()
    return config


def _chosen(config: Config, targets: Schema, source: Schema, context: Context | None) -> list[Chosen]:
    warn = context.warn if context else lambda text: None
    return choose(config.selection, paired_candidates(targets, source, PREFIXES), warn)


def probe(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, exp.Query]:
    """Count the source records, as far as it matters."""
    some = exp.select("1").from_(inputs.one("Source").table).limit(MOST + 1).subquery("some")
    return {"count": exp.select(exp.alias_(exp.Count(this=exp.Star()), "count")).from_(some)}


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Targets and then source; refuse a source that is too long."""
    if context.facts and config.mode != "Allow" and context.facts["count"]["count"][0].as_py() > MOST:
        text = f"the source has more than {MOST} records"
        if config.mode == "Error":
            raise WorkflowError(f"Configuration/CartesianMode: {text}; choose Allow if this is meant")
        context.warn(text)
    chosen = _chosen(config, inputs.one("Targets"), inputs.one("Source"), context)
    return {"Output": Schema(tuple(item.field for item in chosen))}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Mapping[str, Query]:
    """A cross join, ordered by target, then by source."""
    targets = inputs.one("Targets").numbered(context.hidden(0))
    source = inputs.one("Source").numbered(context.hidden(1))
    projections = project(_chosen(config, targets.schema, source.schema, None), config.selection, context)
    carried, order = both_orders(targets, source, context)
    select = exp.select(*projections, *carried).from_(targets.named("l"))
    return {"Output": Query(select.join(source.named("r"), join_type="cross"), order, rows=_pairs, grows=True)}


def _pairs(rows: Inputs[int]) -> int:
    return rows.one("Targets") * rows.one("Source")


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.AppendFields.AppendFields",),
    inputs=(Input("Targets"), Input("Source")),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    probe=probe,
    probes=("Source",),
)
