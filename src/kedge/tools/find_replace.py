"""FindReplace: find the texts of one input in a field of another; replace them, or append fields of what was found."""

from __future__ import annotations

__all__ = ["TOOL"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import regex
from sqlglot import exp

from kedge.exceptions import WorkflowError
from kedge.tools.contract import Built, Context, Input, Inputs, Order, Query, Source, Step, Tool, column
from kedge.tools.options import Options
from kedge.tools.schema import Field, Schema
from kedge.tools.sql import all_of, call, not_null, number, over, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kedge.tools.element import Element

ANY, WHOLE, BEGIN = "FindAny", "FindWhole", "FindBegin"

MOST_SHOWN = 100


@dataclass(frozen=True)
class Config:
    """Where to find what, how, and what to do with it."""

    target: str
    search: str
    mode: str
    no_case: bool
    whole_word: bool
    append: tuple[str, ...]
    replacement: str = ""
    all_found: bool = False

    @property
    def replaces(self) -> bool:
        """Whether found text is replaced; otherwise fields are appended."""
        return bool(self.replacement)


def parse(xml: Element) -> Config:
    """Read the options."""
    options = Options(xml)
    replaces = options.choice("ReplaceMode", {"Replace": True, "Append": False})
    replacement = options.text("ReplaceFoundField", "")
    append = tuple(item.attribute("field") for item in options.listed("ReplaceAppendFields", "Field"))
    config = Config(
        target=options.text("FieldFind"),
        search=options.text("FieldSearch"),
        mode=options.choice("FindMode", {name: name for name in (ANY, WHOLE, BEGIN)}),
        no_case=options.flag("NoCase", False),
        whole_word=options.flag("MatchWholeWord", False),
        append=() if replaces else append,
        replacement=replacement if replaces else "",
        all_found=options.flag("ReplaceMultipleFound", False),
    )
    if replaces and not replacement.strip():
        raise options.fault("ReplaceFoundField", "name the field that replaces what is found")
    options.finish()
    return config


def bind(config: Config, inputs: Inputs[Schema], context: Context) -> Mapping[str, Schema]:
    """Replacing keeps the schema; appending adds the chosen source fields."""
    targets, source = inputs.one("Targets"), inputs.one("Source")
    _need_text(targets.need(config.target, "Configuration/FieldFind"), "FieldFind")
    _need_text(source.need(config.search, "Configuration/FieldSearch"), "FieldSearch")
    if config.replaces:
        _need_text(source.need(config.replacement, "Configuration/ReplaceFoundField"), "ReplaceFoundField")
        return {"Output": targets}
    new = [source.need(name, "Configuration/ReplaceAppendFields/Field/@field") for name in config.append]
    return {"Output": Schema.of([*targets, *new])}


def _need_text(field: Field, option: str) -> None:
    if not field.type.is_string:
        raise WorkflowError(f"Configuration/{option}: {field.name!r} is {field.type}, only text is found and replaced")


def build(config: Config, inputs: Inputs[Source], context: Context) -> Built:
    """Append by a join with the first match, replace by one regular expression over all texts."""
    targets, source = inputs.one("Targets"), inputs.one("Source")
    if config.replaces:
        return _replace(config, targets.schema, source.schema, context)
    targets, source = targets.numbered(context.hidden(0)), source.numbered(context.hidden(1))
    schemas = {"Targets": [targets.schema], "Source": [source.schema]}
    schema = bind(config, Inputs(schemas), context)["Output"]
    new = [column(source.schema.need(name, "").name) for name in config.append]
    firsts = _first_matches(config, targets, source, new, context)
    fields = schema.fields[len(targets.schema) :]
    found = [
        exp.alias_(column(context.hidden(10 + place), "f"), field.name, quoted=True)
        for place, field in enumerate(fields)
    ]
    columns = [column(field.name, "t") for field in targets.schema]
    hidden = [column(key.column, "t") for key in targets.order]
    value = column(targets.schema.need(config.target, "").name, "t")
    condition = exp.EQ(this=value, expression=column(context.hidden(2), "f"))
    select = exp.select(*columns, *found, *hidden).from_(targets.named("t"))
    return {
        "Output": Query(
            select.join(firsts.subquery("f"), on=condition, join_type="left"),
            targets.order,
            same_count="Targets",
        )
    }


def _first_matches(
    config: Config, targets: Source, source: Source, new: Sequence[exp.Expr], context: Context
) -> exp.Select:
    """Return, for each distinct target text, the fields of the first source record that matches it."""
    key, rank = context.hidden(2), context.hidden(3)
    value = column(targets.schema.need(config.target, "").name)
    values = exp.select(exp.alias_(value, key, quoted=True)).from_(targets.named("v")).distinct()
    search = column(source.schema.need(config.search, "").name)
    last = context.settings.find_replace_last
    ordering = [
        exp.Ordered(this=term.this.copy(), desc=last != bool(term.args.get("desc"))) for term in source.ordering
    ]
    numbered = exp.select(
        *[exp.alias_(item, context.hidden(10 + place), quoted=True) for place, item in enumerate(new)],
        exp.alias_(search, context.hidden(4), quoted=True),
        exp.alias_(over(exp.RowNumber(), (), ordering), rank, quoted=True),
    ).from_(source.table)
    condition = _matches(config, column(key, "d"), column(context.hidden(4), "s"))
    position = over(exp.RowNumber(), [column(key, "d")], [exp.Ordered(this=column(rank, "s"))])
    columns = [column(context.hidden(10 + place), "s") for place in range(len(new))]
    ranked = exp.select(column(key, "d"), *columns, exp.alias_(position, context.hidden(5), quoted=True))
    ranked = ranked.from_(values.subquery("d")).join(numbered.subquery("s"), on=condition, join_type="inner")
    first = exp.EQ(this=column(context.hidden(5)), expression=number(1))
    return exp.select("*").from_(ranked.subquery("m")).where(first)


def _matches(config: Config, value: exp.Expr, search: exp.Expr) -> exp.Expr:
    filled = all_of([not_null(search), exp.NEQ(this=search.copy(), expression=text(""))])
    if config.no_case:
        value, search = call("lower", value), call("lower", search)
    if config.mode == WHOLE:
        return all_of([exp.EQ(this=value, expression=search), filled])
    if config.whole_word:
        start = "^" if config.mode == BEGIN else r"(^|\W)"
        escaped = call("regexp_escape", search)
        pattern = call("concat", text(start), escaped, text(r"(\W|$)"))
        return all_of([call("regexp_matches", value, pattern), filled])
    return all_of([call("starts_with" if config.mode == BEGIN else "contains", value, search), filled])


def _replace(config: Config, targets: Schema, source: Schema, context: Context) -> Step:
    field = targets.need(config.target, "")
    name, longest = field.name, field.type.size
    find, replacement = source.need(config.search, "").name, source.need(config.replacement, "").name
    schema = targets.arrow()

    def run(records: Mapping[str, pa.RecordBatchReader]) -> Mapping[str, pa.RecordBatchReader]:
        table = records["Source"].read_all()
        change = replacer(config, table[find].to_pylist(), table[replacement].to_pylist())

        def fitting(value: str) -> str:
            if len(value) > longest:
                context.report("conversion", f"{name}: {value[:MOST_SHOWN]} is cut to {longest} characters")
            return value[:longest]

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in records["Targets"]:
                place = batch.schema.get_field_index(name)
                values = [
                    None if value is None else fitting(change(value)) for value in batch.column(place).to_pylist()
                ]
                columns = [*batch.columns[:place], pa.array(values, pa.string()), *batch.columns[place + 1 :]]
                yield pa.RecordBatch.from_arrays(columns, names=schema.names).cast(schema)

        return {"Output": pa.RecordBatchReader.from_batches(schema, batches())}

    return Step(run)


def replacer(config: Config, finds: Sequence[str | None], replacements: Sequence[str | None]) -> Callable[[str], str]:
    """Return a function that replaces the texts in a value; at each place the first of the texts that fits wins."""
    fold: Callable[[str], str] = str.lower if config.no_case else str
    known: dict[str, str] = {}
    for find, replacement in zip(finds, replacements, strict=True):
        if find:
            known.setdefault(fold(find), replacement or "")
    if not known:
        return lambda value: value
    if config.mode == WHOLE:
        return lambda value: known.get(fold(value), value)
    body = "|".join(map(regex.escape, known))
    word = rf"\b(?:{body})\b" if config.whole_word else f"(?:{body})"
    pattern = regex.compile(f"^{word}" if config.mode == BEGIN else word, regex.IGNORECASE if config.no_case else 0)
    count = 0 if config.all_found and config.mode == ANY else 1
    return lambda value: pattern.sub(lambda match: known[fold(match.group())], value, count=count)


def _order(config: Config) -> Mapping[str, Order]:
    return {"Targets": Order.USED if config.replaces else Order.KEPT, "Source": Order.USED}


TOOL = Tool(
    plugins=("AlteryxBasePluginsGui.FindReplace.FindReplace",),
    inputs=(Input("Targets"), Input("Source", Order.USED)),
    outputs=("Output",),
    parse=parse,
    bind=bind,
    build=build,
    order=_order,
)
