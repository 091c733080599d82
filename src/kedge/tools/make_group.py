"""MakeGroup: pairs of keys that belong together make groups."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kedge.exceptions import WorkflowError
from kedge.formula.types import common_type
from kedge.tools.contract import Built, Context, Input, Inputs, Order, Source, Step, Tool
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kedge.tools.element import Element


@dataclass(frozen=True)
class Config:
    """The two key fields."""

    first: str
    second: str


def parse(xml: Element) -> Config:
    """Read both keys."""
    options = Options(xml)
    config = Config(options.text("Key1st"), options.text("Key2nd"))
    options.finish()
    return config


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """``Group`` and ``Key``, both of the keys' type."""
    schema = inputs.one("Input")
    first, second = (
        schema.need(config.first, "Configuration/Key1st"),
        schema.need(config.second, "Configuration/Key2nd"),
    )
    type_ = common_type(first.type, second.type)
    if type_ is None or first.type.is_string != second.type.is_string:
        raise WorkflowError(
            f"Configuration/Key2nd: {first.name!r} is {first.type} and {second.name!r} is {second.type}"
        )
    return {"Output": Schema((Field("Group", type_, first.source), Field("Key", type_, first.source)))}


def build(config: Config, inputs: Inputs[Source], context: Context) -> Built:
    """Find the connected components; a group is called by its smallest key."""
    schema = inputs.one("Input").schema
    names = [schema.need(config.first, "").name, schema.need(config.second, "").name]
    arrow = bind(config, Inputs({"Input": [schema]}), context)["Output"].arrow()

    def run(records: Mapping[str, pa.RecordBatchReader]) -> Mapping[str, pa.Table]:
        table = records["Input"].read_all().select(names).cast(pa.schema(list(zip(names, arrow.types, strict=True))))
        groups = components(zip(*(table[name].to_pylist() for name in names), strict=True))
        rows: list[tuple[Any, Any]] = sorted((min(members), key) for members in groups for key in members)
        columns = list(zip(*rows, strict=True)) or [(), ()]
        return {
            "Output": pa.table(
                [pa.array(column, type_) for column, type_ in zip(columns, arrow.types, strict=True)], arrow
            )
        }

    return Step(run)


def components(pairs: Iterable[tuple[Any, Any]]) -> list[list[Any]]:
    """Return the groups of keys that pairs connect; null belongs to nothing."""
    leader: dict[Any, Any] = {}

    def find(key: Any) -> Any:
        while leader[key] != key:
            leader[key] = leader[leader[key]]
            key = leader[key]
        return key

    for pair in pairs:
        keys = [key for key in pair if key is not None]
        for key in keys:
            leader.setdefault(key, key)
        if len(keys) > 1:
            leader[find(keys[1])] = find(keys[0])
    groups: dict[Any, list[Any]] = {}
    for key in leader:
        groups.setdefault(find(key), []).append(key)
    return list(groups.values())


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.MakeGroup.MakeGroup",),
    inputs=(Input("Input", Order.LOST),),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
)
